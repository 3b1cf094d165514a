/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "host/qemu-cmdline.h"

/* How the guest's kernel would name the disk. */
enum bus { BUS_VIRTIO, BUS_SCSI, BUS_NVME, BUS_FLOPPY, BUS_OTHER };
enum { BUS_COUNT = 5 };

struct drive_list {
	struct qemu_drive *items;
	size_t count, capacity;
};

struct iothread_list {
	char **items;
	size_t count, capacity;
};

struct context {
	const struct qemu_elements *elements;
	const char *default_interface; /* of a -drive that names none */
	unsigned numbers[BUS_COUNT];   /* disks named so far */
	struct drive_list drives;
	struct iothread_list iothreads;
};

/* --- one disk -------------------------------------------------------------- */

struct found {
	enum bus bus;
	const char *id, *device; /* either may be NULL */
	int iothread;
};

/* "vda" ... "vdz" "vdaa": as Linux counts disks. */
static void letter_name(const char *prefix, unsigned number, char *name, size_t size)
{
	char letters[8];
	size_t at = sizeof letters - 1;

	letters[at] = '\0';
	do {
		letters[--at] = (char)('a' + number % 26);
		number /= 26;
	} while (number-- > 0 && at > 0);
	snprintf(name, size, "%s%s", prefix, letters + at);
}

static void disk_name(struct context *context, const struct found *found, char *name, size_t size)
{
	unsigned number = context->numbers[found->bus]++;

	switch (found->bus) {
	case BUS_VIRTIO:
		letter_name("vd", number, name, size);
		return;
	case BUS_SCSI:
		letter_name("sd", number, name, size);
		return;
	case BUS_FLOPPY:
		letter_name("fd", number, name, size);
		return;
	case BUS_NVME:
		snprintf(name, size, "nvme%un1", number);
		return;
	case BUS_OTHER:
		break;
	}
	if (found->id || found->device)
		snprintf(name, size, "%s", found->id ? found->id : found->device);
	else
		snprintf(name, size, "drive%u", number);
}

static int add_drive(struct context *context, const struct found *found,
		     const struct qemu_medium *medium)
{
	struct qemu_drive *drive = MEMORY_APPEND(&context->drives);
	char name[64];

	if (!drive)
		return -ENOMEM;
	disk_name(context, found, name, sizeof name);
	drive->name = strdup(name);
	drive->id = strdup(found->id ? found->id : "");
	drive->device = found->device ? strdup(found->device) : NULL;
	drive->source = strdup(medium->source.bytes ? medium->source.bytes : "");
	drive->direct = medium->direct;
	drive->iothread = found->iothread;
	return drive->name && drive->id && drive->source && (drive->device || !found->device)
		       ? 0
		       : -ENOMEM;
}

/* --- -drive ---------------------------------------------------------------- */

/* Boards differ in what an unadorned -drive is attached to (block_default_type in QEMU's hw/). */
static const char *board_interface(const char *program)
{
	static const struct {
		const char *word, *interface;
	} boards[] = {
		{ "aarch64", "virtio" }, { "-arm", "virtio" },        { "riscv", "virtio" },
		{ "s390x", "virtio" },   { "loongarch64", "virtio" }, { "ppc64", "scsi" },
	};

	for (size_t i = 0; i < sizeof boards / sizeof *boards; i++)
		if (strstr(program, boards[i].word))
			return boards[i].interface;
	return "ide";
}

static const char *drive_interface(const struct context *context, const struct qemu_options *drive)
{
	const char *interface = qemu_options_get(drive, "", "if");

	return interface ? interface : context->default_interface;
}

static enum bus interface_bus(const char *interface)
{
	static const struct {
		const char *name;
		enum bus bus;
	} buses[] = {
		{ "virtio", BUS_VIRTIO },
		{ "ide", BUS_SCSI },
		{ "scsi", BUS_SCSI },
		{ "floppy", BUS_FLOPPY },
	};

	for (size_t i = 0; i < sizeof buses / sizeof *buses; i++)
		if (strcmp(interface, buses[i].name) == 0)
			return buses[i].bus;
	return BUS_OTHER;
}

/*
 * The id that QEMU makes for a drive without one (blockdev.c, drive_new):
 * "ide1-cd0", "virtio0". Drives without an index come after each other.
 */
