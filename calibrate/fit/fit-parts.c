/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/fit-internal.h"

/* Penalties that ridge tries, in units of columns that reach one: from rounding to all power
 * explained by the base. */
#define LAMBDA_LOW 1e-8
enum { LAMBDA_COUNT = 21, LAMBDAS_PER_DECADE = 2 };

static double lambda_at(int step)
{
	return LAMBDA_LOW * pow(10, (double)step / LAMBDAS_PER_DECADE);
}

static double voltage_square(const struct work *work, size_t row)
{
	double part = 1;

	if (!isnan(work->points.voltage_max))
		part = work->trace->voltage_v[row] / work->points.voltage_max;
	return part * part;
}

void work_fill(const void *context, size_t row, double *into)
{
	const struct work *work = context;
	const struct trace *trace = work->trace;
	unsigned n = trace->event_count;
	const double *events = trace->events + row * n;
	double dynamic = voltage_square(work, row);

	into[0] = 1;
	for (unsigned e = 0; e < n; e++)
		into[1 + e] = events[e] * dynamic;
	into[1 + n] = trace->power[row];
}

double work_predict(const struct work *work, const double *x, size_t row)
{
	unsigned n = work->trace->event_count;
	const double *events = work->trace->events + row * n;
	double sum = 0;

	for (unsigned e = 0; e < n; e++)
		sum += x[1 + e] * events[e];
	return x[0] + sum * voltage_square(work, row);
}

/* --- memory -------------------------------------------------------------------- */

int parts_make(struct work *work)
{
	size_t weights = work_weights(work), groups = work->trace->group_count;

	work->part_count = work->points.separate ? work->points.count : 1;
	work->mask = malloc(work->trace->row_count);
	if (!work->mask)
		return -ENOMEM;
	for (unsigned p = 0; p < work->part_count; p++) {
		struct part *part = &work->parts[p];

		part->x = calloc(2 * (groups + 1) * weights, sizeof *part->x);
		if (!part->x)
			return -ENOMEM;
		part->unbound = part->x + weights;
		part->held_out = part->unbound + weights;
		part->unbound_held_out = part->held_out + groups * weights;
	}
	return 0;
}

void parts_clear(struct work *work)
{
	for (unsigned p = 0; p < work->part_count; p++) {
		factors_clear(&work->parts[p].factors);
		free(work->parts[p].x);
	}
	free(work->mask);
}

/* --- the fit ------------------------------------------------------------------- */

static int build(struct work *work, struct part *part)
{
	struct factor_source source = {
		.columns = work_weights(work) + 1,
		.row_count = work->trace->row_count,
		.group_count = work->trace->group_count,
		.group = work->trace->group,
		.rows = { .row_weights = work->row_weights, .row_used = work->mask },
		.fill = work_fill,
		.context = work,
	};

	for (size_t row = 0; row < work->trace->row_count; row++)
		work->mask[row] = work->fit->row_used[row] && work_part(work, row) == part;
	factors_clear(&part->factors);
	if (factors_build(&part->factors, &source))
		return -ENOMEM;
	part->groups = 0;
	for (size_t g = 0; g < work->trace->group_count; g++)
		part->groups += part_has_group(part, g);
	return 0;
}

static void unscale(const struct part *part, double *x, unsigned weights)
{
	for (unsigned i = 0; i < weights; i++)
		x[i] /= part->factors.scale[i];
}

static int solve(const struct work *work, const struct part *part, const struct factor *factor,
		 double *x)
{
	if (factor_solve(factor, work->options->method, work->fit->ridge_lambda, x))
		return -ENOMEM;
	unscale(part, x, work_weights(work));
	return 0;
}

/* Squares of held-out errors for each penalty, added over a part's groups. */
static int try_lambdas(const struct part *part, double squares[LAMBDA_COUNT])
{
	unsigned columns = part->factors.tree[1].columns;
	double *x = calloc(columns, sizeof *x);
	struct factor factor = { 0 };
	int result = x ? 0 : -ENOMEM;

	for (size_t g = 0; result == 0 && g < part->factors.group_count; g++) {
		if (!part_has_group(part, g) || part->groups < 2)
			continue;
		result = factors_without(&part->factors, (long)g, &factor);
		for (int i = 0; result == 0 && i < LAMBDA_COUNT; i++) {
			result = factor_solve(&factor, FIT_RIDGE, lambda_at(i), x);
			squares[i] += result ? 0 : factor_squares(&part->factors.groups[g], x);
		}
	}
	factor_clear(&factor);
	free(x);
	return result;
}

static int choose_lambda(struct work *work)
{
	double squares[LAMBDA_COUNT] = { 0 };
	int best = 0;

	if (work->options->method != FIT_RIDGE)
		return 0;
	for (unsigned p = 0; p < work->part_count; p++)
		if (try_lambdas(&work->parts[p], squares))
			return -ENOMEM;
	for (int i = 1; i < LAMBDA_COUNT; i++)
		if (squares[i] < squares[best])
			best = i;
	work->fit->ridge_lambda = lambda_at(best);
	return 0;
}

int parts_solve(struct work *work)
{
	int result = 0;

	for (unsigned p = 0; result == 0 && p < work->part_count; p++)
		result = build(work, &work->parts[p]);
	if (result == 0)
		result = choose_lambda(work);
	for (unsigned p = 0; result == 0 && p < work->part_count; p++)
		result = solve(work, &work->parts[p], &work->parts[p].factors.tree[1],
			       work->parts[p].x);
	return result;
}

/* --- without a group ------------------------------------------------------------- */

/*
 * What a weight at zero would be, were it free: least squares on it and the
 * positive ones. It stands first, so that of a column and its copy this one is
 * kept. A column that is empty without a group gets 0, as a positive one does.
 */
static void release(struct solver *solver, const struct part *part, unsigned column, double *x)
{
	unsigned weights = solver->factor->columns - 1;

	x[column] = 0;
	solver->count = 0;
	solver->set[solver->count++] = column;
	for (unsigned c = 0; c < weights; c++)
		if (part->x[c] > 0)
			solver->set[solver->count++] = c;
	solver_solve(solver, weights);
	if (solver->count > 0 && solver->set[0] == column)
		x[column] = solver->x[0] / part->factors.scale[column];
}

static int release_all(const struct part *part, const struct factor *factor, double *x)
{
	unsigned weights = factor->columns - 1;
	struct solver solver;

	if (solver_make(&solver, factor))
		return -ENOMEM;
	for (unsigned c = 0; c < weights; c++)
		if (part->x[c] == 0)
			release(&solver, part, c, x);
	solver_clear(&solver);
	return 0;
}

static int hold_out_group(const struct work *work, struct part *part, size_t group)
{
	unsigned weights = work_weights(work);
	double *x = part->held_out + group * weights;
	struct factor factor = { 0 };
	int result;

	if (!part_has_group(part, group) || part->groups < 2) {
		for (unsigned i = 0; i < weights; i++)
			x[i] = NAN;
		return 0;
	}
	result = factors_without(&part->factors, (long)group, &factor);
	if (result == 0)
		result = solve(work, part, &factor, x);
	if (result == 0)
		result = release_all(part, &factor, part->unbound_held_out + group * weights);
	factor_clear(&factor);
	return result;
}

int parts_hold_out(struct work *work)
{
	for (unsigned p = 0; p < work->part_count; p++) {
		struct part *part = &work->parts[p];

		for (size_t g = 0; g < work->trace->group_count; g++)
			if (hold_out_group(work, part, g))
				return -ENOMEM;
		if (release_all(part, &part->factors.tree[1], part->unbound))
			return -ENOMEM;
	}
	return 0;
}
