/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jackknife over whole workloads: rows of one workload err together, so that
 * rows are no independent witnesses (Efron and Tibshirani, An Introduction to
 * the Bootstrap, 1993, chapter 11; delete-d by groups).
 *
 * Held-out fits of a robust one keep the rows' weights, so that they move less than
 * a robust fit without the workload would: by work.influence, robust.c. And where a few
 * workloads alone move an event, the spread of the replicates is itself hardly known: errors
 * of a robust fit are widened so that two of them cover as often as readers expect.
 */
#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/fit-internal.h"

#define UPPER_PROBABILITY 0.95
/* Both tails of two standard errors, about. */
#define COVERED 0.975
#define FREEDOM_MIN 3.0

double jackknife(const double *replicates, size_t count)
{
	double mean = 0, squares = 0;

	if (count < UNCERTAINTY_GROUPS_MIN)
		return NAN;
	for (size_t i = 0; i < count; i++)
		mean += replicates[i] / (double)count;
	for (size_t i = 0; i < count; i++)
		squares += (replicates[i] - mean) * (replicates[i] - mean);
	return sqrt(squares * ((double)count - 1) / (double)count);
}

double jackknife_quantile(double probability, size_t groups)
{
	return gsl_cdf_tdist_Pinv(probability, (double)groups - 1);
}

/*
 * Student's t over the normal quantile, with as many degrees of freedom as the replicates behave
 * like: 3 (sum d^2)^2 / sum d^4 is their number where their deviations d are Gaussian alike, and
 * less where a few stand out (after Satterthwaite; Bell and McCaffrey, Survey Methodology 28,
 * 2002, for errors that rest on few clusters).
 */
static double few_witnesses(const double *replicates, size_t count)
{
	double mean = 0, squares = 0, fourths = 0, freedom;

	for (size_t i = 0; i < count; i++)
		mean += replicates[i] / (double)count;
	for (size_t i = 0; i < count; i++) {
		double square = (replicates[i] - mean) * (replicates[i] - mean);

		squares += square;
		fourths += square * square;
	}
	if (!(fourths > 0))
		return 1;
	freedom = fmin(3 * squares * squares / fourths, (double)count - 1);
	return gsl_cdf_tdist_Pinv(COVERED, fmax(freedom, FREEDOM_MIN)) /
	       gsl_cdf_ugaussian_Pinv(COVERED);
}

/* What the spread of these replicates is to be multiplied by. */
static double widening(const struct work *work, const double *replicates, size_t count)
{
	return work->options->robust ? work->influence * few_witnesses(replicates, count) : 1;
}

/* One column of a table, of the groups that the part has. */
static size_t column_of(const struct work *work, const struct part *part, const double *table,
			unsigned column, double *out)
{
	size_t count = 0;

	for (size_t g = 0; g < work->trace->group_count; g++)
		if (part_has_group(part, g))
			out[count++] = table[g * work_weights(work) + column];
	return count;
}

/*
 * A weight at zero has no spread of its own: its standard error is that of the
 * weight without the bound. The upper bound counts from there, but never from below
 * zero, so that it covers at least as often as it says (Particle Data Group,
 * Review of Particle Physics, "Statistics": Gaussian data close to a boundary).
 */
static double standard_error(const struct work *work, const struct part *part, unsigned column,
			     double *room, double *upper)
{
	bool bound = work->options->method == FIT_NNLS && part->x[column] == 0;
	size_t count = column_of(work, part, bound ? part->unbound_held_out : part->held_out,
				 column, room);
	double se = jackknife(room, count) * widening(work, room, count);

	*upper = NAN;
	if (bound && factor_norm(&part->factors.tree[1], column) == 0)
		return NAN; /* never counted */
	if (bound && !isnan(se))
		*upper = fmax(part->unbound[column], 0) +
			 jackknife_quantile(UPPER_PROBABILITY, count) * se;
	return se;
}

/* All points must have the same workloads: a replicate is a whole file without one. */
static unsigned count_replicates(const struct work *work)
{
	const struct part *first = &work->parts[0];

	if (first->groups < UNCERTAINTY_GROUPS_MIN || first->groups > WEIGHTS_REPLICATES_MAX)
		return 0;
	for (unsigned p = 1; p < work->part_count; p++)
		for (size_t g = 0; g < work->trace->group_count; g++)
			if (part_has_group(first, g) != part_has_group(&work->parts[p], g))
				return 0;
	return (unsigned)first->groups;
}

/*
 * Only how replicates differ says anything, not where they stand: all are moved up
 * when one of a weight with a bound would come to lie below it.
 */
static void spread(double *replicates, unsigned count, double factor)
{
	double mean = 0, lowest = INFINITY, lowest_before = INFINITY;

	for (unsigned i = 0; i < count; i++)
		mean += replicates[i] / count;
	for (unsigned i = 0; i < count; i++) {
		lowest_before = fmin(lowest_before, replicates[i]);
		replicates[i] = mean + (replicates[i] - mean) * factor;
		lowest = fmin(lowest, replicates[i]);
	}
	for (unsigned i = 0; i < count && lowest < 0 && lowest_before >= 0; i++)
		replicates[i] -= lowest;
}

/* Replicates of a column, times `factor`; NULL: none, or no memory. */
static double *copy_replicates(const struct work *work, const struct part *part, unsigned column,
			       double factor)
{
	unsigned count = work->fit->replicate_count;
	double *copy = count ? calloc(count, sizeof *copy) : NULL;

	if (copy)
		column_of(work, part, part->held_out, column, copy);
	if (copy && work->options->robust)
		spread(copy, count, widening(work, copy, count));
	for (unsigned i = 0; copy && i < count; i++)
		copy[i] *= factor;
	return copy;
}

static int fill_point(const struct work *work, unsigned p, double *room)
{
	const struct part *part = &work->parts[work->points.separate ? p : 0];
	struct fit_point *point = &work->fit->points[p];
	double dynamic = work->points.at[p].dynamic, upper;
	bool whole;

	point->base_se = standard_error(work, part, 0, room, &upper);
	point->base_replicates = copy_replicates(work, part, 0, 1);
	whole = point->base_replicates;
	for (unsigned e = 0; e < work->fit->event_count; e++) {
		struct fit_weight *weight = &point->weights[e];

		weight->se = standard_error(work, part, e + 1, room, &upper) * dynamic;
		weight->upper = upper * dynamic;
		weight->replicates = copy_replicates(work, part, e + 1, dynamic);
		whole = whole && weight->replicates;
	}
	return whole || work->fit->replicate_count == 0 ? 0 : -ENOMEM;
}

int uncertainty_find(struct work *work)
{
	double *room = calloc(work->trace->group_count, sizeof *room);
	int result = room ? 0 : -ENOMEM;

	work->fit->replicate_count = count_replicates(work);
	for (unsigned p = 0; result == 0 && p < work->fit->point_count; p++)
		result = fill_point(work, p, room);
	free(room);
	return result;
}
