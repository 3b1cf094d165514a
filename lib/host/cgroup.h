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

/*
 * Does the cgroup `path` below `mount` hold no other process than `pid` and what works for it (as
 * in cgroup_exclusive())? That it holds `pid` itself is not looked at.
 */
bool cgroup_is_exclusive(const struct rootfs *root, const char *mount, const char *path, pid_t pid);

/* What can be limited by cgroups. */
enum cgroup_resource { CGROUP_CPU, CGROUP_IO };

/*
 * The mount of the hierarchy that has the resource's controller (v1's cpu and blkio first, else
 * v2); NULL = none has it. *is_v2 (may be NULL) tells which kind it is.
 */
const char *cgroup_resource_mount(const struct cgroup_mounts *mounts, enum cgroup_resource resource,
				  bool *is_v2);

/*
 * The path, below that mount, of the cgroup where a limit holds all of `pid` and nobody else: the
 * smallest exclusive one that has the controller's files. Of a libvirt domain it is the
 * one whose limits libvirt writes: the domain's folder, or with systemd
 * machine-qemu*.scope/libvirt (libvirt sets cpu.max and io.max in the nested group, where there is
 * one: vircgroup.c, virCgroupSetCpuCfsQuota()). NULL when there is none. Owned by the caller.
 */
char *cgroup_limited(const struct rootfs *root, const struct cgroup_mounts *mounts,
		     enum cgroup_resource resource, pid_t pid);

/* CPU weight on cgroup v2's scale (1..10000, 100 = default; v1 shares are converted with
 * weight = shares * 100 / 1024). 100 when not readable. */
double cgroup_cpu_weight(const struct rootfs *root, const struct cgroup_mounts *mounts,
			 const char *cgroup);

#endif
