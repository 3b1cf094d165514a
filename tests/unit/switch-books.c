/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The books of the switch log: names, sums, and what becomes of who ended. */
#include "probe/switch-books.h"

#include <stdlib.h>
#include <string.h>

#include "probe/switch-follow.h"
#include "tests/unit/unit.h"

enum { CLOCK, TIME, COUNTS };

static struct switch_books books;

static struct switch_identity identity(uint32_t tgid, uint32_t tid, const char *comm)
{
	struct switch_identity result = {
		.process = tgid * UINT64_C(1000),
		.start_ns = tid * UINT64_C(10000000) + 5,
		.process_start_ns = tgid * UINT64_C(10000000) + 5,
		.tid = tid,
		.tgid = tgid,
	};

	snprintf(result.comm, sizeof result.comm, "%s", comm);
	return result;
}

static void charge(uint32_t tgid, uint32_t tid, uint64_t clock)
{
	const struct switch_identity who = identity(tgid, tid, "it");
	const uint64_t delta[SWITCH_COUNTS] = { clock, 2 * clock };

	switch_books_charge(&books, &who, delta);
	UNIT_EQUAL_I64(0, switch_books_total(&books, 0, delta));
}

static void fold(uint32_t tgid, uint32_t tid, uint64_t clock)
{
	const struct switch_identity who = identity(tgid, tid, "it");
	const uint64_t delta[SWITCH_COUNTS] = { clock, 2 * clock };

	switch_books_fold(&books, &who, delta);
	UNIT_EQUAL_I64(0, switch_books_total(&books, 1, delta));
}

static void add(enum switch_head head, unsigned cpu, uint64_t clock)
{
	const uint64_t delta[SWITCH_COUNTS] = { clock, 2 * clock };

	switch_books_add(&books, head, cpu, delta);
	UNIT_EQUAL_I64(0, switch_books_total(&books, cpu, delta));
}

static uint64_t sum_of(unsigned column)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < books.processes.count; i++)
		sum += books.processes.items[i].count[column];
	for (unsigned head = 0; head < SWITCH_HEADS; head++)
		sum += books.heads[head][column];
	return sum;
}

static void check_sums(void)
{
	for (unsigned column = 0; column < COUNTS; column++) {
		uint64_t total = 0;

		for (size_t cpu = 0; cpu < books.cpus.count; cpu++)
			total += books.cpus.items[cpu].total[column];
		UNIT_EQUAL_U64(total, sum_of(column));
	}
}

/* Whom the kernel still knows. */
static bool none_is_alive(const struct switch_process *process)
{
	(void)process;
	return false;
}

static bool even_are_alive(const struct switch_process *process)
{
	return process->tgid % 2 == 0;
}

static uint64_t of_process(pid_t tgid)
{
	const struct switch_process *process = switch_books_process(&books, tgid, 0);

	return process ? process->count[CLOCK] : 0;
}

/* --- names --------------------------------------------------------------------------------- */

static void test_names(void)
{
	switch_books_begin(&books);
	charge(10, 10, 100);
	charge(10, 11, 20);
	charge(12, 12, 3);
	switch_books_end(&books, 77, none_is_alive);
	UNIT_EQUAL_U64(77, books.at_ns);
	UNIT_EQUAL_U64(120, of_process(10));
	UNIT_EQUAL_U64(3, of_process(12));
	UNIT_EQUAL_TEXT("it", switch_books_process(&books, 10, 0)->comm);
	UNIT_EQUAL_U64(20, switch_books_thread(&books, 11, 0)->count[CLOCK]);
	UNIT_EQUAL_U64(40, switch_books_thread(&books, 11, 11)->count[TIME]);
	UNIT_EQUAL_I64(10, switch_books_thread(&books, 11, 11)->tgid);
	UNIT_TRUE(switch_books_thread(&books, 11, 12) == NULL); /* began at another time */
	UNIT_TRUE(switch_books_thread(&books, 13, 0) == NULL);
	UNIT_TRUE(switch_books_process(&books, 11, 0) == NULL);
	UNIT_TRUE(switch_books_process(&books, 10, 9) == NULL);
	check_sums();
	switch_books_clear(&books);
	UNIT_TRUE(switch_books_process(&books, 10, 0) == NULL);
}

/* --- ends ---------------------------------------------------------------------------------- */