static void made_up_id(const struct qemu_options *drive, const char *interface, unsigned number,
		       char *id, size_t size)
{
	static const struct {
		const char *interface;
		unsigned units; /* on one bus */
	} buses[] = { { "ide", 2 }, { "scsi", 7 } };
	const char *index = qemu_options_get(drive, "", "index");
	const char *media = qemu_options_get(drive, "", "media");
	const char *kind = media && strcmp(media, "cdrom") == 0 ? "-cd" : "-hd";
	uint64_t place = number;

	if (index && number_parse_u64(index, &place))
		place = number;
	for (size_t i = 0; i < sizeof buses / sizeof *buses; i++)
		if (strcmp(interface, buses[i].interface) == 0) {
			snprintf(id, size, "%s%llu%s%llu", interface,
				 (unsigned long long)place / buses[i].units, kind,
				 (unsigned long long)place % buses[i].units);
			return;
		}
	snprintf(id, size, "%s%llu", interface, (unsigned long long)place);
}

/* How many drives of that interface stand before element number `index`. */
static unsigned drives_before(const struct context *context, size_t index, const char *interface)
{
	unsigned count = 0;

	for (size_t i = 0; i < index; i++) {
		const struct qemu_element *element = &context->elements->items[i];

		count += element->kind == QEMU_DRIVE &&
			 strcmp(drive_interface(context, &element->options), interface) == 0;
	}
	return count;
}

/* Drives that a board shows by itself; QEMU makes those of virtio after all -device. */
static int add_board_drives(struct context *context, bool virtio)
{
	int result = 0;

	for (size_t i = 0; i < context->elements->count && !result; i++) {
		const struct qemu_element *element = &context->elements->items[i];
		struct found found = { .iothread = -1 };
		struct qemu_medium medium = { 0 };
		const char *interface;
		char id[64];

		if (element->kind != QEMU_DRIVE)
			continue;
		interface = drive_interface(context, &element->options);
		found.bus = interface_bus(interface);
		if (strcmp(interface, "none") == 0 || strcmp(interface, "pflash") == 0 ||
		    (found.bus == BUS_VIRTIO) != virtio)
			continue;
		found.id = qemu_options_get(&element->options, "", "id");
		made_up_id(&element->options, interface, drives_before(context, i, interface), id,
			   sizeof id);
		if (!found.id)
			found.id = id;
		qemu_find_drive_medium(context->elements, &element->options, &medium);
		result = add_drive(context, &found, &medium);
		text_free(&medium.source);
	}
	return result;
}

/* --- -device --------------------------------------------------------------- */

static const struct disk_driver {
	const char *beginning;
	enum bus bus;
	bool only_with_drive; /* a controller otherwise */
} disk_drivers[] = {
	{ "virtio-blk", BUS_VIRTIO, false },
	{ "vhost-user-blk", BUS_VIRTIO, false },
	{ "scsi-hd", BUS_SCSI, false },
	{ "scsi-cd", BUS_SCSI, false },
	{ "scsi-block", BUS_SCSI, false },
	{ "scsi-disk", BUS_SCSI, false },
	{ "scsi-generic", BUS_SCSI, false },
	{ "ide-hd", BUS_SCSI, false },
	{ "ide-cd", BUS_SCSI, false },
	{ "ide-drive", BUS_SCSI, false },
	{ "usb-storage", BUS_SCSI, false },
	{ "nvme", BUS_NVME, true },
	{ "floppy", BUS_FLOPPY, false },
	{ "sd-card", BUS_OTHER, false },
	/* What another process serves works for a VM no less than a disk does. */
	{ "vhost-user-fs", BUS_OTHER, false },
	{ "vhost-user-scsi", BUS_OTHER, false },
};

static const struct disk_driver *find_disk_driver(const struct qemu_options *device)
{
	const char *driver = qemu_options_get(device, "", "driver");

	for (size_t i = 0; driver && i < sizeof disk_drivers / sizeof *disk_drivers; i++)
		if (strncmp(driver, disk_drivers[i].beginning, strlen(disk_drivers[i].beginning)) ==
			    0 &&
		    (!disk_drivers[i].only_with_drive || qemu_options_get(device, "", "drive")))
			return &disk_drivers[i];
	return NULL;
}

