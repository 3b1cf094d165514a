/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fit-scene.h"

enum { PROBLEMS = 400, EVENTS_MAX = 10 };

/* A trace whose events and power are uniform noise in 0..1. */
static struct trace *random_trace(size_t rows, size_t groups, unsigned events, uint64_t *seed)
{
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = rows, .groups = groups, .events = events });

	for (size_t i = 0; i < rows * events; i++)
		trace->events[i] = unit_random_double(seed, 0, 1);
	for (size_t row = 0; row < rows; row++)
		trace->power[row] = unit_random_double(seed, 0, 1);
	return trace;
}

/* Column c of a row as factors see it, in scaled units. */
static double cell(const struct trace *trace, const struct factors *factors, size_t row, unsigned c)
{
	unsigned n = trace->event_count;
	double value = c == 0 ? 1 : c > n ? trace->power[row] : trace->events[row * n + c - 1];

	return value / factors->scale[c];
}

/* Entry of R'R. */
static double square_entry(const struct factor *factor, unsigned a, unsigned b)
{
	double sum = 0;

	for (unsigned i = 0; i < factor->columns; i++)
		sum += factor->r[i * factor->columns + a] * factor->r[i * factor->columns + b];
	return sum;
}

static double product(const struct trace *trace, const struct factors *factors, unsigned a,
		      unsigned b, long without)
{
	double sum = 0;

	for (size_t row = 0; row < trace->row_count; row++)
		if (trace->group[row] != without)
			sum += cell(trace, factors, row, a) * cell(trace, factors, row, b);
	return sum;
}

static void test_triangle_squares(void)
{
	uint64_t seed = 1;
	struct trace *trace = random_trace(3000, 7, 4, &seed);
	struct factors factors;
	struct factor factor = { 0 };

	UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
	for (long g = FACTOR_ALL_GROUPS; g < 7; g++) {
		UNIT_EQUAL_I64(0, factors_without(&factors, g, &factor));
		UNIT_EQUAL_U64(6, factor.columns);
		for (unsigned a = 0; a < 6; a++)
			for (unsigned b = 0; b < 6; b++) {
				UNIT_EQUAL_DOUBLE(product(trace, &factors, a, b, g),
						  square_entry(&factor, a, b), 1e-11);
				if (b < a)
					UNIT_EQUAL_DOUBLE(0, factor.r[a * 6 + b], 0);
			}
	}
	UNIT_EQUAL_DOUBLE(3000 - 428, factor.rows, 1e-12);
	factor_clear(&factor);
	factors_clear(&factors);
	trace_free(trace);
}

static void test_pick(void)
{
	static const unsigned columns[] = { 0, 2, 5 };
	uint64_t seed = 2;
	struct trace *trace = random_trace(100, 3, 4, &seed);
	struct factors factors;
	struct factor all = { 0 }, some = { 0 };

	UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
	UNIT_EQUAL_I64(0, factors_without(&factors, 1, &all));
	UNIT_EQUAL_I64(0, factor_pick(&all, columns, 3, &some));
	UNIT_EQUAL_U64(3, some.columns);
	UNIT_EQUAL_DOUBLE(all.rows, some.rows, 0);
	for (unsigned a = 0; a < 3; a++)
		for (unsigned b = 0; b < 3; b++)
			UNIT_EQUAL_DOUBLE(square_entry(&all, columns[a], columns[b]),
					  square_entry(&some, a, b), 1e-12);
	factor_clear(&all);
	factor_clear(&some);
	factors_clear(&factors);
	trace_free(trace);
}

