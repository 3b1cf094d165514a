/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * placement.h - in which order CPUs are filled with threads.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_PLACEMENT_H
#define VMENERGY_CALIBRATE_WORKLOAD_PLACEMENT_H

#include <stddef.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "calibrate/workload/workload.h"

struct placement_cpu {
	unsigned cpu;
	unsigned core;    /* its lowest sibling that is on line */
	unsigned package; /* the kernel's id */
};

struct placement_cpus {
	struct placement_cpu *items; /* owned; ascending by cpu */
	size_t count, capacity;
	unsigned cores, packages;
};

/*
 * CPUs that are on line and that this process may use (with a root of its own: all that are on
 * line). Start from {0}. 0 or -errno with text.
 */
int placement_read(struct placement_cpus *cpus, const struct rootfs *root, struct error *error);
void placement_clear(struct placement_cpus *cpus);

/*
 * Pure: the CPUs in the order in which `placement` fills them, into order[count].
 * -ENOMEM.
 */
int placement_order(const struct placement_cpus *cpus, enum placement placement, unsigned *order);

#endif
