/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
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
	result = host_copy_text(&to->id, from->id);
	if (!result)
		result = host_copy_names(from, to);
	if (!result)
		result = nic_copy(merge->host->last, from, to, &merge->nics);
	return result ? result : host_copy_vdisks(merge, from, to);
}

int host_add_ended(struct host_merge *merge, struct host_domains *list)
{
	const struct topology *last = merge->host->last;
	int result = 0;

	for (size_t i = 0; last && i < last->domain_count && !result; i++)
		if (last->domains[i].state != DOMAIN_ENDED && !merge->seen[i] &&
		    !find_id(list, last->domains[i].id))
			result = add_ended(merge, &last->domains[i], list);
	return result;
}
