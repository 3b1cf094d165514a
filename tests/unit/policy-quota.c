/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policy-scene.h"

#include "vmenergyd/policy/bandwidth.h"
#include "vmenergyd/policy/hold.h"

static void test_bandwidth(void)
{
	struct bandwidth bandwidth = bandwidth_from_cpus(1.5, 2);

	UNIT_EQUAL_I64(30000, bandwidth.quota_us);
	UNIT_EQUAL_U64(20000, bandwidth.period_us);
	/* 5 ms for each of four threads: 2 ms of 20 become 32 ms of 320. */
	bandwidth = bandwidth_from_cpus(0.1, 4);
	UNIT_EQUAL_I64(32000, bandwidth.quota_us);
	UNIT_EQUAL_U64(320000, bandwidth.period_us);
	UNIT_EQUAL_DOUBLE(0.1, bandwidth_cpus(&bandwidth), 1e-12);
	bandwidth = bandwidth_from_cpus(1e-6, 1);
	UNIT_EQUAL_I64(BANDWIDTH_MIN_US, bandwidth.quota_us);
	UNIT_EQUAL_U64(BANDWIDTH_PERIOD_MAX_US, bandwidth.period_us);
	bandwidth = bandwidth_from_cpus(INFINITY, 4);
	UNIT_EQUAL_I64(BANDWIDTH_UNLIMITED, bandwidth.quota_us);
	UNIT_TRUE(isinf(bandwidth_cpus(&bandwidth)));
}

static void test_bandwidth_bounds(void)
{
	uint64_t seed = 5;

	for (unsigned round = 0; round < unit_rounds(2000); round++) {
		double cpus = exp(unit_random_double(&seed, log(0.02), log(64)));
		unsigned runnable = 1 + (unsigned)(unit_random(&seed) % 16);
		struct bandwidth bandwidth = bandwidth_from_cpus(cpus, runnable);

		UNIT_TRUE(bandwidth.quota_us >= BANDWIDTH_MIN_US);
		UNIT_TRUE(bandwidth.period_us >= BANDWIDTH_PERIOD_US &&
			  bandwidth.period_us <= BANDWIDTH_PERIOD_MAX_US);
		UNIT_EQUAL_DOUBLE(1, bandwidth_cpus(&bandwidth) / cpus, 1e-3);
		UNIT_TRUE(bandwidth.quota_us >= 5000 * (int64_t)runnable ||
			  bandwidth.period_us == BANDWIDTH_PERIOD_MAX_US);
	}
}

/* One domain under a cap; its quotas give (1 + inexact) of what they say, and each write leaks a
 * free one of 20 ms. */
struct plant {
	struct scene scene;
	uint64_t seed;
	double k, alpha, inexact, noise, want;
	double quota;
	unsigned writes;
	double power_w;
};

static void plant_open(struct plant *plant, uint64_t seed)
{
	*plant = (struct plant){ .seed = seed, .k = 10, .alpha = 1, .want = 4, .quota = INFINITY };
	plant->inexact = unit_random_double(&plant->seed, -0.08, 0.05);
	scene_open(&plant->scene, 1);
	plant->scene.domains[0].vcpus = 4;
}

static void plant_step(struct plant *plant)
{
	struct policy_domain *domain = &plant->scene.domains[0];
	double before = plant->quota, gives, noise;

	if (plant->scene.out.domains)
		plant->quota = plant->scene.out.domains[0].cpus;
	gives = plant->quota * (1 + plant->inexact);
	if (plant->quota != before) {
		plant->writes++;
		gives *= 1.02;
	}
	noise = unit_random_double(&plant->seed, -1, 1) + unit_random_double(&plant->seed, -1, 1);
	domain->cpus = fmin(plant->want, gives);
	domain->quota_cpus = plant->quota;
	domain->throttled_part = gives < plant->want;
	plant->power_w = plant->k * 4 * pow(domain->cpus / 4, plant->alpha);
	domain->inside_w = plant->power_w * (1 + plant->noise * 1.22 * noise);
	scene_decide(&plant->scene);
}

