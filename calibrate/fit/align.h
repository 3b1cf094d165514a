/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * align.h - the meter's lag and averaging window, found from the data, and the
 * trace that a session becomes once they are removed. Pure.
 *
 * A reading that arrives at t is taken as the mean of the power in
 * [t - lag - window, t - lag].
 */
#ifndef VMENERGY_CALIBRATE_FIT_ALIGN_H
#define VMENERGY_CALIBRATE_FIT_ALIGN_H

#include "base/error.h"
#include "calibrate/record/session.h"
#include "model/trace.h"

struct align {
	double lag_s, window_s;
	double lag_se_s;  /* standard error; NaN = unknown */
	double explained; /* part of the power's variance that the counters explain at best */
	size_t changes;   /* changes of workload that it rests on */
	char note[256];   /* how sure, or why the documented values were taken */
};

/*
 * Search lag (0 .. 5 s) and window (0 .. 4 s) for the best least-squares
 * explanation of the readings around changes of workload. With fewer than four changes
 * or nothing explained: the meter's documented window, half of its interval as lag, and a note.
 * 0 or -EINVAL (no readings) with text, -ENOMEM.
 */
int align_estimate(const struct session *session, struct align *align, struct error *error);

/*
 * Rows of the phases with that pass: one for each reading whose whole window
 * lies inside a phase, lag + window + `settle_s` after its begin (a phase that continues another
 * needs no settling). Events are counts of the
 * window (interval_s); workload, timestamp_s, frequency_hz and temperature_c as far as known.
 * Flagged readings and samples of bad quality give no rows; `note` gets how many and why.
 */
int align_trace(const struct session *session, size_t pass, const struct align *align,
		double settle_s, struct trace **trace, struct text *note, struct error *error);

#endif
