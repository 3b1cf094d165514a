/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A monitor serves one client at a time: a connection is made for each
 * request and closed after it, so that others get their turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/qemu.h"
#include "host/qmp.h"
#include "vmenergyd/actuator/throttle.h"

static bool serves(const struct actuator_room *room, const struct target *target, enum knob knob)
{
	(void)room;
	return knob == KNOB_DISK && target->manager != DOMAIN_LIBVIRT && *target->qmp_socket &&
	       *target->vdisk;
}

/* It must be the process that was meant that listens there. */
static int open_monitor(const struct target *target, struct qmp **qmp, struct error *error)
{
	int result = qmp_open_of(qmp, target->qmp_socket, target->pid, error);

	return result == -ECONNREFUSED ? -ESRCH : result;
}

/* What the monitor may call the disk: the command line tells what we call "vda". A disk that was
 * plugged in later has the same name for both. */
struct names {
	struct qemu_process process;
	const char *items[3];
	unsigned count;
};

static void names_add(struct names *names, const char *name)
{
	if (name && *name)
		names->items[names->count++] = name;
}

static void names_read(struct names *names, const struct actuator_room *room,
		       const struct target *target)
{
	char *text = NULL;
	long length = rootfs_read_allf(room->root, &text, "/proc/%d/cmdline", (int)target->pid);
	bool found = false;

	*names = (struct names){ .count = 0 };
	if (length > 0 && qemu_parse_cmdline(text, (size_t)length, &names->process))
		for (size_t i = 0; i < names->process.drive_count && !found; i++) {
			const struct qemu_drive *drive = &names->process.drives[i];

			found = text_equal(drive->name, target->vdisk);
			if (found) {
				names_add(names, drive->id);
				names_add(names, drive->device);
			}
		}
	if (!found)
		names_add(names, target->vdisk);
	free(text);
}

/* Read, or with `write` set. The first name that the monitor knows is the disk's. */
static int call(const struct actuator_room *room, const struct target *target,
		const struct io_throttle *write, struct io_throttle *read, struct error *error)
{
	struct names names;
	struct qmp *qmp;
	int result = open_monitor(target, &qmp, error);

	if (result)
		return result;
	names_read(&names, room, target);
	result = -ENODEV;
	for (unsigned i = 0; i < names.count && result == -ENODEV; i++)
		result = write ? qmp_set_throttle(qmp, names.items[i], write, error)
			       : qmp_get_throttle(qmp, names.items[i], read, error);
	qemu_process_clear(&names.process);
	qmp_close(qmp);
	return result;
}

static int get(struct actuator_room *room, const struct target *target, struct knob_value *value,
	       struct error *error)
{
	struct io_throttle throttle;
	int result = call(room, target, NULL, &throttle, error);

	if (!result)
		value->disk = limit_of_throttle(&throttle);
	return result;
}

static int set(struct actuator_room *room, const struct target *target,
	       const struct knob_value *value, struct error *error)
{
	const struct io_throttle throttle = throttle_of_limit(&value->disk);

	return call(room, target, &throttle, NULL, error);
}

const struct actuator actuator_qmp = {
	.name = "qmp",
	.serves = serves,
	.get = get,
	.set = set,
	.may_block = true,
};
