/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Meters lie now and then. Rows are weighed by their residual and the fit is made
 * again until it stays (Holland and Welsch, Robust regression using iteratively
 * reweighted least-squares, 1977): first with Huber's weights, whose minimum is the
 * only one, so that no row is thrown away by a fit that outliers have bent; then
 * with Tukey's biweight, which gives gross errors no weight at all.
 */
#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

/* 95 % efficient on normal residuals. */
#define HUBER 1.345
#define TUKEY 4.685
/* The normal distribution's standard deviation in median absolute residuals. */
#define MAD_TO_SIGMA 1.4826
/* No meter resolves less than this part of the power: residuals below are no outliers. */
#define RESOLUTION 1e-5
/* The fit stays when no prediction moves by more than this part of a standard deviation. */
#define SETTLED 0.01
enum { ROUNDS_MAX = 10 };

static double huber(double deviation)
{
	return deviation <= HUBER ? 1 : HUBER / deviation;
}

static double tukey(double deviation)
{
	double part = deviation / TUKEY;

	return part < 1 ? (1 - part * part) * (1 - part * part) : 0;
}

/* Predict again; the largest change since the last time. */
static double predict(struct work *work)
{
	struct fit *fit = work->fit;
	double change = 0;

	for (size_t row = 0; row < fit->rows; row++) {
		const struct part *part = work_part(work, row);
		double now = part ? work_predict(work, part->x, row) : 0;

		change = fmax(change, fabs(now - fit->predicted[row]));
		fit->predicted[row] = now;
	}
	return change;
}

/* A robust standard deviation of the residuals. `room`: for every row. */
static double scale_of(const struct work *work, double *room)
{
	const double *power = work->trace->power, *predicted = work->fit->predicted;
	double level = 0;
	size_t count = 0;

	for (size_t row = 0; row < work->fit->rows; row++)
		if (work_part(work, row)) {
			room[count++] = fabs(power[row] - predicted[row]);
			level += fabs(power[row]);
		}
	level = fmax(level / (double)count, 1e-300);
	return fmax(gsl_stats_median(room, 1, count) * MAD_TO_SIGMA, RESOLUTION * level);
}

/* Rows of no part keep out of every sum without a weight of theirs. */
static int weigh(struct work *work, double sigma, double (*weight)(double deviation))
{
	struct fit *fit = work->fit;

	fit->outliers = 0;
	for (size_t row = 0; row < fit->rows; row++) {
		double residual = work->trace->power[row] - fit->predicted[row];

		if (!work_part(work, row))
			continue;
		work->row_weights[row] = weight(fabs(residual) / sigma);
		fit->row_used[row] = work->row_weights[row] > 0;
		fit->outliers += !fit->row_used[row];
	}
	return parts_solve(work);
}

/* Weigh and fit until it stays. */
static int iterate(struct work *work, double *room, double (*weight)(double deviation))
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		double sigma = scale_of(work, room);
		int result = weigh(work, sigma, weight);

		if (result)
			return result;
		if (predict(work) < SETTLED * sigma)
			break;
	}
	return 0;
}

int robust_solve(struct work *work)
{
	double *room = calloc(work->fit->rows, sizeof *room);
	int result = -ENOMEM;

	work->row_weights = calloc(work->fit->rows, sizeof *work->row_weights);
	if (!room || !work->row_weights)
		goto out;
	for (size_t row = 0; row < work->fit->rows; row++)
		work->row_weights[row] = 1;
	result = parts_solve(work);
	if (result)
		goto out;
	predict(work);
	result = iterate(work, room, huber);
	if (result == 0)
		result = iterate(work, room, tukey);
out:
	free(room);
	return result;
}
