/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-cpus.h - one group per CPU, of all tasks or of those in one cgroup, and
 * their sum. What a CPU had counted when it went off line stays in the sum.
 */
#ifndef VMENERGY_PROBE_PERF_CPUS_H
#define VMENERGY_PROBE_PERF_CPUS_H

#include "probe/perf-context.h"
#include "probe/perf-group.h"

struct perf_cpu {
	unsigned cpu, package_id;
	unsigned slot; /* of the sum that it goes into; 0 at first */
	bool is_online;
	struct perf_group group;
};

struct perf_cpus { /* {0} = none */
	bool of_all_tasks;
	bool has_dead; /* a group was closed by a reading: to be followed again */
	struct perf_cpu *items;
	size_t count, capacity;
};

enum { PERF_ALL_TASKS = -1 };

/*
 * Open what context->packages has on line, close what left. cgroup: descriptor
 * of its folder (not needed afterwards), or PERF_ALL_TASKS. 0 or -errno.
 */
int perf_cpus_follow(struct perf_cpus *cpus, const struct perf_context *context, int cgroup);
void perf_cpus_clear(struct perf_cpus *cpus);
/* Close all groups, for the next follow to open them anew; counts stay. */
void perf_cpus_stop(struct perf_cpus *cpus);

/*
 * Add the counts of the CPUs with this slot to count[]. Quality as
 * perf_group_read has it: MISSING when one of them could not be read.
 */
unsigned perf_cpus_read(struct perf_cpus *cpus, unsigned slot, uint64_t count[SAMPLE_EVENTS_MAX]);

#endif
