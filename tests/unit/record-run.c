/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/record-scene.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

/* --- what is recorded -------------------------------------------------------------------- */

static void check_phase(const struct scene *scene, size_t i)
{
	const struct session_phase *phase = &scene->session.phases.items[i];
	const struct suite_phase *plan = &scene->suite.items[i];

	UNIT_TRUE(phase->complete);
	UNIT_EQUAL_TEXT(plan->run.workload->name, phase->workload);
	UNIT_EQUAL_TEXT(plan->variant, phase->variant);
	UNIT_EQUAL_U64(plan->pass, phase->pass);
	UNIT_EQUAL_U64(plan->continues, phase->continues);
	UNIT_EQUAL_U64(plan->run.threads, phase->threads);
	UNIT_TRUE((double)(phase->end_ns - phase->begin_ns) * 1e-9 >= SCENE_PHASE_S);
	UNIT_TRUE(i == 0 || phase->begin_ns >= phase[-1].end_ns);
}

/* Counts are a function of the plant's time: they must agree to the last event. */
static void check_counts(const struct scene *scene, const struct session_sample *a,
			 const struct session_sample *b)
{
	const struct session_phase *phase = &scene->session.phases.items[a->phase];
	const struct session_pass *pass = &scene->session.passes.items[phase->pass];
	uint64_t from[PLANT_EVENTS_MAX], to[PLANT_EVENTS_MAX], busy_from, busy_to;

	plant_counts(scene->plant, a->time_ns, from, &busy_from);
	plant_counts(scene->plant, b->time_ns, to, &busy_to);
	UNIT_EQUAL_U64(busy_to - busy_from, b->busy_ns - a->busy_ns);
	for (unsigned e = 0; e < pass->event_count; e++)
		for (unsigned i = 0; i < plant_event_count(scene->plant); i++)
			if (strcmp(plant_event_name(scene->plant, i), pass->names[e]) == 0)
				UNIT_EQUAL_U64(to[i] - from[i], b->count[e] - a->count[e]);
}

static void check_samples(const struct scene *scene)
{
	const struct session *session = &scene->session;
	const struct session_sample *items = session->samples.items;

	for (size_t i = 0; i < session->samples.count; i++) {
		const struct session_phase *phase = &session->phases.items[items[i].phase];
		bool is_first = i == 0 || items[i - 1].phase != items[i].phase;
		bool is_last =
			i + 1 == session->samples.count || items[i + 1].phase != items[i].phase;

		UNIT_TRUE(items[i].time_ns >= phase->begin_ns);
		UNIT_TRUE(items[i].time_ns <= phase->end_ns);
		UNIT_TRUE(!is_last || items[i].time_ns == phase->end_ns);
		UNIT_TRUE(!is_first || !is_last);
		if (!is_first)
			check_counts(scene, &items[i - 1], &items[i]);
	}
	UNIT_EQUAL_U64(session->phases.count - 1, items[session->samples.count - 1].phase);
}

/* Readings and samples have one clock: a reading is the mean of the window before it. */
static void check_readings(const struct scene *scene)
{
	const struct session *session = &scene->session;
	uint64_t window_ns = (uint64_t)(SCENE_WINDOW_S * 1e9), last_ns = 0;

	UNIT_TRUE(session->readings.count > 0);
	for (size_t i = 0; i < session->readings.count; i++) {
		const struct meter_reading *reading = &session->readings.items[i];

		UNIT_TRUE(reading->time_ns >= last_ns);
		last_ns = reading->time_ns;
		if (!isnan(reading->power_w) && reading->time_ns > window_ns)
			UNIT_EQUAL_DOUBLE(plant_power_w(scene->plant, reading->time_ns - window_ns,
							reading->time_ns),
					  reading->power_w, 1e-6);
	}
	/* The last phase's own readings come as late as the meter is. */
	UNIT_TRUE(last_ns > session->phases.items[session->phases.count - 1].end_ns);
}

