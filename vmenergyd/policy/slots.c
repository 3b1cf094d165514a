/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

enum { TABLE_LEAST = 64 };

/* Where it is, or where it would go. */
static size_t place(struct slot *const *table, size_t size, const char *id)
{
	size_t at = (size_t)hash_text(id) & (size - 1);

	while (table[at] && strcmp(table[at]->id, id) != 0)
		at = (at + 1) & (size - 1);
	return at;
}

struct slot *slot_find(const struct policy *policy, const char *id)
{
	if (policy->table_size == 0)
		return NULL;
	return policy->table[place(policy->table, policy->table_size, id)];
}

static bool rehash(struct policy *policy, size_t size)
{
	struct slot **table = calloc(size, sizeof(struct slot *));

	if (!table)
		return false;
	for (size_t i = 0; i < policy->table_size; i++)
		if (policy->table[i])
			table[place(table, size, policy->table[i]->id)] = policy->table[i];
	free(policy->table);
	policy->table = table;
	policy->table_size = size;
	return true;
}

static struct slot *slot_new(const char *id)
{
	struct slot *slot = calloc(1, sizeof *slot);

	if (!slot || text_replace(&slot->id, id)) {
		free(slot);
		return NULL;
	}
	slot->k = slot->wanted_cpus = slot->bucket_j = slot->last_quota = slot->last_part = NAN;
	slot->cpus = slot->inside_w = slot->outside_w = slot->disk_w = slot->idle_w = NAN;
	slot->cpu_mean_w = slot->leaf_mean_w = slot->driver_mean_w = NAN;
	slot->trim = TRIM_FIRST;
	hold_reset(&slot->hold);
	return slot;
}

static void slot_free(struct slot *slot)
{
	free(slot->disks);
	free(slot->id);
	free(slot);
}

struct slot *slot_add(struct policy *policy, const char *id)
{
	struct slot *slot = slot_find(policy, id);

	if (slot)
		return slot;
	if (policy->slot_count * 2 >= policy->table_size &&
	    !rehash(policy, policy->table_size ? policy->table_size * 2 : TABLE_LEAST))
		return NULL;
	slot = slot_new(id);
	if (!slot)
		return NULL;
	policy->table[place(policy->table, policy->table_size, id)] = slot;
	policy->slot_count++;
	return slot;
}

void slot_remove(struct policy *policy, const char *id)
{
	size_t at;

	if (!slot_find(policy, id))
		return;
	at = place(policy->table, policy->table_size, id);
	slot_free(policy->table[at]);
	policy->table[at] = NULL;
	policy->slot_count--;
	/* Those behind it may have been moved on because of it. */
	for (;;) {
		struct slot *slot;

		at = (at + 1) & (policy->table_size - 1);
		slot = policy->table[at];
		if (!slot)
			return;
		policy->table[at] = NULL;
		policy->table[place(policy->table, policy->table_size, slot->id)] = slot;
	}
}

void slots_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->table_size; i++)
		if (policy->table[i])
			slot_free(policy->table[i]);
	free(policy->table);
}

int slot_disks(struct slot *slot, size_t count)
{
	struct disk_slot *disks;

	if (slot->disk_count == count)
		return 0;
	disks = calloc(count ? count : 1, sizeof *disks);
	if (!disks)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		hold_reset(&disks[i].hold);
		disks[i].mix = disks[i].written =
			(struct disk_mix){ { NAN, NAN }, NAN, true, false };
		disks[i].mean_w = NAN;
	}
	free(slot->disks);
	slot->disks = disks;
	slot->disk_count = count;
	return 0;
}

struct slot *slot_of_owner(struct policy *policy, const char *name)
{
	struct text id = { 0 };
	struct slot *slot = NULL;

	text_addf(&id, POLICY_OWNER_PREFIX "%s", name);
	if (!id.failed)
		slot = slot_add(policy, id.bytes);
	text_free(&id);
	return slot;
}
