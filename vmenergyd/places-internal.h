/* SPDX-License-Identifier: GPL-3.0-or-later */
/* places-internal.h - where one domain is held. For places*.c alone. */
#ifndef VMENERGY_VMENERGYD_PLACES_INTERNAL_H
#define VMENERGY_VMENERGYD_PLACES_INTERNAL_H

#include "host/cgroup.h"
#include "vmenergyd/places.h"

struct spot {
	pid_t pid; /* with its start: the process that was looked for */
	uint64_t start_ticks;
	char cpu_cgroup[TARGET_TEXT], io_cgroup[TARGET_TEXT]; /* "" = none */
	uint64_t inode;                                       /* of cpu_cgroup; 0 = unknown */
	bool is_v2;                                           /* cpu_cgroup's hierarchy */
	bool vanished;                                        /* cpu_cgroup, since it was found */
	bool doubted; /* a write was refused: it, or who shares it, may have moved */
	int stat_fd, quota_fd, period_fd; /* of cpu_cgroup; -1 = none; v2 has no period_fd */
	int usage_fd;                     /* v2 has it in stat_fd; -1 = none */
	bool usage_of_process;            /* usage_fd is its /proc/PID/stat, not cpuacct.usage */
	uint64_t whereabouts;             /* what /proc/PID/cgroup said, as a number */
	uint64_t looked_ns, checked_ns;   /* 0 = is due */
};

struct spot_room {
	const struct rootfs *root;
	struct cgroup_mounts mounts;
};

void spot_init(struct spot *spot);
void spot_clear(struct spot *spot); /* closes its files; ready to be looked for again */
/* Find it anew. */
void spot_look(const struct spot_room *room, struct spot *spot, uint64_t now_ns);
/* Is it time to find it, because it is new, or its process has moved, or it was missing or doubted
 * for long? Costs one read of /proc/PID/cgroup at most: once a second while it is missing or
 * doubted, else once in half a minute. */
bool spot_must_look(const struct spot_room *room, struct spot *spot, uint64_t now_ns);
/* Bandwidth figures of the reading; marks it vanished when its files are dead. */
void spot_read(struct spot *spot, struct enforce_reading *reading);
/* The number behind NAME in lines of "NAME NUMBER". */
bool spot_find_count(const char *text, const char *name, uint64_t *value);

/* places-usage.c: CPU time. */
void spot_open_usage(const struct spot_room *room, struct spot *spot);
/* `stat` is the text of cpu.stat. */
void spot_read_usage(const struct spot *spot, const char *stat, struct enforce_reading *reading);

#endif
