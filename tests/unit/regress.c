/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A service of known cost works for clients of different sizes, its energy is
 * read with an error of 5 %: who is charged which share, and how does that move?
 */
#include "model/regress.h"

#include <math.h>
#include <stdio.h>

#include "tests/unit/unit.h"

enum { CLIENTS = 3, SEEDS = 20 };

struct world {
	uint64_t state;
	struct regress_cost truth;
	double seconds;         /* of a tick */
	double noise;           /* of the joules, relative, even from -noise to +noise */
	struct regress regress; /* what is tested */
	double requests[CLIENTS], bytes[CLIENTS];
	/* out */
	double worst_jump;  /* of a share, when only the cost changed */
	double worst_bound; /* how far a share left the range of what it may be */
};

static void share(const struct world *world, const struct regress_cost *cost, double to[CLIENTS])
{
	double sum = 0;

	for (int i = 0; i < CLIENTS; i++) {
		to[i] = cost->request_j * world->requests[i] + cost->byte_j * world->bytes[i] +
			cost->base_w * world->seconds / CLIENTS;
		sum += to[i];
	}
	for (int i = 0; i < CLIENTS; i++)
		to[i] = sum > 0 ? to[i] / sum : 1.0 / CLIENTS;
}

/* Any cost charges a client between the least and the most of these. */
static double outside(const struct world *world, int client, double got)
{
	const struct regress_cost only[] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
	double low = 1, high = 0;

	for (int i = 0; i < 3; i++) {
		double to[CLIENTS];

		share(world, &only[i], to);
		low = fmin(low, to[client]);
		high = fmax(high, to[client]);
	}
	return fmax(0, fmax(low - got, got - high));
}

static double joules(struct world *world, const double x[REGRESS_COLUMNS])
{
	const struct regress_cost *cost = &world->truth;
	double true_j = cost->request_j * x[0] + cost->byte_j * x[1] + cost->base_w * x[2];

	return true_j *
	       (1 + unit_random_double(&world->state, -world->noise, world->noise) * sqrt(3));
}

/* A tick of the load that was set; returns the worst error of a client's share, of its own. */
static double tick(struct world *world)
{
	struct regress_cost before = regress_cost(&world->regress), now;
	double x[REGRESS_COLUMNS] = { 0, 0, world->seconds };
	double truth[CLIENTS], got[CLIENTS], old[CLIENTS], worst = 0;

	for (int i = 0; i < CLIENTS; i++) {
		x[REGRESS_REQUESTS] += world->requests[i];
		x[REGRESS_BYTES] += world->bytes[i];
	}
	regress_add(&world->regress, x, joules(world, x));
	now = regress_cost(&world->regress);
	share(world, &world->truth, truth);
	share(world, &before, old);
	share(world, &now, got);
	for (int i = 0; i < CLIENTS; i++) {
		worst = fmax(worst, fabs(got[i] - truth[i]) / fmax(truth[i], 0.1));
		if (regress_has_learned(&world->regress))
			world->worst_jump = fmax(world->worst_jump, fabs(got[i] - old[i]));
		world->worst_bound = fmax(world->worst_bound, outside(world, i, got[i]));
	}
	return worst;
}

static struct world world_of(uint64_t seed)
{
	return (struct world){
		.state = seed * 7919, .truth = { 100e-6, 5e-9, 1 }, .seconds = 1, .noise = 0.05
	};
}

static void load(struct world *world, int client, double per_second, double size)
{
	world->requests[client] = floor(per_second * world->seconds);
	world->bytes[client] = world->requests[client] * size;
}

/* The mean of the worst errors over `ticks`. */
static double run(struct world *world, int ticks)
{
	double sum = 0;

	for (int i = 0; i < ticks; i++)
		sum += tick(world);
	return sum / ticks;
}

