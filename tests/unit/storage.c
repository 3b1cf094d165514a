/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines made of a few lines each, below a movable root. storage-real.c asks this one. */
#include "host/storage.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/proc-fixture.h"

enum { LINES_MAX = 24 };

/*
 * A machine and a question. Lines of `machine`:
 *   disk NAME MAJ:MIN           a leaf of 1000 sectors, model "  NAME-model "
 *   part DISK NAME MAJ:MIN
 *   over NAME MAJ:MIN BELOW...  dm, md: slaves; a partition as DISK/PART
 *   loop MAJ:MIN FILE           loopMIN
 *   mount LINE                  of /proc/self/mountinfo
 *   file PATH TEXT              link PATH TARGET
 */
struct trial {
	const char *machine[LINES_MAX];
	const char *source;
	enum vdisk_backing backing;
	const char *leaves; /* names, each followed by a blank */
	const char *reason; /* a part of it; NULL = none at all */
	const char *asked;  /* number of the device; "0:0": none or several; NULL: not looked at */
};

static unsigned machines;
static char mounts[4096];

/* The device folder and the three links that sysfs has for it; `place` below sys/devices/block. */
static void add_device(const char *place, const char *number)
{
	char target[512];
	const char *slash = strrchr(place, '/'), *name = slash ? slash + 1 : place;

	snprintf(target, sizeof target, "%s\n", number);
	fixture_write(target, "/sys/devices/block/%s/dev", place);
	fixture_write("1000\n", "/sys/devices/block/%s/size", place);
	snprintf(target, sizeof target, "../../devices/block/%s", place);
	fixture_link(target, "/sys/dev/block/%s", number);
	fixture_link(target, "/sys/class/block/%s", name);
	snprintf(target, sizeof target, "../devices/block/%s", place);
	if (!slash)
		fixture_link(target, "/sys/block/%s", name);
}

static void add_disk(const char *name, const char *number)
{
	char model[128];

	snprintf(model, sizeof model, "  %s-model \n", name);
	add_device(name, number);
	fixture_write(model, "/sys/devices/block/%s/device/model", name);
	fixture_write(strchr(name, 's') ? "1\n" : "0\n", "/sys/devices/block/%s/queue/rotational",
		      name);
}

static void add_over(char *rest)
{
	const char *name = strtok_r(NULL, " ", &rest), *number = strtok_r(NULL, " ", &rest);
	const char *below;
	char target[512];

	add_device(name, number);
	while ((below = strtok_r(NULL, " ", &rest))) {
		const char *slash = strchr(below, '/');

		snprintf(target, sizeof target, "../../%s", below);
		fixture_link(target, "/sys/devices/block/%s/slaves/%s", name,
			     slash ? slash + 1 : below);
		snprintf(target, sizeof target, "../../%s", name);
		fixture_link(target, "/sys/devices/block/%s/holders/%s", below, name);
	}
}

static void add_loop(const char *number, const char *file)
{
	char name[32], text[512];

	snprintf(name, sizeof name, "loop%s", strchr(number, ':') + 1);
	add_device(name, number);
	snprintf(text, sizeof text, "%s\n", file);
	fixture_write(text, "/sys/devices/block/%s/loop/backing_file", name);
}

static void add_line(const char *line)
{
	char copy[1024], *rest = NULL, *kind, *first, *second;

	snprintf(copy, sizeof copy, "%s", line);
	kind = strtok_r(copy, " ", &rest);
	if (strcmp(kind, "mount") == 0) {
		strcat(mounts, rest);
		strcat(mounts, "\n");
		return;
	}
	if (strcmp(kind, "over") == 0) {
		add_over(rest);
		return;
	}
	first = strtok_r(NULL, " ", &rest);
	if (strcmp(kind, "part") == 0) {
		char place[128];

		second = strtok_r(NULL, " ", &rest);
		snprintf(place, sizeof place, "%s/%s", first, second);
		add_device(place, rest);
		fixture_write("1\n", "/sys/devices/block/%s/partition", place);
	} else if (strcmp(kind, "disk") == 0) {
		add_disk(first, rest);
	} else if (strcmp(kind, "loop") == 0) {
		add_loop(first, rest);
	} else if (strcmp(kind, "link") == 0) {
		fixture_link(rest, "/%s", first);
	} else {
		fixture_write(rest, "/%s", first);
	}
}

