/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dry run: what would be written is remembered and read back. What was not yet written is read
 * from the cgroup, where there is one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmenergyd/actuator/actuator.h"
#include "vmenergyd/actuator/null.h"
#include "vmenergyd/actuator/ring.h"

enum { REMEMBERED_MAX = 4096 };

struct remembered {
	char id[TARGET_TEXT], vdisk[64];
	pid_t pid;
	struct knob_value value;
};
struct null_memory {
	struct remembered *items;
	size_t count, capacity, oldest;
};

void null_memory_free(struct null_memory *memory)
{
	if (memory)
		free(memory->items);
	free(memory);
}

static struct remembered *find(struct null_memory *memory, const struct target *target,
			       enum knob knob)
{
	for (size_t i = 0; memory && i < memory->count; i++) {
		struct remembered *item = &memory->items[i];

		if (item->value.knob == knob && item->pid == target->pid &&
		    strcmp(item->id, target->id) == 0 &&
		    (knob != KNOB_DISK || strcmp(item->vdisk, target->vdisk) == 0))
			return item;
	}
	return NULL;
}

static struct knob_value default_value(enum knob knob)
{
	struct knob_value value = { .knob = knob };

	if (knob == KNOB_CPU)
		value.cpu = (struct cpu_limit){ .quota_us = -1, .period_us = 100000 };
	if (knob == KNOB_SHARES)
		value.shares = 100;
	return value;
}

static bool serves(const struct actuator_room *room, const struct target *target, enum knob knob)
{
	(void)target;
	(void)knob;
	return room->dry_run;
}

static int get(struct actuator_room *room, const struct target *target, struct knob_value *value,
	       struct error *error)
{
	const struct remembered *item = find(room->null, target, value->knob);

	(void)error;
	if (item)
		*value = item->value;
	else if (!actuator_cgroup.serves(room, target, value->knob) ||
		 actuator_cgroup.get(room, target, value, NULL))
		*value = default_value(value->knob);
	return 0;
}

static int set(struct actuator_room *room, const struct target *target,
	       const struct knob_value *value, struct error *error)
{
	struct remembered *item = find(room->null, target, value->knob);

	if (!room->null)
		room->null = calloc(1, sizeof *room->null);
	if (!item && room->null)
		item = RING_ADD(room->null, REMEMBERED_MAX);
	if (!item)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	memcpy(item->id, target->id, sizeof item->id);
	memcpy(item->vdisk, target->vdisk, sizeof item->vdisk);
	item->pid = target->pid;
	item->value = *value;
	if (value->knob == KNOB_DISK)
		item->value.disk = disk_limit_usable(&value->disk);
	if (room->log) {
		text_addf(room->log, "%s: %s%s%s: would be set to ", target->name,
			  knob_name(value->knob), value->knob == KNOB_DISK ? " " : "",
			  value->knob == KNOB_DISK ? target->vdisk : "");
		knob_value_print(&item->value, room->log);
		text_add(room->log, "\n");
	}
	return 0;
}

const struct actuator actuator_null = {
	.name = "null",
	.serves = serves,
	.get = get,
	.set = set,
};
