/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between rows the power is constant, so that the course is exact for any c2:
 *
 *     T(t) = t0 (1 - e) + T(0) e + c1 G,   e = exp(c2 t),   G' = P + c2 G,  G(0) = 0
 *
 * Given c2 it is linear in the rest: a search in one dimension, and least squares
 * inside, which cannot run away as a search in four dimensions can.
 */
#include "calibrate/fit/thermal.h"

#include <errno.h>
#include <gsl/gsl_multifit.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MIN = 20, BLOCKS = 10, COLUMNS = 3 };

struct course {
	const struct thermal_row *rows;
	size_t count;
	size_t skip_from, skip_to; /* rows that a replicate does not see */
	/* Work space, for `count` rows. */
	gsl_matrix *x;
	gsl_vector *y, *solution;
	gsl_matrix *covariance;
	gsl_multifit_linear_workspace *work;
};

/* t0, T(0), c1 at one c2, and how far off. */
struct guess {
	double c2, t0_c, first_c, c1;
	double squares;
};

static void course_close(struct course *course)
{
	gsl_multifit_linear_free(course->work);
	gsl_matrix_free(course->x);
	gsl_matrix_free(course->covariance);
	gsl_vector_free(course->y);
	gsl_vector_free(course->solution);
}

static int course_open(struct course *course, const struct thermal_row *rows, size_t count)
{
	*course = (struct course){
		.rows = rows,
		.count = count,
		.x = gsl_matrix_alloc(count, COLUMNS),
		.y = gsl_vector_alloc(count),
		.solution = gsl_vector_alloc(COLUMNS),
		.covariance = gsl_matrix_alloc(COLUMNS, COLUMNS),
		.work = gsl_multifit_linear_alloc(count, COLUMNS),
	};
	if (course->x && course->y && course->solution && course->covariance && course->work)
		return 0;
	course_close(course);
	return -ENOMEM;
}

static bool is_skipped(const struct course *course, size_t row)
{
	return row >= course->skip_from && row < course->skip_to;
}

/* One row of the linear system for each row that is not left out; how many. */
static size_t fill(struct course *course, double c2)
{
	double heat = 0, start_s = course->rows[0].time_s;
	size_t filled = 0;

	for (size_t i = 0; i < course->count; i++) {
		const struct thermal_row *row = &course->rows[i];
		double decay = exp(c2 * (row->time_s - start_s));

		if (i > 0) {
			double step = expm1(c2 * (row->time_s - row[-1].time_s));

			heat += (heat + row->power_w / c2) * step;
		}
		if (is_skipped(course, i))
			continue;
		gsl_matrix_set(course->x, filled, 0, 1 - decay);
		gsl_matrix_set(course->x, filled, 1, decay);
		gsl_matrix_set(course->x, filled, 2, heat);
		gsl_vector_set(course->y, filled++, row->temperature_c);
	}
	return filled;
}

/* -c2 as its logarithm, so that seconds and hours are searched alike. */
static struct guess solve_at(struct course *course, double log_rate)
{
	struct guess guess = { .c2 = -exp(log_rate), .squares = INFINITY };
	size_t filled = fill(course, guess.c2);
	gsl_matrix_view x = gsl_matrix_submatrix(course->x, 0, 0, filled, COLUMNS);
	gsl_vector_view y = gsl_vector_subvector(course->y, 0, filled);
	size_t rank;

	/* Singular where the power never changed: then the shortest solution. */
	if (gsl_multifit_linear_tsvd(&x.matrix, &y.vector, 1e-9, course->solution,
				     course->covariance, &guess.squares, &rank, course->work))
		return guess;
	guess.t0_c = gsl_vector_get(course->solution, 0);
	guess.first_c = gsl_vector_get(course->solution, 1);
	guess.c1 = gsl_vector_get(course->solution, 2);
	return guess;
}

/* Golden section between two logarithms (Kiefer 1953). */
static struct guess search(struct course *course, double low, double high)
{
	const double part = 0.6180339887498949;
	struct guess left, right;
	double a = high - part * (high - low), b = low + part * (high - low);

