/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policy-scene.h"

/* 5 W active over idle; reads of 1 ms and 100 MB/s, writes of 2 ms and 50 MB/s. */
static struct policy_disk disk(void)
{
	return (struct policy_disk){
		.controllable = true,
		.active_w = 4,
		.read_bytes_s = 40e6,
		.write_bytes_s = 0,
		.read_requests_s = 400,
		.write_requests_s = 0,
		.span_w = 5,
		.read = { 1e-3, 100e6 },
		.write = { 2e-3, 50e6 },
	};
}

struct disks {
	struct scene scene;
	struct policy_disk disks[2];
};

static void disks_open(struct disks *disks, size_t count)
{
	scene_open(&disks->scene, 1);
	disks->disks[0] = disks->disks[1] = disk();
	disks->scene.domains[0].disks = disks->disks;
	disks->scene.domains[0].disk_count = count;
	disks->scene.domains[0].disk_active_w = 4 * (double)count;
}

static const struct policy_disk_allotment *decide(struct disks *disks)
{
	return scene_decide(&disks->scene)[0].disks;
}

static void test_rates(void)
{
	struct disks disks;
	const struct policy_disk_allotment *out;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.disk_cap_w = 2;
	disks.disks[0].held = true;
	out = decide(&disks);
	UNIT_EQUAL_DOUBLE(2, out[0].active_w, 1e-12);
	/* A read of 100 kB takes 2 ms: 40 % of the time are 200 of them. */
	UNIT_EQUAL_DOUBLE(200, out[0].read_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(20e6, out[0].read_bytes_s, 1e-9);
	/* Writes, unseen, may begin with a tenth: 0.2 W of 5 W over 4 ms. */
	UNIT_EQUAL_DOUBLE(10, out[0].write_requests_s, 1e-9);
	UNIT_TRUE(isinf(disks.scene.out.domains[0].cpus));
	UNIT_EQUAL_U64(HELD_BY_DISK_CAP, disks.scene.out.domains[0].held_by);
	policy_close(disks.scene.policy);
}

static void test_mix(void)
{
	struct disks disks;
	const struct policy_disk_allotment *out;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.disk_cap_w = 2;
	/* 200 reads of 2 ms and 100 writes of 4 ms: half of the time each. */
	disks.disks[0].read_requests_s = 200;
	disks.disks[0].read_bytes_s = 20e6;
	disks.disks[0].write_requests_s = 100;
	disks.disks[0].write_bytes_s = 10e6;
	disks.disks[0].held = true;
	out = decide(&disks);
	UNIT_EQUAL_DOUBLE(100, out[0].read_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(50, out[0].write_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(10e6, out[0].read_bytes_s, 1e-9);
	UNIT_EQUAL_DOUBLE(5e6, out[0].write_bytes_s, 1e-9);
	policy_close(disks.scene.policy);
}

static void test_floor(void)
{
	struct disks disks;
	const struct policy_disk_allotment *out;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.disk_cap_w = 0.0001;
	disks.disks[0].held = true;
	out = decide(&disks);
	/* The largest request per second, above 64 KiB/s. */
	UNIT_EQUAL_DOUBLE(100e3, out[0].read_bytes_s, 1e-9);
	UNIT_EQUAL_DOUBLE(1, out[0].write_requests_s, 1);
	UNIT_TRUE(disks.scene.out.domains[0].infeasible_w > 0);
	policy_close(disks.scene.policy);
}

static void test_division(void)
{
	struct disks disks;
	const struct policy_allotment *out;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.cap_w = 12;
	disks.scene.domains[0].quota_cpus = 2;
	disks.scene.domains[0].throttled_part = 1;
	out = scene_decide(&disks.scene);
	/* The disk is not held: the CPU has what it leaves, and it may grow. */
	UNIT_EQUAL_DOUBLE(8, out[0].cpu_w, 1e-9);
	UNIT_TRUE(isinf(out[0].disks[0].read_bytes_s)); /* 1.3 * 4 + 0.5 is all that it could */
	/* Both want more than all of it: halves, the disk's 5 W being less. */
	disks.disks[0].held = true;
	disks.scene.domains[0].limits.cap_w = 8;
	out = scene_decide(&disks.scene);
	UNIT_EQUAL_DOUBLE(4, out[0].cpu_w, 1e-9);
	UNIT_EQUAL_DOUBLE(4, out[0].disks[0].active_w, 1e-9);
	/* A cap of the disk alone leaves the rest to the CPU. */
	disks.scene.domains[0].limits.disk_cap_w = 1;
	out = scene_decide(&disks.scene);
	UNIT_EQUAL_DOUBLE(7, out[0].cpu_w, 1e-9);
	policy_close(disks.scene.policy);
}

/* Its CPU uses about what the cap is; its disk does nothing. */
static void test_idle_disk(void)
{
	struct disks disks;
	double first = 0;
	uint64_t seed = 11;

	disks_open(&disks, 1);
	disks.disks[0].active_w = disks.scene.domains[0].disk_active_w = 0;
	disks.disks[0].read_bytes_s = disks.disks[0].read_requests_s = 0;
	disks.scene.domains[0].limits.cap_w = 12;
	for (unsigned t = 0; t < 120; t++) {
		const struct policy_allotment *out;

		scene_hold(&disks.scene, 0, 10);
		disks.scene.domains[0].cpus *= unit_random_double(&seed, 0.8, 1);
		disks.scene.domains[0].inside_w = 10 * disks.scene.domains[0].cpus;
		disks.scene.domains[0].throttled_part = unit_random_double(&seed, 0, 1);
		out = scene_decide(&disks.scene);
		first = t ? first : out[0].disks[0].read_requests_s;
		UNIT_EQUAL_DOUBLE(12, out[0].cpu_w, 0);
		UNIT_EQUAL_DOUBLE(first, out[0].disks[0].read_requests_s, 0);
		/* What it may begin with. */
		UNIT_TRUE(out[0].disks[0].active_w <= 0.15 * 12);
	}
	policy_close(disks.scene.policy);
}

/* It is left what it uses on average; a second that stands out a little is let pass. */
static void test_log(void)
{
	struct disks disks;
	double first = 0;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.cap_w = 12;
	for (unsigned t = 0; t < 120; t++) {
		double watts = t % 5 == 0 ? 0.3 : 0.05;
		const struct policy_allotment *out;

		scene_hold(&disks.scene, 0, 10);
		disks.disks[0].active_w = disks.scene.domains[0].disk_active_w = watts;
		disks.disks[0].read_requests_s = 100 * watts;
		disks.disks[0].read_bytes_s = 1e7 * watts;
		out = scene_decide(&disks.scene);
		if (t < 60)
			continue;
		first = t > 60 ? first : out[0].disks[0].read_requests_s;
		UNIT_EQUAL_DOUBLE(12 - 0.1, out[0].cpu_w, 0.06);
		UNIT_EQUAL_DOUBLE(first, out[0].disks[0].read_requests_s, 0);
	}
	policy_close(disks.scene.policy);
}

static void test_two_disks(void)
{
	struct disks disks;
	const struct policy_disk_allotment *out;

	disks_open(&disks, 2);
	disks.scene.domains[0].limits.disk_cap_w = 5;
	disks.disks[0].active_w = 1;
	disks.disks[1].held = true;
	disks.scene.domains[0].disk_active_w = 5;
	out = decide(&disks);
	UNIT_EQUAL_DOUBLE(1.8, out[0].active_w, 1e-9);
	UNIT_EQUAL_DOUBLE(4, out[1].active_w, 1e-9);
	policy_close(disks.scene.policy);
}

static void test_uncontrollable(void)
{
	struct disks disks;
	const struct policy_allotment *out;

	disks_open(&disks, 2);
	disks.disks[0].controllable = false;
	disks.disks[1].span_w = NAN;
	disks.scene.domains[0].limits.cap_w = 12;
	out = scene_decide(&disks.scene);
	UNIT_TRUE(isinf(out[0].disks[0].read_bytes_s) && isinf(out[0].disks[1].read_bytes_s));
	UNIT_EQUAL_DOUBLE(4, out[0].cpu_w, 1e-9);
	disks.scene.domains[0].limits.disk_cap_w = 3;
	out = scene_decide(&disks.scene);
	UNIT_EQUAL_DOUBLE(5, out[0].infeasible_w, 1e-9);
	policy_close(disks.scene.policy);
}

static void test_feedback(void)
{
	struct disks disks;
	double before, watts = 0;
	unsigned writes = 0;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.disk_cap_w = 2;
	disks.disks[0].held = true;
	before = decide(&disks)[0].read_requests_s;
	for (unsigned t = 0; t < 120; t++) {
		const struct policy_disk_allotment *out = disks.scene.out.domains[0].disks;
		double requests_s = out[0].read_requests_s;

		/* It takes a fifth more than its constants say. */
		watts = 1.2 * 5 * requests_s * 2e-3;
		disks.disks[0].active_w = disks.scene.domains[0].disk_active_w = watts;
		disks.disks[0].read_requests_s = requests_s;
		disks.disks[0].read_bytes_s = 1e5 * requests_s;
		decide(&disks);
		writes += disks.scene.out.domains[0].disks[0].read_requests_s != before;
		before = disks.scene.out.domains[0].disks[0].read_requests_s;
	}
	printf("%g W of 2 W after %u writes\n", watts, writes);
	UNIT_EQUAL_DOUBLE(1, watts / 2, 0.02);
	UNIT_TRUE(writes > 0 && writes <= 6);
	/* Figures that are not there change nothing. */
	disks.disks[0] = (struct policy_disk){ .controllable = true,
					       .active_w = NAN,
					       .read_bytes_s = NAN,
					       .write_bytes_s = NAN,
					       .read_requests_s = NAN,
					       .write_requests_s = NAN,
					       .span_w = 5,
					       .read = disk().read,
					       .write = disk().write,
					       .held = true };
	UNIT_EQUAL_DOUBLE(before, decide(&disks)[0].read_requests_s, 0);
	policy_close(disks.scene.policy);
}

/* It takes a fifth more than its constants say. */
static void test_hotplug(void)
{
	struct disks disks;
	struct policy_disk_allotment found;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.disk_cap_w = 2;
	disks.disks[0].held = true;
	for (unsigned t = 0; t < 60; t++) {
		double requests_s = decide(&disks)[0].read_requests_s;

		disks.disks[0].active_w = 1.2 * 5 * requests_s * 2e-3;
		disks.scene.domains[0].disk_active_w = disks.disks[0].active_w;
		disks.disks[0].read_requests_s = requests_s;
		disks.disks[0].read_bytes_s = 1e5 * requests_s;
	}
	found = disks.scene.out.domains[0].disks[0];
	UNIT_TRUE(found.read_requests_s < 175);
	/* Another one comes, that does nothing. */
	disks.disks[0].in_force = found;
	disks.disks[1].active_w = disks.disks[1].read_bytes_s = disks.disks[1].read_requests_s = 0;
	disks.scene.domains[0].disk_count = 2;
	disks.scene.domains[0].fresh = false;
	for (unsigned t = 0; t < 10; t++) {
		const struct policy_disk_allotment *out = decide(&disks);

		UNIT_EQUAL_DOUBLE(found.read_requests_s, out[0].read_requests_s, 0);
		UNIT_EQUAL_DOUBLE(found.write_bytes_s, out[0].write_bytes_s, 0);
		disks.scene.domains[0].fresh = t > 3;
	}
	policy_close(disks.scene.policy);
}

/* Limits that let writes through, of somebody who meant reads alone, hold no watts. */
static void test_half_a_limit(void)
{
	struct disks disks;
	const struct policy_disk_allotment *out;

	disks_open(&disks, 1);
	disks.scene.domains[0].limits.disk_cap_w = 2;
	disks.disks[0].in_force.read_bytes_s = 1e6;
	disks.disks[0].in_force.read_requests_s = 10;
	disks.disks[0].held = true;
	out = decide(&disks);
	UNIT_EQUAL_DOUBLE(200, out[0].read_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(10, out[0].write_requests_s, 1e-9);
	policy_close(disks.scene.policy);
}

int main(void)
{
	return UNIT_RUN(
		"policy-disk", { "model.md 3: watts become requests and bytes", test_rates },
		{ "model.md 3: reads and writes are split by their mix", test_mix },
		{ "no disk is stopped altogether", test_floor },
		{ "a cap is divided between CPU and disk by what they want", test_division },
		{ "for an idle disk nothing is reserved, and its limit stays", test_idle_disk },
		{ "a log is left its mean, and its limit stays", test_log },
		{ "several disks share a cap", test_two_disks },
		{ "what cannot be held counts as it is", test_uncontrollable },
		{ "what feedback has found outlives a neighbour's coming", test_hotplug },
		{ "half a limit is not gone on with", test_half_a_limit },
		{ "feedback finds what the constants miss, and writes rarely", test_feedback });
}
