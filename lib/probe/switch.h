/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch.h - events of all tasks of the host: at each context switch, what the
 * CPU's counters have moved on by is charged to the task that ran.
 *
 * Counters are those of the CPUs alone, so that all that are free may be events.
 * One reading has all threads, processes and packages, up to one moment, and their
 * sum is what the CPUs did, to the unit. Interrupts are with the task that they
 * hit. The idle tasks are in the packages' events, and not in their time.
 *
 * Time on a CPU is by the kernel's own books (schedstat, cgroups) when a task has left
 * it, and up to the reading for one that has not; by rings, from switch to switch.
 *
 * By BPF where that is allowed, else by the ring buffers of perf_event_open(2),
 * which a reading works off: those may overflow, which shows as a gap.
 */
#ifndef VMENERGY_PROBE_SWITCH_H
#define VMENERGY_PROBE_SWITCH_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct switch_probe;

/*
 * Count `events` (names as in a weights file, at most SAMPLE_EVENTS_MAX - 1; none:
 * time alone). `root` is borrowed. 0, or -errno with a sentence that names the
 * event, or for each way why it is closed: -ENOENT (an event is not known),
 * -EACCES or -EPERM (rights), -ENOSPC (more events than free counters), -ENODATA
 * (opens but never counts), -EOPNOTSUPP (another root).
 */
int switch_open(struct switch_probe **probe, const struct rootfs *root, const char *const *events,
		unsigned count, struct error *error);
/* The same by BPF, or not at all. -EOPNOTSUPP also where it was built without. */
int switch_open_in_kernel(struct switch_probe **probe, const struct rootfs *root,
			  const char *const *events, unsigned count, struct error *error);
void switch_close(struct switch_probe *probe);

/* The events under the names that were asked for, and CPUTIME_EVENT. */
void switch_events(const struct switch_probe *probe, struct event_set *events);

/* How totals are read, a phrase ("switches by BPF, 2 events on 8 CPUs, interrupts included"). */
const char *switch_total_source(const struct switch_probe *probe);
/* As perf_note(). */
const char *switch_note(const struct switch_probe *probe);

/*
 * As perf.h has them; the parts with the heads of all that is left. The parts and the total of a
 * sample are of one moment, if they are read in this order. A domain's total is that of its
 * process, ended threads included, of kernel workers among its threads that stand apart, and of
 * what else was in its cgroup when it was followed.
 */
int switch_follow(struct switch_probe *probe, const struct topology *topology);
int switch_read_parts(struct switch_probe *probe, const struct topology *topology,
		      struct sample *sample);
int switch_read_total(struct switch_probe *probe, struct sample *sample, struct error *error);

/* All tasks of the host, as of the last reading. */
enum switch_kind {
	SWITCH_OF_PROCESS,  /* all its threads, ended ones included */
	SWITCH_OF_KERNEL,   /* a kernel thread */
	SWITCH_OF_ENDED,    /* processes that are over */
	SWITCH_OF_IDLE,     /* the CPUs' idle tasks */
	SWITCH_OF_UNLISTED, /* what could not be kept apart */
};
struct switch_task_reading {
	enum switch_kind kind;
	pid_t pid;                         /* 0 where kind is not a task */
	char name[16];                     /* comm; may hold any bytes but NUL */
	uint64_t count[SAMPLE_EVENTS_MAX]; /* cumulative, parallel to switch_events() */
};
struct switch_tasks {   /* start from {0} */
	uint64_t at_ns; /* 0 = there was no reading */
	unsigned quality;
	struct switch_task_reading *items; /* each process, then each head once */
	size_t count, capacity;
};
/*
 * Fill *tasks, its memory used again: processes that have run, one that is over once
 * more, with its last figures. The sum of `count` over them is what the CPUs
 * did since the probe was opened, idle included. 0 or -ENOMEM.
 */
int switch_read_tasks(const struct switch_probe *probe, struct switch_tasks *tasks);
void switch_tasks_clear(struct switch_tasks *tasks);

/* Context switches that were followed so far. */
uint64_t switch_count(const struct switch_probe *probe);

#endif
