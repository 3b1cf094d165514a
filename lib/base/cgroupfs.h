/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroupfs.h - which cgroup hierarchies this machine has, and where tasks stand in them. */
#ifndef VMENERGY_BASE_CGROUPFS_H
#define VMENERGY_BASE_CGROUPFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rootfs.h"

/*
 * Mount points of what this machine offers, found once from
 * /proc/self/mountinfo; "" = not there.
 */
struct cgroup_mounts {
	char v2[128];                            /* cgroup2 */
	bool v2_cpu, v2_io;                      /* its root lists the controllers */
	char cpuacct[128], cpu[128], blkio[128]; /* v1 */
};
void cgroup_find_mounts(const struct rootfs *root, struct cgroup_mounts *mounts);

/*
 * The path that the text of a /proc/PID/cgroup gives for the hierarchy of
 * `controller` (NULL: v2); the text is cut up. NULL: not in it, or not below our
 * mount, or removed under the task's feet. Owned by the caller.
 */
char *cgroup_path_of(char *text, const char *controller);

/* Is `path` the cgroup itself, or below it? */
bool cgroup_is_within(const char *path, const char *cgroup);

/* Does the task stand in `cgroup` or below, in that hierarchy? */
bool cgroup_holds(const struct rootfs *root, const char *controller, const char *cgroup, pid_t tid);

/*
 * A quota at *cursor, which moves behind it: a number, or -1 for "max" (v2) and for anything
 * negative (v1). -EINVAL: neither.
 */
int cgroup_scan_quota(const char **cursor, int64_t *quota_us);
/* The text of v2's cpu.max, "QUOTA PERIOD". -EINVAL. */
int cgroup_parse_cpu_max(const char *text, int64_t *quota_us, uint64_t *period_us);

#endif