/* The mean over a minute after 20 s, against a cap of 15 W. */
static void hold_15_w(struct plant *plant)
{
	double sum = 0, squares = 0, error = NAN, rms;
	unsigned settled = 0;

	for (unsigned t = 0; t < 5; t++)
		plant_step(plant);
	plant->scene.domains[0].limits.cap_w = 15;
	plant_step(plant);
	for (unsigned t = 1; t <= 80; t++) {
		if (t == 21)
			plant->writes = 0;
		plant_step(plant);
		error = plant->power_w / 15 - 1;
		if (t <= 20 && fabs(error) > 0.05)
			settled = t;
		if (t <= 20)
			continue;
		sum += error / 60;
		squares += error * error / 60;
	}
	rms = sqrt(fmax(0, squares - sum * sum));
	printf("gives %+.1f %%: mean %+.2f %%, rms %.2f %%, settled after %u, %u writes\n",
	       100 * plant->inexact, 100 * sum, 100 * rms, settled, plant->writes);
	UNIT_TRUE(sum >= -0.02 && sum <= 0.005);
	UNIT_TRUE(rms <= 0.01);
	UNIT_TRUE(settled <= 4);
	UNIT_TRUE(plant->writes <= 6);
}

static void test_holds_a_cap(void)
{
	for (unsigned round = 0; round < unit_rounds(60); round++) {
		struct plant plant;

		plant_open(&plant, 1000 + round);
		plant.noise = round % 2 ? 0.01 : 0;
		plant.alpha = round % 3 ? 1 : 0.8;
		hold_15_w(&plant);
		policy_close(plant.scene.policy);
	}
}

static void test_steady_writes_nothing(void)
{
	struct plant plant;

	plant_open(&plant, 3);
	plant.scene.domains[0].limits.cap_w = 15;
	for (unsigned t = 0; t < 120; t++)
		plant_step(&plant);
	plant.writes = 0;
	for (unsigned t = 0; t < 300; t++)
		plant_step(&plant);
	UNIT_EQUAL_U64(0, plant.writes);
	policy_close(plant.scene.policy);
}

static void test_up_by_steps_down_at_once(void)
{
	struct plant plant;
	double before;

	plant_open(&plant, 4);
	plant.inexact = 0;
	plant.scene.domains[0].limits.cap_w = 5;
	for (unsigned t = 0; t < 30; t++)
		plant_step(&plant);
	plant.scene.domains[0].limits.cap_w = 35;
	before = plant.scene.out.domains[0].cpus;
	plant_step(&plant);
	UNIT_EQUAL_DOUBLE(before + 1, plant.scene.out.domains[0].cpus, 1e-9);
	UNIT_TRUE(!plant.scene.out.domains[0].urgent);
	for (unsigned t = 0; t < 6; t++)
		plant_step(&plant);
	UNIT_EQUAL_DOUBLE(3.5, plant.scene.out.domains[0].cpus, 0.03);
	plant.scene.domains[0].limits.cap_w = 5;
	plant_step(&plant);
	UNIT_EQUAL_DOUBLE(0.5, plant.scene.out.domains[0].cpus, 0.03);
	UNIT_TRUE(plant.scene.out.domains[0].urgent);
	policy_close(plant.scene.policy);
}

static void test_release(void)
{
	struct plant plant;
	unsigned after = 0;

	plant_open(&plant, 5);
	plant.scene.domains[0].limits.cap_w = 15;
	for (unsigned t = 0; t < 30; t++)
		plant_step(&plant);
	/* A cap that it cannot reach with all its CPUs. */
	plant.scene.domains[0].limits.cap_w = 60;
	while (after < 100 && isfinite(plant.scene.out.domains[0].cpus)) {
		plant_step(&plant);
		after++;
	}
	printf("released after %u s\n", after);
	UNIT_TRUE(after >= 30 && after < 50);
	UNIT_TRUE(isnan(plant.scene.out.domains[0].throttle_cpu));
	/* No cap at all: at once. */
	plant.scene.domains[0].limits.cap_w = 15;
	plant_step(&plant);
	UNIT_TRUE(isfinite(plant.scene.out.domains[0].cpus));
	plant.scene.domains[0].limits.cap_w = NAN;
	plant_step(&plant);
	UNIT_TRUE(isinf(plant.scene.out.domains[0].cpus));
	policy_close(plant.scene.policy);
}

static void test_burst_meets_its_limit(void)
{
	double most = 0;
	struct plant plant;

	plant_open(&plant, 6);
	plant.scene.domains[0].limits.cap_w = 15;
	plant.want = 0.1;
	for (unsigned t = 0; t < 100; t++)
		plant_step(&plant);
	UNIT_TRUE(isfinite(plant.scene.out.domains[0].cpus)); /* idle, and still bounded */
	plant.want = 4;
	for (unsigned t = 0; t < 20; t++) {
		plant_step(&plant);
		most = fmax(most, plant.power_w / 15);
	}
	printf("burst to %g of the cap\n", most);
	UNIT_TRUE(most <= 1.15);
	policy_close(plant.scene.policy);
}

