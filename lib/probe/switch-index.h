/* SPDX-License-Identifier: GPL-3.0-or-later */
/* switch-index.h - from the number of a task to its place in an array. */
#ifndef VMENERGY_PROBE_SWITCH_INDEX_H
#define VMENERGY_PROBE_SWITCH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct switch_index { /* {0} = empty */
	struct switch_slot *slots;
	size_t capacity;
};

/*
 * Room for `count` numbers in all. 0 or -ENOMEM. *grew: it is empty now, and to be
 * filled anew.
 */
int switch_index_reserve(struct switch_index *index, size_t count, bool *grew);
/* There is room for it, and the number is not in it. */
void switch_index_enter(struct switch_index *index, pid_t number, size_t place);
/* The place, and 1; 0 = none. */
size_t switch_index_find(const struct switch_index *index, pid_t number);
void switch_index_empty(struct switch_index *index);
void switch_index_clear(struct switch_index *index);

#endif