static void expect(const struct world *world, uint64_t seed, const char *what, double most,
		   double got)
{
	struct regress_cost cost = regress_cost(&world->regress);

	if (!(got <= most))
		fprintf(stderr,
			"seed %llu: %s: %g > %g; request %.3g J, byte %.3g J, base %.3g W\n",
			(unsigned long long)seed, what, got, most, cost.request_j, cost.byte_j,
			cost.base_w);
	UNIT_TRUE(got <= most);
}

static void expect_stable(const struct world *world, uint64_t seed)
{
	expect(world, seed, "jump", REGRESS_STEP, world->worst_jump);
	expect(world, seed, "outside", 1e-9, world->worst_bound);
}

/* --- what a load can teach ---------------------------------------------------------------- */

static void test_nothing_learned_is_by_request(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost = regress_cost(&regress);

	UNIT_EQUAL_DOUBLE(1, cost.request_j, 0);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j, 0);
	UNIT_EQUAL_DOUBLE(0, cost.base_w, 0);
	UNIT_TRUE(!regress_has_learned(&regress));
}

static void test_without_requests_it_is_by_byte(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;
	uint64_t state = 2;

	for (int i = 0; i < 100; i++) {
		double bytes = floor(unit_random_double(&state, 0, 1e9));

		regress_add(&regress, (double[]){ 0, bytes, 1 }, 3e-9 * bytes + 1);
		cost = regress_cost(&regress);
		UNIT_TRUE(cost.byte_j > 0);
		UNIT_EQUAL_DOUBLE(0, cost.request_j, 0);
	}
	UNIT_EQUAL_DOUBLE(3, cost.byte_j * 1e9, 0.02);
	UNIT_EQUAL_DOUBLE(1, cost.base_w, 0.02);
	/* once they are counted, what was learned without them says nothing of them */
	regress_add(&regress, (double[]){ 1000, 4096000, 1 }, 5);
	UNIT_EQUAL_DOUBLE(5e-3, regress_cost(&regress).request_j, 1e-9);
	UNIT_EQUAL_DOUBLE(0, regress_cost(&regress).byte_j, 1e-12);
	/* and bytes without requests teach nothing more */
	for (int i = 0; i < 50; i++)
		regress_add(&regress, (double[]){ 0, 4096000, 1 }, 50);
	UNIT_EQUAL_DOUBLE(5e-3, regress_cost(&regress).request_j, 1e-9);
}

/* Requests that move no bytes: flushes, discards. */
static void test_requests_alone_are_enough(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;
	uint64_t state = 5;

	for (int i = 0; i < 100; i++) {
		double requests = floor(unit_random_double(&state, 0, 1e4));

		regress_add(&regress, (double[]){ requests, 0, 1 }, 1e-4 * requests + 0.5);
	}
	cost = regress_cost(&regress);
	UNIT_EQUAL_DOUBLE(100, cost.request_j * 1e6, 1);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j, 0);
	UNIT_EQUAL_DOUBLE(0.5, cost.base_w, 0.01);
}

static void test_costs_are_recovered(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct regress regress = { 0 };
		struct regress_cost cost;
		uint64_t state = seed;

		for (int i = 0; i < 200; i++) {
			double requests = floor(unit_random_double(&state, 0, 1e5));
			double bytes = requests * unit_random_double(&state, 512, 65536);
			double noise = unit_random_double(&state, 0.99, 1.01);

			regress_add(&regress, (double[]){ requests, bytes, 1 },
				    (20e-6 * requests + 0.5e-9 * bytes + 2) * noise);
		}
		cost = regress_cost(&regress);
		UNIT_EQUAL_DOUBLE(20, cost.request_j * 1e6, 0.4);
		UNIT_EQUAL_DOUBLE(0.5, cost.byte_j * 1e9, 0.015);
		UNIT_EQUAL_DOUBLE(2, cost.base_w, 0.06);
	}
}

