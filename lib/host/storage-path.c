/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/storage-walk.h"

static const char deleted_mark[] = " (deleted)"; /* the kernel's, behind a loop's file */

static int follow_btrfs(struct storage_walk *walk, const struct mount *mount);
static int follow_overlay(struct storage_walk *walk, const struct mount *mount);
static int follow_source(struct storage_walk *walk, const struct mount *mount);

static const char memory[] = "in memory, no disk is here";

/* File systems without a block device number of their own, by type; the first that matches. */
struct filesystem_kind {
	const char *pattern;
	int (*follow)(struct storage_walk *walk, const struct mount *mount);
	const char *note;
	bool network;
};
static const struct filesystem_kind filesystems[] = {
	{ .pattern = "btrfs", .follow = follow_btrfs },
	{ .pattern = "overlay", .follow = follow_overlay },
	{ .pattern = "tmpfs", .note = memory },
	{ .pattern = "ramfs", .note = memory },
	{ .pattern = "devtmpfs", .note = memory },
	{ .pattern = "hugetlbfs", .note = memory },
	{ .pattern = "zfs", .note = "the disks of the pool are not known" },
	{ .pattern = "nfs*", .network = true },
	{ .pattern = "cifs", .network = true },
	{ .pattern = "smb*", .network = true },
	{ .pattern = "ceph", .network = true },
	{ .pattern = "9p", .network = true },
	{ .pattern = "virtiofs", .network = true },
	{ .pattern = "lustre", .network = true },
	{ .pattern = "beegfs*", .network = true },
	{ .pattern = "afs", .network = true },
	{ .pattern = "gpfs", .network = true },
	{ .pattern = "fuse.glusterfs", .network = true },
	{ .pattern = "fuse.ceph*", .network = true },
	{ .pattern = "fuse.sshfs", .network = true },
	{ .pattern = "fuse.s3fs", .network = true },
	{ .pattern = "fuse.rclone", .network = true },
	{ .pattern = "fuse*", .note = "it does not say where its files lie" },
	{ .pattern = "*", .follow = follow_source },
};

static const struct filesystem_kind *kind_of(const char *type)
{
	const struct filesystem_kind *kind = filesystems;

	while (!text_matches(kind->pattern, type)) /* the last matches all */
		kind++;
	return kind;
}

/* --- mounts ---------------------------------------------------------------- */

/* Two processes with the same key have the same mountinfo. False: not to be told. */
static bool view_key(const struct rootfs *root, pid_t pid, uint64_t key[3])
{
	struct stat namespace, folder;
	char path[64];

	if (pid <= 0 || !rootfs_is_real(root))
		return false;
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	if (stat(path, &namespace))
		return false;
	snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	if (stat(path, &folder))
		return false;
	key[0] = namespace.st_ino;
	key[1] = folder.st_dev;
	key[2] = folder.st_ino;
	return true;
}

static char *read_mounts(const struct rootfs *root, pid_t pid);

/* The same by way of what was read last. Owned by the caller; NULL = not readable. */
static char *look_up_mounts(struct storage_walk *walk, pid_t pid)
{
	struct storage_view *view = &walk->disks->view;
	uint64_t key[3];

	if (!view_key(walk->root, pid, key))
		return read_mounts(walk->root, pid);
	if (!view->mounts || memcmp(view->key, key, sizeof key) != 0) {
		free(view->mounts);
		view->mounts = read_mounts(walk->root, pid);
		memcpy(view->key, key, sizeof key);
	}
	return view->mounts ? strdup(view->mounts) : NULL;
}

/* Owned by the caller; NULL = not readable. */
static char *read_mounts(const struct rootfs *root, pid_t pid)
{
	char *text = NULL;
	long length = pid > 0 ? rootfs_read_allf(root, &text, "/proc/%d/mountinfo", (int)pid)
			      : rootfs_read_allf(root, &text, "/proc/self/mountinfo");

	return length >= 0 ? text : NULL;
}

/*
 * mountinfo is readable by everyone, and its ids are unique on the machine:
 * the same text means the same view.
 */
static bool sees_as_we_do(const struct rootfs *root, pid_t pid)
{
	char *ours = read_mounts(root, 0), *theirs = read_mounts(root, pid);
	bool same = ours && theirs && strcmp(ours, theirs) == 0;

	free(ours);
	free(theirs);
	return same;
}

static int follow_mount(struct storage_walk *walk, const struct mount *mount)
{
	const struct filesystem_kind *kind = kind_of(mount->type);

	if (kind->network) {
		walk->network = true;
		storage_note(walk, "on a network file system (%s)", mount->type);
	} else if (kind->note) {
		storage_note(walk, "%s (%s): %s", mount->type, mount->source, kind->note);
	} else {
		return kind->follow(walk, mount);
	}
	return 0;
}

/* --- device nodes ---------------------------------------------------------- */