static struct rootfs make_machine(const char *const *lines)
{
	char name[16];
	struct rootfs root;

	snprintf(name, sizeof name, "%u", ++machines);
	fixture_begin(name, &root);
	mounts[0] = '\0';
	for (; *lines; lines++)
		add_line(*lines);
	fixture_write(mounts, "/proc/self/mountinfo");
	fixture_write(mounts, "/proc/77/mountinfo");
	return root;
}

static void join_leaves(const struct vdisk *vdisk, const struct disk_list *disks, char text[256])
{
	text[0] = '\0';
	for (size_t i = 0; i < vdisk->leaf_count; i++) {
		strcat(text, disks->items[vdisk->leaves[i]].name);
		strcat(text, " ");
	}
}

static void check(const struct trial *trial)
{
	struct rootfs root = make_machine(trial->machine);
	struct vdisk vdisk = { .source = strdup(trial->source) };
	struct disk_list disks = { 0 };
	char leaves[256];

	UNIT_EQUAL_I64(0, storage_resolve(&root, 77, &vdisk, &disks));
	UNIT_EQUAL_TEXT(vdisk_backing_name(trial->backing), vdisk_backing_name(vdisk.backing));
	join_leaves(&vdisk, &disks, leaves);
	UNIT_EQUAL_TEXT(trial->leaves, leaves);
	if (trial->reason)
		UNIT_CONTAINS(trial->reason, vdisk.reason);
	else
		UNIT_EQUAL_TEXT(NULL, vdisk.reason);
	if (trial->asked) {
		unsigned major = 9, minor = 9;
		bool one = storage_asked(&root, 77, vdisk.source, &major, &minor);

		snprintf(leaves, sizeof leaves, "%u:%u", major, minor);
		UNIT_EQUAL_TEXT(trial->asked, leaves);
		UNIT_TRUE(one == (major != 0));
	}
	vdisk_clear(&vdisk);
	disk_list_clear(&disks);
	rootfs_close(&root);
}
#define CHECK(...) check(&(const struct trial){ __VA_ARGS__ })

#define SDA1 "disk sda 8:0", "part sda sda1 8:1"
#define ROOT_ON_SDA1 SDA1, "mount 27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw"
#define TWO_NVMES                                                                                  \
	"disk nvme0n1 259:0", "part nvme0n1 nvme0n1p2 259:2", "disk nvme1n1 259:4",                \
		"part nvme1n1 nvme1n1p2 259:6"

static void test_partition(void)
{
	CHECK(.machine = { ROOT_ON_SDA1 }, .source = "/srv/vm.img", .backing = VDISK_LOCAL,
	      .leaves = "sda ", .asked = "8:0");
}

static void test_deepest_mount(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "disk sdb 8:16",
			   "mount 30 27 8:16 / /srv/vm\\040images rw - xfs /dev/sdb rw",
			   "mount 31 27 8:1 /x /srv/vm rw - ext4 /dev/sda1 rw" },
	      .source = "/srv/vm images/a.img", .backing = VDISK_LOCAL, .leaves = "sdb ");
}

static void test_mount_of_like_name(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "disk sdb 8:16",
			   "mount 30 27 8:16 / /srv/vm rw - xfs /dev/sdb rw" },
	      .source = "/srv/vm.img", .backing = VDISK_LOCAL, .leaves = "sda ");
}

static void test_topmost_mount(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "disk sdb 8:16", "mount 30 27 8:1 / /srv rw - ext4 a rw",
			   "mount 31 30 8:16 / /srv rw shared:1 master:2 - ext4 b rw" },
	      .source = "/srv/a.img", .backing = VDISK_LOCAL, .leaves = "sdb ");
}

static void test_lvm_over_two(void)
{
	CHECK(.machine = { SDA1, "disk sdb 8:16", "over dm-0 253:0 sdb sda/sda1",
			   "mount 27 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw" },
	      .source = "/a.img", .backing = VDISK_LOCAL, .leaves = "sda sdb ", .asked = "253:0");
}

