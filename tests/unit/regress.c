/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/regress.h"

#include <math.h>

#include "tests/unit/unit.h"

enum { ROWS = 100 };

static void test_nothing_learned_is_by_request(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;

	regress_add(&regress, (double[]){ 10, 4096, 1 }, 3);
	cost = regress_solve(&regress);
	UNIT_EQUAL_DOUBLE(1, cost.request_j, 0);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j, 0);
	UNIT_EQUAL_DOUBLE(0, cost.base_w, 0);
}

static void test_without_requests_it_is_by_byte(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;

	regress_add(&regress, (double[]){ 0, 4096, 1 }, 3);
	cost = regress_solve(&regress);
	UNIT_EQUAL_DOUBLE(1, cost.byte_j, 0);
	UNIT_EQUAL_DOUBLE(0, cost.request_j, 0);
}

/* 20 uJ per request, 0.5 nJ per byte, 2 W. */
static void test_costs_are_recovered(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct regress regress = { 0 };
		struct regress_cost cost;
		uint64_t state = seed;

		for (int i = 0; i < ROWS; i++) {
			double requests = floor(unit_random_double(&state, 0, 1e5));
			double bytes = requests * unit_random_double(&state, 512, 65536);
			double noise = unit_random_double(&state, 0.99, 1.01);

			regress_add(&regress, (double[]){ requests, bytes, 1 },
				    (20e-6 * requests + 0.5e-9 * bytes + 2) * noise);
		}
		cost = regress_solve(&regress);
		UNIT_EQUAL_DOUBLE(20, cost.request_j * 1e6, 0.05);
		UNIT_EQUAL_DOUBLE(0.5, cost.byte_j * 1e9, 0.05);
		UNIT_EQUAL_DOUBLE(2, cost.base_w, 0.1);
	}
}

static void test_collinear_bytes_leave_requests_alone(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;
	uint64_t state = 7;

	for (int i = 0; i < ROWS; i++) {
		double requests = floor(unit_random_double(&state, 100, 1e5));

		regress_add(&regress, (double[]){ requests, requests * 4096, 1 },
			    20e-6 * requests + 2);
	}
	cost = regress_solve(&regress);
	UNIT_EQUAL_DOUBLE(20, cost.request_j * 1e6, 1e-6);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j, 0);
	UNIT_EQUAL_DOUBLE(2, cost.base_w, 1e-6);
}

static void test_a_constant_load_is_all_requests(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;

	for (int i = 0; i < ROWS; i++)
		regress_add(&regress, (double[]){ 500, 500 * 4096, 1 }, 10);
	cost = regress_solve(&regress);
	UNIT_EQUAL_DOUBLE(10.0 / 500, cost.request_j, 1e-9);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j, 0);
	UNIT_EQUAL_DOUBLE(0, cost.base_w, 0);
}

/* Energy falls with bytes: unconstrained, a byte would earn energy. */
static void test_no_cost_is_negative(void)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct regress regress = { 0 };
		struct regress_cost cost;
		uint64_t state = seed;

		for (int i = 0; i < 30; i++) {
			double requests = unit_random_double(&state, 0, 1e5);
			double bytes = unit_random_double(&state, 0, 1e9);

			regress_add(&regress, (double[]){ requests, bytes, 1 },
				    unit_random_double(&state, 0, 10) + 5 - 5e-9 * bytes);
		}
		cost = regress_solve(&regress);
		UNIT_TRUE(cost.request_j >= 0 && cost.byte_j >= 0 && cost.base_w >= 0);
		UNIT_TRUE(isfinite(cost.request_j + cost.byte_j + cost.base_w));
	}
}

static void test_old_rows_are_forgotten(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;
	uint64_t state = 3;

	for (int i = 0; i < 2000; i++) {
		double requests = floor(unit_random_double(&state, 0, 1e5));

		regress_add(&regress, (double[]){ requests, 0, 1 },
			    (i < 1000 ? 50e-6 : 20e-6) * requests);
	}
	cost = regress_solve(&regress);
	UNIT_EQUAL_DOUBLE(20, cost.request_j * 1e6, 0.01);
}

int main(void)
{
	return UNIT_RUN("regress",
			{ "model.md 4: with nothing learned energy follows requests",
			  test_nothing_learned_is_by_request },
			{ "model.md 4: uncounted requests leave bytes",
			  test_without_requests_it_is_by_byte },
			{ "model.md 4: costs per request, byte and second are recovered",
			  test_costs_are_recovered },
			{ "model.md 4: collinear bytes leave requests alone",
			  test_collinear_bytes_leave_requests_alone },
			{ "model.md 4: a constant load is all requests",
			  test_a_constant_load_is_all_requests },
			{ "model.md 4: no cost is negative", test_no_cost_is_negative },
			{ "model.md 4: old rows are forgotten", test_old_rows_are_forgotten });
}
