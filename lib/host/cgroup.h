/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cgroup.h - where a process stands in the cgroup hierarchies (v1, v2, both).
 */
#ifndef VMENERGY_HOST_CGROUP_H
#define VMENERGY_HOST_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cgroupfs.h"
#include "base/rootfs.h"

/*
 * Where a thread stands (tid 0: the process's first), in the first hierarchy
 * of cpuacct, v2 and cpu that has it elsewhere than in the root. NULL = in
 * none, or unknown. Owned by the caller.
 */
char *cgroup_of_thread(const struct rootfs *root, pid_t pid, pid_t tid);

/*
 * The path, below the mount of the controller that accounts CPU time, of the
 * smallest cgroup that holds all threads of `pid` and no other process except
 * its kernel workers and those a hypervisor put there on its behalf (children
 * of the same libvirt domain folder). NULL when there is none (the root, a
 * session scope shared with others). Owned by the caller.
 */
char *cgroup_exclusive(const struct rootfs *root, const struct cgroup_mounts *mounts, pid_t pid);

/* CPU weight on cgroup v2's scale (1..10000, 100 = default; v1 shares are converted with
 * weight = shares * 100 / 1024). 100 when not readable. */
double cgroup_cpu_weight(const struct rootfs *root, const struct cgroup_mounts *mounts,
			 const char *cgroup);

#endif
