/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch-index.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct switch_slot {
	pid_t number;
	uint32_t place; /* and 1; 0 = free */
};

enum { CAPACITY_MIN = 64 };

/* Knuth's multiplicative hash; numbers are dense, and neighbours come apart. */
static struct switch_slot *probe(const struct switch_index *index, pid_t number)
{
	uint32_t hash = (uint32_t)number * UINT32_C(2654435761);
	size_t at = hash & (index->capacity - 1);

	while (index->slots[at].place && index->slots[at].number != number)
		at = (at + 1) & (index->capacity - 1);
	return &index->slots[at];
}

/* At most half full. */
int switch_index_reserve(struct switch_index *index, size_t count, bool *grew)
{
	size_t capacity = index->capacity ? index->capacity : CAPACITY_MIN;
	struct switch_slot *slots;

	while (capacity < 2 * count)
		capacity *= 2;
	*grew = capacity != index->capacity;
	if (!*grew)
		return 0;
	slots = calloc(capacity, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	free(index->slots);
	*index = (struct switch_index){ slots, capacity };
	return 0;
}

void switch_index_enter(struct switch_index *index, pid_t number, size_t place)
{
	*probe(index, number) = (struct switch_slot){ number, (uint32_t)place + 1 };
}

size_t switch_index_find(const struct switch_index *index, pid_t number)
{
	return index->capacity ? probe(index, number)->place : 0;
}

void switch_index_empty(struct switch_index *index)
{
	if (index->slots)
		memset(index->slots, 0, index->capacity * sizeof *index->slots);
}

void switch_index_clear(struct switch_index *index)
{
	free(index->slots);
	*index = (struct switch_index){ 0 };
}
