/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Known limit: the file or device that a drive names is what counts. The
 * backing files of an image (qcow2 chains) may lie on other disks, and reads of
 * them are then charged to the wrong one.
 */
#include "host/storage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/storage-walk.h"

enum { DEPTH_MAX = 16 };

/* Sources that are no paths: how QEMU and libvirt write them. */
struct protocol {
	const char *pattern;
	bool network;
	const char *note;
};
static const struct protocol protocols[] = {
	{ "nbd:*", true, "over the network (NBD)" },
	{ "nbd+*", true, "over the network (NBD)" },
	{ "rbd:*", true, "over the network (Ceph)" },
	{ "iscsi*:*", true, "over the network (iSCSI)" },
	{ "iser:*", true, "over the network (iSCSI)" },
	{ "http*:*", true, "over the network (HTTP)" },
	{ "ftp*:*", true, "over the network (FTP)" },
	{ "tftp:*", true, "over the network (TFTP)" },
	{ "ssh:*", true, "over the network (SSH)" },
	{ "gluster*:*", true, "over the network (Gluster)" },
	{ "sheepdog*:*", true, "over the network (Sheepdog)" },
	{ "nfs:*", true, "over the network (NFS)" },
	{ "vxhs:*", true, "over the network (VxHS)" },
	{ "vhost-user*", true, "another process serves it (vhost-user)" },
	{ "null-*", false, "nothing is behind it (null driver)" },
	{ "nvme:*", false, "an NVMe disk in QEMU's own hands: the host has no counters of it" },
	{ "json:*", false, "a JSON description is not followed" },
	{ "/dev/fdset/*", false, "a descriptor that was passed: its file is not known" },
};

void disk_list_clear(struct disk_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		disk_clear(&list->items[i]);
	free(list->items);
	free(list->view.mounts);
	*list = (struct disk_list){ 0 };
}

bool storage_enter(struct storage_walk *walk, const char *what)
{
	if (walk->depth == DEPTH_MAX) {
		storage_note(walk, "more than %d layers above %s", DEPTH_MAX, what);
		return false;
	}
	walk->depth++;
	return true;
}

void storage_leave(struct storage_walk *walk)
{
	walk->depth--;
}

void storage_note(struct storage_walk *walk, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (walk->notes.length > 0)
		text_add(&walk->notes, "; ");
	text_add(&walk->notes, line);
}

static int follow_source(struct storage_walk *walk, pid_t pid, const char *source)
{
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if (!text_matches(protocols[i].pattern, source))
			continue;
		walk->network = protocols[i].network;
		storage_note(walk, "%s", protocols[i].note);
		return 0;
	}
	if (strncmp(source, "file:", 5) == 0)
		source += 5;
	if (strncmp(source, "host_device:", 12) == 0)
		source += 12;
	if (source[0] == '/')
		return storage_walk_path(walk, (struct storage_place){ pid, source });
	storage_note(walk, "%s: not an absolute path", source);
	return 0;
}

static enum vdisk_backing backing_of(const struct storage_walk *walk)
{
	if (walk->vdisk->leaf_count > 0)
		return VDISK_LOCAL;
	return walk->network ? VDISK_NETWORK : VDISK_UNKNOWN;
}

int storage_resolve(const struct rootfs *root, pid_t pid, struct vdisk *vdisk,
		    struct disk_list *disks)
{
	struct storage_walk walk = { .root = root, .disks = disks, .vdisk = vdisk, .copies = 1 };
	int result;

	free(vdisk->reason);
	free(vdisk->leaves);
	vdisk->reason = NULL;
	vdisk->leaves = NULL;
	vdisk->leaf_count = 0;
	vdisk->write_copies = 0;
	vdisk->backing = VDISK_EMPTY;
	if (!vdisk->source || !vdisk->source[0])
		return 0;
	result = follow_source(&walk, pid, vdisk->source);
	vdisk->backing = backing_of(&walk);
	if (walk.notes.failed)
		result = -ENOMEM;
	vdisk->reason = walk.notes.bytes; /* its new owner */
	free(walk.visited.items);
	return result;
}

bool storage_asked(const struct rootfs *root, pid_t pid, char *source, unsigned *major,
		   unsigned *minor)
{
	struct disk_list disks = { 0 };
	struct vdisk vdisk = { .source = source };
	struct storage_walk walk = { .root = root, .disks = &disks, .vdisk = &vdisk, .copies = 1 };
	bool one = follow_source(&walk, pid, source) == 0 && walk.asked_count == 1;

	*major = one ? walk.asked.major : 0;
	*minor = one ? walk.asked.minor : 0;
	free(vdisk.leaves);
	free(walk.visited.items);
	text_free(&walk.notes);
	disk_list_clear(&disks);
	return one;
}
