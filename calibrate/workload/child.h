/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child.h - what a process of a workload does, from fork(2) on. Within the room only. */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_CHILD_H
#define VMENERGY_CALIBRATE_WORKLOAD_CHILD_H

#include <sys/types.h>

#include "calibrate/workload/kernels.h"

struct child {
	const char *name;
	pid_t parent;
	int cpu;            /* that it is pinned to; -1 = none */
	int output;         /* where standard output and error go */
	int ready;          /* closed once at work; what is written there is why it cannot be */
	kernel_run *kernel; /* NULL: the program at `path` */
	size_t bytes;       /* for the kernel */
	const char *path;
	char *const *arguments;
};

/* With all signals blocked, as they are after the fork. */
void child_run(const struct child *child) __attribute__((noreturn));

#endif
