/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-driver.h - a way to follow context switches; each is one file and one
 * line in the table of switch.c, the best first.
 */
#ifndef VMENERGY_PROBE_SWITCH_DRIVER_H
#define VMENERGY_PROBE_SWITCH_DRIVER_H

#include "base/error.h"
#include "probe/perf-total.h"
#include "probe/switch-books.h"

struct switch_scope {
	struct perf_set set; /* what to count beside time; count 0 = nothing */
	/* The root, and the CPUs on line. Its own set is `set` for a way that has
	 * `uses_groups`, else empty. */
	struct perf_context context;
	/* That are kept apart: at most, and to begin with; 0 = as there may be here. */
	unsigned most_tasks, first_tasks;
	struct perf_total total; /* CPUs, their packages, a group of the context's set on each */
};

struct switch_driver {
	const char *name;
	bool uses_groups;
	bool sees_running; /* a reading has what runs while it is taken */
	/* `scope` is borrowed. 0, or -errno and why this way is closed. */
	int (*open)(void **state, struct switch_scope *scope, struct error *error);
	void (*close)(void *state);
	/*
	 * CPUs came or went, or groups were opened anew. 0 or -errno with text: what
	 * runs on the CPU that came is not observed then.
	 */
	int (*follow)(void *state, struct error *error);
	/*
	 * Book all that passed since the last reading (the first books nothing), up to
	 * *at_ns. Between switch_books_begin() and _end(). 0 or -errno with text.
	 */
	int (*read)(void *state, struct switch_books *books, uint64_t *at_ns, struct error *error);
	/* Switches that were followed, and readings of counters that failed, since it was opened.
	 */
	void (*tell)(void *state, uint64_t *switches, uint64_t *unread);
};

struct switch_probe;

/* switch_open() by this way alone; NULL = the best that is open. */
struct switch_request {
	const char *const *events;
	unsigned count;
	const struct switch_driver *driver;
	unsigned most_tasks, first_tasks; /* by BPF; 0 = enough */
};
int switch_open_by(struct switch_probe **probe, const struct rootfs *root,
		   const struct switch_request *request, struct error *error);

#ifdef VMENERGY_BPF
extern const struct switch_driver switch_by_bpf;
#endif
extern const struct switch_driver switch_by_ring;

#endif