static void test_collinear_bytes_leave_requests_alone(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;
	uint64_t state = 7;

	for (int i = 0; i < 100; i++) {
		double requests = floor(unit_random_double(&state, 100, 1e5));

		regress_add(&regress, (double[]){ requests, requests * 4096, 1 },
			    20e-6 * requests + 2);
	}
	cost = regress_cost(&regress);
	UNIT_EQUAL_DOUBLE(20, cost.request_j * 1e6, 0.05);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j * 4096 / cost.request_j, 0.002);
	UNIT_EQUAL_DOUBLE(2, cost.base_w, 0.02);
}

/* What a base that falls leaves over is requests', not bytes'. */
static void test_collinear_bytes_stay_alone_when_the_base_falls(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;
	uint64_t state = 8;

	for (int i = 0; i < 2000; i++) {
		double requests = floor(unit_random_double(&state, 100, 1e5));

		regress_add(&regress, (double[]){ requests, requests * 4096, 1 },
			    20e-6 * requests + (i < 100 ? 4 : 1));
		cost = regress_cost(&regress);
		UNIT_EQUAL_DOUBLE(0, cost.byte_j * 4096 / cost.request_j, 0.01);
	}
	UNIT_EQUAL_DOUBLE(1, cost.base_w, 0.3);
}

static void test_a_constant_load_is_all_requests(void)
{
	struct regress regress = { 0 };
	struct regress_cost cost;

	for (int i = 0; i < 100; i++)
		regress_add(&regress, (double[]){ 500, 500 * 4096, 1 }, 10);
	cost = regress_cost(&regress);
	UNIT_EQUAL_DOUBLE(10.0 / 500, cost.request_j, 1e-9);
	UNIT_EQUAL_DOUBLE(0, cost.byte_j, 1e-9);
	UNIT_EQUAL_DOUBLE(0, cost.base_w, 1e-9);
}

/* Energy falls with bytes: unconstrained, a byte would earn energy. */
static void test_no_cost_is_negative(void)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct regress regress = { 0 };
		uint64_t state = seed;

		for (int i = 0; i < 30; i++) {
			double requests = unit_random_double(&state, 0, 1e5);
			double bytes = unit_random_double(&state, 0, 1e9);
			struct regress_cost cost;

			regress_add(&regress, (double[]){ requests, bytes, 1 },
				    fmax(0, unit_random_double(&state, 0, 10) + 5 - 5e-9 * bytes));
			cost = regress_cost(&regress);
			UNIT_TRUE(cost.request_j >= 0 && cost.byte_j >= 0 && cost.base_w >= 0);
			UNIT_TRUE(isfinite(cost.request_j + cost.byte_j + cost.base_w));
			UNIT_TRUE(cost.request_j + cost.byte_j + cost.base_w > 0);
		}
	}
}

static void test_old_costs_are_forgotten(void)
{
	struct regress regress = { 0 };
	uint64_t state = 3;

	for (int i = 0; i < 4000; i++) {
		double requests = floor(unit_random_double(&state, 0, 1e5));

		regress_add(&regress, (double[]){ requests, 0, 1 },
			    (i < 1000 ? 50e-6 : 20e-6) * requests);
	}
	UNIT_EQUAL_DOUBLE(20, regress_cost(&regress).request_j * 1e6, 0.2);
}

/* --- stable charges ----------------------------------------------------------------------- */

/* Block sizes of the seed's figure, another one every few ticks; one client that is steady. */
static void test_block_sizes_that_change_are_learned(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(seed);

		for (int phase = 0; phase < 60; phase++) {
			double size = 512 << unit_random(&world.state) % 7, error;

			bool idle = phase % 8 == 3;

			load(&world, 0, idle ? 0 : fmin(20e3, 200e6 / size), size);
			load(&world, 1, idle ? 0 : 3000, 4096);
			load(&world, 2, 0, 0);
			error = run(&world, 2 + (int)(unit_random(&world.state) % 4));
			if (phase > 30)
				expect(&world, seed, "error", 0.05, error);
		}
		expect_stable(&world, seed);
	}
}

