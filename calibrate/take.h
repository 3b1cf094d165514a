/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * take.h - a suite taken from beginning to end: run and recorded, the meter's lag
 * removed, and the files that come of it. What `run` and `record` have in common.
 */
#ifndef VMENERGY_CALIBRATE_TAKE_H
#define VMENERGY_CALIBRATE_TAKE_H

#include "calibrate/fit/align.h"
#include "calibrate/setup.h"

struct take {
	struct setup *setup;
	const struct setup_options *options;
	double minutes;           /* where the options say nothing */
	const char *session_path; /* what was measured is kept there */
	bool resume;              /* go on where that ends */
};

/*
 * Make the suite for session->passes and record it into *session. Notes and warnings are printed.
 * As record_run(): after a failure the session holds what was complete.
 */
int take_record(const struct take *take, struct session *session, struct error *error);

/* With --resume: a note where there is nothing to resume. */
void take_look_for(const char *session_path);
/* A warning where other programs had the CPUs while the machine was to be idle. */
void take_warn_busy(const struct session *session);
/* What a recording that failed or was interrupted has left: says so. Returns `result`. */
int take_keep(size_t runs, int result, struct error *error);

/* Find lag and window, say what they are, and put them into session->about. */
int take_align(struct session *session, struct align *align, struct error *error);

/* PATH and PATH.about. 0 or -errno with text. */
int take_write(const struct trace *trace, const struct trace_about *about, const char *path,
	       struct error *error);

#endif
