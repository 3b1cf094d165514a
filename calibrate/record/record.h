/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record.h - run a suite, and write down what counters and meter say meanwhile,
 * both on one clock.
 */
#ifndef VMENERGY_CALIBRATE_RECORD_RECORD_H
#define VMENERGY_CALIBRATE_RECORD_RECORD_H

#include <signal.h>

#include "base/error.h"
#include "calibrate/record/counters.h"
#include "calibrate/record/session.h"
#include "calibrate/workload/suite.h"

struct record_setup {
	const struct suite *suite;
	struct counters *counters;
	struct meter *meter;
	const struct rootfs *root;
	const char *session_path; /* appended to while it goes on; NULL = nothing is kept on disk */
	/* Between two samples of the counters; 0 = a tenth of the meter's interval, 20 ms..250 ms.
	 */
	double sample_s;
	bool resume;   /* phases that the file has complete are not run again */
	bool progress; /* a line with a bar and the time left, on standard error if a terminal */
	/* Wait after warm-up until it changes by less in 10 s, twice the warm-up at most; 0 = do
	 * not. */
	double temperature_settle_c;
	const volatile sig_atomic_t *stop; /* set by a signal handler; NULL = never */
	struct error_list *notes;          /* gets phases that were skipped, and why; NULL */
};

/*
 * Fill *session (head and passes are the caller's) with what was run: complete phases only. 0;
 * -EINTR: stopped by a signal, what is complete is kept, in memory and on disk; -errno with
 * text: meter or workload failed for good, complete phases kept all the same. With `resume` a
 * file of another machine, meter, set of events or suite is -EINVAL; of none, all is run.
 *
 * A phase whose workload ends or whose meter is lost is run once more, when the meter is back;
 * if that fails, too, it is skipped, up to a quarter of the suite. Times are CLOCK_MONOTONIC, or
 * with an emulated plant behind the counters its own (faster) time, but go on after those of the
 * file where that would run backwards (another boot, another plant).
 */
int record_run(const struct record_setup *setup, struct session *session, struct error *error);

/*
 * Had other programs the CPUs in the idle phases: more than a tenth of one, or 2 % of all? `what`
 * is then a sentence with the figure. Never of an emulated machine.
 */
bool record_was_busy(const struct session *session, struct error *what);

/* Handlers of SIGINT and SIGTERM, which set the flag that is returned and end waiting. */
const volatile sig_atomic_t *record_watch_signals(void);

#endif
