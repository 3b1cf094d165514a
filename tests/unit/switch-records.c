/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of switches as the kernel writes them, put into a ring by hand. */
#include "probe/switch-ring-records.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { RING_BYTES = 4096, CPU = 1, OUT = 1, IN = 0 };
enum { CLOCK, TIME };

/* A CPU that counts switches and one event. */
struct scene {
	struct rootfs root;
	struct perf_event_mmap_page page;
	uint8_t data[RING_BYTES];
	struct ring_log log;
	struct ring_cpu cpu;
	struct switch_books books;
	uint64_t switches, round;
	uint32_t me, init; /* two processes that are there, whatever runs here */
};

static void scene_open(struct scene *scene)
{
	struct error error = { "" };

	*scene = (struct scene){ .me = (uint32_t)getpid(), .init = 1 };
	UNIT_EQUAL_I64(0, rootfs_open(&scene->root, NULL, &error));
	scene->log.tasks.root = &scene->root;
	scene->cpu.log = &scene->log;
	scene->cpu.cpu = CPU;
	scene->cpu.fd_count = 2;
	scene->cpu.ring = (struct trace_ring){ &scene->page, scene->data, RING_BYTES };
	UNIT_EQUAL_I64(0, ring_log_reserve(&scene->log, CPU));
}

static bool all_are_alive(const struct switch_process *process)
{
	(void)process;
	return true;
}

static bool none_is_alive(const struct switch_process *process)
{
	(void)process;
	return false;
}

static void scene_book(struct scene *scene, bool (*is_alive)(const struct switch_process *))
{
	ring_cpu_drain(&scene->cpu);
	switch_books_begin(&scene->books);
	ring_log_book(&scene->log, &scene->books);
	switch_books_end(&scene->books, ++scene->round, is_alive);
}

static void scene_close(struct scene *scene)
{
	switch_books_clear(&scene->books);
	ring_log_clear(&scene->log);
	rootfs_close(&scene->root);
}

static void put(struct scene *scene, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		scene->data[scene->page.data_head++ & (RING_BYTES - 1)] =
			((const uint8_t *)bytes)[i];
}

static void put_record(struct scene *scene, uint32_t type, uint16_t misc, const void *body,
		       size_t length)
{
	const struct perf_event_header header = {
		.type = type,
		.misc = misc,
		.size = (uint16_t)(sizeof header + length),
	};

	put(scene, &header, sizeof header);
	put(scene, body, length);
}

/* Who leaves at this time, and what the event says then. */
static void leave(struct scene *scene, uint32_t tgid, uint32_t tid, uint64_t time_ns,
		  uint64_t clock)
{
	const uint64_t body[] = { (uint64_t)tid << 32 | tgid, time_ns, 2, ++scene->switches,
				  clock };

	put_record(scene, PERF_RECORD_SAMPLE, 0, body, sizeof body);
}

static void change(struct scene *scene, uint16_t out, uint32_t other, uint32_t tid,
		   uint64_t time_ns)
{
	const uint32_t body[] = {
		other, other, tid, tid, (uint32_t)time_ns, (uint32_t)(time_ns >> 32),
	};

	put_record(scene, PERF_RECORD_SWITCH_CPU_WIDE, out ? PERF_RECORD_MISC_SWITCH_OUT : 0, body,
		   sizeof body);
}

static void task(struct scene *scene, uint32_t type, uint32_t tgid, uint32_t tid)
{
	const uint32_t body[] = { tgid, 1, tid, 1, 0, 0 };

	put_record(scene, type, 0, body, sizeof body);
}

static uint64_t of_process(const struct scene *scene, uint32_t tgid, unsigned column)
{
	const struct switch_process *process = switch_books_process(&scene->books, (pid_t)tgid, 0);

	return process ? process->count[column] : 0;
}

static void check_sums(const struct scene *scene)
{
	for (unsigned column = 0; column <= TIME; column++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < scene->books.processes.count; i++)
			sum += scene->books.processes.items[i].count[column];
		for (unsigned head = 0; head < SWITCH_HEADS; head++)
			sum += scene->books.heads[head][column];
		UNIT_EQUAL_U64(scene->books.cpus.items[CPU].total[column], sum);
	}
}

/* The first record is where the next ones count from, and so is all before the first reading. */
static void begin(struct scene *scene)
{
	scene_open(scene);
	leave(scene, scene->me, scene->me, 1000, 100);
	leave(scene, 0, 0, 2000, 150);
	scene_book(scene, all_are_alive);
	UNIT_EQUAL_U64(0, scene->books.cpus.items[CPU].total[TIME]);
	UNIT_EQUAL_U64(0, scene->books.quality);
}

