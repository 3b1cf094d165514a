/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "host/storage-walk.h"

enum { NAME_BYTES = 64, SECTOR_BYTES = 512 /* sysfs counts sizes so, whatever the disk */ };

struct device {
	struct device_id id;
	char name[NAME_BYTES];
};

static int descend_slaves(struct storage_walk *walk, const struct device *device);
static int descend_loop(struct storage_walk *walk, const struct device *device);

/*
 * Block devices that are no disks, by their kernel names: each has layers
 * below (descend) or ends here. All others are leaves.
 */
struct device_kind {
	const char *pattern;
	int (*descend)(struct storage_walk *walk, const struct device *device);
	const char *note;
	bool network;
};
static const struct device_kind kinds[] = {
	{ .pattern = "dm-*", .descend = descend_slaves },
	{ .pattern = "md*", .descend = descend_slaves },
	{ .pattern = "bcache*", .descend = descend_slaves },
	{ .pattern = "loop*", .descend = descend_loop },
	{ .pattern = "zram*", .note = "compressed memory" },
	{ .pattern = "ram*", .note = "memory" },
	{ .pattern = "nbd*", .note = "another process serves it", .network = true },
	{ .pattern = "rbd*", .note = "a Ceph image", .network = true },
	{ .pattern = "drbd*", .note = "DRBD does not say which disk is below" },
	{ .pattern = "zd*", .note = "ZFS does not say which disks are below a volume" },
	{ .pattern = "sr*", .note = "an optical drive carries no watts here" },
	{ .pattern = "fd*", .note = "a floppy drive carries no watts here" },
	{ .pattern = "mmcblk*boot*", .note = "a hardware partition of a memory card" },
	{ .pattern = "ublkb*", .note = "a process serves it" },
};

/* Where a disk hangs, if that is not in this machine: parts of its sysfs path. */
static const char *const remote_buses[] = {
	"/nvme-fabrics/", "/session", /* iSCSI */
	"/rport-",                    /* Fibre Channel */
};

static const struct device_kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (text_matches(kinds[i].pattern, name))
			return &kinds[i];
	return NULL;
}

static bool is_remote(const struct rootfs *root, struct device_id id)
{
	char link[PATH_MAX];

	if (rootfs_linkf(root, link, sizeof link, "/sys/dev/block/%u:%u", id.major, id.minor) < 0)
		return false;
	for (size_t i = 0; i < sizeof remote_buses / sizeof remote_buses[0]; i++)
		if (strstr(link, remote_buses[i]))
			return true;
	return false;
}

/* FOLDER/NAME/dev: "8:1". */
static bool read_device(const struct rootfs *root, struct device_id *id, const char *folder,
			const char *name)
{
	char buffer[32];
	const char *text = buffer;
	uint64_t major, minor;

	if (rootfs_readf(root, buffer, sizeof buffer, "%s/%s/dev", folder, name) <= 0 ||
	    number_scan_u64(&text, &major) || *text++ != ':' || number_scan_u64(&text, &minor))
		return false;
	*id = (struct device_id){ (unsigned)major, (unsigned)minor };
	return true;
}

bool storage_device_of_name(const struct rootfs *root, const char *name, struct device_id *id)
{
	return read_device(root, id, "/sys/class/block", name);
}

bool storage_name_of_device(const struct rootfs *root, struct device_id id, char name[64])
{
	char link[PATH_MAX];
	const char *slash;

	if (rootfs_linkf(root, link, sizeof link, "/sys/dev/block/%u:%u", id.major, id.minor) < 0)
		return false;
	slash = strrchr(link, '/');
	return snprintf(name, NAME_BYTES, "%s", slash ? slash + 1 : link) < NAME_BYTES;
}