/* A thread's stays with its process as long as that is there. */
static void test_thread_ends(void)
{
	switch_books_begin(&books);
	charge(10, 10, 100);
	charge(10, 11, 20);
	switch_books_end(&books, 1, none_is_alive);
	switch_books_begin(&books);
	charge(10, 10, 1);
	fold(10, 11, 5);
	switch_books_end(&books, 2, none_is_alive);
	UNIT_TRUE(switch_books_thread(&books, 11, 0) == NULL);
	UNIT_EQUAL_U64(126, of_process(10));
	check_sums();
	switch_books_clear(&books);
}

/* All its known threads ended, but one that never ran is left: then the kernel is asked. */
static void test_process_ends(void)
{
	for (unsigned round = 1; round <= 2; round++) {
		switch_books_begin(&books);
		if (round == 1) {
			charge(10, 11, 20);
			charge(13, 13, 7);
		} else {
			fold(10, 11, 5);
			fold(13, 13, 1);
		}
		switch_books_end(&books, round, even_are_alive);
	}
	UNIT_EQUAL_U64(25, of_process(10));
	UNIT_EQUAL_U64(8, of_process(13)); /* for those who ask for its last figures */
	UNIT_EQUAL_U64(0, books.heads[SWITCH_ENDED][CLOCK]);
	check_sums();
	switch_books_begin(&books);
	switch_books_end(&books, 3, even_are_alive);
	UNIT_EQUAL_U64(25, of_process(10));
	UNIT_TRUE(switch_books_process(&books, 13, 0) == NULL);
	UNIT_EQUAL_U64(8, books.heads[SWITCH_ENDED][CLOCK]);
	check_sums();
	switch_books_clear(&books);
}

/* The same numbers, others' by now: nothing is taken over. */
static void test_reused(void)
{
	struct switch_identity who = identity(10, 10, "new");
	const uint64_t delta[SWITCH_COUNTS] = { 4, 8 };

	switch_books_begin(&books);
	charge(10, 10, 100);
	switch_books_end(&books, 1, none_is_alive);
	switch_books_begin(&books);
	who.process++;
	who.start_ns += 1000000000;
	switch_books_charge(&books, &who, delta);
	switch_books_total(&books, 0, delta);
	switch_books_end(&books, 2, none_is_alive);
	UNIT_EQUAL_U64(4, of_process(10));
	UNIT_EQUAL_U64(4, switch_books_thread(&books, 10, 0)->count[CLOCK]);
	UNIT_EQUAL_TEXT("new", switch_books_process(&books, 10, 0)->comm);
	UNIT_EQUAL_U64(100, books.heads[SWITCH_ENDED][CLOCK]);
	check_sums();
	switch_books_clear(&books);
}

/* --- churn --------------------------------------------------------------------------------- */

/* Whatever comes and goes, the sums hold, and memory is that of who is there. */
static void test_churn(void)
{
	uint64_t seed = 20, state = seed;
	size_t most = 0;

	for (unsigned round = 1; round <= unit_rounds(300); round++) {
		uint32_t first = round * 50; /* numbers go on */

		switch_books_begin(&books);
		for (unsigned i = 0; i < 100; i++) {
			uint32_t tid = first + (uint32_t)(unit_random(&state) % 200);
			uint64_t clock = unit_random(&state) % 1000000;

			if (i % 3)
				charge(tid / 4 * 4, tid, clock);
			else
				fold(tid / 4 * 4, tid, clock);
		}
		add(SWITCH_IDLE, round % 5, unit_random(&state) % 1000);
		add(SWITCH_UNLISTED, 1, unit_random(&state) % 1000);
		add(SWITCH_ENDED, 2, unit_random(&state) % 1000);
		switch_books_end(&books, round, none_is_alive);
		check_sums();
		if (books.processes.count > most)
			most = books.processes.count;
		UNIT_TRUE(books.threads.count <= 100);
	}
	printf("(seed %llu, at most %zu processes) ", (unsigned long long)seed, most);
	UNIT_TRUE(most <= 102);
	UNIT_TRUE(books.cpus.count == 5 || unit_rounds(300) < 5);
	switch_books_clear(&books);
}

/* --- domains ------------------------------------------------------------------------------- */

static char none[] = "";

