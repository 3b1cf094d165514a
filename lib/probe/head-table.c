/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/head-table.h"

#include <errno.h>
#include <string.h>

#include "probe/head-name.h"

_Static_assert((int)HEAD_TABLE_MAX <= (int)SAMPLE_HEADS_MAX, "room in a sample");

enum { OTHERS }; /* the first is the one that takes what finds no room */

static void begin_head(struct head *head, const char *name)
{
	*head = (struct head){ .round = 0 };
	strncpy(head->name, name, sizeof head->name - 1);
}

void head_table_begin(struct head_table *table)
{
	table->round++;
	if (table->count == 0)
		begin_head(&table->items[table->count++], HEAD_OTHER_PROCESSES);
	for (size_t i = 0; i < table->count; i++)
		table->items[i].lately /= 2;
}

/* The one that would be missed least; NULL where all are busier. */
static struct head *least(struct head_table *table, uint64_t than)
{
	struct head *found = NULL;

	for (size_t i = OTHERS + 1; i < table->count; i++) {
		struct head *head = &table->items[i];

		if (head->round == table->round || head->lately >= than)
			continue;
		found = head;
		than = head->lately;
	}
	return found;
}

static struct head *find(struct head_table *table, const char *name, size_t hint)
{
	for (size_t i = 0; i < table->count; i++) {
		struct head *head = &table->items[(hint + i) % table->count];

		if (strcmp(head->name, name) == 0)
			return head;
	}
	return NULL;
}

static struct head *enter(struct head_table *table, const char *name, uint64_t busy)
{
	struct head *head;

	if (table->count < HEAD_TABLE_MAX)
		head = &table->items[table->count++];
	else
		head = least(table, busy);
	if (!head)
		return &table->items[OTHERS];
	begin_head(head, name);
	return head;
}

void head_table_add(struct head_table *table, const char *name, const uint64_t *count, size_t *hint)
{
	struct head *head = find(table, name, hint ? *hint : 0);

	if (!head)
		head = enter(table, name, count[table->rank]);
	if (hint)
		*hint = (size_t)(head - table->items);
	head->round = table->round;
	head->lately += count[table->rank];
	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		head->count[i] += count[i];
}

int head_table_put(const struct head_table *table, const struct head_stamp *stamp,
		   struct sample *sample)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct head *head = &table->items[i];
		struct head_reading *reading = sample_add_head(sample);

		if (!reading)
			return -ENOMEM;
		memcpy(reading->name, head->name, sizeof reading->name);
		reading->by_time = stamp->by_time;
		reading->cpu.at_ns = stamp->at_ns;
		reading->cpu.quality = stamp->quality;
		memcpy(reading->cpu.count, head->count, sizeof reading->cpu.count);
	}
	return 0;
}
