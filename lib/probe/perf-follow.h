/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-follow.h - the processes of a topology, and ourselves: who gets a
 * counter, and what becomes of those that end.
 *
 * Descriptors are limited. vCPUs come first, then I/O threads and vhost workers,
 * then the rest; a vCPU that finds none left takes those of a cgroup's total (which is
 * then the sum of threads), or of a lesser thread.
 */
#ifndef VMENERGY_PROBE_PERF_FOLLOW_H
#define VMENERGY_PROBE_PERF_FOLLOW_H

#include "probe/perf-process.h"

struct perf_followed { /* {0} = nothing; clear it even so */
	/* Domains, then services, both in the order of the topology; then ourselves. */
	struct perf_process *items;
	size_t domain_count, service_count, count;
	uint64_t generation;
	size_t without_descriptor, refused; /* threads that have no counter, and why */
	int refusal;                        /* errno of one of the refused */
};

/* 0 or -ENOMEM. */
int perf_followed_update(struct perf_followed *followed, struct perf_context *context,
			 const struct topology *topology);
/* Our own threads came or went. 0 or -ENOMEM. */
int perf_followed_update_own(struct perf_followed *followed, struct perf_context *context);
/* Have threads of services come or gone? 1 = yes, 0 = no, or -ENOMEM. */
int perf_followed_update_services(struct perf_followed *followed, struct perf_context *context);
/* CPUs came or went; anew: open even those groups that are open. */
void perf_followed_update_cpus(struct perf_followed *followed, struct perf_context *context,
			       bool anew);
void perf_followed_clear(struct perf_followed *followed);

/* NULL before the first update. */
struct perf_process *perf_followed_own(const struct perf_followed *followed);

#endif
