/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policy-scene.h"

static void budget(struct limits *limits, double joules, double period_s, double burst_j)
{
	limits->budget_j = joules;
	limits->budget_period_s = period_s;
	limits->burst_j = burst_j;
}

static void test_bucket(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 1);
	budget(&scene.domains[0].limits, 600, 60, NAN); /* 10 W, and 60 J saved up */
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(60, out[0].budget_left_j, 1e-12);
	UNIT_EQUAL_DOUBLE(16, out[0].limit_w, 1e-12);
	out = scene_decide(&scene); /* a second at 20 W */
	UNIT_EQUAL_DOUBLE(50, out[0].budget_left_j, 1e-12);
	UNIT_EQUAL_DOUBLE(15, out[0].limit_w, 1e-12);
	scene.domains[0].inside_w = 2;
	scene.domains[0].cpus = 0.2;
	for (unsigned i = 0; i < 20; i++)
		out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(60, out[0].budget_left_j, 1e-12); /* never more than the burst */
	policy_close(scene.policy);
}

/* What cannot be held back runs up a debt, but none that outlasts the period. */
static void test_debt_is_bounded(void)
{
	struct scene scene;
	const struct policy_allotment *out = NULL;

	scene_open(&scene, 1);
	budget(&scene.domains[0].limits, 600, 60, NAN);
	scene.domains[0].inside_w = 1000;
	for (unsigned i = 0; i < 100; i++)
		out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(-600, out[0].budget_left_j, 1e-9);
	policy_close(scene.policy);
}

static void test_windows(void)
{
	double used[600], sum = 0, worst = 0;
	struct scene scene;
	unsigned lively = 0;

	scene_open(&scene, 1);
	budget(&scene.domains[0].limits, 600, 60, 120);
	for (unsigned t = 0; t < 600; t++) {
		scene_decide(&scene);
		if (t % 200 < 50) { /* sometimes it rests, and saves up */
			scene.domains[0].inside_w = scene.domains[0].cpus = 0;
			scene.domains[0].throttled_part = 0;
			scene.domains[0].quota_cpus = scene.out.domains[0].cpus;
		} else {
			scene_hold(&scene, 0, 10);
		}
		used[t] = scene.domains[0].inside_w;
		sum += used[t] - (t >= 60 ? used[t - 60] : 0);
		worst = fmax(worst, sum);
		lively += sum > 590;
	}
	printf("worst window %g J of 600 + 120\n", worst);
	UNIT_TRUE(worst <= 1.01 * (600 + 120));
	UNIT_TRUE(lively > 200); /* and it is used */
	policy_close(scene.policy);
}

static void test_restart_charges(void)
{
	struct policy_memory memory = { .bucket_j = 5, .cpus = INFINITY, .watts_per_cpu = NAN };
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 1);
	budget(&scene.domains[0].limits, 600, 60, 120);
	policy_remember(scene.policy, "a", &memory);
	scene.domains[0].inside_w = 0;
	scene.in.now_ns += UINT64_C(3600000000000);
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(5, out[0].budget_left_j, 1e-12); /* nothing was saved up meanwhile */
	UNIT_TRUE(policy_recall(scene.policy, "a", &memory));
	UNIT_EQUAL_DOUBLE(5, memory.bucket_j, 1e-12);
	policy_close(scene.policy);
}

/* What a restart finds of a domain, and what it leaves in the bucket of 60 J, at 10 W. */
static double left_after(double away_s, double cpus, double cap_w, double now_w)
{
	struct policy_memory memory = { .bucket_j = 60, .cpus = cpus, .watts_per_cpu = 10 };
	struct scene scene;
	double left_j;

	scene_open(&scene, 1);
	budget(&scene.domains[0].limits, 600, 60, 60);
	scene.domains[0].limits.cap_w = cap_w;
	policy_remember(scene.policy, "a", &memory);
	policy_was_away(scene.policy, away_s);
	scene.domains[0].fresh = false; /* no figures yet: nothing is known */
	left_j = scene_decide(&scene)[0].budget_left_j;
	UNIT_EQUAL_DOUBLE(60, left_j, 1e-12);
	scene.domains[0].fresh = true;
	scene.domains[0].inside_w = now_w;
	scene.domains[0].cpus = now_w / 10;
	/* The second of the figures is charged, too. */
	left_j = scene_decide(&scene)[0].budget_left_j + now_w - 10;
	policy_close(scene.policy);
	return left_j;
}

static void test_away_is_charged(void)
{
	UNIT_EQUAL_DOUBLE(60, left_after(0, INFINITY, NAN, 20), 1e-9);
	UNIT_EQUAL_DOUBLE(60 - 4 * 10, left_after(4, INFINITY, NAN, 20), 1e-9);
	UNIT_EQUAL_DOUBLE(60 - 4 * 5, left_after(4, 1.5, NAN, 11), 1e-9); /* its quota */
	UNIT_EQUAL_DOUBLE(60 - 4 * 8, left_after(4, 1.5, 18, 11), 1e-9);  /* its cap */
	UNIT_EQUAL_DOUBLE(60, left_after(4, 0.9, NAN, 10), 1e-9);         /* nothing is saved up */
	UNIT_EQUAL_DOUBLE(60 - 60 * 10, left_after(1e6, INFINITY, NAN, 20), 1e-9);
}

static void test_silence_charges(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 1);
	budget(&scene.domains[0].limits, 600, 60, 120);
	scene_decide(&scene);
	scene.domains[0].fresh = false;
	scene.domains[0].inside_w = NAN;
	scene.in.now_ns += 3000000000;
	out = scene_decide(&scene); /* 4 s at the 20 W of before */
	UNIT_EQUAL_DOUBLE(120 - 40, out[0].budget_left_j, 1e-9);
	policy_close(scene.policy);
}

static void test_owner_budget(void)
{
	struct policy_memory memory;
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 2);
	scene.in.owner_count = 1;
	scene.owners[0] = (struct policy_owner){ "bob", limits_none() };
	budget(&scene.owners[0].limits, 600, 60, 0);
	scene.domains[0].owner = scene.domains[1].owner = "bob";
	scene.domains[0].quota_cpus = scene.domains[1].quota_cpus = 2;
	scene.domains[0].throttled_part = scene.domains[1].throttled_part = 1;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(5, out[0].limit_w, 1e-9);
	out = scene_decide(&scene); /* 40 J in a second of 10 W: 30 J in debt */
	UNIT_EQUAL_DOUBLE(3.5, out[1].limit_w, 1e-9);
	UNIT_TRUE(policy_recall(scene.policy, POLICY_OWNER_PREFIX "bob", &memory));
	UNIT_EQUAL_DOUBLE(-30, memory.bucket_j, 1e-9);
	policy_close(scene.policy);
}

int main(void)
{
	return UNIT_RUN(
		"policy-budget",
		{ "model.md 7: a debt is at most one period's budget", test_debt_is_bounded },
		{ "a bucket fills at the rate and holds the burst", test_bucket },
		{ "no window has more than budget and burst, and it is used", test_windows },
		{ "a restart saves nothing up", test_restart_charges },
		{ "a time that nobody saw is charged", test_away_is_charged },
		{ "silence is charged at the last known power", test_silence_charges },
		{ "an owner's budget is shared and remembered", test_owner_budget });
}
