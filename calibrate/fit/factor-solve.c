/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/factor.h"

#include <errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/factor-internal.h"

double factor_norm(const struct factor *factor, unsigned column)
{
	double sum = 0;

	for (unsigned i = 0; i <= column; i++)
		sum += factor_at(factor, i, column) * factor_at(factor, i, column);
	return sqrt(sum);
}

/* --- least squares on some columns ---------------------------------------------- */

int solver_make(struct solver *solver, const struct factor *factor)
{
	size_t columns = factor->columns;

	*solver = (struct solver){
		.factor = factor,
		.set = calloc(columns, sizeof *solver->set),
		.x = calloc(columns, sizeof *solver->x),
		.norms = calloc(columns, sizeof *solver->norms),
		.matrix = calloc(columns * columns, sizeof *solver->matrix),
		.tau = calloc(columns, sizeof *solver->tau),
	};
	if (!solver->set || !solver->x || !solver->norms || !solver->matrix || !solver->tau) {
		solver_clear(solver);
		return -ENOMEM;
	}
	for (unsigned c = 0; c < columns; c++)
		solver->norms[c] = factor_norm(factor, c);
	return 0;
}

void solver_clear(struct solver *solver)
{
	free(solver->set);
	free(solver->x);
	free(solver->norms);
	free(solver->matrix);
	free(solver->tau);
	*solver = (struct solver){ 0 };
}

/* QR of the set with the target behind it: `width` columns. */
static void decompose(struct solver *solver, unsigned target, unsigned width)
{
	unsigned rows = solver->factor->columns;
	gsl_matrix_view matrix = gsl_matrix_view_array(solver->matrix, rows, width);
	gsl_vector_view tau = gsl_vector_view_array(solver->tau, width);

	for (unsigned i = 0; i < rows; i++) {
		double *row = solver->matrix + (size_t)i * width;

		for (unsigned c = 0; c < solver->count; c++)
			row[c] = factor_at(solver->factor, i, solver->set[c]);
		row[width - 1] = factor_at(solver->factor, i, target);
	}
	gsl_linalg_QR_decomp(&matrix.matrix, &tau.vector);
}

/* The first column of the set that those before it explain; count: none. */
static unsigned find_dependent(const struct solver *solver, unsigned width)
{
	unsigned c = 0;

	while (c < solver->count && fabs(solver->matrix[(size_t)c * width + c]) >
					    FACTOR_DEPENDENT * solver->norms[solver->set[c]])
		c++;
	return c;
}

bool solver_solve(struct solver *solver, unsigned target)
{
	unsigned asked = solver->count, width, dependent;

	for (;;) {
		width = solver->count + 1;
		decompose(solver, target, width);
		dependent = find_dependent(solver, width);
		if (dependent == solver->count)
			break;
		solver->count--;
		memmove(solver->set + dependent, solver->set + dependent + 1,
			(solver->count - dependent) * sizeof *solver->set);
	}
	for (unsigned i = solver->count; i-- > 0;) {
		const double *row = solver->matrix + (size_t)i * width;
		double sum = row[width - 1];

		for (unsigned c = i + 1; c < solver->count; c++)
			sum -= row[c] * solver->x[c];
		solver->x[i] = sum / row[i];
	}
	solver->residual = solver->matrix[(size_t)solver->count * width + width - 1];
	solver->residual *= solver->residual;
	return solver->count == asked;
}

/* --- methods ------------------------------------------------------------------- */

static int solve_ols(const struct factor *factor, double *x)
{
	unsigned weights = factor->columns - 1;
	struct solver solver;

	if (solver_make(&solver, factor))
		return -ENOMEM;
	for (unsigned c = 0; c < weights; c++)
		solver.set[solver.count++] = c;
	solver_solve(&solver, weights);
	memset(x, 0, weights * sizeof *x);
	for (unsigned i = 0; i < solver.count; i++)
		x[solver.set[i]] = solver.x[i];
	solver_clear(&solver);
	return 0;
}

/* A row for each event that says: this weight is zero, with the penalty as its weight. */
static int solve_ridge(const struct factor *factor, double lambda, double *x)
{
	unsigned columns = factor->columns, events = columns - 2;
	size_t cells = (size_t)columns * columns;
	double *block = calloc(2 * cells + columns, sizeof *block);
	struct factor penalised = { 0 };
	int result = -ENOMEM;

	if (!block || factor_reset(&penalised, columns))
		goto out;
	memcpy(penalised.r, factor->r, cells * sizeof *penalised.r);
	for (unsigned e = 0; e < events; e++)
		block[cells + (size_t)e * columns + e + 1] = sqrt(lambda * factor->rows);
	factor_absorb(&penalised, block, events, block + 2 * cells);
	result = solve_ols(&penalised, x);
out:
	factor_clear(&penalised);
	free(block);
	return result;
}

int factor_solve(const struct factor *factor, enum fit_method method, double lambda, double *x)
{
	switch (method) {
	case FIT_NNLS:
		return nnls_solve(factor, x);
	case FIT_RIDGE:
		return solve_ridge(factor, lambda, x);
	case FIT_OLS:
		break;
	}
	return solve_ols(factor, x);
}

double factor_squares(const struct factor *factor, const double *x)
{
	unsigned weights = factor->columns - 1;
	double squares = 0;

	for (unsigned i = 0; i <= weights; i++) {
		double left = factor_at(factor, i, weights);

		for (unsigned c = i; c < weights; c++)
			left -= factor_at(factor, i, c) * x[c];
		squares += left * left;
	}
	return squares;
}