struct scene {
	struct thread threads[4];
	struct domain domain;
	struct service service;
	struct topology topology;
	struct sample sample;
	struct switch_followed followed;
};

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){
		.threads = {
			{ .tid = 10, .start_ticks = 10, .role = THREAD_EMULATOR },
			{ .tid = 11, .start_ticks = 11, .role = THREAD_VCPU, .sampled = true },
			{ .tid = 90, .start_ticks = 90, .role = THREAD_VHOST, .sampled = true },
			{ .tid = 12, .start_ticks = 12, .role = THREAD_VHOST },
		},
		.domain = { .id = none, .name = none, .pid = 10, .start_ticks = 10,
			    .thread_count = 3 },
		.service = { .id = none, .name = none, .pid = 50 },
		.topology = { .domain_count = 1, .service_count = 1 },
	};
	scene->domain.threads = scene->threads;
	scene->topology.domains = &scene->domain;
	scene->topology.services = &scene->service;
}

static void scene_follow(struct scene *scene, size_t threads)
{
	scene->domain.thread_count = threads;
	scene->topology.generation++;
	UNIT_EQUAL_I64(0, switch_followed_update(&scene->followed, &scene->topology, NULL));
}

static const struct domain_reading *scene_read(struct scene *scene, unsigned quality)
{
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	if (!scene->sample.domains || !scene->sample.services)
		abort();
	UNIT_EQUAL_I64(0, switch_followed_read(&scene->followed, &books, quality, &scene->topology,
					       &scene->sample));
	return scene->sample.domains;
}

static void scene_close(struct scene *scene)
{
	sample_clear(&scene->sample);
	switch_followed_clear(&scene->followed);
	switch_books_clear(&books);
}

static void run_all(uint64_t clock)
{
	switch_books_begin(&books);
	charge(10, 10, clock);
	charge(10, 11, 10 * clock);
	charge(10, 12, 100 * clock);
	charge(90, 90, 1000 * clock);
	charge(50, 51, 7 * clock);
	switch_books_end(&books, clock, none_is_alive);
}

/* A domain whose process, a vCPU and a worker have run. */
static const struct domain_reading *scene_run(struct scene *scene)
{
	scene_open(scene);
	scene_follow(scene, 3);
	run_all(1);
	return scene_read(scene, 0);
}

/* Its process with all threads, known to discovery or not; workers of the kernel beside it. */
static void test_domain(void)
{
	const struct domain_reading *reading;
	struct scene scene;

	reading = scene_run(&scene);
	UNIT_EQUAL_U64(1111, reading->total.count[CLOCK]);
	UNIT_EQUAL_U64(1, reading->total.at_ns);
	UNIT_EQUAL_I64(TOTAL_PROCESS, reading->total_source);
	UNIT_EQUAL_U64(10, reading->threads[1].count[CLOCK]);
	UNIT_EQUAL_U64(1000, reading->threads[2].count[CLOCK]);
	UNIT_EQUAL_U64(0, reading->threads[0].at_ns); /* not sampled */
	UNIT_EQUAL_U64(7, scene.sample.services[0].total.count[CLOCK]);
	scene_close(&scene);
}

/* The main loop is not sampled; one I/O thread has run, the other not yet. */
static void test_threads_of_a_service(void)
{
	struct thread threads[] = {
		{ .tid = 50, .role = THREAD_EMULATOR },
		{ .tid = 51, .role = THREAD_IOTHREAD, .sampled = true },
		{ .tid = 52, .role = THREAD_IOTHREAD, .sampled = true },
	};
	const struct service_reading *reading;
	struct scene scene;

	scene_open(&scene);
	scene.service.threads = threads;
	scene.service.thread_count = 3;
	scene_follow(&scene, 3);
	run_all(1);
	scene_read(&scene, 0);
	reading = scene.sample.services;
	UNIT_EQUAL_U64(0, reading->threads[0].at_ns);
	UNIT_EQUAL_U64(1, reading->threads[1].at_ns);
	UNIT_EQUAL_U64(7, reading->threads[1].count[CLOCK]);
	UNIT_EQUAL_U64(1, reading->threads[2].at_ns);
	UNIT_EQUAL_U64(0, reading->threads[2].count[CLOCK]);
	scene_read(&scene, QUALITY_MISSING);
	UNIT_EQUAL_U64(0, scene.sample.services[0].threads[1].at_ns);
	UNIT_EQUAL_U64(QUALITY_MISSING, scene.sample.services[0].threads[1].quality);
	scene_close(&scene);
}