static int skip_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Sorted, so that two discoveries of the same machine come out alike. */
long storage_list_folder(const struct rootfs *root, const char *path, char ***names)
{
	struct dirent **entries = NULL;
	int fd = rootfs_openf(root, O_RDONLY | O_DIRECTORY, "%s", path);
	int count = fd < 0 ? 0 : scandirat(fd, ".", &entries, skip_dots, alphasort);
	bool failed = false;

	*names = NULL;
	if (fd >= 0)
		close(fd);
	if (count < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	*names = calloc((size_t)count + 1, sizeof **names);
	for (int i = 0; i < count; i++) {
		if (*names)
			(*names)[i] = strdup(entries[i]->d_name);
		failed |= !*names || !(*names)[i];
		free(entries[i]);
	}
	free(entries);
	if (*names && !failed)
		return count;
	storage_free_names(*names, count);
	*names = NULL;
	return -ENOMEM;
}

void storage_free_names(char **names, long count)
{
	for (long i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
}

/* Several paths to one disk, not several disks? */
static bool is_multipath(const struct rootfs *root, const char *folder)
{
	static const char mark[] = "mpath-";
	char uuid[64];
	long length = rootfs_readf(root, uuid, sizeof uuid, "%s/dm/uuid", folder);

	/* A longer one was cut: its beginning is what we want. */
	return (length > 0 || length == -E2BIG) && strncmp(uuid, mark, sizeof mark - 1) == 0;
}

static int descend_slaves(struct storage_walk *walk, const struct device *device)
{
	char folder[64], slaves_folder[80], **slaves;
	struct device_id id;
	long count, used;
	int result = 0;

	snprintf(folder, sizeof folder, "/sys/dev/block/%u:%u", device->id.major, device->id.minor);
	snprintf(slaves_folder, sizeof slaves_folder, "%s/slaves", folder);
	count = storage_list_folder(walk->root, slaves_folder, &slaves);
	if (count < 0)
		return (int)count;
	if (count == 0)
		storage_note(walk, "%s: no device is below it", device->name);
	used = count > 1 && is_multipath(walk->root, folder) ? 1 : count;
	for (long i = 0; i < used && result == 0; i++) {
		if (read_device(walk->root, &id, slaves_folder, slaves[i]))
			result = storage_walk_device(walk, id);
		else
			storage_note(walk, "%s: its part %s has no device number", device->name,
				     slaves[i]);
	}
	storage_free_names(slaves, count);
	return result;
}

/* The kernel names the backing file as our own mount namespace sees it. */
static int descend_loop(struct storage_walk *walk, const struct device *device)
{
	char path[PATH_MAX + 16];
	long length = rootfs_readf(walk->root, path, sizeof path,
				   "/sys/dev/block/%u:%u/loop/backing_file", device->id.major,
				   device->id.minor);

	if (length > 0 && path[length - 1] == '\n')
		path[length - 1] = '\0';
	if (length <= 0 || path[0] != '/') {
		storage_note(walk, "%s: it has no backing file that we can see", device->name);
		return 0;
	}
	return storage_walk_path(walk, (struct storage_place){ .path = path });
}

/* Fills what sysfs says about a leaf. */
static int describe_leaf(const struct rootfs *root, const struct device *device, struct disk *disk)
{
	unsigned major = device->id.major, minor = device->id.minor;
	unsigned long long number;
	char model[256] = "";
	char *start = model, *end;

	rootfs_readf(root, model, sizeof model, "/sys/dev/block/%u:%u/device/model", major, minor);
	start += strspn(start, " \t\n");
	for (end = start + strlen(start); end > start && strchr(" \t\n", end[-1]);)
		*--end = '\0';
	disk->name = strdup(device->name);
	disk->model = strdup(start);
	disk->major = major;
	disk->minor = minor;
	if (rootfs_read_u64f(root, &number, "/sys/dev/block/%u:%u/queue/rotational", major,
			     minor) == 0)
		disk->rotational = number != 0;
	if (rootfs_read_u64f(root, &number, "/sys/dev/block/%u:%u/size", major, minor) == 0)
		disk->size_bytes = number * SECTOR_BYTES;
	return disk->name && disk->model ? 0 : -ENOMEM;
}

/* Index of the leaf in `disks`, added if it is new; or -ENOMEM. */
static long add_disk(const struct rootfs *root, const struct device *device,
		     struct disk_list *disks)
{
	struct disk *disk;

	for (size_t i = 0; i < disks->count; i++)
		if (disks->items[i].major == device->id.major &&
		    disks->items[i].minor == device->id.minor)
			return (long)i;
	disk = MEMORY_APPEND(disks);
	if (!disk)
		return -ENOMEM;
	if (describe_leaf(root, device, disk)) {
		disk_clear(disk);
		disks->count--;
		return -ENOMEM;
	}
	return (long)disks->count - 1;
}

static int add_leaf(struct storage_walk *walk, const struct device *device)
{
	struct vdisk *vdisk = walk->vdisk;
	long index = add_disk(walk->root, device, walk->disks);
	size_t *leaves, at = vdisk->leaf_count;

	if (index < 0)
		return (int)index;
	leaves = realloc(vdisk->leaves, (vdisk->leaf_count + 1) * sizeof *leaves);
	if (!leaves)
		return -ENOMEM;
	vdisk->leaves = leaves;
	/* Where one part is mirrored and another is not: as the one that is not. */
	if (vdisk->leaf_count == 0 || walk->copies < vdisk->write_copies)
		vdisk->write_copies = walk->copies;
	for (; at > 0 && leaves[at - 1] > (size_t)index; at--)
		leaves[at] = leaves[at - 1];
	leaves[at] = (size_t)index; /* once: a device is visited once */
	vdisk->leaf_count++;
	return 0;
}

static int descend_whole(struct storage_walk *walk, const struct device *device)
{
	const struct device_kind *kind = kind_of(device->name);

	if (!walk->below) {
		walk->asked = device->id;
		walk->asked_count++;
	}
	if (kind && kind->descend) {
		double copies = walk->copies;
		int result;

		walk->below++;
		walk->copies *= storage_copies(walk->root, device->id);
		result = kind->descend(walk, device);
		walk->copies = copies;
		walk->below--;
		return result;
	}
	if (kind) {
		walk->network |= kind->network;
		storage_note(walk, "%s: %s", device->name, kind->note);
		return 0;
	}
	if (is_remote(walk->root, device->id)) {
		walk->network = true;
		storage_note(walk, "%s: the disk is on another machine", device->name);
		return 0;
	}
	return add_leaf(walk, device);
}

static int descend(struct storage_walk *walk, struct device_id id)
{
	struct device device = { .id = id };
	char folder[64], text[32];

	if (!storage_name_of_device(walk->root, id, device.name)) {
		storage_note(walk, "device %u:%u is not in sysfs", id.major, id.minor);
		return 0;
	}
	snprintf(folder, sizeof folder, "/sys/dev/block/%u:%u", id.major, id.minor);
	if (rootfs_readf(walk->root, text, sizeof text, "%s/partition", folder) < 0)
		return descend_whole(walk, &device);
	if (read_device(walk->root, &id, folder, ".."))
		return storage_walk_device(walk, id);
	storage_note(walk, "%s: a partition of an unknown disk", device.name);
	return 0;
}

int storage_walk_device(struct storage_walk *walk, struct device_id id)
{
	struct visited *visited;
	size_t index = walk->visited.count;
	char what[48];
	int result;

	for (size_t i = 0; i < walk->visited.count; i++) {
		visited = &walk->visited.items[i];
		if (visited->id.major == id.major && visited->id.minor == id.minor) {
			if (visited->open)
				storage_note(walk, "device %u:%u lies below itself", id.major,
					     id.minor);
			return 0;
		}
	}
	visited = MEMORY_APPEND(&walk->visited);
	if (!visited)
		return -ENOMEM;
	*visited = (struct visited){ .id = id, .open = true };
	snprintf(what, sizeof what, "device %u:%u", id.major, id.minor);
	if (!storage_enter(walk, what))
		return 0;
	result = descend(walk, id);
	storage_leave(walk);
	walk->visited.items[index].open = false;
	return result;
}

/* A further path of a disk that another name of it already stands for? */
static bool is_further_path(const struct rootfs *root, const char *name)
{
	char folder[PATH_MAX], **holders, **slaves;
	bool further = false;
	long holder_count, slave_count;

	snprintf(folder, sizeof folder, "/sys/block/%s/holders", name);
	holder_count = storage_list_folder(root, folder, &holders);
	for (long i = 0; i < holder_count; i++) {
		snprintf(folder, sizeof folder, "/sys/block/%s", holders[i]);
		if (!is_multipath(root, folder))
			continue;
		snprintf(folder, sizeof folder, "/sys/block/%s/slaves", holders[i]);
		slave_count = storage_list_folder(root, folder, &slaves);
		further |= slave_count > 0 && strcmp(slaves[0], name) != 0;
		storage_free_names(slaves, slave_count);
	}
	storage_free_names(holders, holder_count);
	return further;
}

static bool is_leaf(const struct rootfs *root, const char *name, struct device *device)
{
	unsigned long long hidden, sectors;

	if (kind_of(name) || !storage_device_of_name(root, name, &device->id) ||
	    is_remote(root, device->id) || is_further_path(root, name))
		return false;
	/* A path of an NVMe multipath disk is hidden: its head is the disk. */
	if (rootfs_read_u64f(root, &hidden, "/sys/block/%s/hidden", name) == 0 && hidden)
		return false;
	if (rootfs_read_u64f(root, &sectors, "/sys/block/%s/size", name) || sectors == 0)
		return false; /* no medium */
	return snprintf(device->name, sizeof device->name, "%s", name) < NAME_BYTES;
}

int storage_leaves(const struct rootfs *root, struct disk_list *disks)
{
	char **names;
	long count = storage_list_folder(root, "/sys/block", &names);
	int result = count < 0 ? (int)count : 0;

	for (long i = 0; i < count && result == 0; i++) {
		struct device device;

		if (is_leaf(root, names[i], &device) && add_disk(root, &device, disks) < 0)
			result = -ENOMEM;
	}
	storage_free_names(names, count);
	return result;
}
