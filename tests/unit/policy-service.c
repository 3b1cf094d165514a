/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What services spend for disks that are held is held with them. */
#include "tests/unit/policy-scene.h"

/* 2 W of the leaf, 6 W of a service; a read of 100 kB costs 20 mJ in all. */
static struct policy_disk disk(void)
{
	return (struct policy_disk){
		.controllable = true,
		.active_w = 8,
		.driver_w = 6,
		.read_bytes_s = 40e6,
		.read_requests_s = 400,
		.span_w = 20,
		.read = { 0.5e-3, 200e6 },
		.write = { 0.5e-3, 200e6 },
	};
}

static void open_disk(struct scene *scene, struct policy_disk *held)
{
	scene_open(scene, 1);
	*held = disk();
	scene->domains[0].disks = held;
	scene->domains[0].disk_count = 1;
	scene->domains[0].disk_active_w = 2;
	scene->domains[0].outside_w = 6;
	scene->domains[0].inside_w = 1;
	scene->domains[0].cpus = 0.1;
}

/* Of a cap of 5 W the CPU uses 1 W; the rest is for the disk and its driver together. */
static void test_cap(void)
{
	struct policy_disk held;
	struct scene scene;
	const struct policy_allotment *out;

	open_disk(&scene, &held);
	scene.domains[0].limits.cap_w = 5;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(4, out[0].disks[0].active_w, 1e-9);
	/* 20 mJ each: 200 of them. */
	UNIT_EQUAL_DOUBLE(200, out[0].disks[0].read_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(20e6, out[0].disks[0].read_bytes_s, 1e-9);
	/* The quota is what the CPU uses and a little more, not its floor. */
	UNIT_TRUE(out[0].cpus >= 0.1);
	UNIT_EQUAL_DOUBLE(0, out[0].infeasible_w, 0);
	UNIT_EQUAL_DOUBLE(5 - 9, out[0].headroom_w, 1e-9);
	policy_close(scene.policy);
}

/* Where nobody can hold the disk, its driver is what it is. */
static void test_out_of_reach(void)
{
	struct policy_disk held;
	struct scene scene;
	const struct policy_allotment *out;

	open_disk(&scene, &held);
	held.controllable = false;
	scene.domains[0].limits.cap_w = 5;
	out = scene_decide(&scene);
	UNIT_TRUE(isinf(out[0].disks[0].read_requests_s));
	UNIT_EQUAL_DOUBLE(policy_least_cpus(2), out[0].cpus, 1e-9);
	/* 6 W of the driver, 2 W of the disk, the CPU's floor of 0.4 W. */
	UNIT_EQUAL_DOUBLE(3.4, out[0].infeasible_w, 1e-9);
	policy_close(scene.policy);
}

/* A disk-cap is of the disk alone: 1 W of it is 4 W with the driver. */
static void test_disk_cap(void)
{
	struct policy_disk held;
	struct scene scene;
	const struct policy_allotment *out;

	open_disk(&scene, &held);
	scene.domains[0].limits.disk_cap_w = 1;
	out = scene_decide(&scene);
	UNIT_EQUAL_DOUBLE(4, out[0].disks[0].active_w, 1e-9);
	UNIT_EQUAL_DOUBLE(200, out[0].disks[0].read_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(1 - 2, out[0].headroom_w, 1e-9);
	UNIT_TRUE(isinf(out[0].cpus));
	policy_close(scene.policy);
}

/* A leaf without constants has no power: its disk-cap holds nobody, whatever the driver does. */
static void test_disk_cap_without_constants(void)
{
	struct policy_disk held;
	struct scene scene;

	open_disk(&scene, &held);
	held.active_w = held.driver_w = 6;
	scene.domains[0].disk_active_w = 0;
	scene.domains[0].limits.disk_cap_w = 1;
	UNIT_TRUE(isinf(scene_decide(&scene)[0].disks[0].read_requests_s));
	policy_close(scene.policy);
}

/* Requests that nobody counts are not limited: bytes are, by what they cost. */
static void test_bytes_alone(void)
{
	struct policy_disk held;
	struct scene scene;
	const struct policy_allotment *out;

	open_disk(&scene, &held);
	held.read_requests_s = held.write_requests_s = NAN;
	held.read = held.write = (struct disk_direction){ 0, 100e6 }; /* 0.2 uJ */
	scene.domains[0].limits.cap_w = 5;
	out = scene_decide(&scene);
	UNIT_TRUE(isinf(out[0].disks[0].read_requests_s));
	UNIT_EQUAL_DOUBLE(20e6, out[0].disks[0].read_bytes_s, 1e-9);
	/* All were reads: a tenth for writes that may come. */
	UNIT_EQUAL_DOUBLE(2e6, out[0].disks[0].write_bytes_s, 1e-9);
	policy_close(scene.policy);
}

/* What the disk gives under its limit, at this cost of a read. */
static void follow(struct scene *scene, struct policy_disk *held, double request_j)
{
	double requests_s = fmin(400, scene->out.domains[0].disks[0].read_requests_s);

	held->held = requests_s < 400;
	held->read_requests_s = requests_s;
	held->read_bytes_s = requests_s * 1e5;
	held->active_w = request_j * requests_s;
	held->driver_w = held->active_w - 5e-3 * requests_s;
	held->read.overhead_s = held->write.overhead_s = request_j / held->span_w - 0.5e-3;
	scene->domains[0].disk_active_w = 5e-3 * requests_s;
	scene->domains[0].outside_w = held->driver_w;
}

/* It is learnt that requests have become twice as dear: one more write is all it takes. */
static void test_dearer(void)
{
	struct policy_disk held;
	struct scene scene;
	double before = 0, watts = 0;
	unsigned writes = 0;

	open_disk(&scene, &held);
	scene.domains[0].limits.cap_w = 5;
	scene_decide(&scene);
	for (unsigned t = 0; t < 60; t++) {
		follow(&scene, &held, t < 20 ? 20e-3 : 40e-3);
		watts = held.active_w;
		scene_decide(&scene);
		writes += scene.out.domains[0].disks[0].read_requests_s != before;
		before = scene.out.domains[0].disks[0].read_requests_s;
	}
	printf("%g W of 4 W after %u writes\n", watts, writes);
	UNIT_EQUAL_DOUBLE(1, watts / 4, 0.05);
	UNIT_TRUE(writes <= 4);
	policy_close(scene.policy);
}

int main(void)
{
	return UNIT_RUN(
		"policy-service", { "7: a cap holds the disk and its driver together", test_cap },
		{ "7: a driver out of reach is outside the quota", test_out_of_reach },
		{ "a disk-cap is of the disk alone", test_disk_cap },
		{ "a disk-cap of what has no power holds nobody", test_disk_cap_without_constants },
		{ "bytes are held where requests are not counted", test_bytes_alone },
		{ "a dearer request is written once", test_dearer });
}
