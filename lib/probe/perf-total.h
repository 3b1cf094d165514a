/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-total.h - events of all tasks, per package: a group on each CPU.
 *
 * A CPU-wide group is read on its own CPU: the kernel sends an interrupt there
 * and waits, unless we run on it ourselves. Nothing else will do: rdpmc and the
 * page that goes with it know the CPU that executes them only, and moving
 * ourselves from CPU to CPU interrupts more. So each CPU gets one interrupt per
 * tick for all of its events together. Measured on a virtual machine of two
 * CPUs, four events: 1 us for our own CPU, 20 us for another one that is busy
 * and 30 us for an idle one, which is woken. Threads cost 0.6 us each while they
 * sleep, and as much as their CPU while they run.
 */
#ifndef VMENERGY_PROBE_PERF_TOTAL_H
#define VMENERGY_PROBE_PERF_TOTAL_H

#include "probe/perf-cpus.h"

struct perf_total {
	struct perf_context *context; /* borrowed */
	struct perf_cpus cpus;
	unsigned package_ids[SAMPLE_PACKAGES_MAX]; /* the kernel's, in the order they were seen */
	unsigned package_count;
	struct kept_file online;
	struct kept_buffer buffer;
	char *online_text; /* as it was when the CPUs were last followed */
	char phrase[96];
};

/* 0 or -errno with text. */
int perf_total_open(struct perf_total *total, struct perf_context *context, struct error *error);
void perf_total_close(struct perf_total *total);

/*
 * Have CPUs come or gone since? Then context->packages is read anew and the
 * CPUs are followed. One of enum perf_cpu_change, or -errno with text: what
 * cgroup totals must do, too.
 */
enum perf_cpu_change {
	PERF_CPUS_SAME,
	PERF_CPUS_CHANGED,
	PERF_CPUS_LOST, /* one left and came back unseen: its groups are open, and dead */
};
int perf_total_refresh(struct perf_total *total, struct error *error);

/* Groups are dead that nobody said have left: the next refresh is PERF_CPUS_LOST. */
void perf_total_reopen(struct perf_total *total);

/* Fill sample->packages. 0, or -EIO with text: packages that lack a CPU are MISSING. */
int perf_total_read(struct perf_total *total, struct sample *sample, struct error *error);
/* Fill it with readings that are MISSING. */
void perf_total_missing(const struct perf_total *total, struct sample *sample);

#endif
