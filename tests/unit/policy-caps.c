/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policy-scene.h"

#include <errno.h>

/* Aimed at: a little below a domain's cap. */
#define AIM 0.993

static void test_no_limits(void)
{
	struct policy_disk disk = {
		.controllable = true, .active_w = 3, .span_w = 5, .held = true
	};
	struct policy_memory memory;
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 2);
	scene.domains[0].disks = &disk;
	scene.domains[0].disk_count = 1;
	out = scene_decide(&scene);
	UNIT_TRUE(isinf(out[0].limit_w) && isinf(out[0].cpu_w) && isinf(out[0].cpus));
	UNIT_TRUE(isinf(out[0].disks[0].active_w) && isinf(out[0].disks[0].read_bytes_s));
	UNIT_TRUE(isinf(out[0].disks[0].write_requests_s));
	UNIT_TRUE(isnan(out[1].headroom_w) && isnan(out[1].infeasible_w));
	UNIT_TRUE(isnan(out[1].throttle_cpu) && isnan(out[1].budget_left_j));
	UNIT_EQUAL_U64(0, out[0].held_by);
	UNIT_TRUE(isinf(scene.out.host.cap_w) && isinf(scene.out.host.controllable_w));
	UNIT_EQUAL_U64(2, scene.out.domain_count);
	/* Of it nothing but what its CPU time costs. */
	UNIT_TRUE(policy_recall(scene.policy, "a", &memory));
	UNIT_TRUE(isinf(memory.cpus) && isnan(memory.bucket_j));
	policy_close(scene.policy);
}

/* Others are remembered, who are not here yet, or not any more. */
static void test_absent(void)
{
	struct policy_memory memory = { .bucket_j = 7, .cpus = 0.5, .watts_per_cpu = 8 }, again;
	struct scene scene;

	scene_open(&scene, 1);
	UNIT_EQUAL_I64(0, policy_remember(scene.policy, "b", &memory));
	scene_decide(&scene);
	UNIT_TRUE(policy_recall(scene.policy, "b", &again));
	UNIT_EQUAL_DOUBLE(7, again.bucket_j, 0);
	UNIT_EQUAL_DOUBLE(0.5, again.cpus, 0);
	policy_close(scene.policy);
}

static void test_cap(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 2);
	scene.domains[0].limits.cap_w = 10;
	scene.domains[0].outside_w = 1;
	scene.domains[0].disk_active_w = 2;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(10, out[0].limit_w, 0);
	UNIT_EQUAL_DOUBLE(7, out[0].cpu_w, 1e-12);
	UNIT_EQUAL_DOUBLE(AIM * SCENE_FIRST * 7 / 10, out[0].cpus, 1e-12);
	UNIT_EQUAL_DOUBLE(10 - 23, out[0].headroom_w, 1e-12);
	UNIT_EQUAL_DOUBLE(0, out[0].infeasible_w, 0);
	UNIT_TRUE(isinf(out[1].cpus));
	scene_hold(&scene, 0, 10);
	out = scene_decide(&scene);
	UNIT_EQUAL_U64(HELD_BY_CAP, out[0].held_by);
	UNIT_EQUAL_DOUBLE(1 - AIM * SCENE_FIRST * 0.7 / 2, out[0].throttle_cpu, 1e-9);
	policy_close(scene.policy);
}

static void test_cap_total(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 2);
	scene.domains[0].limits.cap_total_w = 20;
	scene.domains[1].limits.cap_total_w = 7;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(12, out[0].limit_w, 1e-12);
	/* Idle power alone is 8 W; 2 % of two vCPUs at 10 W each are left to it. */
	UNIT_EQUAL_DOUBLE(0, out[1].limit_w, 0);
	UNIT_EQUAL_DOUBLE(1.4, out[1].infeasible_w, 1e-12);
	UNIT_EQUAL_DOUBLE(0.04, out[1].cpus, 1e-12);
	UNIT_EQUAL_U64(HELD_BY_CAP_TOTAL, out[1].held_by);
	policy_close(scene.policy);
}

