/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroupfs.h - which cgroup hierarchies this machine has, and where. */
#ifndef VMENERGY_BASE_CGROUPFS_H
#define VMENERGY_BASE_CGROUPFS_H

#include <stdbool.h>

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

#endif
