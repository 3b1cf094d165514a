/* SPDX-License-Identifier: GPL-3.0-or-later */
/* switch-scene.h - the switch log on this kernel, by each way that may be open. */
#ifndef VMENERGY_TESTS_SWITCH_SCENE_H
#define VMENERGY_TESTS_SWITCH_SCENE_H

#include "probe/switch-driver.h"
#include "probe/switch.h"
#include "tests/unit/perf-scene.h"

static const struct switch_driver *const ways[] = {
#ifdef VMENERGY_BPF
	&switch_by_bpf,
#endif
	&switch_by_ring,
};
enum { WAYS = sizeof ways / sizeof *ways };

struct log {
	struct rootfs root;
	struct switch_probe *probe;
	struct topology topology;
	struct domain domain;
	struct thread threads[4];
	struct sample sample;
	struct switch_tasks tasks;
	unsigned events;
};

/* false: this way is closed; says why. */
static inline bool log_open_as(struct log *log, const struct switch_request *request)
{
	struct error error = { "" };

	*log = (struct log){ .events = request->count };
	rootfs_open(&log->root, NULL, &error);
	if (switch_open_by(&log->probe, &log->root, request, &error)) {
		fprintf(stderr, "(skipped by %s: %s) ", request->driver->name, error.text);
		rootfs_close(&log->root);
		return false;
	}
	log->domain = (struct domain){ .id = none, .name = none, .threads = log->threads };
	log->topology.domains = &log->domain;
	return true;
}

static inline bool log_open(struct log *log, const struct switch_driver *way, unsigned events)
{
	const struct switch_request request = { .events = scene_events,
						.count = events,
						.driver = way };

	return log_open_as(log, &request);
}

static inline void log_follow(struct log *log, pid_t pid, size_t threads)
{
	log->domain.pid = pid;
	log->domain.thread_count = threads;
	log->topology.domain_count = pid > 0;
	log->topology.generation++;
	UNIT_EQUAL_I64(0, switch_follow(log->probe, &log->topology));
}

static inline void log_read(struct log *log)
{
	struct error error = { "" };

	UNIT_EQUAL_I64(0, sample_prepare(&log->sample, &log->topology));
	UNIT_EQUAL_I64(0, switch_read_parts(log->probe, &log->topology, &log->sample));
	UNIT_EQUAL_I64(0, switch_read_total(log->probe, &log->sample, &error));
	UNIT_EQUAL_I64(0, switch_read_tasks(log->probe, &log->tasks));
}

static inline void log_close(struct log *log)
{
	switch_tasks_clear(&log->tasks);
	sample_clear(&log->sample);
	switch_close(log->probe);
	rootfs_close(&log->root);
}

/* Records may get lost while others keep the machine busy: then no more than that can be said. */
static inline bool is_whole(const struct log *log)
{
	if (!(log->tasks.quality & QUALITY_GAP))
		return true;
	fprintf(stderr, "(a gap) ");
	return false;
}

static inline uint64_t sum_packages(const struct log *log, unsigned event)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < log->sample.package_count; i++)
		sum += log->sample.packages[i].total.count[event];
	return sum;
}

/* Packages have the idle tasks' events, and not their time. */
static inline uint64_t sum_tasks(const struct log *log, unsigned event)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < log->tasks.count; i++)
		if (event != log->events || log->tasks.items[i].kind != SWITCH_OF_IDLE)
			sum += log->tasks.items[i].count[event];
	return sum;
}

static inline uint64_t of_kind(const struct log *log, enum switch_kind kind, unsigned event)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < log->tasks.count; i++)
		if (log->tasks.items[i].kind == kind)
			sum += log->tasks.items[i].count[event];
	return sum;
}

static inline void check_sums(const struct log *log)
{
	for (unsigned event = 0; event <= log->events; event++)
		UNIT_EQUAL_U64(sum_packages(log, event), sum_tasks(log, event));
}

#endif
