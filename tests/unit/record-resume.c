/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/record-scene.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "calibrate/record/recorder.h"

/* --- cut short, and gone on with ---------------------------------------------------------- */

struct watch {
	const char *path;
	unsigned phases; /* in the file, and it is time to stop */
	volatile sig_atomic_t stop;
};

static unsigned phases_in_file(const char *path)
{
	static char text[4 << 20];
	FILE *file = fopen(path, "r");
	unsigned phases = 0;

	if (!file)
		return 0;
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	for (const char *at = text; (at = strstr(at, "\ne,")); at++)
		phases++;
	return phases;
}

static void *watch_file(void *argument)
{
	struct watch *watch = argument;

	while (phases_in_file(watch->path) < watch->phases)
		usleep(2000);
	watch->stop = 1;
	return NULL;
}

/* Record until `phases` are in the file. */
static void record_some(struct scene *scene, unsigned phases)
{
	struct watch watch = { .path = scene->path, .phases = phases };
	struct error error = { "" };
	pthread_t thread;

	unlink(scene->path);
	pthread_create(&thread, NULL, watch_file, &watch);
	UNIT_EQUAL_I64(-EINTR, scene_run(scene, false, &watch.stop, &error));
	pthread_join(thread, NULL);
	UNIT_TRUE(scene->session.phases.count >= phases);
	UNIT_TRUE(scene->session.phases.count < SCENE_PHASES);
}

static void check_kept(const struct session *before, const struct session *after)
{
	UNIT_TRUE(after->samples.count > before->samples.count);
	for (size_t i = 0; i < before->samples.count; i++)
		UNIT_EQUAL_U64(before->samples.items[i].count[0], after->samples.items[i].count[0]);
	for (size_t i = 0; i < before->phases.count; i++)
		UNIT_EQUAL_U64(before->phases.items[i].begin_ns, after->phases.items[i].begin_ns);
	for (size_t i = 1; i < after->readings.count; i++)
		UNIT_TRUE(after->readings.items[i].time_ns >= after->readings.items[i - 1].time_ns);
}

