/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/record-scene.h"

#include <errno.h>
#include <math.h>

static void test_opening(void)
{
	struct rootfs root;
	struct counters *counters;
	struct error error = { "" };

	rootfs_open(&root, NULL, NULL);
	UNIT_EQUAL_I64(-EINVAL, counters_open(&counters, "nonsense", &root, &error));
	UNIT_EQUAL_TEXT("counters 'nonsense': must be auto, perf, cputime, emulated:FILE",
			error.text);
	UNIT_EQUAL_I64(-EINVAL, counters_open(&counters, "emulated", &root, &error));
	UNIT_EQUAL_I64(-EINVAL, counters_open(&counters, "perf:x", &root, &error));
	UNIT_EQUAL_I64(-ENOENT, counters_open(&counters, "emulated:/nowhere", &root, &error));
	UNIT_CONTAINS("/nowhere", error.text);
	rootfs_close(&root);
}

static void test_names(void)
{
	struct event_names names = { 0 };
	struct scene scene;
	struct error error = { "" };

	scene_open(&scene, "names");
	UNIT_EQUAL_TEXT("emulated", counters_name(scene.counters));
	UNIT_TRUE(counters_are_emulated(scene.counters));
	UNIT_EQUAL_U64(12, counters_free(scene.counters));
	UNIT_EQUAL_I64(0, counters_candidates(scene.counters, &names, &error));
	UNIT_EQUAL_U64(plant_event_count(scene.plant), names.count);
	for (unsigned i = 0; i < names.count; i++)
		UNIT_EQUAL_TEXT(plant_event_name(scene.plant, i), names.items[i]);
	event_names_clear(&names);
	scene_close(&scene);
}

static void test_passes(void)
{
	struct scene scene;
	struct session_pass pass = { 0 };
	struct error error = { "" };

	scene_open(&scene, "passes");
	/* The same one again and again: there are fewer events than counters. */
	for (; pass.event_count <= 12; pass.event_count++)
		strcpy(pass.names[pass.event_count], plant_event_name(scene.plant, 0));
	UNIT_EQUAL_I64(-ENOSPC, counters_choose(scene.counters, &pass, &error));
	UNIT_CONTAINS("has 12 counters", error.text);
	pass.event_count = 12;
	UNIT_EQUAL_I64(0, counters_choose(scene.counters, &pass, &error));
	strcpy(pass.names[5], "emulated::NOTHING");
	UNIT_EQUAL_I64(-ENOENT, counters_choose(scene.counters, &pass, &error));
	UNIT_CONTAINS("emulated::NOTHING", error.text);
	scene_close(&scene);
}

/* Two events in another order than the plant's: from zero when chosen, then its own counts. */
static void test_counts(void)
{
	struct scene scene;
	struct session_pass pass = { .event_count = 2 };
	struct session_sample a = { 0 }, b = { 0 };
	uint64_t from[PLANT_EVENTS_MAX], to[PLANT_EVENTS_MAX], busy_from, busy_to;
	struct error error = { "" };

	scene_open(&scene, "counts");
	strcpy(pass.names[0], plant_event_name(scene.plant, 3));
	strcpy(pass.names[1], plant_event_name(scene.plant, 1));
	UNIT_EQUAL_I64(0, plant_run(counters_plant(scene.counters), 0, "integer", 4, &error));
	UNIT_EQUAL_I64(0, counters_choose(scene.counters, &pass, &error));
	UNIT_EQUAL_I64(0, counters_read(scene.counters, &a, &error));
	do
		UNIT_EQUAL_I64(0, counters_read(scene.counters, &b, &error));
	while (b.time_ns < a.time_ns + 1000000000);
	plant_counts(scene.plant, a.time_ns, from, &busy_from);
	plant_counts(scene.plant, b.time_ns, to, &busy_to);
	UNIT_EQUAL_U64(to[3] - from[3], b.count[0] - a.count[0]);
	UNIT_EQUAL_U64(to[1] - from[1], b.count[1] - a.count[1]);
	UNIT_EQUAL_U64(busy_to - busy_from, b.busy_ns - a.busy_ns);
	UNIT_TRUE(b.count[1] > a.count[1]);
	UNIT_TRUE(a.count[1] < from[1] || from[1] == 0);
	UNIT_TRUE(isnan(b.frequency_hz));
	UNIT_EQUAL_DOUBLE(plant_temperature_c(scene.plant, b.time_ns), b.temperature_c, 0);
	scene_close(&scene);
}

int main(void)
{
	return UNIT_RUN(
		"counters-emulated",
		{ "a kind that is not there is refused, with those that are", test_opening },
		{ "the plant's events are the candidates", test_names },
		{ "a pass has as many events as there are counters, by their names", test_passes },
		{ "counts are the plant's", test_counts });
}