/* Figures of before a write took effect must not be taken for its result. */
static void test_old_quota_teaches_nothing(void)
{
	struct scene scene;
	double first;

	scene_open(&scene, 1);
	scene.domains[0].limits.cap_w = 10;
	first = scene_decide(&scene)[0].cpus;
	for (unsigned t = 0; t < 3; t++) { /* still running free */
		scene_decide(&scene);
		UNIT_EQUAL_DOUBLE(first, scene.out.domains[0].cpus, 0);
	}
	policy_close(scene.policy);
}

/* Held at 10 W for long: 1 CPU for each 10 W. */
static void hold_10_w(struct scene *scene)
{
	scene_open(scene, 1);
	scene->domains[0].limits.cap_w = 10;
	scene_decide(scene);
	for (unsigned t = 0; t < 60; t++) {
		scene_hold(scene, 0, 10);
		scene_decide(scene);
	}
}

/* Less than the quota, as it was used up for a part of the time: that is no fault of the quota. */
static void test_partly_throttled(void)
{
	struct scene scene;
	double before;

	hold_10_w(&scene);
	before = scene.out.domains[0].cpus;
	for (unsigned t = 0; t < 20; t++) {
		scene_hold(&scene, 0, 10);
		scene.domains[0].throttled_part = 0.5 + 0.02 * t;
		scene.domains[0].cpus *= 0.65;
		scene.domains[0].inside_w *= 0.65;
		scene_decide(&scene);
		UNIT_EQUAL_DOUBLE(before, scene.out.domains[0].cpus, 0);
	}
	policy_close(scene.policy);
}

/* More than its cap, though it was not throttled all the time: no demand excuses that. */
static void test_partly_throttled_and_over(void)
{
	struct scene scene;
	double before;

	hold_10_w(&scene);
	before = scene.out.domains[0].cpus;
	for (unsigned t = 0; t < 30; t++) {
		scene_hold(&scene, 0, 10);
		scene.domains[0].throttled_part = 0.6;
		scene.domains[0].cpus *= 1.03;
		scene.domains[0].inside_w *= 1.03;
		scene_decide(&scene);
	}
	printf("%g CPUs, before %g\n", scene.out.domains[0].cpus, before);
	UNIT_EQUAL_DOUBLE(0.97 * before, scene.out.domains[0].cpus, 0.015 * before);
	policy_close(scene.policy);
}

/* The quota that a write gives away shows in the first period with it. */
static void test_first_period_teaches_nothing(void)
{
	struct scene scene;
	double first;

	hold_10_w(&scene);
	scene.domains[0].limits.cap_w = 6;
	scene_hold(&scene, 0, 10);
	first = scene_decide(&scene)[0].cpus;
	UNIT_EQUAL_DOUBLE(0.6, first, 0.02);
	scene_hold(&scene, 0, 10);
	scene.domains[0].cpus *= 1.15;
	scene.domains[0].inside_w *= 1.15;
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(first, scene.out.domains[0].cpus, 0);
	scene_hold(&scene, 0, 10);
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(first, scene.out.domains[0].cpus, 0);
	policy_close(scene.policy);
}

/* With all writes spent: less and much more may be written at once, a little
 * more must wait, or it would be a storm. */
static void test_only_less_needs_no_leave(void)
{
	struct hold hold;

	hold_reset(&hold);
	hold_aim(&hold, 10, 1);
	for (unsigned i = 0; i < 20; i++)
		hold_written(&hold, 1 + 0.02 * (i % 2), 1);
	UNIT_TRUE(!hold_may_write(&hold, 0.1, 60));
	UNIT_TRUE(!hold_may_write(&hold, -0.02, 60));
	UNIT_TRUE(hold_may_write(&hold, 0.3, 60));
	UNIT_TRUE(hold_may_write(&hold, -0.1, 60));
	hold_aim(&hold, 10, 1 / HOLD_WRITES_PER_S);
	UNIT_TRUE(hold_may_write(&hold, 0.2, 60));
	/* The steps of one rise count once. */
	hold_written(&hold, 2, 4);
	UNIT_TRUE(hold_may_write(&hold, 0.2, 60));
	hold_written(&hold, 3, 4);
	UNIT_TRUE(hold_may_write(&hold, 0.2, 60));
	hold_written(&hold, 4, 4);
	UNIT_TRUE(!hold_may_write(&hold, 0.2, 60));
}

/* Ten caps in ten seconds, each a little higher: no minute's budget of writes stands before them.
 */
