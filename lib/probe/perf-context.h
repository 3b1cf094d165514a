/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf-context.h - what the rooms of the perf probe share. */
#ifndef VMENERGY_PROBE_PERF_CONTEXT_H
#define VMENERGY_PROBE_PERF_CONTEXT_H

#include "probe/kept.h"
#include "probe/packages.h"
#include "probe/perf-events.h"

struct perf_context {
	struct kept_files files; /* the root, and how many descriptors are ours */
	struct perf_set set;
	bool is_silent[PERF_EVENTS_MAX]; /* has not counted anything yet */
	struct packages packages;        /* CPUs that are on line */
	/* Where perf can follow cgroups; "" = no totals by cgroup. */
	char cgroup_mount[128];
	bool cgroup_is_v1;
	size_t cgroup_fds; /* descriptors that cgroup totals hold */
};

#endif
