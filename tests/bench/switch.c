/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch [-r REPEATS] [-e EVENT] - what counting costs at a context switch:
 * two threads on one CPU wake each other through pipes, without perf groups, with
 * one on each of them, and with one on the CPU as well; and with the log of all
 * switches instead, by each way to have it, of time alone and with the event.
 *
 * Prints "event NAME" and "KEY MEDIAN Q1 Q3 MEAN" lines, CPU time in ns for one
 * switch with the write and the read that cause it. No event that counts, or no such
 * way: "refused WHY".
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>

#include "probe/perf-group.h"
#include "probe/switch-driver.h"
#include "probe/switch.h"
#include "tests/bench/measure.h"
#include "tests/relay.h"

enum { ROUNDS = 2000, SWITCHES = 2 * ROUNDS };

struct pair {
	int there[2], back[2]; /* pipes */
	pid_t partner;         /* thread id */
	pthread_barrier_t begun;
};

static void *answer(void *argument)
{
	struct pair *pair = argument;
	char byte;

	pair->partner = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&pair->begun);
	while (read(pair->there[0], &byte, 1) == 1)
		relay_pass(pair->back[1]);
	return NULL;
}

/* CPU time of both threads for one switch. */
static double run_rounds(const struct pair *pair)
{
	double moment_us = measure_cpu_us();

	for (int i = 0; i < ROUNDS; i++) {
		relay_pass(pair->there[1]);
		relay_take(pair->back[0]);
	}
	return measure_lap_us(&moment_us) * 1000 / SWITCHES;
}

/* With `count` of the groups: of ourselves, of our partner, of the CPU. 0 or -errno. */
static int measure_with(const struct pair *pair, const struct perf_set *set, size_t count,
			struct series *series)
{
	const struct perf_place places[] = {
		{ .pid = 0, .cpu = -1, .fd_limit = INT32_MAX },
		{ .pid = pair->partner, .cpu = -1, .fd_limit = INT32_MAX },
		{ .pid = -1, .cpu = sched_getcpu(), .fd_limit = INT32_MAX },
	};
	struct perf_group groups[3] = { 0 };
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = perf_group_open(&groups[i], set, set->count, &places[i]);
	if (!result)
		series_add(series, run_rounds(pair));
	for (size_t i = 0; i < count; i++)
		perf_group_close(&groups[i]);
	return result;
}

/* A way to have the log of switches. */
struct way {
	const struct switch_driver *driver;
	unsigned events;
	const char *key;
	struct series series;
	struct error why; /* it is closed; "" = it is not */
};

static struct way ways[] = {
#ifdef VMENERGY_BPF
	{ .driver = &switch_by_bpf, .events = 0, .key = "switch_bpf_time_ns" },
	{ .driver = &switch_by_bpf, .events = 1, .key = "switch_bpf_ns" },
#endif
	{ .driver = &switch_by_ring, .events = 0, .key = "switch_ring_time_ns" },
	{ .driver = &switch_by_ring, .events = 1, .key = "switch_ring_ns" },
};
enum { WAYS = sizeof ways / sizeof *ways };

static void measure_log(const struct pair *pair, const char *event, struct way *way)
{
	const struct switch_request request = {
		.events = &event,
		.count = way->events,
		.driver = way->driver,
	};
	struct switch_probe *probe;
	struct error error = { "" };
	struct rootfs root;

	if (way->why.text[0] || rootfs_open(&root, NULL, &error))
		return;
	if (switch_open_by(&probe, &root, &request, &way->why) == 0) {
		series_add(&way->series, run_rounds(pair));
		switch_close(probe);
	}
	rootfs_close(&root);
}

static void print_log(void)
{
	for (size_t i = 0; i < WAYS; i++) {
		series_print(&ways[i].series, ways[i].key);
		if (ways[i].why.text[0])
			printf("refused switches by %s: %s\n", ways[i].driver->name,
			       ways[i].why.text);
	}
}

static int run(const struct pair *pair, const struct perf_set *set, unsigned repeats)
{
	static struct series plain, threads, all;
	int result = 0;

	for (unsigned i = 0; i < repeats && !result; i++) {
		result = measure_with(pair, set, 0, &plain);
		if (!result)
			result = measure_with(pair, set, 2, &threads);
		if (!result)
			result = measure_with(pair, set, 3, &all);
		for (size_t k = 0; k < WAYS && !result; k++)
			measure_log(pair, set->names[0], &ways[k]);
	}
	if (result) {
		printf("refused %s: %s\n", set->names[0], strerrordesc_np(-result));
		return result;
	}
	printf("event %s\n", set->names[0]);
	series_print(&plain, "switch_ns");
	series_print(&threads, "switch_threads_ns");
	series_print(&all, "switch_all_ns");
	print_log();
	return 0;
}

int main(int argc, char **argv)
{
	const char *event = "perf::TASK-CLOCK";
	unsigned repeats = 30;
	struct perf_set set;
	struct error error = { "" };
	struct pair pair;
	pthread_t thread;
	int option;

	while ((option = getopt(argc, argv, "r:e:")) != -1) {
		if (option == 'r')
			repeats = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'e')
			event = optarg;
		else
			return 2;
	}
	if (perf_set_resolve(&set, &event, 1, &error)) {
		printf("refused %s\n", error.text);
		return 0;
	}
	relay_stay_on_one_cpu(); /* and so does the thread that we make */
	if (pipe(pair.there) || pipe(pair.back) || pthread_barrier_init(&pair.begun, NULL, 2) ||
	    pthread_create(&thread, NULL, answer, &pair)) {
		perror("switch");
		return 1;
	}
	pthread_barrier_wait(&pair.begun);
	run(&pair, &set, repeats);
	return 0;
}
