/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * storage-open.c - which files a process has open, by the names and numbers that /proc
 * gives to its descriptors. Nothing is touched: a file server may be away.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/proc.h"
#include "host/storage-walk.h"

struct looking {
	const struct rootfs *root;
	pid_t pid;
	uint64_t mount_id; /* looked up last; 0 = none */
	struct device_id device;
};

/* "key:\tN", a line of fdinfo. */
static bool find_number(const char *text, const char *key, uint64_t *value)
{
	const char *line = strstr(text, key);

	if (!line)
		return false;
	line += strlen(key);
	return number_scan_u64(&line, value) == 0;
}

/* Mostly all are on the same. */
static bool find_device(struct looking *looking, uint64_t mount_id)
{
	char *mounts = NULL;
	struct mount mount;

	if (mount_id == looking->mount_id)
		return true;
	looking->mount_id = 0;
	if (rootfs_read_allf(looking->root, &mounts, "/proc/%d/mountinfo", (int)looking->pid) < 0)
		return false;
	if (mount_find(mounts, (struct mount_key){ .id = mount_id }, &mount)) {
		looking->mount_id = mount_id;
		looking->device = mount.device;
	}
	free(mounts);
	return looking->mount_id != 0;
}

static void take(struct looking *looking, pid_t fd, struct storage_opened *file)
{
	uint64_t mount_id, inode;
	char text[1024]; /* these lines come first */

	file->descriptors++;
	rootfs_readf(looking->root, text, sizeof text, "/proc/%d/fdinfo/%d", (int)looking->pid,
		     (int)fd);
	if (!find_number(text, "\nmnt_id:\t", &mount_id) ||
	    !find_number(text, "\nino:\t", &inode) || !find_device(looking, mount_id))
		return;
	file->major = looking->device.major;
	file->minor = looking->device.minor;
	file->inode = inode;
}

void storage_find_opened(const struct rootfs *root, pid_t pid, struct storage_opened *files,
			 size_t count)
{
	struct looking looking = { .root = root, .pid = pid };
	struct proc_ids fds = { 0 };
	char link[PATH_MAX];

	proc_read_ids(root, pid, "fd", &fds);
	for (size_t i = 0; i < fds.count; i++) {
		if (rootfs_linkf(root, link, sizeof link, "/proc/%d/fd/%d", (int)pid,
				 (int)fds.items[i].id) < 0)
			continue;
		for (size_t k = 0; k < count; k++)
			if (files[k].path && strcmp(link, files[k].path) == 0)
				take(&looking, fds.items[i].id, &files[k]);
	}
	proc_ids_clear(&fds);
}
