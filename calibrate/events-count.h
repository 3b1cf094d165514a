/* SPDX-License-Identifier: GPL-3.0-or-later */
/* events-count.h - run a program and count events in it, and on all CPUs meanwhile. */
#ifndef VMENERGY_CALIBRATE_EVENTS_COUNT_H
#define VMENERGY_CALIBRATE_EVENTS_COUNT_H

#include "calibrate/record/counters.h"

struct events_count {
	struct session_pass pass; /* what is counted: the caller's */
	/* Of the program and all that it started, from its exec(2) on; and of all CPUs, from just
	 * before that to just after its end. */
	uint64_t program[SESSION_EVENTS_MAX], cpus[SESSION_EVENTS_MAX];
	double seconds;
	int status; /* its exit status; 128 + a signal's number */
};

/* argv ends with NULL. 0 or -errno with text. */
int events_count_run(struct events_count *count, struct counters *counters, char *const *argv,
		     struct error *error);

#endif
