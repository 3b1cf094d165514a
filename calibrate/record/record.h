/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record.h - run a suite, and write down what counters and meter say meanwhile,
 * both on one clock.
 */
#ifndef VMENERGY_CALIBRATE_RECORD_RECORD_H
#define VMENERGY_CALIBRATE_RECORD_RECORD_H

#include "base/error.h"
#include "calibrate/record/counters.h"
#include "calibrate/record/session.h"
#include "calibrate/workload/suite.h"

struct record_setup {
	const struct suite *suite;
	struct counters *counters;
	struct meter *meter;
	const struct rootfs *root;
	const char *session_path; /* appended to while it goes on */
	double sample_s;          /* between two samples of the counters; 0 = a tenth of the meter's
				     interval,	  20 ms..250 ms */
	bool resume;              /* phases that the file has complete are not run again */
	bool progress; /* a line with a bar and the time left, on standard error if a terminal */
	double temperature_settle_c; /* wait after warm-up until it changes less per 10 s; 0 = do
					not */
};

/*
 * Fill *session (head and passes are the caller's) with what was run. 0; -EINTR: stopped by a
 * signal, what is complete is kept, in memory and on disk; -errno with text: meter or
 * workload failed for good, complete phases kept all the same.
 */
int record_run(const struct record_setup *setup, struct session *session, struct error *error);

/* CLOCK_MONOTONIC; with an emulated plant behind the counters, its own (faster) time. */
uint64_t record_now_ns(const struct counters *counters, uint64_t monotonic_ns);

#endif
