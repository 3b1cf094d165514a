/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-group.h - one pinned group of events, of a thread or of a CPU: opened,
 * read with one read(2), closed.
 *
 * A group counts on when it is closed and opened again: `count` is cumulative
 * over its life. What happened meanwhile is not in it: the first reading after
 * it is a GAP, and counts go on from there.
 */
#ifndef VMENERGY_PROBE_PERF_GROUP_H
#define VMENERGY_PROBE_PERF_GROUP_H

#include <sys/types.h>

#include "probe/perf-events.h"

/* {0} = never opened. */
struct perf_group {
	bool is_open;
	bool is_cgroup;
	bool has_gap; /* not counted for a while: told with the next reading */
	unsigned events;
	int fds[PERF_EVENTS_MAX];
	/* As the kernel last said them. */
	uint64_t enabled_ns, running_ns, value[PERF_EVENTS_MAX];
	/* Cumulative: the events, and after them the time that they were on a CPU. */
	uint64_t count[SAMPLE_EVENTS_MAX];
};

struct perf_place {
	pid_t pid; /* thread id, 0 = the calling thread, -1 = all; or the cgroup's descriptor */
	int cpu;   /* -1 = any */
	bool is_cgroup;
	int fd_limit; /* descriptors from here on are left to others: -EMFILE */
};

/* The first `events` of the set; none: there is nothing to read. 0 or -errno; closed then. */
int perf_group_open(struct perf_group *group, const struct perf_set *set, unsigned events,
		    const struct perf_place *place);
/* Its counts stay. */
void perf_group_close(struct perf_group *group);

/*
 * Bring group->count up to date. The quality of it: GAP, MULTIPLEXED, 0, or
 * MISSING: count is then as it was, or what it was when counting stopped. No
 * allocation, one system call.
 */
unsigned perf_group_read(struct perf_group *group);

#endif
