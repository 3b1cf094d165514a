/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * beside.h - who works for a domain in a process of its own: what libvirt puts
 * into the domain's cgroup (a TPM, a network back end), and kernel threads there
 * whose names do not tell. Its cgroup has them in the domain's total.
 */
#ifndef VMENERGY_PROBE_BESIDE_H
#define VMENERGY_PROBE_BESIDE_H

#include <stddef.h>

#include "base/cgroupfs.h"
#include "model/topology.h"

struct besider {
	pid_t pid;
	uint64_t start_ticks;
};
struct beside { /* start from {0} */
	struct besider *items;
	size_t count, capacity;
};

/* Those of topology->domains[domain]; services and what it lists itself are none. 0 or -ENOMEM. */
int beside_find(const struct rootfs *root, const struct cgroup_mounts *mounts,
		const struct topology *topology, size_t domain, struct beside *beside);
void beside_clear(struct beside *beside);

#endif
