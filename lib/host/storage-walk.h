/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * storage-walk.h - inside storage*.c only (and, for its listing of folders, nic.c): the way down
 * from one vDISK's source to its leaves, and what was met on it.
 */
#ifndef VMENERGY_HOST_STORAGE_WALK_H
#define VMENERGY_HOST_STORAGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rootfs.h"
#include "base/text.h"
#include "host/storage.h"

struct device_id {
	unsigned major, minor; /* major 0: the number of a file system, not of a device */
};

struct visited { /* a device that the walk has come to */
	struct device_id id;
	bool open; /* still being descended: meeting it again is a cycle */
};

struct visited_list {
	struct visited *items;
	size_t count, capacity;
};

struct storage_walk {
	const struct rootfs *root;
	struct disk_list *disks;
	struct vdisk *vdisk; /* its leaves grow */
	struct visited_list visited;
	unsigned depth;
	struct device_id asked; /* the first whole device on a way down */
	unsigned asked_count;   /* there are several ways */
	unsigned below;         /* depth among devices that have others below them */
	double copies;          /* of what is written, on the way to where we are */
	bool network;           /* something on the way is on another machine */
	struct text notes;      /* what could not be followed or was guessed, joined by "; " */
};

/* A path as somebody sees it. */
struct storage_place {
	pid_t pid; /* 0 = ourselves */
	const char *path;
};

/* Follow a path or a device down to its leaves. 0 or -ENOMEM; all else is a note. */
int storage_walk_path(struct storage_walk *walk, struct storage_place place);
int storage_walk_device(struct storage_walk *walk, struct device_id id);

/* Bytes that the parts of a device write for one that is written to it: 1 or more. */
double storage_copies(const struct rootfs *root, struct device_id id);

/* One step down, and back. False (with a note) where the layers are too many. */
bool storage_enter(struct storage_walk *walk, const char *what);
void storage_leave(struct storage_walk *walk);

void storage_note(struct storage_walk *walk, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line of /proc/PID/mountinfo, proc(5). Strings point into the text that was searched. */
struct mount {
	uint64_t id;
	struct device_id device;
	const char *point, *type, *source, *options; /* options: the super block's */
};

/* What to look for: the mount of that id, or (path set) the one that holds this path. */
struct mount_key {
	uint64_t id;
	const char *path;
};

/* The search cuts `text` into pieces: it serves once. */
bool mount_find(char *text, struct mount_key key, struct mount *mount);

/* The value of NAME=VALUE among comma-separated mount options, or NULL; owned by the caller. */
char *mount_option(const struct mount *mount, const char *name);

/* sysfs. */
bool storage_device_of_name(const struct rootfs *root, const char *name, struct device_id *id);
bool storage_name_of_device(const struct rootfs *root, struct device_id id, char name[64]);

/* Names in a folder, without "." and "..", sorted; each and the array owned by the caller.
 * Count (0 when there is no such folder) or -ENOMEM. */
long storage_list_folder(const struct rootfs *root, const char *path, char ***names);
void storage_free_names(char **names, long count);

#endif
