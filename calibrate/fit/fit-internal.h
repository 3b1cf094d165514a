/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fit-internal.h - what the rooms of a fit share while it is made.
 */
#ifndef VMENERGY_CALIBRATE_FIT_FIT_INTERNAL_H
#define VMENERGY_CALIBRATE_FIT_FIT_INTERNAL_H

#include "calibrate/fit/factor-internal.h"
#include "calibrate/fit/fit.h"
#include "calibrate/fit/points.h"

/* Rows that one set of weights explains: an operating point, or all. A vector is the base,
 * then joules per event; a table is a vector for each group, left out. */
struct part {
	struct factors factors;
	size_t groups;    /* that have rows here */
	double *x;        /* vector */
	double *held_out; /* table */
	/* Of weights at zero: what least squares beside the positive ones gives without the
	 * bound. */
	double *unbound, *unbound_held_out;
};

struct work {
	const struct trace *trace;
	const struct fit_options *options;
	struct fit *fit;
	struct points points;
	unsigned part_count;
	struct part parts[WEIGHTS_POINTS_MAX];
	double *row_weights; /* robust; NULL = 1 each */
	/* Of a row on the fit, in that on a fit whose row weights are fixed; 1 = not robust. */
	double influence;
	unsigned char *mask; /* rows of the part that is being built */
};

static inline unsigned work_weights(const struct work *work)
{
	return work->trace->event_count + 1;
}

/* The part that explains a row, used or not; NULL: left aside. */
static inline const struct part *work_part(const struct work *work, size_t row)
{
	unsigned point = work->points.of_row[row];

	if (point == POINT_NONE)
		return NULL;
	return &work->parts[work->points.separate ? point : 0];
}

static inline const double *part_held_out(const struct work *work, const struct part *part,
					  size_t group)
{
	return part->held_out + group * work_weights(work);
}

static inline bool part_has_group(const struct part *part, size_t group)
{
	return part->factors.groups[group].rows > 0;
}

/* [1, events (by voltage), power] of a row. */
void work_fill(const void *work, size_t row, double *into);
double work_predict(const struct work *work, const double *x, size_t row);

/* fit-parts.c. 0 or -ENOMEM. */
int parts_make(struct work *work);
int parts_solve(struct work *work);    /* factors and x from the rows and their weights */
int parts_hold_out(struct work *work); /* then the tables */
void parts_clear(struct work *work);

/* robust.c: row weights, influence, row_used and outliers; leaves the parts solved. 0 or -ENOMEM.
 */
int robust_solve(struct work *work);

/* fit-outliers.c: are there too many to be left out of the errors? Does a row count in them? */
int outliers_find(struct work *work); /* 0 or -ENOMEM */
bool outliers_many(const struct fit *fit);

static inline bool work_counts(const struct work *work, size_t row)
{
	return work->fit->counts_outliers ? work_part(work, row) != NULL : work->fit->row_used[row];
}

/* fit-errors.c: predictions, and figures of errors. 0 or -ENOMEM. */
int errors_find(struct work *work);

/* fit-points.c: the fit's points, with rates, shares, variance inflation. 0 or -ENOMEM. */
int fit_points_fill(struct work *work);

/* fit-uncertainty.c: standard errors, upper bounds, replicates. 0 or -ENOMEM. */
int uncertainty_find(struct work *work);
enum { UNCERTAINTY_GROUPS_MIN = 5 }; /* model.md 6 */
/* sqrt((G - 1) / G * sum of (replicate - mean)^2); NaN: fewer than five, or NaN among them. */
double jackknife(const double *replicates, size_t count);
/* Student's t for `groups` - 1 degrees of freedom: below it with this probability. */
double jackknife_quantile(double probability, size_t groups);

/* fit-curvature.c. 0 or -ENOMEM. */
struct bend {
	double half;      /* of the range of predictions, W (J per row) */
	bool significant; /* beyond chance, over workloads */
	bool explains;    /* most of what the line leaves, beyond chance */
};
int curvature_find(struct work *work, struct bend *bend);

/* verdict*.c, collinear-warn.c. 0 or -ENOMEM. */
int verdict_find(struct work *work);
void verdict_warn_weights(const struct work *work);
int collinear_warn(const struct work *work);
int verdict_warn_range(const struct work *work);

#endif
