/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "model/trace-internal.h"

static uint64_t hash_name(const struct csv_field *name)
{
	uint64_t hash = HASH_START;

	if (!name->escaped)
		return hash_bytes(HASH_START, name->bytes, name->length);
	for (size_t i = 0; i < name->length; i++) {
		hash = hash_bytes(hash, &name->bytes[i], 1);
		i += name->bytes[i] == '"'; /* the second of two */
	}
	return hash;
}

/* The slot that leads to the name, or the free one where it belongs. */
static uint32_t *find_slot(const struct trace_groups *groups, uint64_t hash,
			   const struct csv_field *name)
{
	for (size_t at = hash % groups->slot_count;; at = (at + 1) % groups->slot_count) {
		uint32_t *slot = &groups->slots[at];

		if (*slot == 0 || (name && csv_field_equal(name, groups->names[*slot - 1])))
			return slot;
	}
}

/* At most half of the slots are taken, so that searches are short. */
static int grow_slots(struct trace_groups *groups)
{
	struct trace_groups larger = *groups;

	if (groups->count < groups->slot_count / 2)
		return 0;
	larger.slot_count = groups->slot_count ? 2 * groups->slot_count : 64;
	larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < groups->count; i++)
		*find_slot(&larger, hash_text(groups->names[i]), NULL) = (uint32_t)i + 1;
	free(groups->slots);
	*groups = larger;
	return 0;
}

static long add_group(struct trace_groups *groups, const struct csv_field *name)
{
	char **names, *copy;

	if (groups->count == TRACE_GROUPS_MAX)
		return -E2BIG;
	names = memory_grow(groups->names, &groups->capacity, groups->count + 1, sizeof *names);
	if (!names)
		return -ENOMEM;
	groups->names = names;
	copy = malloc(name->length + 1);
	if (!copy)
		return -ENOMEM;
	csv_field_copy(name, copy, name->length + 1);
	groups->names[groups->count] = copy;
	return (long)groups->count++;
}

long trace_groups_find(struct trace_groups *groups, const struct csv_field *name)
{
	uint32_t *slot;
	long index;

	if (groups->count && csv_field_equal(name, groups->names[groups->last]))
		return groups->last;
	if (grow_slots(groups))
		return -ENOMEM;
	slot = find_slot(groups, hash_name(name), name);
	if (*slot == 0) {
		index = add_group(groups, name);
		if (index < 0)
			return index;
		*slot = (uint32_t)index + 1;
	}
	groups->last = *slot - 1;
	return groups->last;
}

void trace_groups_clear(struct trace_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		free(groups->names[i]);
	free(groups->names);
	free(groups->slots);
	*groups = (struct trace_groups){ 0 };
}