/* A row of weight two is that row twice; of weight zero, or not used, none. */
static void test_row_weights(void)
{
	uint64_t seed = 3;
	struct trace *trace = random_trace(6, 2, 2, &seed), *twin = random_trace(6, 2, 2, &seed);
	struct factors weighed, plain;
	const double weights[] = { 1, 2, 0, 1, 1, 1 };
	const unsigned char used[] = { 1, 1, 1, 1, 1, 0 };
	static const size_t rows[] = { 0, 1, 1, 3, 4 };

	trace->events[2] = 7; /* the largest: of row 1, in both */
	trace->events[3] = 7;
	for (size_t i = 0; i < 5; i++) {
		memcpy(twin->events + 2 * i, trace->events + 2 * rows[i], 2 * sizeof(double));
		twin->power[i] = trace->power[rows[i]];
		twin->group[i] = trace->group[rows[i]];
	}
	twin->row_count = 5;
	UNIT_EQUAL_I64(
		0, factors_make(&weighed, trace,
				&(struct factor_rows){ .row_weights = weights, .row_used = used }));
	UNIT_EQUAL_I64(0, factors_make(&plain, twin, NULL));
	for (size_t g = 0; g < 2; g++) {
		UNIT_EQUAL_DOUBLE(plain.groups[g].rows, weighed.groups[g].rows, 1e-12);
		for (unsigned a = 0; a < 4; a++)
			for (unsigned b = 0; b < 4; b++)
				UNIT_EQUAL_DOUBLE(square_entry(&plain.groups[g], a, b),
						  square_entry(&weighed.groups[g], a, b), 1e-12);
	}
	factors_clear(&weighed);
	factors_clear(&plain);
	trace_free(trace);
	trace_free(twin);
}

static void test_empty(void)
{
	uint64_t seed = 4;
	struct trace *trace = random_trace(3, 5, 1, &seed);
	struct factors factors;
	struct factor factor = { 0 };
	double x[2];

	UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
	UNIT_EQUAL_DOUBLE(0, factors.groups[4].rows, 0);
	UNIT_EQUAL_I64(0, factors_without(&factors, 4, &factor));
	UNIT_EQUAL_DOUBLE(3, factor.rows, 0);
	UNIT_EQUAL_DOUBLE(1, factors.scale[0], 0);
	factors_clear(&factors);
	trace->row_count = 0;
	UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
	UNIT_EQUAL_I64(0, factors_without(&factors, FACTOR_ALL_GROUPS, &factor));
	UNIT_EQUAL_I64(0, factor_solve(&factor, FIT_NNLS, 0, x));
	UNIT_EQUAL_DOUBLE(0, x[0], 0);
	UNIT_EQUAL_I64(0, factor_solve(&factor, FIT_OLS, 0, x));
	UNIT_EQUAL_DOUBLE(0, x[1], 0);
	factors_clear(&factors);
	factor_clear(&factor);
	trace_free(trace);
}

/* Solve all rows of a trace. */
static void solve(const struct trace *trace, enum fit_method method, double lambda, double *x,
		  double *squares)
{
	struct factors factors;
	struct factor factor = { 0 };

	UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
	UNIT_EQUAL_I64(0, factors_without(&factors, FACTOR_ALL_GROUPS, &factor));
	UNIT_EQUAL_I64(0, factor_solve(&factor, method, lambda, x));
	*squares = factor_squares(&factor, x);
	factor_clear(&factor);
	factors_clear(&factors);
}

static void test_ols_dependent(void)
{
	uint64_t seed = 5;
	struct trace *trace = random_trace(50, 2, 4, &seed);
	double x[5], squares;

	for (size_t row = 0; row < 50; row++) {
		double *e = scene_events(trace, row);

		e[0] = row == 0 ? 1 : e[0]; /* so that the scales are one */
		e[1] = e[0] / 2;
		e[2] = row == 0 ? 1 : e[2];
		e[3] = 1;
		trace->power[row] = 3 + 2 * e[0] - 4 * e[2];
	}
	solve(trace, FIT_OLS, 0, x, &squares);
	UNIT_EQUAL_DOUBLE(3, x[0], 1e-9);
	UNIT_EQUAL_DOUBLE(2, x[1], 1e-9);
	UNIT_EQUAL_DOUBLE(0, x[2], 0);
	UNIT_EQUAL_DOUBLE(-4, x[3], 1e-9);
	UNIT_EQUAL_DOUBLE(0, x[4], 0);
	UNIT_EQUAL_DOUBLE(0, squares, 1e-18);
	trace_free(trace);
}

