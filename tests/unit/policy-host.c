/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policy-scene.h"

/* The modelled host: 50 W idle, 3 W disk, 2 W service, 5 W kept, and the domains. */
static void model(struct scene *scene, double slope)
{
	struct policy_host *host = &scene->in.host;
	double inside_w = 0;

	host->disk_w = 3;
	host->service_w = 2;
	host->kept_active_w = 5;
	for (size_t i = 0; i < scene->in.domain_count; i++)
		inside_w += scene->domains[i].inside_w;
	host->total_w = 60 + inside_w;
	if (host->has_meter && slope > 0) {
		host->modelled_w = host->total_w;
		host->metered_w = 60 + slope * inside_w;
	} else {
		host->modelled_w = host->metered_w = NAN;
	}
}

static void open_busy(struct scene *scene, size_t domains)
{
	scene_open(scene, domains);
	for (size_t i = 0; i < domains; i++) {
		scene->domains[i].quota_cpus = 2;
		scene->domains[i].throttled_part = 1;
	}
	model(scene, 0);
}

static void test_budget_of_a_host(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	open_busy(&scene, 3);
	scene.in.host.cap_w = 100;
	scene.in.host.energy_error = 0.04;
	scene.domains[2].limits.share = 200;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(0.04, scene.out.host.margin, 1e-12);
	UNIT_EQUAL_DOUBLE(36, scene.out.host.controllable_w, 1e-9);
	UNIT_EQUAL_DOUBLE(9, out[0].cpu_w, 1e-9);
	UNIT_EQUAL_DOUBLE(18, out[2].cpu_w, 1e-9);
	UNIT_EQUAL_DOUBLE(0.9 * SCENE_FIRST, out[1].cpus, 1e-9);
	UNIT_EQUAL_U64(HELD_BY_HOST, out[1].held_by);
	UNIT_EQUAL_U64(HELD_BY_HOST, scene.out.host.held_by);
	UNIT_EQUAL_DOUBLE(0, scene.out.host.infeasible_w, 0);
	policy_close(scene.policy);
}

static void test_infeasible(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	open_busy(&scene, 2);
	scene.in.host.cap_w = 50;
	scene.in.host.energy_error = 0.02;
	scene.domains[0].limits.floor_w = 6;
	out = scene_decide(&scene);
	/* 49 - 60 = -11; floors of 6 and of 0.4 W stay. */
	UNIT_EQUAL_DOUBLE(-11, scene.out.host.controllable_w, 1e-9);
	UNIT_EQUAL_DOUBLE(17.4, scene.out.host.infeasible_w, 1e-9);
	UNIT_EQUAL_DOUBLE(0.6 * SCENE_FIRST, out[0].cpus, 1e-9);
	UNIT_EQUAL_DOUBLE(0.04, out[1].cpus, 1e-9);
	policy_close(scene.policy);
}

static void test_margins_without_meter(void)
{
	struct scene scene;

	open_busy(&scene, 1);
	scene.in.host.cap_w = 100;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(0.1, scene.out.host.margin, 1e-12);
	/* What is left, too, is less by it. */
	UNIT_EQUAL_DOUBLE(10, scene.out.host.margin_w, 1e-12);
	UNIT_EQUAL_DOUBLE(90 - scene.in.host.total_w, scene.out.host.headroom_w, 1e-9);
	scene.in.host.energy_error = 0.001;
	for (unsigned i = 0; i < 3; i++)
		scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(0.01, scene.out.host.margin, 1e-12);
	UNIT_EQUAL_DOUBLE(1, scene.out.host.slope, 0);
	policy_close(scene.policy);
}

/* A second of the plant: what is decided is in force and used. */
static void step(struct scene *scene, double slope)
{
	for (size_t i = 0; i < scene->in.domain_count; i++)
		scene_hold(scene, i, 10);
	model(scene, slope);
	scene_decide(scene);
}

static double metered(const struct scene *scene, double slope)
{
	double watts = 60;

	for (size_t i = 0; i < scene->in.domain_count; i++)
		watts += slope * 10 * fmin(scene->out.domains[i].cpus, 2);
	return watts;
}