static void test_md_over_partitions(void)
{
	CHECK(.machine = { TWO_NVMES, "over md0 9:0 nvme0n1/nvme0n1p2 nvme1n1/nvme1n1p2",
			   "link dev/md/data ../md0" },
	      .source = "/dev/md/data", .backing = VDISK_LOCAL, .leaves = "nvme0n1 nvme1n1 ",
	      .asked = "9:0");
}

static void test_crypt_over_lvm_over_md(void)
{
	CHECK(.machine = { TWO_NVMES, "over md0 9:0 nvme0n1/nvme0n1p2 nvme1n1/nvme1n1p2",
			   "over dm-0 253:0 md0", "over dm-1 253:1 dm-0",
			   "link dev/mapper/secret ../dm-1",
			   "link dev/disk/by-id/dm-uuid-secret ../../mapper/secret" },
	      .source = "/dev/disk/by-id/dm-uuid-secret", .backing = VDISK_LOCAL,
	      .leaves = "nvme0n1 nvme1n1 ", .asked = "253:1");
}

/* A thin volume, in a pool of metadata and data. */
static void test_thin(void)
{
	CHECK(.machine = { SDA1, "disk sdb 8:16", "disk sdc 8:32", "over dm-0 253:0 sdb",
			   "over dm-1 253:1 sda/sda1 sdc", "over dm-2 253:2 dm-0 dm-1",
			   "over dm-3 253:3 dm-2" },
	      .source = "/dev/dm-3", .backing = VDISK_LOCAL, .leaves = "sdb sda sdc ",
	      .asked = "253:3");
}

static void test_bcache(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "disk nvme0n1 259:0", "over bcache0 252:0 sda nvme0n1" },
	      .source = "/dev/bcache0", .backing = VDISK_LOCAL, .leaves = "nvme0n1 sda ",
	      .asked = "252:0");
}

static void test_shared_leaf_once(void)
{
	CHECK(.machine = { SDA1, "part sda sda2 8:2", "over dm-0 253:0 sda/sda1 sda/sda2" },
	      .source = "/dev/dm-0", .backing = VDISK_LOCAL, .leaves = "sda ");
}

static void test_loop_on_loop(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "loop 7:0 /srv/outer.img", "loop 7:1 /mnt/inner.img",
			   "mount 30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw" },
	      .source = "/dev/loop1", .backing = VDISK_LOCAL, .leaves = "sda ", .asked = "7:1");
}

static void test_loop_on_deleted(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "loop 7:0 /srv/gone.img (deleted)" },
	      .source = "/dev/loop0", .backing = VDISK_LOCAL, .leaves = "sda ",
	      .reason = "guessed by its mount point: /srv/gone.img (deleted)");
}

static void test_loop_without_file(void)
{
	CHECK(.machine = { "loop 7:0 " }, .source = "/dev/loop0", .backing = VDISK_UNKNOWN,
	      .leaves = "", .reason = "loop0: it has no backing file", .asked = "7:0");
}

static void test_loop_on_itself(void)
{
	CHECK(.machine = { "loop 7:0 /mnt/self.img",
			   "mount 30 27 7:0 / /mnt rw - ext4 /dev/loop0 rw" },
	      .source = "/mnt/vm.img", .backing = VDISK_UNKNOWN, .leaves = "",
	      .reason = "device 7:0 lies below itself");
}

static void test_btrfs(void)
{
	CHECK(.machine = { SDA1, "disk sdb 8:16", "disk sdc 8:32",
			   "mount 27 1 0:31 /@ / rw - btrfs /dev/sdb rw,subvol=/@",
			   "file sys/fs/btrfs/features/raid 1",
			   "link sys/fs/btrfs/1111/devices/sdc ../../../../devices/block/sdc",
			   "link sys/fs/btrfs/2222/devices/sda1 ../../../../devices/block/sda/sda1",
			   "link sys/fs/btrfs/2222/devices/sdb ../../../../devices/block/sdb" },
	      .source = "/a.img", .backing = VDISK_LOCAL, .leaves = "sda sdb ", .asked = "0:0");
}

static void test_btrfs_without_sysfs(void)
{
	CHECK(.machine = { SDA1, "mount 27 1 0:31 / / rw - btrfs /dev/sda1 rw" },
	      .source = "/a.img", .backing = VDISK_LOCAL, .leaves = "sda ", .asked = "8:0");
}