/* Workers of newer kernels are threads of the process, whose total has them. */
static void test_worker_inside(void)
{
	const struct domain_reading *reading;
	struct scene scene;

	scene_open(&scene);
	scene_follow(&scene, 2);
	run_all(1);
	UNIT_EQUAL_U64(111, scene_read(&scene, 0)->total.count[CLOCK]);
	scene_follow(&scene, 4); /* both are found later */
	run_all(1);
	reading = scene_read(&scene, 0);
	UNIT_EQUAL_U64(2 * 1111, reading->total.count[CLOCK]);
	UNIT_EQUAL_U64(2000, reading->threads[2].count[CLOCK]);
	UNIT_EQUAL_U64(0, reading->threads[3].at_ns); /* not sampled */
	scene_close(&scene);
}

/* A worker that ended, or left the domain, stays in its total. */
static void test_worker_ends(void)
{
	const struct domain_reading *reading;
	struct scene scene;

	scene_run(&scene);
	switch_books_begin(&books);
	charge(10, 11, 5);
	switch_books_end(&books, 2, none_is_alive);
	reading = scene_read(&scene, 0);
	UNIT_EQUAL_U64(1116, reading->total.count[CLOCK]);
	UNIT_EQUAL_U64(1000, reading->threads[2].count[CLOCK]);
	scene_follow(&scene, 2);
	UNIT_EQUAL_U64(1116, scene_read(&scene, 0)->total.count[CLOCK]);
	scene_follow(&scene, 2);
	UNIT_EQUAL_U64(1116, scene_read(&scene, 0)->total.count[CLOCK]);
	scene_close(&scene);
}

static void test_domain_ends(void)
{
	const struct domain_reading *reading;
	struct scene scene;

	scene_run(&scene);
	switch_books_begin(&books);
	fold(10, 10, 6); /* what it did last */
	switch_books_end(&books, 2, none_is_alive);
	reading = scene_read(&scene, 0);
	UNIT_EQUAL_U64(1117, reading->total.count[CLOCK]);
	UNIT_EQUAL_U64(10, reading->threads[1].count[CLOCK]);
	switch_books_begin(&books);
	switch_books_end(&books, 3, none_is_alive);
	UNIT_TRUE(switch_books_process(&books, 10, 0) == NULL);
	UNIT_EQUAL_U64(1117, scene_read(&scene, 0)->total.count[CLOCK]);
	scene.domain.pid = 0;
	scene_follow(&scene, 0);
	reading = scene_read(&scene, 0);
	UNIT_EQUAL_U64(QUALITY_MISSING, reading->total.quality);
	UNIT_EQUAL_I64(TOTAL_NONE, reading->total_source);
	scene_close(&scene);
}

/* Before it has run, a thread has used nothing: that is known. */
static void test_not_run(void)
{
	const struct domain_reading *reading;
	struct scene scene;

	scene_open(&scene);
	scene_follow(&scene, 3);
	switch_books_begin(&books);
	switch_books_end(&books, 5, none_is_alive);
	reading = scene_read(&scene, QUALITY_ESTIMATE);
	UNIT_EQUAL_U64(5, reading->threads[1].at_ns);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, reading->threads[1].quality);
	UNIT_EQUAL_U64(0, reading->total.count[CLOCK]);
	reading = scene_read(&scene, QUALITY_MISSING);
	UNIT_EQUAL_U64(0, reading->threads[1].at_ns);
	UNIT_EQUAL_U64(QUALITY_MISSING, reading->total.quality);
	scene_close(&scene);
}

int main(void)
{
	return UNIT_RUN(
		"switch-books",
		{ "threads and processes are found by number and start", test_names },
		{ "what a thread used stays with its process", test_thread_ends },
		{ "a process that is over is folded, a silent one is not", test_process_ends },
		{ "a number that is used again takes nothing over", test_reused },
		{ "sums hold and memory is bounded whatever comes and goes", test_churn },
		{ "a domain is its process and the kernel's workers for it", test_domain },
		{ "the threads of a service are read by themselves", test_threads_of_a_service },
		{ "a worker counts once, beside the process or in it (model.md 2)",
		  test_worker_inside },
		{ "a worker that ended stays in its domain's total", test_worker_ends },
		{ "a domain that ended keeps its last figures", test_domain_ends },
		{ "who has not run has used nothing", test_not_run });
}
