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

/* All leaf disks of the machine (also those without a vDISK): their idle power is kept. */
int storage_leaves(const struct rootfs *root, struct disk_list *disks);

#endif
