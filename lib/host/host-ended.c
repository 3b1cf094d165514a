/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/host-internal.h"

static const struct domain *find_id(const struct host_domains *list, const char *id)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].id, id) == 0)
			return &list->items[i];
	return NULL;
}

/* The leaf of an older topology in this one's list; it may be unplugged meanwhile. */
static int carry_leaf(struct host_merge *merge, const struct disk *disk, size_t *index)
{
	struct disk *added;

	for (*index = 0; *index < merge->disks.count; (*index)++)
		if (strcmp(merge->disks.items[*index].name, disk->name) == 0)
			return 0;
	added = MEMORY_APPEND(&merge->disks);
	if (!added)
		return -ENOMEM;
	*added = *disk;
	added->name = strdup(disk->name);
	added->model = strdup(disk->model);
	return added->name && added->model ? 0 : -ENOMEM;
}

static int copy_vdisk(struct host_merge *merge, const struct vdisk *from, struct vdisk *to)
{
	const struct topology *last = merge->host->last;
	int result = host_copy_text(&to->name, from->name);

	to->backing = from->backing;
	to->direct = from->direct;
	to->leaves = calloc(from->leaf_count + 1, sizeof *to->leaves);
	if (!result)
		result = host_copy_text(&to->source, from->source);
	if (!result)
		result = host_copy_text(&to->reason, from->reason);
	if (!to->leaves)
		result = -ENOMEM;
	for (size_t i = 0; i < from->leaf_count && !result; i++) {
		result = carry_leaf(merge, &last->disks[from->leaves[i]], &to->leaves[i]);
		to->leaf_count++;
	}
	return result;
}

static int copy_names(const struct domain *from, struct domain *to)
{
	return host_copy_text(&to->id, from->id) || host_copy_text(&to->name, from->name) ||
			       host_copy_text(&to->uuid, from->uuid) ||
			       host_copy_text(&to->owner, from->owner) ||
			       host_copy_text(&to->connection, from->connection)
		       ? -ENOMEM
		       : 0;
}

/* One last row, without the threads, which are gone. */
static int add_ended(struct host_merge *merge, const struct domain *from, struct host_domains *list)
{
	struct domain *to = MEMORY_APPEND(list);
	int result;

	if (!to)
		return -ENOMEM;
	to->state = DOMAIN_ENDED;
	to->manager = from->manager;
	to->pid = from->pid;
	to->start_ticks = from->start_ticks;
	to->start_ns = from->start_ns;
	to->end_ns = merge->now_ns;
	to->vcpus = from->vcpus;
	to->cpu_weight = from->cpu_weight;
	result = copy_names(from, to);
	to->vdisks = calloc(from->vdisk_count + 1, sizeof *to->vdisks);
	if (!to->vdisks)
		return -ENOMEM;
	for (size_t i = 0; i < from->vdisk_count && !result; i++) {
		to->vdisk_count++;
		result = copy_vdisk(merge, &from->vdisks[i], &to->vdisks[i]);
	}
	return result;
}

int host_add_ended(struct host_merge *merge, struct host_domains *list)
{
	const struct topology *last = merge->host->last;
	int result = 0;

	for (size_t i = 0; last && i < last->domain_count && !result; i++)
		if (last->domains[i].state != DOMAIN_ENDED && !find_id(list, last->domains[i].id))
			result = add_ended(merge, &last->domains[i], list);
	return result;
}