/* One event: w = Sxy / (Sxx + lambda n) about the means, by hand. */
static void test_ridge(void)
{
	static const double rates[] = { 0, 0.25, 0.5, 1 }, powers[] = { 1, 2, 2, 4 };
	struct trace *trace = scene_trace(&(struct scene){ .rows = 4, .groups = 1, .events = 1 });
	double x[2], squares, sxx = 0, sxy = 0;

	for (size_t i = 0; i < 4; i++) {
		trace->events[i] = rates[i];
		trace->power[i] = powers[i];
		sxx += (rates[i] - 0.4375) * (rates[i] - 0.4375);
		sxy += (rates[i] - 0.4375) * (powers[i] - 2.25);
	}
	solve(trace, FIT_RIDGE, 0.1, x, &squares);
	UNIT_EQUAL_DOUBLE(sxy / (sxx + 0.1 * 4), x[1], 1e-12);
	UNIT_EQUAL_DOUBLE(2.25 - 0.4375 * x[1], x[0], 1e-12);
	trace_free(trace);
}

/* --- non-negative least squares ------------------------------------------------ */

/* Columns that depend on others, or are nothing, as often as not. */
static void spoil(struct trace *trace, uint64_t *seed)
{
	unsigned n = trace->event_count;

	for (unsigned e = 0; e < n; e++) {
		unsigned kind = (unsigned)(unit_random(seed) % 10);
		unsigned a = (unsigned)(unit_random(seed) % n),
			 b = (unsigned)(unit_random(seed) % n);

		for (size_t row = 0; row < trace->row_count; row++) {
			double *x = scene_events(trace, row);

			switch (kind) {
			case 0:
				x[e] = x[a];
				break;
			case 1:
				x[e] = x[a] + 2 * x[b];
				break;
			case 2:
				x[e] = x[a] - x[b];
				break;
			case 3:
				x[e] = 0;
				break;
			case 4:
				x[e] = 5;
				break;
			case 5:
				x[e] = x[a] * (1 + 1e-7 * unit_random_double(seed, -1, 1));
				break;
			default:
				break;
			}
		}
	}
}

/*
 * Karush, Kuhn and Tucker: x is a minimum, and the problem convex, if and only if no
 * weight is negative, no slope at zero goes down, and slopes at positive weights are zero.
 */
static bool is_minimum(const struct factors *factors, const struct trace *trace, const double *x)
{
	unsigned weights = trace->event_count + 1;
	double norm = sqrt(product(trace, factors, weights, weights, -1));

	for (unsigned c = 0; c < weights; c++) {
		double slope = 0, length = sqrt(product(trace, factors, c, c, -1));

		for (size_t row = 0; row < trace->row_count; row++) {
			double left = cell(trace, factors, row, weights);

			for (unsigned k = 0; k < weights; k++)
				left -= cell(trace, factors, row, k) * x[k];
			slope += left * cell(trace, factors, row, c);
		}
		if (!(x[c] >= 0) || slope > 1e-8 * norm * length ||
		    (x[c] > 0 && slope < -1e-8 * norm * length))
			return false;
	}
	return true;
}

static void test_nnls_minimum(void)
{
	unsigned bound = 0, failures = 0;

	for (uint64_t problem = 0; problem < PROBLEMS; problem++) {
		uint64_t seed = problem;
		unsigned n = 1 + (unsigned)(unit_random(&seed) % EVENTS_MAX);
		size_t rows = 1 + unit_random(&seed) % 40;
		struct trace *trace = random_trace(rows, 2, n, &seed);
		struct factors factors;
		struct factor factor = { 0 };
		double x[EVENTS_MAX + 1], again[EVENTS_MAX + 1];

		if (problem % 2)
			spoil(trace, &seed);
		for (size_t row = 0; row < rows; row++)
			trace->power[row] -= problem % 3 == 0;
		UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
		UNIT_EQUAL_I64(0, factors_without(&factors, FACTOR_ALL_GROUPS, &factor));
		UNIT_EQUAL_I64(0, factor_solve(&factor, FIT_NNLS, 0, x));
		UNIT_EQUAL_I64(0, factor_solve(&factor, FIT_NNLS, 0, again));
		if (!is_minimum(&factors, trace, x) || memcmp(x, again, (n + 1) * sizeof *x) != 0) {
			printf("seed %llu: no minimum\n", (unsigned long long)problem);
			failures++;
		}
		for (unsigned c = 0; c <= n; c++)
			bound += x[c] == 0;
		factor_clear(&factor);
		factors_clear(&factors);
		trace_free(trace);
	}
	UNIT_EQUAL_U64(0, failures);
	UNIT_TRUE(bound > PROBLEMS);
}