static void test_asked_is_followed_at_once(void)
{
	struct plant plant;

	plant_open(&plant, 4);
	plant.inexact = 0;
	plant.scene.domains[0].limits.cap_w = 5;
	for (unsigned t = 0; t < 10; t++)
		plant_step(&plant);
	for (int cap_w = 6; cap_w < 16; cap_w++) {
		plant.scene.domains[0].limits.cap_w = cap_w;
		plant_step(&plant);
		UNIT_EQUAL_DOUBLE(cap_w / 10.0, plant.scene.out.domains[0].cpus, 0.03);
	}
	policy_close(plant.scene.policy);
}

/* Another kind of work: what was seen of the one before is no part of the answer. */
static void test_another_kind_of_work(void)
{
	struct scene scene;

	hold_10_w(&scene);
	scene_hold(&scene, 0, 14);
	scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(9.93 / 14, scene.out.domains[0].cpus, 0.01);
	policy_close(scene.policy);
}

/* Whole periods of 80 ms, 12 or 13 in a second, around a mean that is right. */
static void test_whole_periods(void)
{
	struct scene scene;
	unsigned writes = 0;
	double sum = 0;

	hold_10_w(&scene);
	scene.domains[0].limits.cap_w = 1.6;
	for (unsigned t = 0; t < 300; t++) {
		double before = scene.out.domains[0].cpus, gives = t % 2 ? 1.07 : 0.99;

		scene_hold(&scene, 0, 10);
		scene.domains[0].cpus *= gives;
		scene.domains[0].inside_w *= gives;
		sum += t >= 100 ? scene.domains[0].inside_w / 200 : 0;
		scene_decide(&scene);
		writes += t >= 100 && before != scene.out.domains[0].cpus;
	}
	printf("mean %g W of 1.6, %u writes\n", sum, writes);
	UNIT_EQUAL_DOUBLE(1.6 * 0.993, sum, 1.6 * 0.012);
	UNIT_TRUE(writes <= 2);
	policy_close(scene.policy);
}

enum { MANY = 1000 };

static void test_many(void)
{
	static struct policy_domain domains[MANY];
	static char ids[MANY][8];
	struct policy_output out = { .domain_count = 0 };
	struct scene scene;
	double used_w = 0;

	scene_open(&scene, 0);
	scene.in.host.cap_w = 5000;
	scene.in.host.energy_error = 0.01;
	scene.in.host.total_w = 20050;
	scene.in.domains = domains;
	scene.in.domain_count = MANY;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof ids[i], "%u", i);
		domains[i] = scene_domain(ids[i]);
		domains[i].limits.share = 1 + i;
	}
	for (unsigned t = 0; t < unit_rounds(20); t++) {
		used_w = 0;
		scene.in.now_ns += 1000000000;
		UNIT_EQUAL_I64(0, policy_decide(scene.policy, &scene.in, &out, NULL));
		for (unsigned i = 0; i < MANY; i++) {
			domains[i].quota_cpus = out.domains[i].cpus;
			domains[i].cpus = fmin(2, out.domains[i].cpus);
			domains[i].inside_w = 10 * domains[i].cpus;
			domains[i].throttled_part = out.domains[i].cpus < 2;
			used_w += domains[i].inside_w;
		}
	}
	UNIT_EQUAL_DOUBLE(out.host.controllable_w, used_w, 0.03);
	policy_close(scene.policy);
}

int main(void)
{
	return UNIT_RUN(
		"policy-quota",
		{ "a quota keeps a slice for each thread, by longer periods", test_bandwidth },
		{ "a quota is inside the kernel's bounds, and exact", test_bandwidth_bounds },
		{ "a cap holds -2..+0.5 %, settles in 4 s, with 6 writes a minute at most",
		  test_holds_a_cap },
		{ "a steady load is not written to", test_steady_writes_nothing },
		{ "a quota rises by steps and falls at once", test_up_by_steps_down_at_once },
		{ "what needs no quota loses it after 30 s, what has no limit at once",
		  test_release },
		{ "a burst of an idle domain meets its limit", test_burst_meets_its_limit },
		{ "figures of the quota before teach nothing", test_old_quota_teaches_nothing },
		{ "a quota that is used up in part is left alone", test_partly_throttled },
		{ "one that is throttled in part and over its cap is held closer",
		  test_partly_throttled_and_over },
		{ "the first period of a quota teaches nothing",
		  test_first_period_teaches_nothing },
		{ "less and much more is written at once, a little more as a minute allows",
		  test_only_less_needs_no_leave },
		{ "a cap that somebody sets is followed at once", test_asked_is_followed_at_once },
		{ "another kind of work is answered at once", test_another_kind_of_work },
		{ "whole periods more or less do not hide a mean", test_whole_periods },
		{ "a thousand domains share a host's cap", test_many });
}
