/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * align-internal.h - readings and the counters of their windows. For align*.c and select-merge.c.
 */
#ifndef VMENERGY_CALIBRATE_FIT_ALIGN_INTERNAL_H
#define VMENERGY_CALIBRATE_FIT_ALIGN_INTERNAL_H

#include "calibrate/fit/align.h"

/* --- align-rows.c: which readings can be rows of a trace ------------------------------------ */

struct align_row {
	size_t reading, phase;
	uint64_t from_ns, to_ns;    /* the window that it is a mean over */
	size_t from_sample, sample; /* last samples not after from_ns and to_ns */
};

struct align_rows {
	struct align_row *items; /* owned */
	size_t count, capacity;
	/* Why others are none. */
	size_t flagged, unsettled, unsampled;
};

/* `pass` may be ALIGN_ANY_PASS. 0 or -ENOMEM. */
enum { ALIGN_ANY_PASS = -1 };
int align_rows_find(const struct session *session, long pass, const struct align *align,
		    double settle_s, struct align_rows *rows);
void align_rows_clear(struct align_rows *rows);

/* Rates per second over the row's window, of the pass's events, then of busy time (ns). */
void align_row_rates(const struct session *session, const struct align_row *row, double *rates);
double align_row_temperature_c(const struct session *session, const struct align_row *row);

/* An existing group of that name, or a new one; -ENOMEM. */
long align_group(struct trace *trace, const char *name);
/* Columns in which nothing is known are taken away. */
void align_drop_unknown(struct trace *trace);
/* The meter's window and lag as far as documented: where data say nothing. */
struct align align_documented(const struct session *session);

/* --- align-curve.c: what the counters say of the power's course ------------------------------ */

struct curve {
	uint64_t origin_ns;
	struct curve_knot {
		double time_s, energy_j;
	} * items; /* owned, ascending */
	size_t count, capacity;
};

/* 0, -ENOMEM, or -EINVAL: fewer than two samples. */
int curve_make(const struct session *session, struct curve *curve);
void curve_clear(struct curve *curve);
/* `hint`: a knot not after time_s, moved along. Beyond the ends it goes on as it was there. */
double curve_energy_j(const struct curve *curve, double time_s, size_t *hint);
size_t curve_find(const struct curve *curve, double time_s);

/* --- align-sections.c: readings around changes of workload ------------------------------------ */

struct section {             /* of one change */
	size_t first, count; /* points */
	size_t knot;         /* of the curve, before all windows that are tried */
};

struct sections {
	struct curve curve;
	struct {
		struct align_point {
			double time_s, power_w;
		} * items; /* owned, ascending: readings without flags and outliers */
		size_t count, capacity;
	} points;
	struct section *items; /* owned */
	size_t count, capacity;
	size_t outliers;
	double noise_w; /* of a reading, robustly */
	/* Work space for the longest section. */
	double *proxy, *weight;
};

/* How well a line from the curve's means explains a section's readings. */
struct section_fit {
	double loss; /* Huber's, in units of the noise's variance: half a chi-square */
	double squares, total_squares; /* weighted: left over, and about the mean; W^2 */
};

enum { ALIGN_POINTS_MIN = 5 }; /* of a section */
int sections_make(const struct session *session, struct sections *sections);
void sections_clear(struct sections *sections);
struct section_fit section_fit(const struct sections *sections, const struct section *section,
			       double lag_s, double window_s);

#endif
