/* SPDX-License-Identifier: GPL-3.0-or-later */
/* helper-internal.h - inside the child: checking and doing a verb, and the workers. */
#ifndef VMENERGY_VMENERGYD_HELPER_INTERNAL_H
#define VMENERGY_VMENERGYD_HELPER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmenergyd/actuator/verb.h"

/* Nothing that came is trusted: texts end, numbers are in range. 0 or -EINVAL / -ERANGE. */
int verb_check(const struct verb *verb, struct error *error);

/* Do it through `actuator`. Checks first that the process is still the one that was meant, and
 * that its cgroups hold it. A value that is in force already is not written again. */
void verb_do(struct actuator_room *room, const struct actuator *actuator, const struct verb *verb,
	     struct applied *applied);

/* Write it, be it in force already or not: 0 or -errno. */
int verb_write(struct actuator_room *room, const struct actuator *actuator,
	       const struct verb *verb);

/* --- workers: actuators that may block ----------------------------------------- */

/*
 * One thread and one queue per such actuator, whose verbs are done in the order
 * in which they came. A SET that waits is replaced by a newer one of the same
 * knob (-ECANCELED). When the actuator has not answered for `patience_ns`, all
 * that wait are answered: the CPU of libvirt's domains is written in the cgroup
 * (and through libvirt once it answers again), the others get -ETIMEDOUT.
 */
struct worker;

enum { WORKER_QUEUE_MAX = 8192 }; /* some 25 MB; full: -EAGAIN */

struct worker_options {
	const struct actuator *actuator;
	struct actuator_room *room; /* the main thread's, for the fail-safe */
	uint64_t patience_ns;
	int wake_fd; /* eventfd: written to when something is finished */
	/* Takes results; called inside the functions below. */
	void (*answer)(void *context, const struct applied *applied);
	void *context;
};
/* It works in a room of its own. 0 or -errno. There is no end but that of the process. */
int worker_start(struct worker **worker, const struct worker_options *options);
void worker_add(struct worker *worker, const struct verb *verb);
/* Hand out what is finished, and do what waited too long. */
void worker_serve(struct worker *worker, uint64_t now_ns);
/* When patience ends; UINT64_MAX = not at all, as things are. */
uint64_t worker_due_ns(struct worker *worker);
/* Has all been answered? */
bool worker_is_idle(struct worker *worker);

/* --- the child ------------------------------------------------------------------ */

struct helper_options;
/* Serve verbs that come over `fd` until its other end is closed. The exit status. */
int helper_child(int fd, const struct helper_options *options);

#endif