static void test_charge(void)
{
	static struct scene scene;

	begin(&scene);
	leave(&scene, scene.me, scene.me, 2300, 180);
	leave(&scene, 0, 0, 3000, 180);
	leave(&scene, scene.me, scene.me, 3001, 181);
	leave(&scene, scene.init, scene.init, 3011, 200);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(301, of_process(&scene, scene.me, TIME));
	UNIT_EQUAL_U64(31, of_process(&scene, scene.me, CLOCK));
	UNIT_EQUAL_U64(10, of_process(&scene, scene.init, TIME));
	UNIT_EQUAL_U64(700, scene.books.heads[SWITCH_IDLE][TIME]);
	UNIT_EQUAL_U64(700, scene.books.cpus.items[CPU].idle[TIME]);
	UNIT_EQUAL_U64(0, scene.books.quality);
	UNIT_TRUE(switch_books_process(&scene.books, (pid_t)scene.me, 0)->comm[0] != '\0');
	check_sums(&scene);
	scene_close(&scene);
}

/* Round and round the ring. */
static void test_wrap(void)
{
	static struct scene scene;
	uint64_t time_ns = 2000;

	begin(&scene);
	for (unsigned i = 0; i < 500; i++) {
		leave(&scene, scene.me, scene.me, time_ns += 7, 150);
		leave(&scene, 0, 0, time_ns += 3, 150);
		if (i % 20 == 19)
			ring_cpu_drain(&scene.cpu);
	}
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(3500, of_process(&scene, scene.me, TIME));
	UNIT_EQUAL_U64(1500, scene.books.heads[SWITCH_IDLE][TIME]);
	UNIT_EQUAL_U64(0, scene.books.quality);
	UNIT_EQUAL_U64(1002, scene.log.switches);
	check_sums(&scene);
	scene_close(&scene);
}

/* Whose time it was is not known; that it passed, is. */
static void test_lost(void)
{
	const uint64_t lost[] = { 0, 5 };
	static struct scene scene;

	begin(&scene);
	leave(&scene, scene.me, scene.me, 2010, 150);
	scene.switches += 5;
	put_record(&scene, PERF_RECORD_LOST, 0, lost, sizeof lost);
	leave(&scene, scene.me, scene.me, 3010, 151);
	leave(&scene, scene.me, scene.me, 3011, 152);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(QUALITY_GAP, scene.books.quality);
	UNIT_EQUAL_U64(11, of_process(&scene, scene.me, TIME));
	UNIT_EQUAL_U64(1000, scene.books.heads[SWITCH_UNLISTED][TIME]);
	UNIT_TRUE(!scene.log.is_deaf);
	check_sums(&scene);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(0, scene.books.quality);
	scene_close(&scene);
}

/* A ring that is found full may have lost what came next. */
static void test_full(void)
{
	static struct scene scene;

	begin(&scene);
	while (scene.page.data_head - scene.page.data_tail + 64 <= RING_BYTES)
		leave(&scene, 0, 0, 2000, 150);
	ring_cpu_drain(&scene.cpu);
	leave(&scene, scene.me, scene.me, 2500, 150);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(QUALITY_GAP, scene.books.quality);
	UNIT_EQUAL_U64(500, scene.books.heads[SWITCH_UNLISTED][TIME]);
	check_sums(&scene);
	scene_close(&scene);
}

/* No record of the idle task's leaving, nor a word of it: then arrivals are needed. */
static void test_deaf(void)
{
	static struct scene scene;

	begin(&scene);
	leave(&scene, scene.me, scene.me, 2010, 150);
	scene.switches++;
	leave(&scene, scene.init, scene.init, 5000, 160);
	scene_book(&scene, all_are_alive);
	UNIT_TRUE(scene.log.is_deaf);
	UNIT_EQUAL_U64(QUALITY_GAP, scene.books.quality);
	UNIT_EQUAL_U64(2990, scene.books.heads[SWITCH_UNLISTED][TIME]);
	check_sums(&scene);
	scene_close(&scene);
}

static void test_arrivals(void)
{
	static struct scene scene;

	begin(&scene);
	leave(&scene, scene.me, scene.me, 2010, 150);
	change(&scene, OUT, 0, scene.me, 2011);
	scene.switches++;
	change(&scene, IN, 0, scene.init, 4000);
	leave(&scene, scene.init, scene.init, 4100, 160);
	change(&scene, OUT, scene.me, scene.init, 4101);
	change(&scene, IN, scene.init, scene.me, 4102);
	leave(&scene, scene.me, scene.me, 4200, 165);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(0, scene.books.quality);
	UNIT_TRUE(!scene.log.is_deaf);
	UNIT_EQUAL_U64(1990, scene.books.heads[SWITCH_IDLE][TIME]);
	UNIT_EQUAL_U64(100, of_process(&scene, scene.init, TIME));
	UNIT_EQUAL_U64(10, of_process(&scene, scene.init, CLOCK));
	UNIT_EQUAL_U64(110, of_process(&scene, scene.me, TIME));
	check_sums(&scene);
	scene_close(&scene);
}

