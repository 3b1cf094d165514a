/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * factor.h - least squares on triangular factors.
 *
 * Rows [1, x_1 .. x_n, y] of each group are reduced by Householder (GSL) to an
 * upper triangle R with R'R = A'A, a block of rows at a time, so that memory does
 * not grow with rows and precision is that of QR, not of normal equations. Fits
 * that leave a group out, or columns, or weigh rows, come from the triangles alone.
 */
#ifndef VMENERGY_CALIBRATE_FIT_FACTOR_H
#define VMENERGY_CALIBRATE_FIT_FACTOR_H

#include <stddef.h>

#include "base/error.h"
#include "model/trace.h"

struct factor {           /* {0} = no rows, no columns */
	unsigned columns; /* 1 + events + 1: the constant, the events, the power */
	double rows;      /* sum of the rows' weights */
	double *r;        /* columns x columns, row after row, zeros below the diagonal; owned */
};

struct factors {
	size_t group_count;
	struct factor *groups; /* inside `tree` */
	double *scale;         /* of each column: what r is in units of; power's is 1; owned */
	struct factor *tree;   /* sums of groups, halved again and again: [1] is all; owned */
};

/* Which rows, and how much they count; both may be NULL = all, 1 each. */
struct factor_rows {
	const double *row_weights;
	const unsigned char *row_used;
};

/* 0 or -ENOMEM. Columns are scaled by their largest magnitude (1 where that is 0). */
int factors_make(struct factors *factors, const struct trace *trace,
		 const struct factor_rows *rows);
void factors_clear(struct factors *factors);

enum { FACTOR_ALL_GROUPS = -1 };
/* All groups together but one. 0 or -ENOMEM; `out` as factor_clear() leaves it, or used before. */
int factors_without(const struct factors *factors, long group, struct factor *out);
/* Some of the columns (ascending; the constant and the power must be said too). */
int factor_pick(const struct factor *factor, const unsigned *columns, unsigned count,
		struct factor *out);
void factor_clear(struct factor *factor);

enum fit_method { FIT_NNLS, FIT_OLS, FIT_RIDGE };
/*
 * x[columns - 1] that minimises |A x - y|^2 (+ lambda * |x without the constant|^2 * rows for
 * FIT_RIDGE), in scaled units; for FIT_NNLS with x >= 0 (Lawson & Hanson 1974, chapter 23,
 * which ends: it is exact). Linearly dependent columns: the later ones get 0. 0 or -ENOMEM.
 */
int factor_solve(const struct factor *factor, enum fit_method method, double lambda, double *x);
/* |A x - y|^2 over the factor's rows. */
double factor_squares(const struct factor *factor, const double *x);
/* Variance inflation of each event (columns - 2), with a constant; INFINITY: the others make an
 * exact copy, or it never changes. 0 or -ENOMEM. */
int factor_vif(const struct factor *factor, double *vif);

#endif