/* Below a movable root there are no nodes, only names: follow links to the last of them. */
static bool device_of_name(const struct rootfs *root, const char *path, struct device_id *id)
{
	char now[PATH_MAX], link[PATH_MAX], next[2 * PATH_MAX];
	const char *name;

	snprintf(now, sizeof now, "%s", path);
	for (int i = 0; i < 8 && rootfs_linkf(root, link, sizeof link, "%s", now) > 0; i++) {
		int folder = (int)(strrchr(now, '/') - now);

		if (link[0] == '/')
			snprintf(next, sizeof next, "%s", link);
		else
			snprintf(next, sizeof next, "%.*s/%s", folder, now, link);
		if (strlen(next) >= sizeof now)
			return false;
		memcpy(now, next, strlen(next) + 1);
	}
	name = strrchr(now, '/');
	return name && name[1] && storage_device_of_name(root, name + 1, id);
}

static bool device_of_node(const struct rootfs *root, const char *path, struct device_id *id)
{
	struct stat status;

	if (path[0] != '/')
		return false;
	if (!rootfs_is_real(root))
		return device_of_name(root, path, id);
	if (stat(path, &status) || !S_ISBLK(status.st_mode))
		return false;
	*id = (struct device_id){ major(status.st_rdev), minor(status.st_rdev) };
	return true;
}

/* --- file systems on devices that they name --------------------------------- */

/* "/dev/sda2", or several joined by ':' (bcachefs). */
static int follow_source(struct storage_walk *walk, const struct mount *mount)
{
	char *sources = strdup(mount->source), *rest = sources, *source;
	struct device_id id;
	int result = sources ? 0 : -ENOMEM;

	while (result == 0 && (source = strsep(&rest, ":"))) {
		if (device_of_node(walk->root, source, &id))
			result = storage_walk_device(walk, id);
		else
			storage_note(walk, "%s file system: its source \"%s\" is no device",
				     mount->type, source);
	}
	free(sources);
	return result;
}

/* All devices of the btrfs file system that has `name` among them; *found says whether any. */
static int walk_btrfs_members(struct storage_walk *walk, const char *name, bool *found)
{
	char folder[PATH_MAX], text[32], **systems, **members = NULL;
	long system_count = storage_list_folder(walk->root, "/sys/fs/btrfs", &systems);
	long member_count = 0;
	struct device_id id;
	int result = 0;

	for (long i = 0; i < system_count && !*found; i++) {
		snprintf(folder, sizeof folder, "/sys/fs/btrfs/%s/devices", systems[i]);
		*found = rootfs_readf(walk->root, text, sizeof text, "%s/%s/dev", folder, name) > 0;
	}
	if (*found)
		member_count = storage_list_folder(walk->root, folder, &members);
	for (long i = 0; i < member_count && result == 0; i++)
		if (storage_device_of_name(walk->root, members[i], &id))
			result = storage_walk_device(walk, id);
	storage_free_names(members, member_count);
	storage_free_names(systems, system_count);
	return system_count < 0 || member_count < 0 ? -ENOMEM : result;
}

/* mountinfo names one of its devices; sysfs has them all, and a file may lie on each. */
static int follow_btrfs(struct storage_walk *walk, const struct mount *mount)
{
	struct device_id id;
	bool found = false;
	char name[64];
	int result = 0;

	if (device_of_node(walk->root, mount->source, &id) &&
	    storage_name_of_device(walk->root, id, name))
		result = walk_btrfs_members(walk, name, &found);
	return found || result ? result : follow_source(walk, mount);
}

/* What is written lies in the upper folder, as the one who mounted it saw that: taken to be us. */
static int follow_overlay(struct storage_walk *walk, const struct mount *mount)
{
	char *folder = mount_option(mount, "upperdir");
	int result = 0;

	if (!folder) { /* read-only: the uppermost of the lower ones */
		folder = mount_option(mount, "lowerdir");
		if (folder)
			folder[strcspn(folder, ":")] = '\0';
	}
	if (folder && folder[0] == '/')
		result = storage_walk_path(walk, (struct storage_place){ .path = folder });
	else
		storage_note(walk, "overlay: its upper folder is not known");
	free(folder);
	return result;
}

/* --- paths ----------------------------------------------------------------- */

/* O_PATH descriptor (it touches no data and needs no right to read), or -errno. */
static int open_as_we_see(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Links are followed inside the process's root; a kernel before 5.6 follows them in ours. */
static int open_as_seen(struct storage_walk *walk, struct storage_place place)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	int root_fd, fd, failure;

	if (place.pid <= 0)
		return open_as_we_see(place.path);
	root_fd = rootfs_openf(walk->root, O_PATH | O_DIRECTORY, "/proc/%d/root", (int)place.pid);
	if (root_fd < 0) {
		if (!sees_as_we_do(walk->root, place.pid))
			storage_note(walk, "guessed: the path as we see it, not as process %d does",
				     (int)place.pid);
		return open_as_we_see(place.path);
	}
	fd = (int)syscall(SYS_openat2, root_fd, place.path, &how, sizeof how);
	failure = errno;
	if (fd < 0 && (failure == ENOSYS || failure == EPERM)) {
		const char *relative = place.path + strspn(place.path, "/");

		fd = openat(root_fd, relative, O_PATH | O_CLOEXEC);
		failure = errno;
	}
	close(root_fd);
	return fd < 0 ? -failure : fd;
}

