/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-ring-tasks.h - the tasks that switch records are about. A record has the
 * numbers of a thread and its process alone: who that is, /proc says when the thread
 * is first heard of. Of one that has ended by then only its process is known.
 */
#ifndef VMENERGY_PROBE_SWITCH_RING_TASKS_H
#define VMENERGY_PROBE_SWITCH_RING_TASKS_H

#include "base/rootfs.h"
#include "probe/switch-books.h"

struct ring_task {
	struct switch_identity identity;
	uint64_t count[SWITCH_COUNTS]; /* since the last booking */
	bool has_exited;               /* it may run for a moment yet */
};

struct ring_tasks { /* {0} = none */
	const struct rootfs *root;
	struct ring_task *items;
	size_t count, capacity;
	struct switch_index by_tid;
	uint64_t ended[SWITCH_COUNTS], unlisted[SWITCH_COUNTS]; /* since the last booking */
};

void ring_tasks_clear(struct ring_tasks *tasks);

void ring_tasks_exit(struct ring_tasks *tasks, uint32_t tid);
/* A process has another name. */
void ring_tasks_rename(struct ring_tasks *tasks, uint32_t tgid, const char *comm);
void ring_tasks_charge(struct ring_tasks *tasks, uint32_t tgid, uint32_t tid,
		       const uint64_t *delta);

/* Records were lost, and with them who exited: see who is still there. */
void ring_tasks_check(struct ring_tasks *tasks);

/* Put it all into the books, and forget who exited. */
void ring_tasks_book(struct ring_tasks *tasks, struct switch_books *books);

#endif
