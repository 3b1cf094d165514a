/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * regress.h - what a service's work costs per request and per byte (model.md 4),
 * learned as it runs.
 *
 *     joules = request_j * requests + byte_j * bytes + base_w * seconds
 *
 * Least squares with non-negative coefficients over exponentially forgotten
 * rows. Where bytes follow requests, or requests follow time, they cannot be
 * told apart: then requests alone explain the energy.
 */
#ifndef VMENERGY_MODEL_REGRESS_H
#define VMENERGY_MODEL_REGRESS_H

#define REGRESS_HALF_LIFE_S 60.0

enum { REGRESS_REQUESTS, REGRESS_BYTES, REGRESS_SECONDS, REGRESS_COLUMNS };

struct regress {     /* {0} = has learned nothing */
	double rows; /* forgotten rows count less */
	double moments[REGRESS_COLUMNS][REGRESS_COLUMNS];
	double energy[REGRESS_COLUMNS];
	double energy_squares;
};

struct regress_cost {
	double request_j, byte_j, base_w;
};

/* One row: x in the columns' units, `joules` measured. Rows halve their weight in
 * REGRESS_HALF_LIFE_S. */
void regress_add(struct regress *regress, const double x[REGRESS_COLUMNS], double joules);

/*
 * The cost learned so far. With too few rows: 1 J per request (per byte, where
 * requests are not counted) and nothing else, which serves as a proportion.
 */
struct regress_cost regress_solve(const struct regress *regress);

#endif
