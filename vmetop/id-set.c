/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/id-set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Its index; count = not there. */
static size_t find(const struct id_set *set, const char *id)
{
	size_t i = 0;

	while (i < set->count && strcmp(set->items[i], id) != 0)
		i++;
	return i;
}

bool id_set_has(const struct id_set *set, const char *id)
{
	return find(set, id) < set->count;
}

int id_set_add(struct id_set *set, const char *id)
{
	char **items, *copy;

	if (id_set_has(set, id))
		return 0;
	items = memory_grow(set->items, &set->capacity, set->count + 1, sizeof *items);
	if (!items)
		return -ENOMEM;
	set->items = items;
	copy = strdup(id);
	if (!copy)
		return -ENOMEM;
	set->items[set->count++] = copy;
	return 0;
}

void id_set_remove(struct id_set *set, const char *id)
{
	size_t at = find(set, id);

	if (at == set->count)
		return;
	free(set->items[at]);
	set->items[at] = set->items[--set->count];
}

void id_set_clear(struct id_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i]);
	free(set->items);
	*set = (struct id_set){ 0 };
}
