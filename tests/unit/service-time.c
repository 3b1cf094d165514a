/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time.h"

#include <errno.h>
#include <stdlib.h>

#include "probe/service-time-driver.h"
#include "tests/unit/unit.h"

enum { SSD, HDD, DISKS };

static char none[] = "";

/* In a root of its own, where no way may be attached to this kernel. */
struct scene {
	struct rootfs root;
	struct service_time *service_time;
	struct disk disks[DISKS];
	struct topology topology;
	struct sample sample;
};

static void scene_open(struct scene *scene)
{
	struct error error = { "" };

	*scene = (struct scene){ 0 };
	for (unsigned i = 0; i < DISKS; i++)
		scene->disks[i] =
			(struct disk){ .name = none, .model = none, .major = 8, .minor = i };
	scene->topology.disks = scene->disks;
	scene->topology.disk_count = DISKS;
	UNIT_EQUAL_I64(0, rootfs_open(&scene->root, unit_folder(), &error));
	UNIT_EQUAL_I64(0, service_time_open(&scene->service_time, &scene->root, &error));
}

static void scene_follow(struct scene *scene, bool rotational)
{
	scene->topology.generation++;
	scene->disks[HDD].rotational = rotational;
	UNIT_EQUAL_I64(0, service_time_follow(scene->service_time, &scene->topology));
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	for (unsigned i = 0; i < DISKS; i++)
		scene->sample.disks[i].at_ns = 1;
}

static void scene_close(struct scene *scene)
{
	sample_clear(&scene->sample);
	service_time_close(scene->service_time);
	rootfs_close(&scene->root);
}

static void test_nothing_to_follow(void)
{
	struct scene scene;
	unsigned before;

	scene_open(&scene);
	before = unit_count_descriptors();
	scene_follow(&scene, false);
	UNIT_EQUAL_I64(0, service_time_read(scene.service_time, &scene.topology, &scene.sample));
	UNIT_TRUE(!scene.sample.disks[SSD].has_service && !scene.sample.disks[HDD].has_service);
	UNIT_TRUE(service_time_source(scene.service_time) == NULL);
	UNIT_TRUE(service_time_note(scene.service_time) == NULL);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
	scene_close(&scene);
}

/* Absent, not zero; and each way says why. */
static void test_no_way(void)
{
	struct scene scene;

	scene_open(&scene);
	scene_follow(&scene, true);
	UNIT_EQUAL_I64(0, service_time_read(scene.service_time, &scene.topology, &scene.sample));
	UNIT_TRUE(!scene.sample.disks[HDD].has_service);
	UNIT_EQUAL_U64(0, scene.sample.disks[HDD].quality);
	UNIT_TRUE(service_time_source(scene.service_time) == NULL);
	UNIT_CONTAINS("not followed by BPF: ", service_time_note(scene.service_time));
	UNIT_CONTAINS("; tracepoints: another root", service_time_note(scene.service_time));
	scene_follow(&scene, false);
	UNIT_TRUE(service_time_note(scene.service_time) == NULL);
	scene_close(&scene);
}

static void test_generation(void)
{
	struct scene scene;

	scene_open(&scene);
	UNIT_EQUAL_I64(-EINVAL,
		       service_time_read(scene.service_time, &scene.topology, &scene.sample));
	scene_follow(&scene, true);
	scene.topology.generation++;
	UNIT_EQUAL_I64(-EINVAL,
		       service_time_read(scene.service_time, &scene.topology, &scene.sample));
	scene_close(&scene);
	service_time_close(NULL);
}

static const uint64_t MIB = 1 << 20;

/* Requests that are under way between two readings, for as long as one likes. */
static void test_hears(void)
{
	struct service_window window = { 0 };
	uint64_t seed = 7, kernel = 5000 * (uint64_t)MIB;

	for (unsigned i = 0; i < 2000; i++) {
		uint64_t late = unit_random(&seed) % MIB;

		UNIT_TRUE(!service_window_is_deaf(&window, kernel, kernel - late, false));
		kernel += unit_random(&seed) % (9 * MIB);
	}
}

static void test_deaf(void)
{
	struct service_window window = { 0 };
	uint64_t mib = 0;

	UNIT_TRUE(!service_window_is_deaf(&window, 100 * MIB, 3 * MIB, false));
	while (mib < 1000 && !service_window_is_deaf(&window, (100 + mib) * MIB,
						     3 * MIB + mib * MIB * 3 / 4, false))
		mib++;
	/* A quarter of n is more than 4 + n / 8. */
	UNIT_EQUAL_U64(33, mib);
}

/* What is known to be missing is no reason; nor are statistics that begin anew. */
static void test_excused(void)
{
	struct service_window window = { 0 };

	UNIT_TRUE(!service_window_is_deaf(&window, 0, 0, false));
	UNIT_TRUE(!service_window_is_deaf(&window, 60 * MIB, 0, true));
	UNIT_TRUE(!service_window_is_deaf(&window, 70 * MIB, 10 * MIB, false));
	UNIT_TRUE(!service_window_is_deaf(&window, 1 * MIB, 11 * MIB, false));
	UNIT_TRUE(!service_window_is_deaf(&window, 5 * MIB, 12 * MIB, false));
	UNIT_TRUE(service_window_is_deaf(&window, 50 * MIB, 12 * MIB, false));
}

int main(void)
{
	return UNIT_RUN(
		"service-time",
		{ "nothing is attached while no disk rotates", test_nothing_to_follow },
		{ "where there is no way, each says why, and nothing is zero", test_no_way },
		{ "another topology than is followed is refused", test_generation },
		{ "a way that hears of all requests is kept", test_hears },
		{ "a way that hears of three quarters is found out", test_deaf },
		{ "gaps and statistics that begin anew are no reason", test_excused });
}
