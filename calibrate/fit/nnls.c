/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23: weights
 * enter one at a time where the squares fall most, and go back to zero when the
 * others would make them negative. Every step lowers the squares, so that no
 * set of positive weights comes twice and the search ends at the minimum.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/factor-internal.h"

/* A slope below this part of the power's norm is rounding. */
#define FLAT 1e-12

enum state {
	AT_ZERO,
	POSITIVE,
	REFUSED, /* at zero: does not help beside those that are positive now */
	COPY,    /* earlier columns make it with weights >= 0: not needed */
};

struct nnls {
	const struct factor *factor;
	unsigned weights;
	struct solver solver;
	double *x, *better, *kept; /* the answer so far, a proposal, what to go back to */
	double *left;              /* y - A x, in the triangle's coordinates */
	enum state *state;
	unsigned *entered, entered_count; /* positive ones, in order */
};

/* What is left of y; its squares. */
static double leave(const struct nnls *nnls)
{
	double squares = 0;

	for (unsigned i = 0; i <= nnls->weights; i++) {
		nnls->left[i] = factor_at(nnls->factor, i, nnls->weights);
		for (unsigned c = i; c < nnls->weights; c++)
			nnls->left[i] -= factor_at(nnls->factor, i, c) * nnls->x[c];
		squares += nnls->left[i] * nnls->left[i];
	}
	return squares;
}

/* Where the squares fall most per length of column; `weights`: nowhere. */
static unsigned steepest(const struct nnls *nnls)
{
	double most = FLAT * nnls->solver.norms[nnls->weights];
	unsigned best = nnls->weights;

	for (unsigned c = 0; c < nnls->weights; c++) {
		double slope = 0;

		if (nnls->state[c] != AT_ZERO || nnls->solver.norms[c] <= 0)
			continue;
		for (unsigned i = 0; i <= c; i++)
			slope += factor_at(nnls->factor, i, c) * nnls->left[i];
		slope /= nnls->solver.norms[c];
		if (slope > most) {
			most = slope;
			best = c;
		}
	}
	return best;
}

/* Plain least squares on the positive columns, into `better`. */
static bool propose(struct nnls *nnls)
{
	struct solver *solver = &nnls->solver;
	bool whole;

	memcpy(solver->set, nnls->entered, nnls->entered_count * sizeof *solver->set);
	solver->count = nnls->entered_count;
	whole = solver_solve(solver, nnls->weights);
	memset(nnls->better, 0, nnls->weights * sizeof *nnls->better);
	for (unsigned i = 0; i < solver->count; i++)
		nnls->better[solver->set[i]] = solver->x[i];
	return whole;
}

/* How far towards the proposal until the first weight is zero; 1: all the way. */
static double step_to_bound(const struct nnls *nnls, unsigned *first)
{
	double step = 1;

	*first = nnls->weights;
	for (unsigned i = 0; i < nnls->entered_count; i++) {
		unsigned c = nnls->entered[i];
		double part;

		if (nnls->better[c] > 0)
			continue;
		part = nnls->x[c] > 0 ? nnls->x[c] / (nnls->x[c] - nnls->better[c]) : 0;
		if (*first == nnls->weights || part < step) {
			step = part;
			*first = c;
		}
	}
	return step;
}

/* Back to zero with `first`, and with whatever the step brought there too. */
static void drop(struct nnls *nnls, unsigned first)
{
	unsigned kept = 0;

	nnls->x[first] = 0;
	for (unsigned i = 0; i < nnls->entered_count; i++) {
		unsigned c = nnls->entered[i];

		if (nnls->x[c] > 0) {
			nnls->entered[kept++] = c;
			continue;
		}
		nnls->x[c] = 0;
		nnls->state[c] = AT_ZERO;
	}
	nnls->entered_count = kept;
}