static void test_bcachefs(void)
{
	CHECK(.machine = { SDA1, "disk sdb 8:16",
			   "mount 27 1 0:31 / / rw - bcachefs /dev/sda1:/dev/sdb rw" },
	      .source = "/a.img", .backing = VDISK_LOCAL, .leaves = "sda sdb ");
}

static void test_overlay(void)
{
	CHECK(.machine = { ROOT_ON_SDA1, "disk sdb 8:16",
			   "mount 40 27 0:50 / /merged rw - overlay o "
			   "rw,lowerdir=/l,upperdir=/up/d,x=y",
			   "mount 41 27 8:16 / /up rw - ext4 /dev/sdb rw" },
	      .source = "/merged/a.img", .backing = VDISK_LOCAL, .leaves = "sdb ", .asked = "8:16");
}

static void test_overlay_read_only(void)
{
	CHECK(.machine = { ROOT_ON_SDA1,
			   "mount 40 27 0:50 / /merged rw - overlay o rw,lowerdir=/l1:/l2" },
	      .source = "/merged/a.img", .backing = VDISK_LOCAL, .leaves = "sda ");
}

static void test_overlay_on_itself(void)
{
	CHECK(.machine = { "mount 40 27 0:50 / /m rw - overlay overlay rw,upperdir=/m/d" },
	      .source = "/m/a.img", .backing = VDISK_UNKNOWN, .leaves = "",
	      .reason = "more than 16 layers");
}