	left = solve_at(course, a);
	right = solve_at(course, b);
	while (high - low > 1e-4) {
		if (left.squares <= right.squares) {
			high = b;
			b = a;
			right = left;
			a = high - part * (high - low);
			left = solve_at(course, a);
		} else {
			low = a;
			a = b;
			left = right;
			b = low + part * (high - low);
			right = solve_at(course, b);
		}
	}
	return left.squares <= right.squares ? left : right;
}

/* Time constants from two rows to ten times the run, then closer. */
static struct guess search_all(struct course *course, double span_s)
{
	enum { GRID = 40 };
	double low = log(0.1 / span_s), high = log((double)course->count / (2 * span_s));
	double step = (high - low) / GRID, best = low, least = INFINITY;

	for (int i = 0; i <= GRID; i++) {
		struct guess guess = solve_at(course, low + i * step);

		if (guess.squares < least) {
			least = guess.squares;
			best = low + i * step;
		}
	}
	return search(course, fmax(low, best - step), fmin(high, best + step));
}

static struct thermal constants_of(const struct guess *guess)
{
	return (struct thermal){ .c1 = guess->c1, .c2 = guess->c2, .t0_c = guess->t0_c };
}

/*
 * Delete-a-block jackknife: residuals of a sensor in whole degrees are alike for
 * seconds, so that single rows are no independent witnesses.
 */
static void estimate_errors(struct course *course, const struct guess *best, double power_w,
			    struct thermal_fit *fit)
{
	double estimates[BLOCKS][4], mean[4] = { 0 }, squares[4] = { 0 };
	double middle = log(-best->c2);

	for (size_t block = 0; block < BLOCKS; block++) {
		struct guess guess;
		struct thermal thermal;

		course->skip_from = course->count * block / BLOCKS;
		course->skip_to = course->count * (block + 1) / BLOCKS;
		guess = search(course, middle - 0.5, middle + 0.5);
		thermal = constants_of(&guess);
		estimates[block][0] = thermal.c1;
		estimates[block][1] = thermal.c2;
		estimates[block][2] = thermal.t0_c;
		estimates[block][3] = thermal_steady_c(&thermal, power_w);
		for (int k = 0; k < 4; k++)
			mean[k] += estimates[block][k] / BLOCKS;
	}
	course->skip_from = course->skip_to = 0;
	for (int block = 0; block < BLOCKS; block++)
		for (int k = 0; k < 4; k++)
			squares[k] += pow(estimates[block][k] - mean[k], 2);
	fit->c1_se = sqrt(squares[0] * (BLOCKS - 1) / BLOCKS);
	fit->c2_se = sqrt(squares[1] * (BLOCKS - 1) / BLOCKS);
	fit->t0_se_c = sqrt(squares[2] * (BLOCKS - 1) / BLOCKS);
	fit->steady_se_c = sqrt(squares[3] * (BLOCKS - 1) / BLOCKS);
}

struct ranges {
	double span_s;
	double least_w, most_w;
	double least_c, most_c;
	double fell_c; /* deepest fall below the highest temperature before */
	double step_c; /* smallest change from row to row; INFINITY = none */
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The highest power, single spikes of a meter aside: 95 % of the rows are below. NaN: no memory. */
static double high_power_w(const struct thermal_row *rows, size_t count)
{
	double *watts = malloc((count + 1) * sizeof *watts), high_w = NAN;

	if (!watts)
		return NAN;
	for (size_t i = 0; i < count; i++)
		watts[i] = rows[i].power_w;
	qsort(watts, count, sizeof *watts, compare);
	high_w = watts[(count - 1) * 95 / 100];
	free(watts);
	return high_w;
}

static struct ranges find_ranges(const struct thermal_row *rows, size_t count)
{
	struct ranges ranges = {
		.span_s = rows[count - 1].time_s - rows[0].time_s,
		.least_w = INFINITY,
		.most_w = -INFINITY,
		.least_c = INFINITY,
		.most_c = -INFINITY,
		.step_c = INFINITY,
	};