/* The controller that a SCSI disk hangs on: by the name of its bus, or the first there is. */
static const struct qemu_options *find_controller(const struct context *context,
						  const struct qemu_options *device)
{
	const char *bus = qemu_options_get(device, "", "bus");
	const char *point = bus ? strrchr(bus, '.') : NULL;

	for (size_t i = 0; i < context->elements->count; i++) {
		const struct qemu_element *element = &context->elements->items[i];
		const char *id = qemu_options_get(&element->options, "", "id");
		const char *driver = qemu_options_get(&element->options, "", "driver");

		if (element->kind != QEMU_DEVICE || !driver)
			continue;
		if (point ? id && strlen(id) == (size_t)(point - bus) &&
				    strncmp(id, bus, strlen(id)) == 0
			  : !bus && strncmp(driver, "virtio-scsi", strlen("virtio-scsi")) == 0)
			return &element->options;
	}
	return NULL;
}

static int find_iothread(const struct context *context, const struct qemu_options *device)
{
	const char *driver = qemu_options_get(device, "", "driver");
	const char *id = qemu_options_get(device, "", "iothread");

	if (!id && driver && strncmp(driver, "scsi-", strlen("scsi-")) == 0) {
		const struct qemu_options *controller = find_controller(context, device);

		id = controller ? qemu_options_get(controller, "", "iothread") : NULL;
	}
	for (size_t i = 0; id && i < context->iothreads.count; i++)
		if (strcmp(context->iothreads.items[i], id) == 0)
			return (int)i;
	return -1;
}

/* A device names its -drive, its -blockdev or, for vhost-user, the socket of its server. */
static void find_device_medium(const struct context *context, const struct qemu_options *device,
			       struct qemu_medium *medium)
{
	const char *drive = qemu_options_get(device, "", "drive");
	const char *chardev = qemu_options_get(device, "", "chardev"), *path = NULL;
	const struct qemu_options *found = NULL;

	if (drive)
		found = qemu_element_find(context->elements, QEMU_DRIVE, "id", drive);
	if (found) {
		qemu_find_drive_medium(context->elements, found, medium);
		return;
	}
	if (drive && qemu_find_named_medium(context->elements, drive, medium))
		return;
	if (chardev) {
		found = qemu_element_find(context->elements, QEMU_CHARDEV, "id", chardev);
		path = found ? qemu_options_get(found, "", "path") : NULL;
		text_addf(&medium->source, "vhost-user:%s", path ? path : chardev);
	}
}

static int add_device(struct context *context, const struct qemu_options *device)
{
	const struct disk_driver *driver = find_disk_driver(device);
	struct qemu_medium medium = { 0 };
	struct found found;
	int result;

	if (!driver)
		return 0;
	found = (struct found){
		.bus = driver->bus,
		.id = qemu_options_get(device, "", "drive"),
		.device = qemu_options_get(device, "", "id"),
		.iothread = find_iothread(context, device),
	};
	if (!found.id)
		found.id = qemu_options_get(device, "", "tag"); /* of a shared folder */
	find_device_medium(context, device, &medium);
	result = medium.source.failed ? -ENOMEM : add_drive(context, &found, &medium);
	text_free(&medium.source);
	return result;
}

/* --- all ------------------------------------------------------------------- */

static int add_iothread(struct context *context, const struct qemu_options *object)
{
	const char *type = qemu_options_get(object, "", "qom-type");
	const char *id = qemu_options_get(object, "", "id");
	char **added;

	if (!type || !id || strcmp(type, "iothread") != 0)
		return 0;
	added = MEMORY_APPEND(&context->iothreads);
	if (!added)
		return -ENOMEM;
	*added = strdup(id);
	return *added ? 0 : -ENOMEM;
}

static int for_each(struct context *context, enum qemu_element_kind kind,
		    int (*add)(struct context *, const struct qemu_options *))
{
	int result = 0;

	for (size_t i = 0; i < context->elements->count && !result; i++)
		if (context->elements->items[i].kind == kind)
			result = add(context, &context->elements->items[i].options);
	return result;
}

int qemu_parse_drives(const struct qemu_elements *elements, const char *program,
		      struct qemu_process *process)
{
	struct context context = {
		.elements = elements,
		.default_interface = board_interface(program),
	};
	int result = for_each(&context, QEMU_OBJECT, add_iothread);

	if (!result)
		result = add_board_drives(&context, false);
	if (!result)
		result = for_each(&context, QEMU_DEVICE, add_device);
	if (!result)
		result = add_board_drives(&context, true);
	process->drives = context.drives.items;
	process->drive_count = context.drives.count;
	process->iothreads = context.iothreads.items;
	process->iothread_count = context.iothreads.count;
	return result;
}
