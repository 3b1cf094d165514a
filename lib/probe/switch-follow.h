/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-follow.h - domains, services and ourselves in the books of the switch log.
 *
 * What ended stays: a thread's last count stands as long as it is followed, a
 * worker's in its domain's total for ever.
 */
#ifndef VMENERGY_PROBE_SWITCH_FOLLOW_H
#define VMENERGY_PROBE_SWITCH_FOLLOW_H

#include "model/topology.h"
#include "probe/beside.h"
#include "probe/switch-books.h"

struct switch_member {
	pid_t tid;
	uint64_t start_ticks;
	bool is_sampled;
	bool is_worker; /* of the kernel: perhaps not a thread of the process */
	bool is_apart;  /* it is not */
	bool is_beside; /* a process of its own, with all its threads */
	bool is_based;
	uint64_t base[SWITCH_COUNTS]; /* of one beside: what was a head's before it was found */
	uint64_t count[SWITCH_COUNTS];
};

struct switch_party {
	pid_t pid;
	uint64_t start_ticks;
	struct switch_member *members; /* in the order of the topology's threads; those beside */
	size_t member_count;
	uint64_t count[SWITCH_COUNTS]; /* of the process */
	uint64_t apart[SWITCH_COUNTS]; /* of workers that are no more among its threads */
};

struct switch_followed {            /* {0} = nothing */
	struct switch_party *items; /* domains, services, ourselves */
	size_t count, domain_count, service_count;
	uint64_t generation;
};

/* beside: parallel to the topology's domains; NULL = nobody anywhere. 0 or -ENOMEM. */
int switch_followed_update(struct switch_followed *followed, const struct topology *topology,
			   const struct beside *beside);
void switch_followed_clear(struct switch_followed *followed);

/* Fill the sample's domains, services and own; all are of `quality`, too. 0, or -EINVAL: of
 * another topology than is followed. */
int switch_followed_read(struct switch_followed *followed, const struct switch_books *books,
			 unsigned quality, const struct topology *topology, struct sample *sample);

#endif
