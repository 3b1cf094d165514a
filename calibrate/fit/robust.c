/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Meters lie now and then. Rows are weighed by their residual and the fit is made
 * again until it stays (Holland and Welsch, Robust regression using iteratively
 * reweighted least-squares, 1977): first with Huber's weights, whose minimum is the
 * only one, so that no row is thrown away by a fit that outliers have bent; then
 * with Tukey's biweight, which gives gross errors no weight at all. A residual
 * counts in standard deviations of rows of its power, and rows on which the meter
 * errs by more watts count less: robust-scale.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"
#include "calibrate/fit/robust-scale.h"

/* 95 % efficient on normal residuals. */
#define HUBER 1.345
#define TUKEY 4.685
/* The fit stays when no prediction moves by more than this part of a standard deviation. */
#define SETTLED 0.01
enum { ROUNDS_MAX = 10 };
/* 1.21 on normal residuals, 1.3 on those of Laplace and Cauchy: more comes of few rows. */
#define INFLUENCE_MAX 2

/* What a row counts, and how its pull on the fit, weight * deviation, grows with the
 * deviation. */
struct pull {
	double weight, slope;
};

static struct pull huber(double deviation)
{
	if (deviation <= HUBER)
		return (struct pull){ 1, 1 };
	return (struct pull){ HUBER / deviation, 0 };
}

static struct pull tukey(double deviation)
{
	double square = deviation / TUKEY * (deviation / TUKEY);

	if (square >= 1)
		return (struct pull){ 0, 0 };
	return (struct pull){ (1 - square) * (1 - square), (1 - square) * (1 - 5 * square) };
}

/* Predict again; the largest change since the last time, in standard deviations. */
static double predict(struct work *work, const struct robust_scale *spread)
{
	struct fit *fit = work->fit;
	double change = 0;

	for (size_t row = 0; row < fit->rows; row++) {
		const struct part *part = work_part(work, row);
		double now = part ? work_predict(work, part->x, row) : 0;
		double moved = fabs(now - fit->predicted[row]);

		change = fmax(change, moved / robust_scale_at(spread, now));
		fit->predicted[row] = now;
	}
	return change;
}

/* `room`: for every row. */
static struct robust_scales scales_of(const struct work *work, struct robust_row *room)
{
	const double *power = work->trace->power, *predicted = work->fit->predicted;
	double level = 0;
	size_t count = 0;

	for (size_t row = 0; row < work->fit->rows; row++)
		if (work_part(work, row)) {
			room[count++] = (struct robust_row){
				.predicted = predicted[row],
				.residual = fabs(power[row] - predicted[row]),
			};
			level += fabs(power[row]);
		}
	return robust_scales_find(room, count, level / (double)count);
}

/*
 * Rows of no part keep out of every sum without a weight of theirs. What a row does
 * to the fit goes with 1 / (sum of slopes), where a fit with fixed weights has
 * 1 / (sum of weights) (Huber, Robust Statistics, 1981, chapter 7).
 */
static void weigh(struct work *work, const struct robust_scales *scales,
		  struct pull (*pull_of)(double deviation))
{
	struct fit *fit = work->fit;
	double weights = 0, slopes = 0;

	fit->outliers = 0;
	for (size_t row = 0; row < fit->rows; row++) {
		double predicted = fit->predicted[row];
		double residual = fabs(work->trace->power[row] - predicted);
		double meter = robust_scale_at(&scales->meter, predicted);
		struct pull pull;

		if (!work_part(work, row))
			continue;
		pull = pull_of(residual / robust_scale_at(&scales->spread, predicted));
		work->row_weights[row] = pull.weight / (meter * meter);
		fit->row_used[row] = pull.weight > 0;
		fit->outliers += !fit->row_used[row];
		weights += pull.weight;
		slopes += pull.slope;
	}
	work->influence = slopes * INFLUENCE_MAX > weights ? weights / slopes : INFLUENCE_MAX;
}

/* Weigh and fit until it stays. */
static int iterate(struct work *work, struct robust_row *room,
		   struct pull (*pull_of)(double deviation))
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct robust_scales scales = scales_of(work, room);
		int result;

		weigh(work, &scales, pull_of);
		result = parts_solve(work);
		if (result)
			return result;
		if (predict(work, &scales.spread) < SETTLED)
			break;
	}
	return 0;
}

int robust_solve(struct work *work)
{
	static const struct robust_scale any = { .least = 1 };
	struct robust_row *room = calloc(work->fit->rows, sizeof *room);
	int result = -ENOMEM;

	work->row_weights = calloc(work->fit->rows, sizeof *work->row_weights);
	if (!room || !work->row_weights)
		goto out;
	for (size_t row = 0; row < work->fit->rows; row++)
		work->row_weights[row] = 1;
	result = parts_solve(work);
	if (result)
		goto out;
	predict(work, &any);
	result = iterate(work, room, huber);
	if (result == 0)
		result = iterate(work, room, tukey);
out:
	free(room);
	return result;
}