static void test_slope(void)
{
	for (unsigned k = 0; k < 3; k++) {
		double slope = (const double[]){ 0.75, 1, 1.3 }[k];
		struct scene scene;

		open_busy(&scene, 4);
		scene.in.host.cap_w = 100;
		scene.in.host.has_meter = true;
		model(&scene, slope);
		scene_decide(&scene);
		for (unsigned t = 0; t < 8; t++)
			step(&scene, slope);
		printf("slope %g: K %g, %g W of 100\n", slope, scene.out.host.slope,
		       metered(&scene, slope));
		UNIT_EQUAL_DOUBLE(1, metered(&scene, slope) / 100, 0.05);
		for (unsigned t = 0; t < 60; t++)
			step(&scene, slope);
		UNIT_EQUAL_DOUBLE(slope, scene.out.host.slope, 0.02);
		UNIT_TRUE(metered(&scene, slope) < 100.5 && metered(&scene, slope) > 98);
		policy_close(scene.policy);
	}
}

static void test_stale_meter(void)
{
	struct scene scene;
	double before, most = 0, soon = 0;

	open_busy(&scene, 4);
	scene.in.host.cap_w = 100;
	scene.in.host.has_meter = true;
	model(&scene, 1.2);
	for (unsigned t = 0; t < 40; t++)
		step(&scene, 1.2);
	UNIT_EQUAL_DOUBLE(0.01, scene.out.host.margin, 1e-12);
	step(&scene, 0);
	step(&scene, 0);
	UNIT_EQUAL_DOUBLE(0.01, scene.out.host.margin, 1e-12);
	before = scene.out.host.slope;
	step(&scene, 0);
	UNIT_EQUAL_DOUBLE(0.11, scene.out.host.margin, 1e-12);
	UNIT_EQUAL_DOUBLE(before, scene.out.host.slope, 0);
	for (unsigned t = 0; t < 300; t++)
		step(&scene, 0);
	UNIT_EQUAL_DOUBLE(0.51, scene.out.host.margin, 1e-12);
	UNIT_EQUAL_DOUBLE(1, scene.out.host.slope, 0.01);
	/* Every floor is kept while the cap cannot be met so carefully. */
	UNIT_TRUE(scene.out.host.infeasible_w > 0);
	before = metered(&scene, 1.2);
	for (unsigned t = 0; t < 40; t++) {
		step(&scene, 1.2);
		most = fmax(most, metered(&scene, 1.2) / before);
		before = metered(&scene, 1.2);
		soon = t == 12 ? before : soon;
	}
	printf("largest step up %g, %g W after 12 s\n", most, soon);
	UNIT_TRUE(soon > 95);
	UNIT_TRUE(most <= 1.25);
	UNIT_EQUAL_DOUBLE(99, before, 0.01);
	policy_close(scene.policy);
}

/* A meter that is slow to open, or never there, is no reason for more care than none. */
static void test_meter_never_spoke(void)
{
	for (unsigned has_meter = 0; has_meter < 2; has_meter++) {
		struct scene scene;

		open_busy(&scene, 4);
		scene.in.host.cap_w = 100;
		scene.in.host.energy_error = 0.06;
		scene.in.host.has_meter = has_meter;
		for (unsigned t = 0; t < 60; t++) {
			step(&scene, 0);
			UNIT_EQUAL_DOUBLE(0.06, scene.out.host.margin, 1e-12);
		}
		UNIT_EQUAL_DOUBLE(94, metered(&scene, 1), 0.01);
		policy_close(scene.policy);
	}
}

/* All at their floors, a few watts of what a meter with noise of 1 W says. */
static void test_floors_teach_nothing(void)
{
	double least = 1, most = 1;
	uint64_t seed = 11;
	struct scene scene;

	open_busy(&scene, 8);
	scene.in.host.cap_w = 50;
	scene.in.host.has_meter = true;
	model(&scene, 1);
	scene_decide(&scene);
	for (unsigned t = 0; t < 300; t++) {
		for (size_t i = 0; i < 8; i++)
			scene_hold(&scene, i, 10);
		model(&scene, 1);
		scene.in.host.metered_w += unit_random_double(&seed, -1.7, 1.7);
		scene_decide(&scene);
		least = fmin(least, scene.out.host.slope);
		most = fmax(most, scene.out.host.slope);
	}
	printf("K between %g and %g\n", least, most);
	UNIT_TRUE(least > 0.93 && most < 1.07);
	policy_close(scene.policy);
}

