/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record-scene.h - an emulated machine, its meter, and a short suite, for tests of recording. */
#ifndef VMENERGY_TESTS_UNIT_RECORD_SCENE_H
#define VMENERGY_TESTS_UNIT_RECORD_SCENE_H

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/record/record.h"
#include "meter/plant.h"

enum { SCENE_SPEED = 100, SCENE_PHASE_S = 3, SCENE_PHASES = 5 };
#define SCENE_WINDOW_S 0.2

struct scene {
	struct rootfs root;
	struct plant *plant; /* the truth */
	struct counters *counters;
	struct meter *meter;
	struct suite suite;
	struct session session;
	struct error_list notes;
	char path[256]; /* of the session */
	double settle_c;
};

static inline void scene_require(int result, const struct error *error)
{
	if (!result)
		return;
	fprintf(stderr, "scene: %s\n", error->text);
	abort();
}

/* `meter` NULL = the emulated machine's own. */
static inline void scene_open_at(struct scene *scene, const char *name, const char *meter,
				 double speed)
{
	const struct plant_settings settings = { .seed = 7, .speed = speed };
	const struct meter_place place = { .root = &scene->root, .speed = speed };
	struct error error = { "" };
	char file[256], spec[300];

	*scene = (struct scene){ .path = "" };
	snprintf(scene->path, sizeof scene->path, "%s/%s.session", unit_folder(), name);
	snprintf(file, sizeof file, "%s/%s.plant", unit_folder(), name);
	scene_require(rootfs_open(&scene->root, NULL, &error), &error);
	scene_require(plant_create(&scene->plant, file, &settings, &error), &error);
	snprintf(spec, sizeof spec, "emulated:%s", file);
	scene_require(counters_open(&scene->counters, spec, &scene->root, &error), &error);
	snprintf(spec, sizeof spec, "emulated:%s?noise=0%%&window=%gs", file, SCENE_WINDOW_S);
	scene_require(meter_open(&scene->meter, meter ? meter : spec, &place, &error), &error);
	trace_about_init(&scene->session.about);
	scene->session.meter = *meter_about(scene->meter);
	scene->session.meter.speed = 1;
}

static inline void scene_open(struct scene *scene, const char *name)
{
	scene_open_at(scene, name, NULL, SCENE_SPEED);
}

/* A new item, or the end of the test. */
#define SCENE_APPEND(array)                                                                        \
	({                                                                                         \
		__typeof__((array)->items) item_ = MEMORY_APPEND(array);                           \
		if (!item_)                                                                        \
			abort();                                                                   \
		item_;                                                                             \
	})

static inline void scene_add_pass(struct scene *scene, unsigned first, unsigned count)
{
	struct session_pass *pass = SCENE_APPEND(&scene->session.passes);

	for (unsigned i = 0; i < count; i++)
		strcpy(pass->names[pass->event_count++], plant_event_name(scene->plant, first + i));
}

static inline void scene_add_phase(struct scene *scene, const char *workload, unsigned threads,
				   unsigned pass)
{
	struct suite_phase *phase = SCENE_APPEND(&scene->suite);

	phase->run.workload = workload_find(workload);
	phase->run.threads = threads;
	phase->pass = pass;
	phase->seconds = SCENE_PHASE_S;
	phase->warm_up_s = 0.5;
	if (threads)
		snprintf(phase->variant, sizeof phase->variant, "%u threads", threads);
	scene->suite.total_s += phase->seconds;
	if (!phase->run.workload)
		abort();
}

/* Two passes, over one workload while it goes on; idle twice, alike. */
static inline void scene_fill(struct scene *scene)
{
	scene_add_pass(scene, 0, 4);
	scene_add_pass(scene, 4, 3);
	scene_add_phase(scene, "idle", 0, 0);
	scene_add_phase(scene, "integer", 4, 0);
	scene_add_phase(scene, "integer", 4, 1);
	scene->suite.items[2].continues = true;
	scene_add_phase(scene, "idle", 0, 0);
	scene_add_phase(scene, "integer", 8, 1);
}

static inline int scene_run(struct scene *scene, bool resume, const volatile sig_atomic_t *stop,
			    struct error *error)
{
	const struct record_setup setup = {
		.suite = &scene->suite,
		.counters = scene->counters,
		.meter = scene->meter,
		.root = &scene->root,
		.session_path = scene->path,
		.resume = resume,
		.temperature_settle_c = scene->settle_c,
		.stop = stop,
		.notes = &scene->notes,
	};

	return record_run(&setup, &scene->session, error);
}

static inline void scene_close(struct scene *scene)
{
	meter_close(scene->meter);
	counters_close(scene->counters);
	plant_close(scene->plant);
	rootfs_close(&scene->root);
	suite_clear(&scene->suite);
	session_clear(&scene->session);
	error_list_clear(&scene->notes);
}

/* What the file says, to be cleared by the caller. */
static inline void scene_parse_file(const struct scene *scene, struct session *session)
{
	struct error error = { "" };
	char *text = NULL;
	long length = rootfs_read_allf(&scene->root, &text, "%s", scene->path);

	if (length < 0)
		abort();
	UNIT_EQUAL_I64(0, session_parse(scene->path, text, (size_t)length, session, &error));
	UNIT_EQUAL_TEXT("", error.text);
	free(text);
}

static inline void scene_check_same(const struct session *expected, const struct session *actual)
{
	struct text a = { 0 }, b = { 0 };

	session_print(expected, &a);
	session_print(actual, &b);
	UNIT_EQUAL_TEXT(a.bytes, b.bytes);
	text_free(&a);
	text_free(&b);
}

#endif