/* Few periods in each second: in some they are all used up, in some a part of them. */
static void test_infeasible_is_steady(void)
{
	struct scene scene;
	uint64_t seed = 7;

	scene_open(&scene, 1);
	scene.domains[0].limits.cap_total_w = 7;
	scene_decide(&scene);
	for (unsigned t = 0; t < 120; t++) {
		const struct policy_allotment *out;

		scene_hold(&scene, 0, unit_random_double(&seed, 7, 13));
		scene.domains[0].inside_w *= unit_random_double(&seed, 0.6, 1.4);
		scene.domains[0].throttled_part = t % 3 ? 1 : 1.0 / 3;
		out = scene_decide(&scene);
		UNIT_EQUAL_DOUBLE(0.04, out[0].cpus, 0);
		UNIT_EQUAL_DOUBLE(0, out[0].limit_w, 0);
		UNIT_EQUAL_U64(HELD_BY_CAP_TOTAL, out[0].held_by);
		UNIT_TRUE(out[0].infeasible_w > 1);
		UNIT_TRUE(out[0].throttle_cpu > 0.9);
	}
	policy_close(scene.policy);
}

static void test_cpu_cap(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 1);
	scene.domains[0].limits.cpu_cap_w = 5;
	scene.domains[0].disk_active_w = 30;
	out = scene_decide(&scene);
	UNIT_TRUE(isinf(out[0].limit_w));
	UNIT_EQUAL_DOUBLE(5, out[0].cpu_w, 0);
	UNIT_EQUAL_DOUBLE(AIM * SCENE_FIRST * 0.5, out[0].cpus, 1e-12);
	UNIT_EQUAL_DOUBLE(-15, out[0].headroom_w, 1e-12);
	UNIT_EQUAL_DOUBLE(0, out[0].infeasible_w, 0);
	policy_close(scene.policy);
}

static void test_unknown_is_held(void)
{
	struct scene scene;
	const struct policy_allotment *out;
	double before;

	scene_open(&scene, 2);
	scene.domains[0].limits.cap_w = 10;
	scene.domains[1] = (struct policy_domain){ .id = "b",
						   .limits = scene.domains[0].limits,
						   .cpu_controllable = true,
						   .inside_w = NAN,
						   .outside_w = NAN,
						   .disk_active_w = NAN,
						   .cpus = NAN,
						   .vcpus = 2,
						   .throttled_part = NAN,
						   .quota_cpus = INFINITY };
	out = scene_decide(&scene);
	before = out[0].cpus;
	UNIT_TRUE(isinf(out[1].cpus)); /* never seen: nothing is known to hold it by */
	UNIT_EQUAL_DOUBLE(10, out[1].limit_w, 0);
	UNIT_TRUE(isnan(out[1].infeasible_w));
	scene.domains[0].fresh = false;
	scene.domains[0].inside_w = scene.domains[0].cpus = NAN;
	scene.domains[0].limits.cap_w = 5;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(before, out[0].cpus, 0);
	policy_close(scene.policy);
}

static void test_default_watts(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 1);
	policy_set_default_watts_per_cpu(scene.policy, 4);
	scene.domains[0].inside_w = scene.domains[0].cpus = 0;
	scene.domains[0].limits.cap_w = 2;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(AIM * SCENE_FIRST * 0.5, out[0].cpus, 1e-12);
	policy_close(scene.policy);
}

static void test_owner(void)
{
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 4);
	scene.in.owner_count = 1;
	scene.owners[0] = (struct policy_owner){ "alice", limits_none() };
	scene.owners[0].limits.cap_w = 24;
	for (size_t i = 0; i < 3; i++)
		scene.domains[i].owner = "alice";
	scene.domains[0].limits.share = 200;
	for (size_t i = 0; i < 3; i++) { /* all are held, and want more */
		scene.domains[i].quota_cpus = 2;
		scene.domains[i].throttled_part = 1;
	}
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(12, out[0].limit_w, 1e-9);
	UNIT_EQUAL_DOUBLE(6, out[1].limit_w, 1e-9);
	UNIT_EQUAL_DOUBLE(6, out[2].limit_w, 1e-9);
	UNIT_TRUE(isinf(out[3].limit_w));
	/* A cap of one of them leaves the rest to the others. */
	scene.domains[0].limits.cap_w = 4;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(4, out[0].limit_w, 1e-9);
	UNIT_EQUAL_DOUBLE(10, out[1].limit_w, 1e-9);
	/* A guarantee inside it. */
	scene.domains[1].limits.floor_w = 15;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(15, out[1].limit_w, 1e-9);
	UNIT_EQUAL_DOUBLE(5, out[2].limit_w, 1e-9);
	/* Less than the least of all: each carries its part of what is missing. */
	scene.domains[1].limits.floor_w = NAN;
	scene.owners[0].limits.cap_w = 0.6;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(0.2, out[2].infeasible_w, 1e-9);
	policy_close(scene.policy);
}

