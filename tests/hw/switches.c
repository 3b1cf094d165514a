/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of context switches, by rings: hardware counters charged to who ran. */
#include <stdio.h>
#include <unistd.h>

#include "probe/perf-group.h"
#include "probe/switch-driver.h"
#include "probe/switch.h"
#include "tests/hw/cases.h"
#include "tests/hw/check.h"
#include "tests/hw/load.h"

enum { TASKS = 2, EVENTS = 2, ORDERS = 100, USER = 0, ALL = 1 };

/* Each order is small, so that the CPU passes from hand to hand. */
#define LOOPS_PER_ORDER UINT64_C(100000)
#define LOOPS (ORDERS * LOOPS_PER_ORDER)
#define TOLERANCE 1e-4

static const char *const events[EVENTS] = { INSTRUCTIONS_USER, INSTRUCTIONS };

struct log {
	struct rootfs root;
	struct switch_probe *probe;
	struct worker workers[TASKS];
	struct domain domains[TASKS];
	struct thread threads[TASKS];
	struct topology topology;
	struct sample sample;
	struct switch_tasks tasks;
	/* A counter of the same on the CPU itself. */
	struct perf_set set;
	struct perf_group rival;
};

static void log_open(struct log *log)
{
	const struct switch_request request = { .events = events,
						.count = EVENTS,
						.driver = &switch_by_ring };
	const struct perf_place place = { .pid = -1, .cpu = 0, .fd_limit = INT32_MAX };
	struct error error = { "" };

	if (rootfs_open(&log->root, NULL, &error) ||
	    switch_open_by(&log->probe, &log->root, &request, &error) ||
	    perf_set_resolve(&log->set, events, EVENTS, &error) ||
	    perf_group_open(&log->rival, &log->set, EVENTS, &place))
		check_die("the log of switches", error.text);
	for (unsigned i = 0; i < TASKS; i++) {
		worker_start(&log->workers[i], 1, NULL);
		log->threads[i] = (struct thread){ .tid = log->workers[i].pid,
						   .role = THREAD_VCPU,
						   .sampled = true };
		log->domains[i] = (struct domain){ .pid = log->workers[i].pid,
						   .threads = &log->threads[i],
						   .thread_count = 1 };
	}
	log->topology = (struct topology){ .generation = 1,
					   .domains = log->domains,
					   .domain_count = TASKS };
	if (switch_follow(log->probe, &log->topology))
		check_die("following", "out of memory");
}

static void log_close(struct log *log)
{
	for (unsigned i = 0; i < TASKS; i++)
		worker_end(&log->workers[i]);
	perf_group_close(&log->rival);
	switch_tasks_clear(&log->tasks);
	sample_clear(&log->sample);
	switch_close(log->probe);
	rootfs_close(&log->root);
}

/* Rings have what we did ourselves when we leave the CPU. */
static void log_read(struct log *log)
{
	struct error error = { "" };

	usleep(1);
	if (sample_prepare(&log->sample, &log->topology) ||
	    switch_read_parts(log->probe, &log->topology, &log->sample) ||
	    switch_read_total(log->probe, &log->sample, &error) ||
	    switch_read_tasks(log->probe, &log->tasks))
		check_die("reading", error.text);
	check_equal("nothing is lost", 0, log->tasks.quality);
}

/* To the unit, whatever ran. */
static void check_sums(const struct log *log)
{
	for (unsigned event = 0; event < EVENTS; event++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < log->tasks.count; i++)
			sum += log->tasks.items[i].count[event];
		check_equal("the sum over all tasks is what the CPU did",
			    (long long)log->sample.packages[0].total.count[event], (long long)sum);
	}
}

static void give_orders(struct log *log, uint64_t loops)
{
	for (unsigned k = 0; k < ORDERS; k++) {
		for (unsigned i = 0; i < TASKS; i++)
			worker_order(&log->workers[i], 0, LOAD_HERE, (i + 1) * loops);
		for (unsigned i = 0; i < TASKS; i++)
			worker_wait(&log->workers[i], 0);
	}
}

/* What the orders added to each task. */
static void measure(struct log *log, uint64_t loops, uint64_t added[TASKS])
{
	uint64_t before[TASKS];

	log_read(log);
	for (unsigned i = 0; i < TASKS; i++)
		before[i] = log->sample.domains[i].threads[0].count[USER];
	give_orders(log, loops);
	log_read(log);
	for (unsigned i = 0; i < TASKS; i++)
		added[i] = log->sample.domains[i].threads[0].count[USER] - before[i];
}

static uint64_t rival_count(struct log *log, unsigned event)
{
	check_equal("the CPU's own counter", 0, perf_group_read(&log->rival));
	return log->rival.count[event];
}

/* Between two readings of the log lies no more and no less than between the CPU's own. */
static void check_physical(struct log *log, unsigned event)
{
	uint64_t before = rival_count(log, event), start, begin, logged;

	log_read(log);
	logged = log->sample.packages[0].total.count[event];
	start = rival_count(log, event);
	give_orders(log, LOOPS_PER_ORDER / 10);
	begin = rival_count(log, event);
	log_read(log);
	logged = log->sample.packages[0].total.count[event] - logged;
	check_at_least("the CPU's own between the readings", begin - start, logged);
	check_at_least("the log, of the CPU's own around them", logged,
		       rival_count(log, event) - before);
}

/* They take turns on the only CPU with us: each has its own count, and nobody anything else. */
void case_switches(void)
{
	static struct log log;
	uint64_t orders[TASKS], loops[TASKS], switches;
	char what[32];

	log_open(&log);
	measure(&log, 0, orders);
	switches = switch_count(log.probe);
	measure(&log, LOOPS_PER_ORDER, loops);
	check_at_least("switches", (uint64_t)ORDERS * TASKS, switch_count(log.probe) - switches);
	for (unsigned i = 0; i < TASKS; i++) {
		snprintf(what, sizeof what, "task %u", i);
		check_near(what, (double)(LOAD_INSTRUCTIONS_PER_LOOP * (i + 1) * LOOPS),
			   (double)(loops[i] - orders[i]), TOLERANCE);
	}
	check_sums(&log);
	check_physical(&log, USER);
	check_physical(&log, ALL);
	check_sums(&log);
	log_close(&log);
}