/* Move to the minimum over the positive columns, or as far as signs allow, again and again. */
static void settle(struct nnls *nnls)
{
	unsigned first;

	for (;;) {
		double step = step_to_bound(nnls, &first);

		if (first == nnls->weights)
			break;
		for (unsigned i = 0; i < nnls->entered_count; i++) {
			unsigned c = nnls->entered[i];

			nnls->x[c] += step * (nnls->better[c] - nnls->x[c]);
		}
		drop(nnls, first);
		propose(nnls);
	}
	memcpy(nnls->x, nnls->better, nnls->weights * sizeof *nnls->x);
}

/* Let one more be positive; false: that did not lower the squares, and nothing changed. */
static bool enter(struct nnls *nnls, unsigned column, double *squares)
{
	double now;

	memcpy(nnls->kept, nnls->x, nnls->weights * sizeof *nnls->x);
	nnls->entered[nnls->entered_count++] = column;
	nnls->state[column] = POSITIVE;
	if (!propose(nnls) || nnls->better[column] <= 0) {
		nnls->entered_count--;
		return false;
	}
	settle(nnls);
	now = leave(nnls);
	if (now < *squares) {
		*squares = now;
		return true;
	}
	memcpy(nnls->x, nnls->kept, nnls->weights * sizeof *nnls->x);
	nnls->entered_count = 0;
	for (unsigned c = 0; c < nnls->weights; c++) {
		if (nnls->x[c] > 0)
			nnls->entered[nnls->entered_count++] = c;
		if (nnls->state[c] == POSITIVE || nnls->x[c] > 0)
			nnls->state[c] = nnls->x[c] > 0 ? POSITIVE : AT_ZERO;
	}
	leave(nnls);
	return false;
}

/* A column that earlier ones make by adding only: their weights can do all that its can. */
static void find_copies(struct nnls *nnls)
{
	struct solver *solver = &nnls->solver;
	unsigned *basis = nnls->entered, rank = 0;

	for (unsigned c = 0; c < nnls->weights; c++) {
		bool adds = true;

		memcpy(solver->set, basis, rank * sizeof *basis);
		solver->count = rank;
		solver_solve(solver, c);
		if (sqrt(solver->residual) > FACTOR_DEPENDENT * solver->norms[c]) {
			basis[rank++] = c;
			continue;
		}
		for (unsigned i = 0; i < solver->count; i++)
			adds = adds && solver->x[i] * solver->norms[solver->set[i]] >=
					       -FACTOR_DEPENDENT * solver->norms[c];
		nnls->state[c] = adds ? COPY : AT_ZERO;
	}
}

static void search(struct nnls *nnls)
{
	double squares = leave(nnls);

	for (unsigned c; (c = steepest(nnls)) < nnls->weights;) {
		if (!enter(nnls, c, &squares)) {
			nnls->state[c] = REFUSED;
			continue;
		}
		for (unsigned i = 0; i < nnls->weights; i++)
			if (nnls->state[i] == REFUSED)
				nnls->state[i] = AT_ZERO;
	}
}

int nnls_solve(const struct factor *factor, double *x)
{
	unsigned weights = factor->columns - 1;
	double *room = calloc(3 * (size_t)factor->columns, sizeof *room);
	struct nnls nnls = {
		.factor = factor,
		.weights = weights,
		.x = x,
		.better = room,
		.state = calloc(factor->columns, sizeof *nnls.state),
		.entered = calloc(factor->columns, sizeof *nnls.entered),
	};
	int result = -ENOMEM;

	if (!room || !nnls.state || !nnls.entered || solver_make(&nnls.solver, factor))
		goto out;
	nnls.kept = room + factor->columns;
	nnls.left = nnls.kept + factor->columns;
	memset(x, 0, weights * sizeof *x);
	find_copies(&nnls);
	search(&nnls);
	solver_clear(&nnls.solver);
	result = 0;
out:
	free(room);
	free(nnls.state);
	free(nnls.entered);
	return result;
}