/* Two that left no record one after the other: whose time it was is not known. */
static void test_unrecorded(void)
{
	static struct scene scene;

	begin(&scene);
	leave(&scene, scene.me, scene.me, 2010, 150);
	change(&scene, OUT, 0, scene.me, 2011);
	scene.switches += 2;
	change(&scene, IN, scene.init, scene.me, 4000);
	leave(&scene, scene.me, scene.me, 4100, 160);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(QUALITY_GAP, scene.books.quality);
	UNIT_TRUE(scene.books.heads[SWITCH_UNLISTED][TIME] >= 1990);
	UNIT_EQUAL_U64(0, of_process(&scene, scene.init, TIME));
	check_sums(&scene);
	scene_close(&scene);
}

/* A thread's last record has no numbers any more: its exit before it tells. */
static void test_exit(void)
{
	const uint32_t gone = 4000000; /* above any number that the kernel gives by default */
	static struct scene scene;

	begin(&scene);
	leave(&scene, scene.me, gone, 2010, 150);
	task(&scene, PERF_RECORD_EXIT, scene.me, gone);
	leave(&scene, UINT32_MAX, UINT32_MAX, 2030, 155);
	leave(&scene, UINT32_MAX, UINT32_MAX, 2037, 155);
	leave(&scene, gone + 1, gone + 1, 2040, 155);
	scene_book(&scene, none_is_alive);
	UNIT_EQUAL_U64(0, scene.log.tasks.count);
	scene_book(&scene, none_is_alive);
	UNIT_EQUAL_U64(0, scene.books.processes.count);
	UNIT_EQUAL_U64(40, scene.books.heads[SWITCH_ENDED][TIME]);
	check_sums(&scene);
	leave(&scene, scene.me, scene.me, 2050, 155);
	scene_book(&scene, none_is_alive);
	UNIT_EQUAL_U64(10, of_process(&scene, scene.me, TIME));
	scene_close(&scene);
}

static void test_name(void)
{
	const uint32_t numbers[] = { (uint32_t)getpid(), (uint32_t)getpid() };
	static struct scene scene;
	uint8_t body[24] = { 0 };

	begin(&scene);
	leave(&scene, scene.me, scene.me, 2010, 150);
	memcpy(body, numbers, sizeof numbers);
	memcpy(body + 8, "other name", 11);
	put_record(&scene, PERF_RECORD_COMM, 0, body, sizeof body);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_TEXT("other name", switch_books_process(&scene.books, (pid_t)scene.me, 0)->comm);
	scene_close(&scene);
}

/* Of another group than ours, cut short, of no kind that we know: no harm, and it is told. */
static void test_broken(void)
{
	const uint64_t other[] = { 0, 3000, 7, 1, 1, 1, 1, 1, 1, 1 };
	static struct scene scene;

	begin(&scene);
	put_record(&scene, PERF_RECORD_SAMPLE, 0, other, sizeof other);
	put_record(&scene, PERF_RECORD_SAMPLE, 0, other, 8);
	put_record(&scene, PERF_RECORD_EXIT, 0, other, 4);
	put_record(&scene, PERF_RECORD_COMM, 0, other, 4);
	put_record(&scene, PERF_RECORD_SWITCH_CPU_WIDE, 0, other, 8);
	put_record(&scene, PERF_RECORD_MMAP, 0, other, 8);
	scene_book(&scene, all_are_alive);
	UNIT_EQUAL_U64(QUALITY_GAP, scene.books.quality);
	UNIT_EQUAL_U64(0, scene.books.cpus.items[CPU].total[TIME]);
	check_sums(&scene);
	scene_close(&scene);
}

int main(void)
{
	return UNIT_RUN("switch-records", { "who leaves is charged what has passed", test_charge },
			{ "records go round the ring", test_wrap },
			{ "what was lost is unlisted, and marked", test_lost },
			{ "a full ring counts as lost", test_full },
			{ "switches without a record are noticed", test_deaf },
			{ "arrivals tell of who left no record", test_arrivals },
			{ "two without a record are unlisted", test_unrecorded },
			{ "an ended thread's last record is its own", test_exit },
			{ "a process that takes another name has it", test_name },
			{ "broken records do no harm", test_broken });
}