static void test_nnls_copies(void)
{
	uint64_t seed = 6;
	struct trace *trace = random_trace(60, 2, 4, &seed);
	double x[5], squares;

	for (size_t row = 0; row < 60; row++) {
		double *e = scene_events(trace, row);

		e[2] = e[0];
		e[3] = e[0] + e[1];
		trace->power[row] = 1 + e[0] + e[1];
	}
	solve(trace, FIT_NNLS, 0, x, &squares);
	UNIT_TRUE(x[1] > 0 && x[2] > 0);
	UNIT_EQUAL_DOUBLE(0, x[3], 0);
	UNIT_EQUAL_DOUBLE(0, x[4], 0);
	UNIT_EQUAL_DOUBLE(0, squares, 1e-18);
	trace_free(trace);
}

/* --- collinearity ------------------------------------------------------------ */

static void vif_of(const struct trace *trace, double *vif)
{
	struct factors factors;
	struct factor factor = { 0 };

	UNIT_EQUAL_I64(0, factors_make(&factors, trace, NULL));
	UNIT_EQUAL_I64(0, factors_without(&factors, FACTOR_ALL_GROUPS, &factor));
	UNIT_EQUAL_I64(0, factor_vif(&factor, vif));
	factor_clear(&factor);
	factors_clear(&factors);
}

static void test_vif(void)
{
	/* Two events whose correlation is 0.8: 1 / (1 - 0.64). */
	static const double events[][2] = {
		{ 10, 10 }, { 11, 10.8 }, { 10, 10.6 }, { 9, 9.2 }, { 10, 9.4 }
	};
	struct trace *trace = scene_trace(&(struct scene){ .rows = 5, .groups = 1, .events = 2 });
	double vif[4];

	memcpy(trace->events, events, sizeof events);
	vif_of(trace, vif);
	UNIT_EQUAL_DOUBLE(1 / (1 - 0.64), vif[0], 1e-9);
	UNIT_EQUAL_DOUBLE(1 / (1 - 0.64), vif[1], 1e-9);
	trace_free(trace);
}

static void test_vif_of_copies(void)
{
	uint64_t seed = 7;
	struct trace *trace = random_trace(50, 1, 4, &seed);
	double vif[4];

	for (size_t row = 0; row < 50; row++) {
		double *e = scene_events(trace, row);

		e[2] = 3 * e[0];
		e[3] = 8;
	}
	vif_of(trace, vif);
	UNIT_TRUE(isinf(vif[0]) && isinf(vif[2]) && isinf(vif[3]));
	UNIT_TRUE(vif[1] >= 1 && vif[1] < 1.5);
	trace_free(trace);
}

int main(void)
{
	return UNIT_RUN("fit-factor",
			{ "triangles have the rows' squares, with and without a group",
			  test_triangle_squares },
			{ "picked columns keep their squares", test_pick },
			{ "a row's weight is how often it counts", test_row_weights },
			{ "groups without rows, and no rows, give zeros", test_empty },
			{ "OLS gives later dependent columns zero", test_ols_dependent },
			{ "ridge does not penalise the constant", test_ridge },
			{ "NNLS ends at the minimum, degenerate or not", test_nnls_minimum },
			{ "NNLS gives copies and sums of earlier columns zero", test_nnls_copies },
			{ "variance inflation of a known correlation", test_vif },
			{ "variance inflation of copies is infinite", test_vif_of_copies });
}