static void test_file_systems_without_disk(void)
{
	static const struct {
		const char *mount, *reason;
		enum vdisk_backing backing;
	} cases[] = {
		{ "mount 9 1 0:50 / /v rw - nfs4 nas:/v rw", "network file system (nfs4)",
		  VDISK_NETWORK },
		{ "mount 9 1 0:50 / /v rw - cifs //nas/v rw", "(cifs)", VDISK_NETWORK },
		{ "mount 9 1 0:50 / /v rw - ceph mon:/ rw", "(ceph)", VDISK_NETWORK },
		{ "mount 9 1 0:50 / /v rw - fuse.glusterfs g:/v rw", "(fuse.glusterfs)",
		  VDISK_NETWORK },
		{ "mount 9 1 0:50 / /v rw - tmpfs none rw", "in memory, no disk is here",
		  VDISK_UNKNOWN },
		{ "mount 9 1 0:50 / /v rw - zfs tank/vm rw", "tank/vm", VDISK_UNKNOWN },
		{ "mount 9 1 0:50 / /v rw - fuse.mergerfs a:b rw",
		  "fuse.mergerfs (a:b): it does not say", VDISK_UNKNOWN },
		{ "mount 9 1 0:50 / /v rw - newfs thing rw", "its source \"thing\" is no device",
		  VDISK_UNKNOWN },
		{ "mount 9 1 0:50 / /elsewhere rw - tmpfs none rw", "no mount of it is known",
		  VDISK_UNKNOWN },
		{ "mount broken", "no mount of it is known", VDISK_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK(.machine = { cases[i].mount }, .source = "/v/a.img",
		      .backing = cases[i].backing, .leaves = "", .reason = cases[i].reason);
}

static void test_devices_without_disk(void)
{
	static const struct {
		const char *device, *source, *reason;
		enum vdisk_backing backing;
	} cases[] = {
		{ "disk nbd0 43:0", "/dev/nbd0", "nbd0: another process", VDISK_NETWORK },
		{ "disk rbd0 251:0", "/dev/rbd0", "Ceph", VDISK_NETWORK },
		{ "disk zram0 252:0", "/dev/zram0", "memory", VDISK_UNKNOWN },
		{ "disk zd16 230:16", "/dev/zd16", "ZFS", VDISK_UNKNOWN },
		{ "disk sr0 11:0", "/dev/sr0", "optical", VDISK_UNKNOWN },
		{ "over dm-0 253:0", "/dev/dm-0", "dm-0: no device is below", VDISK_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK(.machine = { cases[i].device }, .source = cases[i].source,
		      .backing = cases[i].backing, .leaves = "", .reason = cases[i].reason);
}

static void test_sources_that_are_no_paths(void)
{
	static const struct {
		const char *source;
		enum vdisk_backing backing;
	} cases[] = {
		{ "nbd://host:10809/x", VDISK_NETWORK },
		{ "nbd+unix:///x?socket=/s", VDISK_NETWORK },
		{ "rbd:pool/image", VDISK_NETWORK },
		{ "iscsi://1.2.3.4/iqn/0", VDISK_NETWORK },
		{ "https://host/a.iso", VDISK_NETWORK },
		{ "ssh://host/a.img", VDISK_NETWORK },
		{ "gluster+tcp://host/v/a.img", VDISK_NETWORK },
		{ "vhost-user:/run/x.sock", VDISK_NETWORK },
		{ "nvme://0000:01:00.0/1", VDISK_UNKNOWN },
		{ "json:{\"driver\":\"file\"}", VDISK_UNKNOWN },
		{ "/dev/fdset/3", VDISK_UNKNOWN },
		{ "relative.img", VDISK_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK(.machine = { ROOT_ON_SDA1 }, .source = cases[i].source,
		      .backing = cases[i].backing, .leaves = "", .reason = "");
	CHECK(.machine = { ROOT_ON_SDA1 }, .source = "", .backing = VDISK_EMPTY, .leaves = "");
	CHECK(.machine = { ROOT_ON_SDA1 }, .source = "file:/a.img", .backing = VDISK_LOCAL,
	      .leaves = "sda ");
}

static void test_remote_disks(void)
{
	CHECK(.machine = { "file sys/devices/host3/session1/block/sdq/dev 65:0",
			   "link sys/dev/block/65:0 ../../devices/host3/session1/block/sdq",
			   "link sys/class/block/sdq ../../devices/host3/session1/block/sdq" },
	      .source = "/dev/sdq", .backing = VDISK_NETWORK, .leaves = "",
	      .reason = "sdq: the disk is on another machine");
}

static void test_half_unknown(void)
{
	CHECK(.machine = { SDA1, "disk nbd0 43:0", "over md0 9:0 nbd0 sda/sda1" },
	      .source = "/dev/md0", .backing = VDISK_LOCAL, .leaves = "sda ",
	      .reason = "nbd0: another process");
}

static void test_multipath_is_one_disk(void)
{
	const char *const machine[] = { "disk sda 8:0",
					"disk sdb 8:16",
					"over dm-0 253:0 sda sdb",
					"file sys/devices/block/dm-0/dm/uuid mpath-3600",
					"disk nvme0n1 259:1",
					"disk nvme0c0n1 259:2",
					"file sys/devices/block/nvme0c0n1/hidden 1",
					NULL };
	struct rootfs root = make_machine(machine);
	struct disk_list disks = { 0 };

	UNIT_EQUAL_I64(0, storage_leaves(&root, &disks));
	UNIT_EQUAL_U64(2, disks.count);
	if (disks.count == 2) {
		UNIT_EQUAL_TEXT("nvme0n1", disks.items[0].name);
		UNIT_EQUAL_TEXT("sda", disks.items[1].name);
	}
	disk_list_clear(&disks);
	rootfs_close(&root);
	CHECK(.machine = { machine[0], machine[1], machine[2], machine[3] }, .source = "/dev/dm-0",
	      .backing = VDISK_LOCAL, .leaves = "sda ");
}

static void test_leaves_are_described_and_kept(void)
{
	const char *const machine[] = { ROOT_ON_SDA1,
					"disk nvme0n1 259:0",
					"disk sdx 65:16",
					"file sys/devices/block/sdx/size 0",
					"loop 7:0 /a",
					"over dm-0 253:0 sda/sda1",
					NULL };
	struct rootfs root = make_machine(machine);
	struct disk_list disks = { 0 };
	struct vdisk vdisk = { .source = strdup("/dev/nvme0n1") };

	UNIT_EQUAL_I64(0, storage_resolve(&root, 0, &vdisk, &disks));
	UNIT_EQUAL_I64(0, storage_leaves(&root, &disks)); /* adds what is not there yet */
	UNIT_EQUAL_U64(2, disks.count);
	UNIT_EQUAL_U64(1, vdisk.leaf_count);
	if (disks.count == 2) {
		UNIT_EQUAL_TEXT("nvme0n1", disks.items[0].name);
		UNIT_TRUE(!disks.items[0].rotational);
		UNIT_EQUAL_TEXT("sda", disks.items[1].name);
		UNIT_EQUAL_TEXT("sda-model", disks.items[1].model);
		UNIT_TRUE(disks.items[1].rotational);
		UNIT_EQUAL_U64(8, disks.items[1].major);
		UNIT_EQUAL_U64(0, disks.items[1].minor);
		UNIT_EQUAL_U64(512000, disks.items[1].size_bytes);
	}
	vdisk_clear(&vdisk);
	disk_list_clear(&disks);
	rootfs_close(&root);
}

/* The second disk of the list is found first on the second vDISK's way. */
static void test_leaves_ascend(void)
{
	const char *const machine[] = { SDA1, "disk sdb 8:16", "over md0 9:0 sda/sda1 sdb", NULL };
	struct rootfs root = make_machine(machine);
	struct disk_list disks = { 0 };
	struct vdisk one = { .source = strdup("/dev/sdb") };
	struct vdisk two = { .source = strdup("/dev/md0") };
	char leaves[256];

	UNIT_EQUAL_I64(0, storage_resolve(&root, 0, &one, &disks));
	UNIT_EQUAL_I64(0, storage_resolve(&root, 0, &two, &disks));
	join_leaves(&two, &disks, leaves);
	UNIT_EQUAL_TEXT("sdb sda ", leaves);
	UNIT_TRUE(two.leaf_count == 2 && two.leaves[0] == 0 && two.leaves[1] == 1);
	vdisk_clear(&one);
	vdisk_clear(&two);
	disk_list_clear(&disks);
	rootfs_close(&root);
}

static void test_resolved_again(void)
{
	const char *const machine[] = { ROOT_ON_SDA1, NULL };
	struct rootfs root = make_machine(machine);
	struct disk_list disks = { 0 };
	struct vdisk vdisk = { .source = strdup("/a.img") };

	for (int i = 0; i < 3; i++)
		UNIT_EQUAL_I64(0, storage_resolve(&root, 0, &vdisk, &disks));
	UNIT_EQUAL_U64(1, vdisk.leaf_count);
	UNIT_EQUAL_U64(1, disks.count);
	vdisk_clear(&vdisk);
	disk_list_clear(&disks);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"storage", { "a file on a partition leads to its disk", test_partition },
		{ "the deepest mount point counts, blanks unescaped", test_deepest_mount },
		{ "a mount point that only begins alike does not", test_mount_of_like_name },
		{ "of two mounts on one point the later counts", test_topmost_mount },
		{ "a logical volume leads to all its disks", test_lvm_over_two },
		{ "a RAID of partitions leads to their disks", test_md_over_partitions },
		{ "crypt over LVM over RAID is followed", test_crypt_over_lvm_over_md },
		{ "a thin volume is on its pool's data and metadata", test_thin },
		{ "bcache is on the disk and on its cache", test_bcache },
		{ "a disk met twice is one leaf", test_shared_leaf_once },
		{ "a loop on a loop is followed", test_loop_on_loop },
		{ "a loop's deleted file is a guess", test_loop_on_deleted },
		{ "a loop without a file is unknown", test_loop_without_file },
		{ "a loop on itself ends with a reason", test_loop_on_itself },
		{ "btrfs: all devices of the file system and of no other", test_btrfs },
		{ "btrfs without sysfs: the device that mountinfo names",
		  test_btrfs_without_sysfs },
		{ "several devices in a mount's source are all followed", test_bcachefs },
		{ "overlay leads to its upper folder", test_overlay },
		{ "overlay without an upper folder leads to a lower one", test_overlay_read_only },
		{ "overlay on itself ends with a reason", test_overlay_on_itself },
		{ "file systems without a disk here say so", test_file_systems_without_disk },
		{ "devices without a disk here say so", test_devices_without_disk },
		{ "sources that are no paths are told apart", test_sources_that_are_no_paths },
		{ "a disk behind iSCSI is not here", test_remote_disks },
		{ "what is half unknown keeps its leaf and says so", test_half_unknown },
		{ "several paths to a disk are one disk", test_multipath_is_one_disk },
		{ "model.md 3: leaves are disks only, described, each once",
		  test_leaves_are_described_and_kept },
		{ "leaves of a vDISK ascend by index", test_leaves_ascend },
		{ "resolving again replaces", test_resolved_again });
}
