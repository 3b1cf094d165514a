/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/regress.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Two columns are collinear when less than this part of the one is not explained by the other. */
#define COLLINEAR 0.02
/* Fewer rows than this have not shown what a second coefficient needs. */
#define ROWS_MIN 4.0
/* A pivot of the scaled equations below this is rounding. */
#define SINGULAR 1e-9

enum { SUBSETS = 1 << REGRESS_COLUMNS, SOLVE_MAX = REGRESS_COLUMNS };

void regress_add(struct regress *regress, const double x[REGRESS_COLUMNS], double joules)
{
	double remember = exp2(-x[REGRESS_SECONDS] / REGRESS_HALF_LIFE_S);

	regress->rows = regress->rows * remember + 1;
	regress->energy_squares = regress->energy_squares * remember + joules * joules;
	for (int i = 0; i < REGRESS_COLUMNS; i++) {
		regress->energy[i] = regress->energy[i] * remember + x[i] * joules;
		for (int j = 0; j < REGRESS_COLUMNS; j++)
			regress->moments[i][j] = regress->moments[i][j] * remember + x[i] * x[j];
	}
}

/* The part of column i (of its own square) that column j does not explain. */
static double unexplained(const struct regress *regress, int i, int j)
{
	double ii = regress->moments[i][i], jj = regress->moments[j][j];
	double ij = regress->moments[i][j];

	return ii > 0 && jj > 0 ? 1 - ij * ij / (ii * jj) : 0;
}

/* What explains energy first: requests, or bytes where requests are not counted. */
static int primary(const struct regress *regress)
{
	return regress->moments[REGRESS_REQUESTS][REGRESS_REQUESTS] > 0 ? REGRESS_REQUESTS
									: REGRESS_BYTES;
}

/* Which columns can be told apart from it? A set of bits. */
static unsigned usable(const struct regress *regress)
{
	int first = primary(regress);
	unsigned columns = 1u << first;

	for (int i = 0; i < REGRESS_COLUMNS; i++)
		if (i != first && unexplained(regress, i, first) > COLLINEAR)
			columns |= 1u << i;
	return columns;
}

struct equations {
	int n, index[SOLVE_MAX]; /* columns in use */
	double a[SOLVE_MAX][SOLVE_MAX + 1];
};

/* Normal equations of `columns`, each scaled to one; false: a column is empty. */
static bool scale_equations(const struct regress *regress, unsigned columns, struct equations *e)
{
	e->n = 0;
	for (int i = 0; i < REGRESS_COLUMNS; i++)
		if (columns & 1u << i) {
			if (regress->moments[i][i] <= 0)
				return false;
			e->index[e->n++] = i;
		}
	for (int i = 0; i < e->n; i++) {
		int from = e->index[i];
		double scale = sqrt(regress->moments[from][from]);

		for (int j = 0; j < e->n; j++) {
			int to = e->index[j];

			e->a[i][j] =
				regress->moments[from][to] / scale / sqrt(regress->moments[to][to]);
		}
		e->a[i][e->n] = regress->energy[from] / scale;
	}
	return true;
}

/* Gaussian elimination; the matrix is positive definite unless singular (false). */
static bool eliminate(struct equations *e)
{
	for (int i = 0; i < e->n; i++) {
		if (e->a[i][i] < SINGULAR)
			return false;
		for (int k = i + 1; k < e->n; k++) {
			double factor = e->a[k][i] / e->a[i][i];

			for (int j = i; j <= e->n; j++)
				e->a[k][j] -= factor * e->a[i][j];
		}
	}
	for (int i = e->n - 1; i >= 0; i--) {
		for (int j = i + 1; j < e->n; j++)
			e->a[i][e->n] -= e->a[i][j] * e->a[j][e->n];
		e->a[i][e->n] /= e->a[i][i];
	}
	return true;
}

static bool solve_subset(const struct regress *regress, unsigned columns, double x[SOLVE_MAX])
{
	struct equations e;

	if (!scale_equations(regress, columns, &e) || !eliminate(&e))
		return false;
	memset(x, 0, SOLVE_MAX * sizeof *x);
	for (int i = 0; i < e.n; i++) {
		int column = e.index[i];

		x[column] = e.a[i][e.n] / sqrt(regress->moments[column][column]);
	}
	return true;
}

static double squares(const struct regress *regress, const double x[REGRESS_COLUMNS])
{
	double sum = regress->energy_squares;

	for (int i = 0; i < REGRESS_COLUMNS; i++) {
		sum -= 2 * x[i] * regress->energy[i];
		for (int j = 0; j < REGRESS_COLUMNS; j++)
			sum += x[i] * x[j] * regress->moments[i][j];
	}
	return sum;
}

/* Non-negative least squares over so few columns: the best of all feasible subsets. */
static bool solve_best(const struct regress *regress, unsigned columns,
		       double best[REGRESS_COLUMNS])
{
	double best_squares = INFINITY;

	for (unsigned subset = 1; subset < SUBSETS; subset++) {
		double x[SOLVE_MAX];
		bool negative = false;

		if (subset & ~columns || !solve_subset(regress, subset, x))
			continue;
		for (int i = 0; i < REGRESS_COLUMNS; i++)
			negative |= x[i] < 0;
		if (negative || squares(regress, x) >= best_squares)
			continue;
		best_squares = squares(regress, x);
		memcpy(best, x, sizeof x);
	}
	return best_squares < INFINITY;
}

struct regress_cost regress_solve(const struct regress *regress)
{
	double x[REGRESS_COLUMNS] = { 0 };

	if (regress->rows < ROWS_MIN || !solve_best(regress, usable(regress), x) ||
	    x[REGRESS_REQUESTS] + x[REGRESS_BYTES] + x[REGRESS_SECONDS] <= 0) {
		memset(x, 0, sizeof x);
		x[primary(regress)] = 1;
	}
	return (struct regress_cost){ x[REGRESS_REQUESTS], x[REGRESS_BYTES], x[REGRESS_SECONDS] };
}
