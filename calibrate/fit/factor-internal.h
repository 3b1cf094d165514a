/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * factor-internal.h - triangles from any rows, and least squares on some of their columns.
 */
#ifndef VMENERGY_CALIBRATE_FIT_FACTOR_INTERNAL_H
#define VMENERGY_CALIBRATE_FIT_FACTOR_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "calibrate/fit/factor.h"

/* Rows that are made on demand; the last column is what the others explain. */
struct factor_source {
	unsigned columns;
	size_t row_count, group_count;
	const uint32_t *group; /* of each row */
	struct factor_rows rows;
	void (*fill)(const void *context, size_t row, double *into);
	const void *context;
};

int factors_build(struct factors *factors, const struct factor_source *source);

/* Empty, of so many columns; keeps the memory of one that has as many. 0 or -ENOMEM. */
int factor_reset(struct factor *factor, unsigned columns);
/* Add rows (overwritten) of the factor's columns; `tau` has room for as many. `rows` stands
 * behind `columns` rows of room in memory: *block is (columns + row_count) x columns. */
void factor_absorb(struct factor *factor, double *block, size_t row_count, double *tau);

/* A column's part that others do not explain, below which it is their copy. Text with nine
 * digits makes copies that differ by this much. */
#define FACTOR_DEPENDENT 1e-9

static inline double factor_at(const struct factor *factor, unsigned row, unsigned column)
{
	return factor->r[(size_t)row * factor->columns + column];
}

double factor_norm(const struct factor *factor, unsigned column);

/* Room for least squares on columns of one factor, and the last answer. */
struct solver {
	const struct factor *factor;
	/* In: which columns. Out: without those that earlier ones of the set explain. */
	unsigned *set, count;
	double *x;       /* count */
	double residual; /* squares that are left of the target */
	double *norms, *matrix, *tau;
};

int solver_make(struct solver *solver, const struct factor *factor);
void solver_clear(struct solver *solver);
/* Explain column `target` (none of the set) by the set; true: no column was taken out. */
bool solver_solve(struct solver *solver, unsigned target);

/* nnls.c: x[columns - 1]. 0 or -ENOMEM. */
int nnls_solve(const struct factor *factor, double *x);

#endif