/* A client of small and one of large requests, steady from the start; then each stops. */
static void test_a_start_in_the_steady_state_is_told_apart_later(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(seed);

		load(&world, 0, 50000, 512);
		load(&world, 1, 2000, 262144);
		run(&world, 100);
		/* nothing tells them apart: requests alone, whatever the noise says */
		UNIT_EQUAL_DOUBLE(0, regress_cost(&world.regress).byte_j, 1e-12);
		UNIT_EQUAL_DOUBLE(0, regress_cost(&world.regress).base_w, 1e-6);
		load(&world, 0, 0, 0);
		run(&world, 20);
		load(&world, 0, 50000, 512);
		run(&world, 5);
		load(&world, 1, 0, 0);
		run(&world, 20);
		load(&world, 0, 0, 0);
		load(&world, 1, 0, 0);
		run(&world, 10);
		load(&world, 0, 50000, 512);
		load(&world, 1, 2000, 262144);
		run(&world, 10);
		expect(&world, seed, "error", 0.05, run(&world, 50));
		expect_stable(&world, seed);
	}
}

/* What was learned under many loads survives a long time under one. */
static void test_a_steady_load_does_not_push_out_what_was_learned(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(seed);

		for (int phase = 0; phase < 150; phase++) {
			load(&world, 0, unit_random_double(&world.state, 0, 1e5), 512);
			load(&world, 1, unit_random_double(&world.state, 0, 4e3), 131072);
			run(&world, phase % 10 ? 2 : 5);
		}
		for (int i = 0; i < 3600; i++) { /* wavers by 3 %, its energy does not */
			load(&world, 0, unit_random_double(&world.state, 29e3, 31e3), 512);
			load(&world, 1, unit_random_double(&world.state, 970, 1030), 131072);
			tick(&world);
		}
		expect(&world, seed, "steady", 0.05, run(&world, 50));
		load(&world, 1, 0, 0);
		expect(&world, seed, "one stopped", 0.08, run(&world, 5));
		load(&world, 0, 0, 0);
		load(&world, 1, 3000, 131072);
		expect(&world, seed, "the other one", 0.08, run(&world, 5));
		expect_stable(&world, seed);
	}
}

static void test_idle_phases_tell_the_base(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(seed);

		for (int phase = 0; phase < 10; phase++) {
			load(&world, 0, phase % 2 ? 0 : 40000, 512);
			load(&world, 1, phase % 2 ? 0 : 10000, 512);
			run(&world, 10);
		}
		UNIT_EQUAL_DOUBLE(1, regress_cost(&world.regress).base_w, 0.05);
		load(&world, 0, 40000, 512);
		load(&world, 1, 10000, 512);
		expect(&world, seed, "error", 0.05, run(&world, 10));
		expect_stable(&world, seed);
	}
}

static void test_work_after_an_idle_start_is_not_taken_for_base(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(seed);

		run(&world, 10);
		load(&world, 0, 40000, 512);
		load(&world, 1, 40, 512);
		expect(&world, seed, "at once", 0.15, run(&world, 1));
		expect(&world, seed, "error", 0.05, run(&world, 20));
		expect(&world, seed, "outside", 1e-9, world.worst_bound);
	}
}

/* Ticks of 50 ms in which few requests come: a batch is made of several. */
static void test_short_ticks_are_learned_in_batches(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(seed);

		world.seconds = 0.05;
		world.truth = (struct regress_cost){ 1e-3, 30e-9, 0.2 };
		for (int phase = 0; phase < 60; phase++) {
			load(&world, 0, unit_random_double(&world.state, 0, 1000), 512);
			load(&world, 1, unit_random_double(&world.state, 0, 400), 65536);
			load(&world, 2, unit_random_double(&world.state, 0, 400), 4096);
			run(&world, 60);
		}
		expect(&world, seed, "error", 0.05, run(&world, 20));
		UNIT_TRUE(world.regress.batches < 60 * 60 / 2);
		expect(&world, seed, "outside", 1e-9, world.worst_bound);
	}
}