/* A file or folder is where its file system is. */
static int walk_file(struct storage_walk *walk, struct storage_place place,
		     const struct statx *status)
{
	struct mount_key key = { .path = place.path };
	struct mount mount;
	char *mounts;
	int result = 0;

	if (status->stx_dev_major != 0)
		return storage_walk_device(
			walk, (struct device_id){ status->stx_dev_major, status->stx_dev_minor });
	if (status->stx_mask & STATX_MNT_ID) /* exact, also behind symbolic links */
		key = (struct mount_key){ .id = status->stx_mnt_id };
	mounts = look_up_mounts(walk, place.pid);
	if (mounts && mount_find(mounts, key, &mount))
		result = follow_mount(walk, &mount);
	else
		storage_note(walk, "%s: its mount is not listed", place.path);
	free(mounts);
	return result;
}

static int walk_opened(struct storage_walk *walk, struct storage_place place, int fd)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &status)) {
		storage_note(walk, "%s: %s", place.path, strerror(errno));
		return 0;
	}
	switch (status.stx_mode & S_IFMT) {
	case S_IFBLK:
		return storage_walk_device(
			walk, (struct device_id){ status.stx_rdev_major, status.stx_rdev_minor });
	case S_IFREG:
	case S_IFDIR:
		return walk_file(walk, place, &status);
	case S_IFSOCK:
		walk->network = true;
		storage_note(walk, "%s: a socket: another process serves it", place.path);
		return 0;
	default:
		storage_note(walk, "%s: neither a file nor a block device", place.path);
		return 0;
	}
}

/* By the mount point alone: where the path itself cannot be looked at. */
static int walk_by_mount(struct storage_walk *walk, struct storage_place place)
{
	char *mounts = look_up_mounts(walk, place.pid);
	struct mount mount;
	int result = 0;

	if (!mounts || !mount_find(mounts, (struct mount_key){ .path = place.path }, &mount))
		storage_note(walk, "%s: no mount of it is known", place.path);
	else if (mount.device.major != 0)
		result = storage_walk_device(walk, mount.device);
	else
		result = follow_mount(walk, &mount);
	free(mounts);
	return result;
}

static bool is_deleted(const char *path)
{
	size_t length = strlen(path), mark = sizeof deleted_mark - 1;

	return length > mark && strcmp(path + length - mark, deleted_mark) == 0;
}

/* A file server that is away would hold us for ever: do not touch its files. */
static bool on_network(struct storage_walk *walk, struct storage_place place)
{
	char *mounts = look_up_mounts(walk, place.pid);
	struct mount mount;
	bool network = mounts &&
		       mount_find(mounts, (struct mount_key){ .path = place.path }, &mount) &&
		       mount.device.major == 0 && kind_of(mount.type)->network;

	if (network)
		follow_mount(walk, &mount);
	free(mounts);
	return network;
}

static int walk_real(struct storage_walk *walk, struct storage_place place)
{
	int fd = on_network(walk, place) ? -EREMOTE : open_as_seen(walk, place), result;

	if (fd >= 0) {
		result = walk_opened(walk, place, fd);
		close(fd);
		return result;
	}
	if (fd == -EREMOTE)
		return 0;
	if (is_deleted(place.path)) {
		storage_note(walk, "guessed by its mount point: %s", place.path);
		return walk_by_mount(walk, place);
	}
	if (fd == -ENOENT || fd == -ENOTDIR) {
		storage_note(walk, "%s: %s", place.path, strerror(-fd));
		return 0;
	}
	storage_note(walk, "guessed by its mount point: %s: %s", place.path, strerror(-fd));
	return walk_by_mount(walk, place);
}

static int walk_fixture(struct storage_walk *walk, struct storage_place place)
{
	struct device_id id;

	if (strncmp(place.path, "/dev/", 5) == 0 && device_of_name(walk->root, place.path, &id))
		return storage_walk_device(walk, id);
	if (is_deleted(place.path))
		storage_note(walk, "guessed by its mount point: %s", place.path);
	return walk_by_mount(walk, place);
}

int storage_walk_path(struct storage_walk *walk, struct storage_place place)
{
	int result;

	if (!storage_enter(walk, place.path))
		return 0;
	result = rootfs_is_real(walk->root) ? walk_real(walk, place) : walk_fixture(walk, place);
	storage_leave(walk);
	return result;
}

char *storage_real_path(const struct rootfs *root, pid_t pid, const char *path)
{
	struct storage_place place = { pid, path };
	struct disk_list disks = { 0 };
	struct storage_walk walk = { .root = root, .disks = &disks };
	char link[PATH_MAX];
	long length = -1;
	int fd = -1;

	if (path[0] == '/' && rootfs_is_real(root) && !on_network(&walk, place))
		fd = open_as_seen(&walk, place);
	if (fd >= 0) {
		length = rootfs_linkf(root, link, sizeof link, "/proc/self/fd/%d", fd);
		close(fd);
	}
	text_free(&walk.notes);
	disk_list_clear(&disks);
	return strdup(length > 0 ? link : path);
}
