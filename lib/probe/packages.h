/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packages.h - which CPUs are on line and on which package each of them is
 * (/sys/devices/system/cpu/online, cpuN/topology/physical_package_id).
 */
#ifndef VMENERGY_PROBE_PACKAGES_H
#define VMENERGY_PROBE_PACKAGES_H

#include <stddef.h>

#include "base/error.h"
#include "base/rootfs.h"

#define PACKAGES_ONLINE "/sys/devices/system/cpu/online"

struct package_cpu {
	unsigned cpu;
	unsigned package_id; /* the kernel's; unlike `package` it stays when others leave */
	unsigned package;    /* 0 .. package_count - 1, in the order of the kernel's ids */
};

struct packages {
	struct package_cpu *cpus; /* on line, ascending; owned */
	size_t cpu_count;
	unsigned package_count; /* at least 1, at most SAMPLE_PACKAGES_MAX */
};

/* 0 or -errno with text. Start from {0}; reads anew into a used one. */
int packages_read(struct packages *packages, const struct rootfs *root, struct error *error);
void packages_clear(struct packages *packages);

#endif
