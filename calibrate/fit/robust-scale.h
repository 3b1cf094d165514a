/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * robust-scale.h - how far honest rows lie from a fit, whatever the others say.
 */
#ifndef VMENERGY_CALIBRATE_FIT_ROBUST_SCALE_H
#define VMENERGY_CALIBRATE_FIT_ROBUST_SCALE_H

#include <stddef.h>

/* sqrt(fixed^2 + (part * (predicted - origin))^2), at least `least`. */
struct robust_scale {
	double fixed, part, origin, least;
};

struct robust_scales {
	/* A standard deviation, W (J per row). Few rows: one for all. */
	struct robust_scale spread;
	/* Of the meter, whose origin is 0; the rows' mean of 1 / scale^2 is 1. */
	struct robust_scale meter;
};

struct robust_row {
	double predicted;
	double residual; /* magnitude */
};

/* `power`: mean magnitude that was measured. The rows, one at least, are used up. */
struct robust_scales robust_scales_find(struct robust_row *rows, size_t count, double power);
double robust_scale_at(const struct robust_scale *scale, double predicted);

#endif
