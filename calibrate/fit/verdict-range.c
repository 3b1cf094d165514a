/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A workload that does what no other does is predicted from beyond what the others
 * have shown: its error says little of the weights.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

#define BEYOND 1.5       /* times the others' highest rate */
#define MATTERS 0.05     /* part of the mean power that the rate beyond them costs */
#define ERROR_PERCENT 10 /* of a workload that is worth a word, */
#define ERROR_TIMES 2    /* and in pooled errors */

struct range {
	const struct work *work;
	double *highest; /* group_count x event_count */
	double power;    /* mean */
};

static void find_highest(struct range *range)
{
	const struct fit *fit = range->work->fit;
	const struct trace *trace = range->work->trace;
	size_t n = fit->event_count, rows = 0;

	for (size_t row = 0; row < fit->rows; row++) {
		double *highest = range->highest + trace->group[row] * n;

		if (!fit->row_used[row])
			continue;
		for (size_t e = 0; e < n; e++)
			if (trace->events[row * n + e] > highest[e])
				highest[e] = trace->events[row * n + e];
		range->power += fabs(trace->power[row]);
		rows++;
	}
	range->power /= (double)rows;
}

static double highest_of_others(const struct range *range, size_t group, unsigned event)
{
	const struct fit *fit = range->work->fit;
	double highest = 0;

	for (size_t g = 0; g < fit->group_count; g++)
		if (g != group)
			highest = fmax(highest, range->highest[g * fit->event_count + event]);
	return highest;
}

static double cost(const struct fit *fit, unsigned event)
{
	double joules = 0;

	for (unsigned p = 0; p < fit->point_count; p++)
		joules = fmax(joules, fabs(fit->points[p].weights[event].joules));
	return joules;
}

/* The event that a group has furthest beyond the others, if it matters. */
static void warn_group(const struct range *range, size_t group)
{
	struct fit *fit = range->work->fit;
	double most = MATTERS * range->power, others = 0, own = 0;
	unsigned worst = fit->event_count;

	for (unsigned e = 0; e < fit->event_count; e++) {
		double here = range->highest[group * fit->event_count + e];
		double there = highest_of_others(range, group, e);
		double beyond = cost(fit, e) * (here - there);

		if (here <= BEYOND * there || beyond <= most)
			continue;
		most = beyond;
		worst = e;
		own = here;
		others = there;
	}
	if (worst < fit->event_count)
		error_list_addf(&fit->warnings,
				"extrapolated: %s, %.1f %% off when held out, has up to %.3g of %s"
				" where the others have %.3g at most",
				fit->group_names[group], fit->groups[group].mape_percent, own,
				fit->event_names[worst], others);
}

int verdict_warn_range(const struct work *work)
{
	const struct fit *fit = work->fit;
	struct range range = { .work = work };
	double limit = fmax(ERROR_PERCENT, ERROR_TIMES * fit->lowo.mape_percent);

	range.highest = calloc(fit->group_count * fit->event_count + 1, sizeof *range.highest);
	if (!range.highest)
		return -ENOMEM;
	find_highest(&range);
	for (size_t g = 0; g < fit->group_count; g++)
		if (fit->groups[g].mape_percent > limit)
			warn_group(&range, g);
	free(range.highest);
	return 0;
}