/* 2 W of the host's own that come and go, under a cap of 100 W. */
static void test_little_work(void)
{
	double before = NAN, sum = 0;
	unsigned writes = 0;
	struct scene scene;

	open_busy(&scene, 4);
	scene.in.host.cap_w = 100;
	scene.in.host.energy_error = 0.01;
	scene.in.host.has_meter = true;
	model(&scene, 1);
	scene_decide(&scene);
	for (unsigned t = 0; t < 180; t++) {
		for (size_t i = 0; i < 4; i++)
			scene_hold(&scene, i, 10);
		model(&scene, 1);
		if (t % 6 < 3) {
			scene.in.host.kept_active_w += 2;
			scene.in.host.total_w += 2;
			scene.in.host.modelled_w += 2;
			scene.in.host.metered_w += 2;
		}
		if (t >= 60)
			sum += scene.in.host.metered_w / 120;
		before = scene.out.domains[0].cpus;
		scene_decide(&scene);
		writes += t >= 60 && before != scene.out.domains[0].cpus;
	}
	printf("%g W of 100, %u writes in 2 minutes\n", sum, writes);
	UNIT_EQUAL_DOUBLE(99, sum, 1);
	UNIT_TRUE(writes <= 4);
	policy_close(scene.policy);
}

/* No writes to and fro in a hurry where there is nothing to be had. */
static void test_infeasible_is_quiet(void)
{
	uint64_t seed = 12;
	unsigned writes = 0;
	struct scene scene;

	open_busy(&scene, 2);
	scene.in.host.cap_w = 50;
	scene.in.host.has_meter = true;
	scene.domains[0].limits.floor_w = scene.domains[1].limits.floor_w = 8;
	model(&scene, 1);
	for (unsigned t = 0; t < 180; t++) {
		double before = scene.out.domains ? scene.out.domains[0].cpus : NAN;

		for (size_t i = 0; i < 2; i++) {
			scene_hold(&scene, i, 10);
			scene.domains[i].inside_w *= unit_random_double(&seed, 0.99, 1.01);
		}
		model(&scene, 1);
		scene_decide(&scene);
		UNIT_TRUE(scene.out.host.infeasible_w > 0);
		writes += t >= 60 && before != scene.out.domains[0].cpus;
	}
	printf("%u writes in 2 minutes\n", writes);
	UNIT_TRUE(writes <= 4);
	policy_close(scene.policy);
}

static void test_emergency(void)
{
	struct scene scene;

	open_busy(&scene, 2);
	scene.in.host.cap_w = 100;
	scene.in.host.has_meter = true;
	model(&scene, 1);
	for (unsigned t = 0; t < 30; t++)
		step(&scene, 1);
	/* Something of the host itself takes 7 W that the account sees. */
	scene.in.host.idle_w = 57;
	for (unsigned t = 0; t < 2; t++) {
		step(&scene, 1);
		scene.in.host.metered_w = scene.in.host.modelled_w = NAN;
	}
	UNIT_TRUE(scene.out.domains[0].cpus < 1.7);
	UNIT_TRUE(scene.out.host.controllable_w < 33);
	policy_close(scene.policy);
}

static void test_peak(void)
{
	struct scene scene;

	open_busy(&scene, 1);
	scene.in.host.peak_w = 100;
	scene.in.host.peak_window_s = 900;
	/* 1699999200 is a quarter of an hour; half of one has passed before the first decision. */
	scene.in.realtime_s = 1699999200 + 450 - 1;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(100, scene.out.host.cap_w, 1e-9);
	UNIT_EQUAL_U64(HELD_BY_PEAK, scene.out.host.held_by);
	scene.in.host.total_w = 60;
	scene.domains[0].inside_w = 0;
	for (unsigned t = 0; t < 200; t++)
		scene_decide(&scene);
	/* 200 s at 60 W: 90000 - 45000 - 12000 J for the 250 s that are left. */
	UNIT_EQUAL_DOUBLE(33000.0 / 250, scene.out.host.cap_w, 1e-9);
	UNIT_EQUAL_DOUBLE(57000, policy_recall_host(scene.policy).peak_used_j, 1e-6);
	for (unsigned t = 0; t < 250; t++)
		scene_decide(&scene);
	/* Nothing of it is carried into the next. */
	UNIT_EQUAL_DOUBLE(100, scene.out.host.cap_w, 1e-9);
	UNIT_EQUAL_DOUBLE(1700000100, policy_recall_host(scene.policy).peak_window_start_s, 0);
	scene.in.host.total_w = 200;
	for (unsigned t = 0; t < 450; t++)
		scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(0, scene.out.host.cap_w, 1e-6);
	UNIT_TRUE(scene.out.host.infeasible_w > 0);
	/* The clock leaps into a later window: what passed of it was spent as agreed. */
	scene.in.host.total_w = 100;
	scene.in.realtime_s = 1700001000 + 100 - 1;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(100, scene.out.host.cap_w, 1e-9);
	policy_close(scene.policy);
}

