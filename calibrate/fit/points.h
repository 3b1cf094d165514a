/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * points.h - which rows were measured at which operating point.
 */
#ifndef VMENERGY_CALIBRATE_FIT_POINTS_H
#define VMENERGY_CALIBRATE_FIT_POINTS_H

#include "calibrate/fit/fit.h"

enum { POINT_NONE = 255 }; /* of a row that no fit sees */

struct point {
	double frequency_hz; /* mean of its rows; 0 = the only one */
	double voltage_v;    /* NaN = not stated */
	double dynamic;      /* what the fit's weights are multiplied with here */
	size_t rows;
};

struct points {
	unsigned count;
	struct point at[WEIGHTS_POINTS_MAX]; /* ascending frequency */
	unsigned char *of_row;               /* owned */
	bool separate;                       /* a fit for each; else one for all */
	double voltage_max;                  /* dynamic power goes with its square; NaN = no */
};

/* 0, -EINVAL with a sentence, -ENOMEM. points_clear() in any case. */
int points_find(struct points *points, const struct trace *trace, enum fit_frequency frequency,
		struct error_list *warnings, struct error *error);
void points_clear(struct points *points);

#endif
