/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A meter errs by a part of its range and by a part of the reading, and events explain
 * a busy machine less well than an idle one: what is far off on an idle row is little on
 * a busy one. Rows are sorted by prediction into bins of equal count, whose median
 * absolute residuals show how the scale grows; the level then comes from the median of
 * all rows. So neither lies count, nor a bin that is full of them.
 *
 * How much a row counts in the fit is a question of the meter alone, origin 0: what the
 * events do not explain is common to the rows of a workload, and idle rows that are
 * counted many times over do not average it away.
 */
#include "calibrate/fit/robust-scale.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

/* The normal distribution's standard deviation in median absolute residuals. */
#define MAD_TO_SIGMA 1.4826
/* No meter resolves less than this part of the power: residuals below are no outliers. */
#define RESOLUTION 1e-5
/* Fewer rows in a bin, or bins, show nothing but noise. */
enum { BIN_ROWS = 25, BINS_MIN = 4, BINS_MAX = 20 };
/* The scale grows from a distance of `corner` W above the origin on. That is sought from
 * this part of the range of predictions to as many times the highest: as good as fixed. */
#define CORNER_LOWEST 1e-3
#define CORNER_HIGHEST 4
/* From no power to the lowest bin's. */
enum { CORNER_STEPS = 40, ORIGIN_STEPS = 4 };

struct bins {
	unsigned count;
	double predicted[BINS_MAX]; /* median */
	double residual[BINS_MAX];  /* median of magnitudes, not zero */
};

static int by_prediction(const void *a, const void *b)
{
	const struct robust_row *left = a, *right = b;

	return (left->predicted > right->predicted) - (left->predicted < right->predicted);
}

/* Reorders the residuals. */
static double median_residual(struct robust_row *rows, size_t count)
{
	return gsl_stats_median(&rows->residual, sizeof *rows / sizeof rows->residual, count);
}

static void fill_bins(struct bins *bins, struct robust_row *rows, size_t count, double least)
{
	for (unsigned b = 0; b < bins->count; b++) {
		size_t begin = count * b / bins->count, end = count * (b + 1) / bins->count;

		bins->predicted[b] = rows[begin + (end - begin) / 2].predicted;
		bins->residual[b] = fmax(median_residual(rows + begin, end - begin), least);
	}
}

static double shape_at(const struct robust_scale *scale, double predicted)
{
	return hypot(scale->fixed, scale->part * (predicted - scale->origin));
}

double robust_scale_at(const struct robust_scale *scale, double predicted)
{
	return fmax(shape_at(scale, predicted), scale->least);
}

/* How far the bins are from this shape at the level that suits them best: a sum of parts. */
static double misfit(const struct bins *bins, const struct robust_scale *scale)
{
	double off[BINS_MAX] = { 0 }, sorted[BINS_MAX], level, sum = 0;

	for (unsigned b = 0; b < bins->count; b++)
		sorted[b] = off[b] = log(bins->residual[b] / shape_at(scale, bins->predicted[b]));
	level = gsl_stats_median(sorted, 1, bins->count);
	for (unsigned b = 0; b < bins->count; b++)
		sum += fabs(off[b] - level);
	return sum;
}

/* The shape that suits best, with an origin of up to so many steps; the level stays open. */
static struct robust_scale find_shape(const struct bins *bins, int origin_steps)
{
	double lowest = bins->predicted[0], highest = bins->predicted[bins->count - 1];
	double high = highest * CORNER_HIGHEST;
	double low = fmax(highest - lowest, highest * CORNER_LOWEST) * CORNER_LOWEST;
	struct robust_scale best = { .fixed = 1 };
	double least = INFINITY;

	for (int at = 0; at <= origin_steps; at++)
		for (int step = 0; step <= CORNER_STEPS; step++) {
			struct robust_scale tried = {
				.fixed = high * pow(low / high, (double)step / CORNER_STEPS),
				.part = 1,
				.origin = fmax(lowest, 0) * at / ORIGIN_STEPS,
			};
			double sum = misfit(bins, &tried);

			if (sum < least) {
				least = sum;
				best = tried;
			}
		}
	return best;
}

static void multiply(struct robust_scale *scale, double factor)
{
	scale->fixed *= factor;
	scale->part *= factor;
}

static void find_levels(struct robust_scales *scales, struct robust_row *rows, size_t count)
{
	double inverse = 0;

	for (size_t i = 0; i < count; i++) {
		double meter = shape_at(&scales->meter, rows[i].predicted);

		inverse += 1 / (meter * meter) / (double)count;
		rows[i].residual /= shape_at(&scales->spread, rows[i].predicted);
	}
	multiply(&scales->meter, sqrt(inverse));
	multiply(&scales->spread, median_residual(rows, count) * MAD_TO_SIGMA);
}

struct robust_scales robust_scales_find(struct robust_row *rows, size_t count, double power)
{
	struct robust_scales scales = { .spread = { .fixed = 1 }, .meter = { .fixed = 1 } };
	double least = fmax(RESOLUTION * power, 1e-300);
	struct bins bins = { .count = BINS_MAX };

	if (count < (size_t)BINS_MAX * BIN_ROWS)
		bins.count = (unsigned)(count / BIN_ROWS);
	if (bins.count >= BINS_MIN) {
		qsort(rows, count, sizeof *rows, by_prediction);
		fill_bins(&bins, rows, count, least);
		if (bins.predicted[bins.count - 1] > 0) {
			scales.spread = find_shape(&bins, ORIGIN_STEPS);
			scales.meter = find_shape(&bins, 0);
		}
	}
	find_levels(&scales, rows, count);
	scales.spread.least = least;
	return scales;
}
