/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is the power a straight line over the predictions? The residuals are explained by
 * a constant, the prediction and its square, each workload counting as much as
 * another; the square must stand out against the jackknife over workloads.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

#define SIGNIFICANT 0.975 /* two-sided 5 % */

enum { CONSTANT, LINE, SQUARE, RESIDUAL, COLUMNS };

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

/* The square's part of the residuals; it spans as much, as place goes from -1 to 1. */
static int square_of(const struct factors *factors, long group, double *square)
{
	struct factor factor = { 0 };
	double x[COLUMNS];
	int result = factors_without(factors, group, &factor);

	if (result == 0)
		result = factor_solve(&factor, FIT_OLS, 0, x);
	factor_clear(&factor);
	if (result == 0)
		*square = x[SQUARE] / factors->scale[SQUARE];
	return result;
}

static int judge(struct work *work, const struct factors *factors, double half, bool *significant)
{
	double *squares = calloc(factors->group_count, sizeof *squares), square = 0;
	size_t count = 0;
	int result = squares ? square_of(factors, FACTOR_ALL_GROUPS, &square) : -ENOMEM;

	for (size_t g = 0; result == 0 && g < factors->group_count; g++)
		if (factors->groups[g].rows > 0)
			result = square_of(factors, (long)g, &squares[count++]);
	if (result == 0) {
		double se = jackknife(squares, count);

		work->fit->curvature = fabs(square) / (2 * half);
		*significant =
			!isnan(se) && fabs(square) > se * jackknife_quantile(SIGNIFICANT, count);
	}
	free(squares);
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

int curvature_find(struct work *work, bool *significant)
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

	*significant = false;
	range_of(&curve);
	if (!(curve.half > 0))
		return 0;
	weights = even_weights(work);
	if (!weights)
		return -ENOMEM;
	source.rows.row_weights = weights;
	result = factors_build(&factors, &source);
	if (result == 0)
		result = judge(work, &factors, curve.half, significant);
	factors_clear(&factors);
	free(weights);
	return result;
}