static void test_names_and_overrides(void)
{
	struct limits limits = limits_none(), over = limits_none();

	limits.cap_w = 20;
	limits.share = 50;
	over.cap_w = INFINITY;
	over.burst_j = 3;
	limits_override(&limits, &over);
	UNIT_TRUE(isinf(limits.cap_w));
	UNIT_EQUAL_DOUBLE(50, limits.share, 0);
	UNIT_EQUAL_DOUBLE(3, limits.burst_j, 0);
	UNIT_EQUAL_TEXT("cap", policy_reason_name(0));
	UNIT_EQUAL_TEXT("disk-cap", policy_reason_name(3));
	UNIT_EQUAL_TEXT("thermal", policy_reason_name(HELD_BY_COUNT - 1));
	UNIT_EQUAL_TEXT("", policy_reason_name(HELD_BY_COUNT));
}

static void test_time_must_advance(void)
{
	struct error error = { "" };
	struct scene scene;

	scene_open(&scene, 1);
	scene_decide(&scene);
	UNIT_EQUAL_I64(-EINVAL, policy_decide(scene.policy, &scene.in, &scene.out, &error));
	UNIT_EQUAL_TEXT("the time did not advance", error.text);
	policy_close(scene.policy);
}

static void test_memory(void)
{
	struct policy_memory memory = { .bucket_j = 7, .cpus = 0.5, .watts_per_cpu = 8 }, again;
	struct policy_host_memory host = { 1234, 1700000000 };
	struct scene scene;
	const struct policy_allotment *out;

	scene_open(&scene, 1);
	UNIT_TRUE(!policy_recall(scene.policy, "a", &again));
	UNIT_EQUAL_I64(0, policy_remember(scene.policy, "a", &memory));
	policy_remember_host(scene.policy, &host);
	UNIT_TRUE(policy_recall(scene.policy, "a", &again));
	UNIT_EQUAL_DOUBLE(7, again.bucket_j, 0);
	UNIT_EQUAL_DOUBLE(0.5, again.cpus, 0);
	UNIT_EQUAL_DOUBLE(8, again.watts_per_cpu, 0);
	UNIT_EQUAL_DOUBLE(1234, policy_recall_host(scene.policy).peak_used_j, 0);
	/* What is in force and still fits is adopted, not written again. */
	scene.domains[0].limits.cap_w = 4 / AIM;
	scene.domains[0].quota_cpus = scene.domains[0].cpus = 0.5;
	scene.domains[0].inside_w = 4;
	scene.domains[0].throttled_part = 1;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(0.5, out[0].cpus, 0);
	policy_forget(scene.policy, "a");
	UNIT_TRUE(!policy_recall(scene.policy, "a", &again));
	policy_close(scene.policy);
}

static void test_forgetting_keeps_others(void)
{
	struct policy_memory memory = { NAN, INFINITY, NAN };
	struct scene scene;
	char id[16];

	scene_open(&scene, 1);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(id, sizeof id, "vm%u", i);
		memory.watts_per_cpu = i + 1;
		UNIT_EQUAL_I64(0, policy_remember(scene.policy, id, &memory));
	}
	for (unsigned i = 0; i < 300; i += 2) {
		snprintf(id, sizeof id, "vm%u", i);
		policy_forget(scene.policy, id);
	}
	for (unsigned i = 0; i < 300; i++) {
		snprintf(id, sizeof id, "vm%u", i);
		UNIT_EQUAL_I64(i % 2, policy_recall(scene.policy, id, &memory));
		UNIT_EQUAL_DOUBLE(i % 2 ? i + 1.0 : NAN, memory.watts_per_cpu, 0);
	}
	policy_close(scene.policy);
}

int main(void)
{
	return UNIT_RUN(
		"policy-caps", { "without limits nothing is limited", test_no_limits },
		{ "without limits others are remembered all the same", test_absent },
		{ "model.md 7: a cap less disk and outside service is the CPU's", test_cap },
		{ "model.md 7: cap-total counts idle; below it the deficit is said",
		  test_cap_total },
		{ "what cannot be met holds the least there is, steadily",
		  test_infeasible_is_steady },
		{ "cpu-cap leaves the disks alone", test_cpu_cap },
		{ "what is unknown leaves in force what is", test_unknown_is_held },
		{ "one without a history starts from the default", test_default_watts },
		{ "an owner's cap is divided by share, caps and floors inside it", test_owner },
		{ "overrides take only what they set; reasons have names",
		  test_names_and_overrides },
		{ "time must advance", test_time_must_advance },
		{ "what is remembered is adopted and can be forgotten", test_memory },
		{ "forgetting some keeps the others", test_forgetting_keeps_others });
}
