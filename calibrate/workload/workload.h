/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload.h - what a machine is made to do while it is measured: one table.
 *
 * Small kernels of our own where one kind of event must be isolated, stress-ng
 * and fio where they serve and are installed. A workload runs in child processes,
 * each thread pinned to a CPU, which die with their parent.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_WORKLOAD_H
#define VMENERGY_CALIBRATE_WORKLOAD_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rootfs.h"

enum workload_kind { WORKLOAD_IDLE, WORKLOAD_KERNEL, WORKLOAD_STRESS_NG, WORKLOAD_FIO };

struct workload {
	const char *name;     /* the group that is held out: "integer", "memory-latency" */
	const char *sentence; /* what it isolates */
	enum workload_kind kind;
	bool brief; /* part of the short suite */
	/* Private to the room: which kernel, or which arguments. */
	int (*kernel)(volatile const bool *stop, size_t cache_bytes);
	unsigned cache_level; /* whose size the kernel works on; 0 = none, 4 = memory */
	const char *arguments;
};

/* All, in the order of the manual. */
const struct workload *workload_table(size_t *count);
const struct workload *workload_find(const char *name);
/* Can it run here? false: *why (may be NULL) says what is missing ("fio is not installed"). */
bool workload_is_possible(const struct workload *workload, const char **why);

enum placement {
	PLACEMENT_SPREAD, /* one thread per core before any sibling, packages in turn */
	PLACEMENT_PACKED, /* siblings of a core together, one package first */
};

struct workload_run {
	const struct workload *workload;
	unsigned threads; /* 0 for idle and disk workloads */
	enum placement placement;
	const char *target;   /* disk workloads: a file that fio may use; NULL else */
	const char *disk_job; /* disk workloads: "randread-4KiB"; see workload-disk.h */
};

struct workload_process;
/*
 * Returns once all threads are at work. From the main thread only: children die with the thread
 * that started them. Makes this process the reaper of its orphaned descendants (prctl(2)).
 * 0; -EINVAL: more threads than CPUs, or a disk's target that must not be written; -errno.
 */
int workload_start(struct workload_process **process, const struct workload_run *run,
		   const struct rootfs *root, struct error *error);
/* -ECHILD with text: it ended by itself. */
int workload_check(struct workload_process *process, struct error *error);
void workload_stop(
	struct workload_process *process); /* and waits until it is gone; NULL: nothing */

#endif