	for (size_t i = 0; i < count; i++) {
		const struct thermal_row *row = &rows[i];

		ranges.least_w = fmin(ranges.least_w, row->power_w);
		ranges.most_w = fmax(ranges.most_w, row->power_w);
		ranges.least_c = fmin(ranges.least_c, row->temperature_c);
		ranges.most_c = fmax(ranges.most_c, row->temperature_c);
		ranges.fell_c = fmax(ranges.fell_c, ranges.most_c - row->temperature_c);
		if (i > 0 && row->temperature_c != row[-1].temperature_c)
			ranges.step_c = fmin(ranges.step_c,
					     fabs(row->temperature_c - row[-1].temperature_c));
	}
	return ranges;
}

static void warn(struct thermal_fit *fit, const struct ranges *ranges)
{
	double range_c = ranges->most_c - ranges->least_c;

	if (ranges->most_w - ranges->least_w < 0.1 * ranges->most_w)
		error_list_addf(&fit->warnings,
				"power hardly changed (%.1f..%.1f W): what it adds to the "
				"temperature cannot be told from the surroundings'",
				ranges->least_w, ranges->most_w);
	if (ranges->fell_c < 0.25 * range_c)
		error_list_addf(&fit->warnings,
				"never cooled: the temperature only rose, by %.1f C", range_c);
	if (range_c < 10 * ranges->step_c)
		error_list_addf(&fit->warnings,
				"the sensor's steps of %.3g C are coarse for a change of %.1f C",
				ranges->step_c, range_c);
	if (ranges->span_s < 2 * fit->time_constant_s)
		error_list_addf(&fit->warnings,
				"a run of %.0f s is short for a time constant of %.0f s",
				ranges->span_s, fit->time_constant_s);
	if (fit->rmse_c > fmax(ranges->step_c, 0.15 * range_c))
		error_list_addf(&fit->warnings,
				"one time constant explains the course only to %.1f C: a fan that "
				"changes its speed, or a sensor far from the heat",
				fit->rmse_c);
}

/* Rows that have both figures; times must ascend. */
static int gather(const struct thermal_row *rows, size_t count, struct thermal_row **out,
		  size_t *kept, struct error *error)
{
	struct thermal_row *usable = calloc(count ? count : 1, sizeof *usable);

	*kept = 0;
	*out = usable;
	if (!usable)
		return error_setf(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(rows[i].power_w) || !isfinite(rows[i].temperature_c))
			continue;
		if (*kept > 0 && !(rows[i].time_s > usable[*kept - 1].time_s))
			return error_setf(error, EINVAL, "row %zu: time %.3f s does not ascend",
					  i + 1, rows[i].time_s);
		usable[(*kept)++] = rows[i];
	}
	if (*kept < ROWS_MIN)
		return error_setf(error, EINVAL,
				  "%zu rows with power and temperature: at least %d are needed",
				  *kept, ROWS_MIN);
	return 0;
}

static int solve(struct course *course, struct thermal_fit *fit, struct error *error)
{
	struct ranges ranges = find_ranges(course->rows, course->count);
	double high_w = high_power_w(course->rows, course->count);
	struct guess best;

	if (isnan(high_w))
		return error_setf(error, ENOMEM, "out of memory");
	if (!(ranges.most_c > ranges.least_c))
		return error_setf(error, EINVAL, "the temperature did not change: %.1f C",
				  ranges.most_c);
	best = search_all(course, ranges.span_s);
	if (!(best.c1 > 0))
		return error_setf(error, EINVAL,
				  "the temperature does not rise with the power: c1 = %.3g K/J",
				  best.c1);
	fit->constants = constants_of(&best);
	fit->time_constant_s = -1 / best.c2;
	fit->rmse_c = sqrt(best.squares / (double)course->count);
	fit->steady_c = thermal_steady_c(&fit->constants, high_w);
	estimate_errors(course, &best, high_w, fit);
	warn(fit, &ranges);
	return 0;
}

int thermal_fit_solve(const struct thermal_row *rows, size_t count, struct thermal_fit *fit,
		      struct error *error)
{
	gsl_error_handler_t *handler = gsl_set_error_handler_off();
	struct thermal_row *usable = NULL;
	struct course course = { 0 };
	size_t kept;
	int result;

	memset(fit, 0, sizeof *fit);
	result = gather(rows, count, &usable, &kept, error);
	if (result || !usable)
		goto out;
	result = course_open(&course, usable, kept);
	if (result) {
		error_setf(error, ENOMEM, "out of memory");
		goto out;
	}
	result = solve(&course, fit, error);
	course_close(&course);
out:
	gsl_set_error_handler(handler);
	free(usable);
	return result;
}

void thermal_fit_clear(struct thermal_fit *fit)
{
	error_list_clear(&fit->warnings);
}