static void test_thermal(void)
{
	/* 0.5 K/W over 25 C, time constant 200 s: 100 W end at 75 C. */
	struct thermal thermal = { .c1 = 0.5 / 200, .c2 = -1.0 / 200, .t0_c = 25 };
	struct thermal real = { .c1 = 0.55 / 200, .c2 = -1.0 / 200, .t0_c = 25 };
	double temperature_c = 40, hottest = 0, watts = 60;
	struct scene scene;

	open_busy(&scene, 8);
	scene.in.host.temperature_limit_c = 75;
	scene.in.host.temperature_c = 40;
	scene_decide(&scene);
	UNIT_TRUE(isinf(scene.out.host.cap_w)); /* without constants */
	scene.in.host.thermal = thermal;
	scene.in.host.temperature_c = 74.5;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(99, scene.out.host.cap_w, 1e-9); /* half a degree below the limit */
	for (unsigned t = 0; t < 1500; t++) {
		watts = fmin(scene.out.host.cap_w, 220);
		temperature_c = thermal_after_c(&real, temperature_c, watts, 1);
		hottest = fmax(hottest, temperature_c);
		scene.in.host.temperature_c = temperature_c;
		scene.in.host.total_w = watts;
		scene_decide(&scene);
	}
	printf("hottest %g C, at last %g C at %g W\n", hottest, temperature_c, watts);
	UNIT_TRUE(hottest <= 75.3 && temperature_c > 73);
	/* A silent sensor is followed by the model, which is at its balance here. */
	scene.in.host.temperature_c = NAN;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(watts, scene.out.host.cap_w, 0.05);
	policy_close(scene.policy);
}

static void test_owner_shares(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	open_busy(&scene, 4);
	scene.in.host.cap_w = 100;
	scene.in.host.energy_error = 0.04;
	scene.in.owner_count = 1;
	scene.owners[0] = (struct policy_owner){ "alice", limits_none() };
	scene.owners[0].limits.share = 100;
	for (size_t i = 0; i < 3; i++)
		scene.domains[i].owner = "alice";
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(6, out[0].cpu_w, 1e-9);
	UNIT_EQUAL_DOUBLE(18, out[3].cpu_w, 1e-9);
	policy_close(scene.policy);
}

static void test_unknown_host_is_what_it_was(void)
{
	struct scene scene;

	open_busy(&scene, 2);
	scene.in.host.cap_w = 100;
	scene.in.host.energy_error = 0.04;
	scene_decide(&scene);
	scene.in.host.disk_w = NAN;
	scene.in.host.total_w = NAN;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(36, scene.out.host.controllable_w, 1e-9);
	policy_close(scene.policy);
}

int main(void)
{
	return UNIT_RUN(
		"policy-host",
		{ "model.md 7: B is the cap less margin, idle, disk, service and kept",
		  test_budget_of_a_host },
		{ "below all floors the deficit is said and floors stay", test_infeasible },
		{ "model.md 7: without a meter the margin is the weights' error",
		  test_margins_without_meter },
		{ "model.md 7: one slope follows the meter", test_slope },
		{ "model.md 7: a silent meter makes careful, then forgets, and returns gently",
		  test_stale_meter },
		{ "model.md 7: a meter that never spoke is like none", test_meter_never_spoke },
		{ "a host over its cap is trimmed at once", test_emergency },
		{ "a slope is not learnt from what drowns in the meter's noise",
		  test_floors_teach_nothing },
		{ "little work of the host's own is not followed", test_little_work },
		{ "floors above the cap are written once", test_infeasible_is_quiet },
		{ "a billing window's rest is its cap, across the boundary", test_peak },
		{ "the temperature stays under its limit, constants 10 % off", test_thermal },
		{ "an owner's share is divided among its domains", test_owner_shares },
		{ "what is not known of the host is what it was",
		  test_unknown_host_is_what_it_was });
}
