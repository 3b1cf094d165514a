/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * storage.h - from a path or a device number to the leaf disks under it.
 *
 * File -> file system (st_dev, else mountinfo's source: btrfs, overlay, ZFS
 * say what they can) -> partition -> loop (backing file, again) / dm (LVM,
 * crypt, multipath) / md -> slaves -> leaves. All from /proc/self/mountinfo
 * and /sys/dev/block below `root`. The copies that a RAID of md makes of what is
 * written are known from its level; those of dm (LVM's RAID) and of btrfs are not.
 */
#ifndef VMENERGY_HOST_STORAGE_H
#define VMENERGY_HOST_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/topology.h"

/* Leaves found so far: each once, in the order found. Start from {0}. */
struct disk_list {
	struct disk *items;
	size_t count, capacity;
	/* What the process that was asked last sees mounted; the next one mostly sees the same. */
	struct storage_view {
		uint64_t key[3]; /* its mount namespace and its root folder; 0 = not known */
		char *mounts;    /* owned; NULL = nothing kept */
	} view;
};
void disk_list_clear(struct disk_list *list);

/*
 * Fill vdisk->{backing, reason, leaves, leaf_count, write_copies} from its source: an
 * absolute path as process `pid` sees it (its own mount namespace through
 * /proc/PID/root; 0 = ours), or an URL ("nbd://...", "rbd:...", "iscsi://",
 * "http", "ssh", "gluster", "vhost-user") that says network. Leaves are added
 * to `disks`. 0, or -ENOMEM; what cannot be resolved is VDISK_UNKNOWN with a
 * reason.
 */
int storage_resolve(const struct rootfs *root, pid_t pid, struct vdisk *vdisk,
		    struct disk_list *disks);

/*
 * The block device, a whole disk, that is asked when such a source is read, whatever is below
 * it. False: there is none, not known, or there are several (btrfs).
 */
bool storage_asked(const struct rootfs *root, pid_t pid, char *source, unsigned *major,
		   unsigned *minor);

/* Where a path, as that process sees it, leads to through all links, in the kernel's words; the
 * path itself where it cannot be looked at. Owned by the caller; NULL = out of memory. */
char *storage_real_path(const struct rootfs *root, pid_t pid, const char *path);

/*
 * A file that a process may have open. Its number and that of its file system are as the kernel
 * compares them: of a file on btrfs, stat(2) tells another device.
 */
struct storage_opened {
	char *path; /* asked for, a real one; NULL = nothing */
	unsigned descriptors;
	unsigned major, minor;
	uint64_t inode; /* 0 = not known: Linux 5.14 or later tells it */
};
/* Fill all but the paths; start from {0}. */
void storage_find_opened(const struct rootfs *root, pid_t pid, struct storage_opened *files,
			 size_t count);

/* All leaf disks of the machine (also those without a vDISK): their idle power is kept. */
int storage_leaves(const struct rootfs *root, struct disk_list *disks);

#endif
