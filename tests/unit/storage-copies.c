/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How often a RAID writes what is written to it. */
#include <stdlib.h>
#include <string.h>

#include "host/storage-walk.h"
#include "tests/unit/proc-fixture.h"

static struct rootfs root;

static void add_device(const char *name, const char *number)
{
	char text[64];

	snprintf(text, sizeof text, "%s\n", number);
	fixture_write(text, "/sys/devices/block/%s/dev", name);
	fixture_write("1000\n", "/sys/devices/block/%s/size", name);
	fixture_write("", "/sys/dev/block/folder");
	fixture_write("", "/sys/class/block/folder");
	snprintf(text, sizeof text, "../../devices/block/%s", name);
	fixture_link(text, "/sys/dev/block/%s", number);
	fixture_link(text, "/sys/class/block/%s", name);
}

/* The kernel has links of their names there; their numbers are read. */
static void add_parts(const char *name, const char *const *numbers)
{
	char text[64];

	for (; *numbers; numbers++) {
		snprintf(text, sizeof text, "%s\n", *numbers);
		fixture_write(text, "/sys/devices/block/%s/slaves/%s/dev", name, *numbers);
	}
}

/* An array of four disks. */
static void begin(const char *name)
{
	static const char *const disks[] = { "8:0", "8:16", "8:32", "8:48", NULL };

	fixture_begin(name, &root);
	add_device("sda", "8:0");
	add_device("sdb", "8:16");
	add_device("sdc", "8:32");
	add_device("sdd", "8:48");
	add_device("md0", "9:0");
	add_parts("md0", disks);
}

static void set(const char *level, const char *members, const char *name, const char *value)
{
	fixture_write(level, "/sys/devices/block/md0/md/level");
	fixture_write(members, "/sys/devices/block/md0/md/raid_disks");
	fixture_write(value, "/sys/devices/block/md0/md/%s", name);
}

static void expect(double copies, size_t leaves, const char *source)
{
	struct vdisk vdisk = { .source = strdup(source) };
	struct disk_list disks = { 0 };

	UNIT_EQUAL_I64(0, storage_resolve(&root, 0, &vdisk, &disks));
	UNIT_EQUAL_U64(leaves, vdisk.leaf_count);
	UNIT_EQUAL_DOUBLE(copies, vdisk.write_copies, 1e-12);
	vdisk_clear(&vdisk);
	disk_list_clear(&disks);
}

static void test_levels(void)
{
	static const char layout[] = "layout";

	begin("levels");
	expect(1, 4, "/dev/md0"); /* that says nothing */
	set("raid0\n", "4\n", layout, "0\n");
	expect(1, 4, "/dev/md0");
	set("linear\n", "4\n", layout, "0\n");
	expect(1, 4, "/dev/md0");
	set("raid1\n", "4\n", layout, "0\n");
	expect(4, 4, "/dev/md0");
	set("raid1\n", "4\n", "degraded", "1\n");
	expect(3, 4, "/dev/md0");
	set("raid1\n", "4\n", "degraded", "7\n");
	expect(1, 4, "/dev/md0");
	set("raid5\n", "4\n", layout, "2\n");
	expect(4.0 / 3, 4, "/dev/md0");
	set("raid6\n", "4\n", layout, "2\n");
	expect(2, 4, "/dev/md0");
	set("raid6\n", "2\n", layout, "2\n"); /* no such thing */
	expect(1, 4, "/dev/md0");
	set("raid10\n", "4\n", layout, "258\n"); /* two near copies */
	expect(2, 4, "/dev/md0");
	set("raid10\n", "4\n", layout, "513\n"); /* two far copies */
	expect(2, 4, "/dev/md0");
	set("raid10\n", "4\n", layout, "0\n");
	expect(1, 4, "/dev/md0");
	set("raid1\n", "many\n", layout, "0\n");
	expect(1, 4, "/dev/md0");
	expect(1, 1, "/dev/sda");
	rootfs_close(&root);
}

static void test_layers(void)
{
	static const char *const mirror[] = { "9:0", NULL }, *const mixed[] = { "9:0", "8:64",
										NULL };
	static const char *const pair[] = { "8:64", "253:0", NULL };

	begin("layers");
	set("raid1\n", "2\n", "layout", "0\n");
	add_device("sde", "8:64");
	add_device("dm-0", "253:0");
	add_parts("dm-0", mirror);
	expect(2, 4, "/dev/dm-0"); /* a volume on the mirror */
	add_device("dm-1", "253:1");
	add_parts("dm-1", mixed);
	expect(1, 5, "/dev/dm-1"); /* partly on it: what is sure */
	add_device("md1", "9:1");
	add_parts("md1", pair);
	fixture_write("raid1\n", "/sys/devices/block/md1/md/level");
	fixture_write("2\n", "/sys/devices/block/md1/md/raid_disks");
	expect(2, 5, "/dev/md1"); /* four on one side, two on the other */
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("storage-copies", { "each level of RAID", test_levels },
			{ "volumes over RAID, RAID over RAID", test_layers });
}