/* Its power from the begin of the first pass to the end of the second never falls to idle's. */
static void check_no_pause(const struct scene *scene, const struct session_phase *phases)
{
	double idle_w = plant_power_w(scene->plant, phases[-1].begin_ns, phases[-1].end_ns);
	double run_w = plant_power_w(scene->plant, phases[0].begin_ns, phases[0].end_ns);
	double least_w = INFINITY;

	for (uint64_t at_ns = phases[0].begin_ns; at_ns + 1000000 <= phases[1].end_ns;
	     at_ns += 1000000)
		least_w = fmin(least_w, plant_power_w(scene->plant, at_ns, at_ns + 1000000));
	printf("    idle %.1f W, running %.1f W, at least %.1f W\n", idle_w, run_w, least_w);
	UNIT_TRUE(least_w > (idle_w + run_w) / 2);
}

static void test_suite(void)
{
	struct scene scene;
	struct session file;
	struct error error = { "" };

	scene_open(&scene, "suite");
	scene_fill(&scene);
	UNIT_EQUAL_I64(0, scene_run(&scene, false, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(SCENE_PHASES, scene.session.phases.count);
	for (size_t i = 0; i < scene.session.phases.count; i++)
		check_phase(&scene, i);
	check_samples(&scene);
	check_readings(&scene);
	check_no_pause(&scene, &scene.session.phases.items[1]);
	UNIT_EQUAL_U64(0, scene.notes.count);
	scene_parse_file(&scene, &file);
	scene_check_same(&scene.session, &file);
	session_clear(&file);
	scene_close(&scene);
}

/* An emulated load warms up for minutes, by whole degrees: three warm-ups at most are waited for,
 * and what was before the last of them is no part of the phase. */
static void test_settling(void)
{
	struct scene scene;
	struct error error = { "" };

	scene_open(&scene, "settling");
	scene_add_pass(&scene, 0, 4);
	scene_add_phase(&scene, "idle", 0, 0);
	scene_add_phase(&scene, "integer", 8, 0);
	scene.suite.items[1].warm_up_s = 2;
	scene.settle_c = 1e-9;
	UNIT_EQUAL_I64(0, scene_run(&scene, false, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	for (size_t i = 0; i < scene.session.phases.count; i++)
		check_phase(&scene, i);
	check_samples(&scene);
	scene_close(&scene);
}

/* --- failures -------------------------------------------------------------------------------- */

static void test_unknown_event(void)
{
	struct scene scene;
	struct error error = { "" };

	scene_open(&scene, "unknown");
	scene_fill(&scene);
	strcpy(scene.session.passes.items[0].names[2], "emulated::NOTHING");
	UNIT_EQUAL_I64(-EIO, scene_run(&scene, false, NULL, &error));
	UNIT_CONTAINS("3 of 5 runs failed", error.text);
	UNIT_CONTAINS("emulated::NOTHING", error.text);
	UNIT_EQUAL_U64(2, scene.notes.count);
	UNIT_EQUAL_U64(0, scene.session.phases.count);
	UNIT_EQUAL_U64(0, scene.session.samples.count);
	scene_close(&scene);
}

/* One of five is less than a quarter. */
static void test_skipped(void)
{
	struct scene scene;
	struct session file;
	struct error error = { "" };

	scene_open(&scene, "skipped");
	scene_fill(&scene);
	scene.suite.items[2].pass = 5;
	scene.suite.items[2].continues = false;
	UNIT_EQUAL_I64(0, scene_run(&scene, false, NULL, &error));
	UNIT_EQUAL_U64(SCENE_PHASES - 1, scene.session.phases.count);
	UNIT_EQUAL_U64(1, scene.notes.count);
	UNIT_CONTAINS("skipped: integer, 4 threads: pass 5", scene.notes.texts[0]);
	scene_parse_file(&scene, &file);
	scene_check_same(&scene.session, &file);
	session_clear(&file);
	scene_close(&scene);
}

/* Two of eight. */
static void test_skipped_passes(void)
{
	struct scene scene;
	struct error error = { "" };

	scene_open(&scene, "passes");
	scene_fill(&scene);
	for (unsigned i = 0; i < 3; i++)
		scene_add_phase(&scene, "idle", 0, 0);
	scene.suite.items[2].pass = 5;
	UNIT_EQUAL_I64(0, scene_run(&scene, false, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(SCENE_PHASES + 3 - 2, scene.session.phases.count);
	for (size_t i = 0; i < scene.session.phases.count; i++)
		UNIT_TRUE(scene.session.phases.items[i].threads != 4);
	UNIT_EQUAL_U64(1, scene.notes.count);
	UNIT_CONTAINS("skipped: integer, 4 threads: pass 5", scene.notes.texts[0]);
	check_samples(&scene);
	scene_close(&scene);
}

static void test_meter_gone(void)
{
	struct scene scene;
	struct error error = { "" };

	/* Much longer than it takes to see it. */
	scene_open_at(&scene, "gone", "command:echo 12.5; exit 3", SCENE_SPEED);
	scene_add_pass(&scene, 0, 4);
	for (unsigned i = 0; i < 400; i++)
		scene_add_phase(&scene, "idle", 0, 0);
	UNIT_EQUAL_I64(-ENODEV, scene_run(&scene, false, NULL, &error));
	UNIT_CONTAINS("the meter is gone", error.text);
	UNIT_TRUE(scene.session.phases.count < 400);
	scene_close(&scene);
}

/* It ends with a failure once, in the first phase, and is begun again. */
static void test_meter_back(void)
{
	char command[600], once[300];
	struct scene scene;
	struct error error = { "" };

	snprintf(command, sizeof command,
		 "command:if [ ! -e %s/once ]; then echo 1; touch %s/once; exit 3; fi; "
		 "while echo 20; do sleep 0.01; done",
		 unit_folder(), unit_folder());
	/* It waits a minute of the plant's, and a meter is opened again after a second at most. */
	scene_open_at(&scene, "back", command, 20);
	scene_add_pass(&scene, 0, 4);
	scene_add_phase(&scene, "idle", 0, 0);
	scene.suite.items[0].seconds = 10;
	snprintf(once, sizeof once, "%s/once", unit_folder());
	while (access(once, F_OK))
		usleep(1000);
	UNIT_EQUAL_I64(0, scene_run(&scene, false, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(1, scene.session.phases.count);
	UNIT_EQUAL_U64(0, scene.notes.count);
	/* The first one was run again, after the reading that told that the meter is back. */
	for (size_t i = 0; i < scene.session.readings.count; i++)
		if (scene.session.readings.items[i].power_w == 1)
			UNIT_TRUE(scene.session.readings.items[i].time_ns <
				  scene.session.phases.items[0].begin_ns);
	scene_close(&scene);
}

static void test_unwritable(void)
{
	struct scene scene;
	struct error error = { "" };

	scene_open(&scene, "unwritable");
	scene_fill(&scene);
	strcpy(scene.path, "/nowhere/x.session");
	UNIT_EQUAL_I64(-ENOENT, scene_run(&scene, false, NULL, &error));
	UNIT_CONTAINS("/nowhere/x.session: No such file", error.text);
	scene_close(&scene);
}

int main(void)
{
	return UNIT_RUN(
		"record-run",
		{ "a suite is recorded: phases, counts and readings on one clock, kept on disk",
		  test_suite },
		{ "a phase begins when the temperature has settled", test_settling },
		{ "an event that cannot be counted ends it, named", test_unknown_event },
		{ "a phase that fails twice is skipped and told", test_skipped },
		{ "with it go the other passes over its workload", test_skipped_passes },
		{ "a meter that stays away ends it", test_meter_gone },
		{ "a phase in which the meter was lost is run again", test_meter_back },
		{ "a file that cannot be written ends it at once", test_unwritable });
}
