/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

/* Rates that the point's used rows show; share is their sum until finish(). */
static void add_row(struct fit_weight *weights, const double *rates, unsigned events)
{
	for (unsigned e = 0; e < events; e++) {
		struct fit_weight *weight = &weights[e];

		if (rates[e] < weight->min_rate)
			weight->min_rate = rates[e];
		if (rates[e] > weight->max_rate)
			weight->max_rate = rates[e];
		weight->share += rates[e];
	}
}

static void add_rows(const struct work *work, unsigned p)
{
	const struct fit *fit = work->fit;
	struct fit_point *point = &fit->points[p];

	for (size_t row = 0; row < fit->rows; row++) {
		if (!fit->row_used[row] || work->points.of_row[row] != p)
			continue;
		add_row(point->weights, work->trace->events + row * fit->event_count,
			fit->event_count);
		point->rows++;
	}
}

static void finish(struct fit_point *point, unsigned events)
{
	double power = point->base;

	for (unsigned e = 0; e < events; e++) {
		struct fit_weight *weight = &point->weights[e];

		weight->share *= weight->joules / (double)point->rows;
		power += weight->share;
	}
	for (unsigned e = 0; e < events; e++) {
		struct fit_weight *weight = &point->weights[e];

		weight->share = power > 0 ? weight->share / power : NAN;
		if (point->rows == 0)
			weight->min_rate = weight->max_rate = NAN;
	}
}

static int start(const struct work *work, unsigned p, double *vif)
{
	const struct part *part = &work->parts[work->points.separate ? p : 0];
	struct fit_point *point = &work->fit->points[p];
	unsigned events = work->fit->event_count;

	if (factor_vif(&part->factors.tree[1], vif))
		return -ENOMEM;
	point->frequency_hz = work->points.at[p].frequency_hz;
	point->voltage_v = work->points.at[p].voltage_v;
	point->base = part->x[0];
	for (unsigned e = 0; e < events; e++)
		point->weights[e] = (struct fit_weight){
			.joules = part->x[e + 1] * work->points.at[p].dynamic,
			.se = NAN,
			.upper = NAN,
			.vif = vif[e],
			.min_rate = INFINITY,
			.max_rate = -INFINITY,
		};
	return 0;
}

static int allocate(struct work *work)
{
	struct fit *fit = work->fit;

	fit->points = calloc(work->points.count, sizeof *fit->points);
	if (!fit->points)
		return -ENOMEM;
	fit->point_count = work->points.count;
	for (unsigned p = 0; p < fit->point_count; p++) {
		fit->points[p].weights =
			calloc(fit->event_count + 1, sizeof *fit->points[p].weights);
		if (!fit->points[p].weights)
			return -ENOMEM;
	}
	return 0;
}

int fit_points_fill(struct work *work)
{
	struct fit *fit = work->fit;
	double *vif = calloc(fit->event_count + 1, sizeof *vif);
	int result = vif ? allocate(work) : -ENOMEM;

	for (unsigned p = 0; result == 0 && p < fit->point_count; p++)
		result = start(work, p, vif);
	free(vif);
	if (result)
		return result;
	for (unsigned p = 0; p < fit->point_count; p++) {
		add_rows(work, p);
		finish(&fit->points[p], fit->event_count);
	}
	return 0;
}