/* Prices follow the frequency, for all of it: proportions stay as they were learned. */
static void test_a_price_that_changes_for_all_changes_no_share(void)
{
	struct world world = world_of(9);

	for (int phase = 0; phase < 60; phase++) {
		load(&world, 0, unit_random_double(&world.state, 0, 1e5), 512);
		load(&world, 1, unit_random_double(&world.state, 0, 4e3), 131072);
		run(&world, 2);
	}
	load(&world, 0, 30000, 512);
	load(&world, 1, 1000, 131072);
	run(&world, 10);
	for (int turn = 0; turn < 6; turn++) {
		double factor = turn % 2 ? 0.8 : 1.25;

		world.truth.request_j *= factor;
		world.truth.byte_j *= factor;
		world.truth.base_w *= factor;
		expect(&world, 9, "error", 0.15, run(&world, 60));
	}
	expect_stable(&world, 9);
}

/* Other work that comes with the requests, at times: it is no cost of theirs. */
static void test_bursts_of_other_work_are_not_learned(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct regress regress = { 0 };
		struct regress_cost cost;
		uint64_t state = seed;

		for (int i = 0; i < 300; i++) {
			double requests = i % 20 < 10 ? 10000 : 100;
			bool burst = i > 20 && i % 20 < 10 && unit_random(&state) % 5 == 0;

			regress_add(&regress, (double[]){ requests, requests * 4096, 1 },
				    (100e-6 * requests + 0.1 + (burst ? 5 : 0)) *
					    unit_random_double(&state, 0.95, 1.05));
		}
		cost = regress_cost(&regress);
		UNIT_EQUAL_DOUBLE(100, cost.request_j * 1e6 + cost.byte_j * 1e6 * 4096, 20);
		UNIT_TRUE(cost.base_w < 0.3);
	}
}

int main(void)
{
	return UNIT_RUN(
		"regress",
		{ "model.md 4: with nothing learned energy follows requests",
		  test_nothing_learned_is_by_request },
		{ "model.md 4: uncounted requests leave bytes",
		  test_without_requests_it_is_by_byte },
		{ "model.md 4: requests alone are enough", test_requests_alone_are_enough },
		{ "model.md 4: costs per request, byte and second are recovered",
		  test_costs_are_recovered },
		{ "model.md 4: collinear bytes leave requests alone",
		  test_collinear_bytes_leave_requests_alone },
		{ "model.md 4: collinear bytes stay alone when the base falls",
		  test_collinear_bytes_stay_alone_when_the_base_falls },
		{ "model.md 4: a constant load is all requests",
		  test_a_constant_load_is_all_requests },
		{ "model.md 4: no cost is negative", test_no_cost_is_negative },
		{ "model.md 4: old costs are forgotten", test_old_costs_are_forgotten },
		{ "model.md 4: block sizes that change every few ticks are learned within 5 %",
		  test_block_sizes_that_change_are_learned },
		{ "model.md 4: after a start in the steady state clients are told apart within 5 %",
		  test_a_start_in_the_steady_state_is_told_apart_later },
		{ "model.md 4: a steady load does not push out what was learned",
		  test_a_steady_load_does_not_push_out_what_was_learned },
		{ "model.md 4: idle phases tell the base within 5 %",
		  test_idle_phases_tell_the_base },
		{ "model.md 4: work after an idle start is not taken for base",
		  test_work_after_an_idle_start_is_not_taken_for_base },
		{ "model.md 4: short ticks are learned in batches of 128 requests",
		  test_short_ticks_are_learned_in_batches },
		{ "model.md 4: a price that changes for all changes no share",
		  test_a_price_that_changes_for_all_changes_no_share },
		{ "model.md 4: bursts of other work are not learned as a cost of requests",
		  test_bursts_of_other_work_are_not_learned });
}