/* The second one is another plant, whose time begins at zero: times go on all the same. */
static void test_resume(void)
{
	struct scene first, second;
	struct session file;
	struct error error = { "" };
	bool is_done[SCENE_PHASES] = { false };

	scene_open(&first, "first");
	scene_fill(&first);
	record_some(&first, 2);
	scene_parse_file(&first, &file);
	scene_check_same(&first.session, &file);
	session_clear(&file);

	scene_open(&second, "second");
	scene_fill(&second);
	strcpy(second.path, first.path);
	UNIT_EQUAL_I64(0, scene_run(&second, true, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(SCENE_PHASES, second.session.phases.count);
	UNIT_EQUAL_I64(0, record_match(&second.session, &second.suite, is_done, &error));
	for (unsigned i = 0; i < SCENE_PHASES; i++)
		UNIT_TRUE(is_done[i]);
	check_kept(&first.session, &second.session);
	scene_parse_file(&second, &file);
	scene_check_same(&second.session, &file);
	session_clear(&file);
	scene_close(&first);
	scene_close(&second);
}

/* A machine that stopped in the middle of a line: what follows stands where that was. */
static void test_torn(void)
{
	struct scene first, second;
	struct session file;
	struct error error = { "" };
	FILE *appended;

	scene_open(&first, "torn");
	scene_fill(&first);
	record_some(&first, 1);
	appended = fopen(first.path, "a");
	fputs("w,integer,4 threads,0,4,0,99999999999999,0\ns,99999999", appended);
	fclose(appended);
	scene_open(&second, "torn2");
	scene_fill(&second);
	strcpy(second.path, first.path);
	UNIT_EQUAL_I64(0, scene_run(&second, true, NULL, &error));
	UNIT_EQUAL_TEXT("", error.text);
	scene_parse_file(&second, &file);
	UNIT_EQUAL_U64(SCENE_PHASES, file.phases.count);
	session_clear(&file);
	scene_close(&first);
	scene_close(&second);
}

static void test_nothing_to_resume(void)
{
	struct scene scene;
	struct error error = { "" };

	scene_open(&scene, "none");
	scene_add_pass(&scene, 0, 2);
	scene_add_phase(&scene, "idle", 0, 0);
	UNIT_EQUAL_I64(0, scene_run(&scene, true, NULL, &error));
	UNIT_EQUAL_U64(1, scene.session.phases.count);
	scene_close(&scene);
}

/* --- what may not be mixed ------------------------------------------------------------------ */

static void make(struct session *session)
{
	struct session_pass *pass;

	*session = (struct session){ .meter = { .driver = "wattsup", .serial = "17" } };
	trace_about_init(&session->about);
	session->about.has_cpu = true;
	session->about.cpu.model_name = strdup("Xeon 17");
	session->about.cpu.vendor = strdup("GenuineIntel");
	session->about.cpu.cpus = 8;
	text_replace(&session->about.probe, "perf");
	pass = SCENE_APPEND(&session->passes);
	pass->event_count = 2;
	strcpy(pass->names[0], "A");
	strcpy(pass->names[1], "B");
}

static void check_difference(struct session *now, const char *says)
{
	struct session before;
	struct error error = { "" };

	make(&before);
	UNIT_EQUAL_I64(says ? -EINVAL : 0, record_compare(&before, now, &error));
	if (says)
		UNIT_EQUAL_TEXT(says, error.text);
	session_clear(&before);
	session_clear(now);
}

static void test_differences(void)
{
	struct session now;

	make(&now);
	check_difference(&now, NULL);
	make(&now);
	strcpy(now.meter.serial, "18");
	check_difference(&now, "meter's serial number was \"17\" and is \"18\"");
	make(&now);
	strcpy(now.about.cpu.model_name, "Xeon 18");
	check_difference(&now, "CPU was \"Xeon 17\" and is \"Xeon 18\"");
	make(&now);
	now.about.cpu.cpus = 4;
	check_difference(&now, "there were 8 CPUs, and there are 4");
	make(&now);
	strcpy(now.passes.items[0].names[1], "C");
	check_difference(&now, "an event was \"B\" and is \"C\"");
	make(&now);
	SCENE_APPEND(&now.passes);
	check_difference(&now, "events were counted in 1 passes, and are in 2");
}

/* Each run in the file stands for one of the same runs in the suite. */
static void test_match(void)
{
	struct scene scene = { .path = "" };
	struct session_phase *phase;
	struct error error = { "" };
	bool is_done[3] = { false };

	scene_add_phase(&scene, "idle", 0, 0);
	scene_add_phase(&scene, "integer", 2, 0);
	scene_add_phase(&scene, "integer", 2, 0);
	phase = SCENE_APPEND(&scene.session.phases);
	*phase = (struct session_phase){
		.workload = "integer", .variant = "2 threads", .threads = 2, .complete = true
	};
	UNIT_EQUAL_I64(0, record_match(&scene.session, &scene.suite, is_done, &error));
	UNIT_TRUE(!is_done[0] && is_done[1] && !is_done[2]);
	memset(is_done, 0, sizeof is_done);
	*SCENE_APPEND(&scene.session.phases) = scene.session.phases.items[0];
	UNIT_EQUAL_I64(0, record_match(&scene.session, &scene.suite, is_done, &error));
	UNIT_TRUE(!is_done[0] && is_done[1] && is_done[2]);
	memset(is_done, 0, sizeof is_done);
	*SCENE_APPEND(&scene.session.phases) = scene.session.phases.items[0];
	UNIT_EQUAL_I64(-EINVAL, record_match(&scene.session, &scene.suite, is_done, &error));
	UNIT_CONTAINS("integer (2 threads)", error.text);
	suite_clear(&scene.suite);
	session_clear(&scene.session);
}

static void add_done(struct session *session, unsigned pass, bool continues)
{
	*SCENE_APPEND(&session->phases) = (struct session_phase){
		.workload = "integer",
		.variant = "2 threads",
		.threads = 2,
		.pass = pass,
		.continues = continues,
		.complete = true,
	};
	SCENE_APPEND(&session->samples)->phase = session->phases.count - 1;
}

/* Run in two passes, twice: the second pass of the second run is not there. */
static void test_match_passes(void)
{
	struct scene scene = { .path = "" };
	struct session *session = &scene.session;
	struct error error = { "" };
	bool is_done[5] = { false };

	for (unsigned i = 0; i < 4; i++) {
		scene_add_phase(&scene, "integer", 2, i % 2);
		scene.suite.items[i].continues = i % 2;
	}
	scene_add_phase(&scene, "integer", 2, 0);
	for (unsigned i = 0; i < 3; i++)
		add_done(session, i % 2, i % 2);
	/* The one that stands alone. */
	UNIT_EQUAL_I64(0, record_match(session, &scene.suite, is_done, &error));
	UNIT_EQUAL_U64(3, session->phases.count);
	UNIT_TRUE(is_done[0] && is_done[1] && !is_done[2] && !is_done[3] && is_done[4]);
	memset(is_done, 0, sizeof is_done);
	scene.suite.count = 4;
	UNIT_EQUAL_I64(0, record_match(session, &scene.suite, is_done, &error));
	UNIT_EQUAL_U64(2, session->phases.count);
	UNIT_EQUAL_U64(2, session->samples.count);
	UNIT_TRUE(is_done[0] && is_done[1] && !is_done[2] && !is_done[3]);
	/* In the middle of a file nothing is cut short. */
	add_done(session, 0, false);
	add_done(session, 0, false);
	add_done(session, 1, true);
	memset(is_done, 0, sizeof is_done);
	UNIT_EQUAL_I64(-EINVAL, record_match(session, &scene.suite, is_done, &error));
	UNIT_CONTAINS("integer (2 threads)", error.text);
	suite_clear(&scene.suite);
	session_clear(session);
}

int main(void)
{
	return UNIT_RUN(
		"record-resume",
		{ "what was complete is kept, the rest is recorded, and time goes on",
		  test_resume },
		{ "a file that was cut in the middle of a line is gone on with", test_torn },
		{ "without a file everything is recorded", test_nothing_to_resume },
		{ "another machine, meter or set of events is refused", test_differences },
		{ "repeated runs are matched one by one", test_match },
		{ "a run that lacks a pass is run again from its first one", test_match_passes });
}
