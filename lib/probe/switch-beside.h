/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-beside.h - who works for a domain in a process of its own: what libvirt puts
 * into the domain's cgroup (a TPM, a network back end), and kernel threads there
 * whose names do not tell. Its cgroup has them in the domain's total.
 */
#ifndef VMENERGY_PROBE_SWITCH_BESIDE_H
#define VMENERGY_PROBE_SWITCH_BESIDE_H

#include <stddef.h>

#include "base/cgroupfs.h"
#include "model/topology.h"

struct switch_besider {
	pid_t pid;
	uint64_t start_ticks;
};
struct switch_beside { /* start from {0} */
	struct switch_besider *items;
	size_t count, capacity;
};

/* Those of topology->domains[domain]; services and what it lists itself are none. 0 or -ENOMEM. */
int switch_beside_find(const struct rootfs *root, const struct cgroup_mounts *mounts,
		       const struct topology *topology, size_t domain,
		       struct switch_beside *beside);
void switch_beside_clear(struct switch_beside *beside);

#endif
