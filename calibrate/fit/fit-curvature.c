/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is the power a straight line over the predictions? The residuals are explained by
 * a constant, the prediction, its square and its cube, each workload counting as much as
 * another. A bend is beyond chance where the square stands out against the jackknife
 * over workloads; or where it, or square and cube, explain so much of what the line
 * leaves that the F test finds it, with no more observations than workloads.
 */
#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

#define SIGNIFICANT 0.975 /* two-sided 5 % */

enum { CONSTANT, LINE, SQUARE, CUBE, RESIDUAL, COLUMNS };
/* The part of a cube that is a line, by least squares over -1..1. */
#define CUBE_LINE 0.6
#define F_SIGNIFICANT 0.95
#define EXPLAINS 0.5 /* of the squares that the line leaves: worth a word */
enum { BEND_STEPS = 40 };

struct curve {
	const struct work *work;
	double middle, half; /* of the range of predictions */
};

static void fill(const void *context, size_t row, double *into)
{
	const struct curve *curve = context;
	double predicted = curve->work->fit->predicted[row];
	double place = (predicted - curve->middle) / curve->half;

	into[CONSTANT] = 1;
	into[LINE] = place;
	into[SQUARE] = place * place;
	into[CUBE] = place * (place * place - CUBE_LINE);
	into[RESIDUAL] = curve->work->trace->power[row] - predicted;
}

static void range_of(struct curve *curve)
{
	const struct fit *fit = curve->work->fit;
	double low = INFINITY, high = -INFINITY;

	for (size_t row = 0; row < fit->rows; row++)
		if (fit->row_used[row]) {
			low = fmin(low, fit->predicted[row]);
			high = fmax(high, fit->predicted[row]);
		}
	curve->middle = (low + high) / 2;
	curve->half = (high - low) / 2;
}

/* The residuals by some of the columns; x in their order, the last one is what is explained. */
struct shape {
	unsigned columns[COLUMNS], count;
};
static const struct shape line = { { CONSTANT, LINE, RESIDUAL }, 3 };
static const struct shape square = { { CONSTANT, LINE, SQUARE, RESIDUAL }, 4 };
static const struct shape cube = { { CONSTANT, LINE, SQUARE, CUBE, RESIDUAL }, 5 };

static int explain(const struct factor *all, const struct shape *shape, double *x, double *squares)
{
	struct factor factor = { 0 };
	int result = factor_pick(all, shape->columns, shape->count, &factor);

	if (result == 0)
		result = factor_solve(&factor, FIT_OLS, 0, x);
	if (result == 0)
		*squares = factor_squares(&factor, x);
	factor_clear(&factor);
	return result;
}

/* The square's part of the residuals; it spans as much, as place goes from -1 to 1. */
static int square_of(const struct factors *factors, long group, double *part)
{
	struct factor factor = { 0 };
	double x[COLUMNS], squares;
	int result = factors_without(factors, group, &factor);

	if (result == 0)
		result = explain(&factor, &square, x, &squares);
	factor_clear(&factor);
	if (result == 0)
		*part = x[SQUARE] / factors->scale[SQUARE];
	return result;
}

static int judge_square(struct work *work, const struct factors *factors, struct bend *bend)
{
	double *squares = calloc(factors->group_count, sizeof *squares), all = 0;
	size_t count = 0;
	int result = squares ? square_of(factors, FACTOR_ALL_GROUPS, &all) : -ENOMEM;

	for (size_t g = 0; result == 0 && g < factors->group_count; g++)
		if (factors->groups[g].rows > 0)
			result = square_of(factors, (long)g, &squares[count++]);
	if (result == 0) {
		double se = jackknife(squares, count);

		work->fit->curvature = fabs(all) / (2 * bend->half);
		bend->significant =
			!isnan(se) && fabs(all) > se * jackknife_quantile(SIGNIFICANT, count);
	}
	free(squares);
	return result;
}

/* What a square and a cube span together, beyond a line. */
static double span_of(double square_part, double cube_part)
{
	double low = INFINITY, high = -INFINITY;

	for (int i = 0; i <= BEND_STEPS; i++) {
		double place = 2.0 * i / BEND_STEPS - 1;
		double bend = square_part * place * place +
			      cube_part * place * (place * place - CUBE_LINE);

		low = fmin(low, bend);
		high = fmax(high, bend);
	}
	return high - low;
}

static size_t groups_of(const struct factors *factors)
{
	size_t groups = 0;

	for (size_t g = 0; g < factors->group_count; g++)
		groups += factors->groups[g].rows > 0;
	return groups;
}

/* The F test of a shape against the line, which leaves `straight`. */
static int judge_shape(struct work *work, const struct factors *factors, const struct shape *shape,
		       double straight, struct bend *bend)
{
	double x[COLUMNS] = { 0 }, bent, gain, more = shape->count - line.count;
	double freedom = (double)groups_of(factors) - shape->count + 1, span;
	int result = explain(&factors->tree[1], shape, x, &bent);

	if (result || freedom < 1 || !(bent > 0))
		return result;
	gain = (straight - bent) / more;
	if (!(gain > bent / freedom * gsl_cdf_fdist_Pinv(F_SIGNIFICANT, more, freedom)))
		return 0;
	span = span_of(x[SQUARE] / factors->scale[SQUARE],
		       shape == &cube ? x[CUBE] / factors->scale[CUBE] : 0);
	bend->significant = true;
	bend->explains |= straight - bent > EXPLAINS * straight;
	work->fit->curvature = fmax(work->fit->curvature, span / (2 * bend->half));
	return 0;
}

static int judge_shapes(struct work *work, const struct factors *factors, struct bend *bend)
{
	double x[COLUMNS], straight = 0;
	int result = explain(&factors->tree[1], &line, x, &straight);

	if (result == 0)
		result = judge_shape(work, factors, &square, straight, bend);
	if (result == 0)
		result = judge_shape(work, factors, &cube, straight, bend);
	return result;
}

/* As much weight for each workload, whatever its rows. */
static double *even_weights(const struct work *work)
{
	const struct fit *fit = work->fit;
	double *weights = calloc(fit->rows, sizeof *weights);
	size_t *rows = calloc(fit->group_count, sizeof *rows);

	for (size_t row = 0; weights && rows && row < fit->rows; row++)
		rows[work->trace->group[row]] += fit->row_used[row];
	for (size_t row = 0; weights && rows && row < fit->rows; row++)
		if (fit->row_used[row])
			weights[row] = 1 / (double)rows[work->trace->group[row]];
	if (!rows) {
		free(weights);
		weights = NULL;
	}
	free(rows);
	return weights;
}

int curvature_find(struct work *work, struct bend *bend)
{
	struct curve curve = { .work = work };
	struct factors factors = { 0 };
	struct factor_source source = {
		.columns = COLUMNS,
		.row_count = work->fit->rows,
		.group_count = work->fit->group_count,
		.group = work->trace->group,
		.rows = { .row_used = work->fit->row_used },
		.fill = fill,
		.context = &curve,
	};
	double *weights;
	int result;

	*bend = (struct bend){ .significant = false };
	range_of(&curve);
	if (!(curve.half > 0))
		return 0;
	bend->half = curve.half;
	weights = even_weights(work);
	if (!weights)
		return -ENOMEM;
	source.rows.row_weights = weights;
	result = factors_build(&factors, &source);
	if (result == 0)
		result = judge_square(work, &factors, bend);
	if (result == 0)
		result = judge_shapes(work, &factors, bend);
	factors_clear(&factors);
	free(weights);
	return result;
}
