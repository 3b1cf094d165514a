/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/factor.h"

#include <errno.h>
#include <math.h>

#include "calibrate/fit/factor-internal.h"

/* Squares of an event about its mean: the first row of the triangle is the constant's. */
static double spread(const struct factor *factor, unsigned column)
{
	double sum = 0;

	for (unsigned i = 1; i <= column; i++)
		sum += factor_at(factor, i, column) * factor_at(factor, i, column);
	return sum;
}

int factor_vif(const struct factor *factor, double *vif)
{
	unsigned weights = factor->columns - 1;
	struct solver solver;

	if (solver_make(&solver, factor))
		return -ENOMEM;
	for (unsigned j = 1; j < weights; j++) {
		double alone = FACTOR_DEPENDENT * solver.norms[j];

		solver.count = 0;
		for (unsigned c = 0; c < weights; c++)
			if (c != j)
				solver.set[solver.count++] = c;
		solver_solve(&solver, j);
		vif[j - 1] = solver.residual <= alone * alone ? INFINITY
							      : spread(factor, j) / solver.residual;
	}
	solver_clear(&solver);
	return 0;
}
