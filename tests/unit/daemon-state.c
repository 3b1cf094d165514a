/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds the state, and what is told where it cannot be written. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/enforce-scene.h"
#include "vmenergyd/daemon-heartbeat.h"
#include "vmenergyd/daemon.h"

static char folder[300], control_path[350], alive_path[350];

static void begin(const char *name, struct config *config, struct daemon *daemon)
{
	snprintf(folder, sizeof folder, "%s/%s", unit_folder(), name);
	snprintf(control_path, sizeof control_path, "%s-run/control", folder);
	snprintf(alive_path, sizeof alive_path, "%s-run/alive", folder);
	*config = (struct config){ .state_directory = folder, .socket = control_path };
	*daemon = (struct daemon){ .config = config, .started = config, .may_limit = true };
}

static void end(struct daemon *daemon)
{
	if (daemon->has_lock)
		state_unlock(daemon->lock);
	state_clear(&daemon->state);
	text_free(&daemon->saved);
	for (unsigned i = 0; i < TROUBLE_COUNT; i++)
		free(daemon->troubles[i].text);
}

/* No folder can be there, as on a disk that is read-only. */
static void begin_without_folder(const char *name, struct config *config, struct daemon *daemon)
{
	struct error error = { "" };

	begin(name, config, daemon);
	UNIT_EQUAL_I64(0, symlink("/proc/none", folder));
	UNIT_EQUAL_I64(0, daemon_open_state(daemon, &error));
	UNIT_TRUE(!daemon->has_lock);
	UNIT_CONTAINS(folder, daemon->troubles[TROUBLE_STATE].text);
}

static void test_late_lock(void)
{
	struct error error = { "" };
	struct config config;
	struct daemon daemon;
	int other;

	begin_without_folder("late", &config, &daemon);
	UNIT_TRUE(daemon_save(&daemon) != 0);
	/* Somebody else was quicker: his state stays as it is. */
	UNIT_EQUAL_I64(0, unlink(folder));
	other = state_lock(folder, &error);
	UNIT_TRUE(other >= 0);
	daemon.save_tried_ns = 0;
	UNIT_EQUAL_I64(-EBUSY, daemon_save(&daemon));
	UNIT_CONTAINS("another vmenergyd holds it", daemon.troubles[TROUBLE_STATE].text);
	state_unlock(other);
	daemon.save_tried_ns = 0;
	UNIT_EQUAL_I64(0, daemon_save(&daemon));
	UNIT_TRUE(daemon.has_lock);
	UNIT_TRUE(!daemon.troubles[TROUBLE_STATE].text);
	UNIT_EQUAL_I64(-EBUSY, state_lock(folder, &error));
	end(&daemon);
}

/* As of a disk that is mounted only later: what stands there was never read. */
static void test_folder_that_comes_late(void)
{
	struct error error = { "" };
	struct config config;
	struct daemon daemon;
	struct state left;

	begin_without_folder("mounted", &config, &daemon);
	UNIT_EQUAL_I64(0, unlink(folder));
	state_init(&left);
	left.saved_s = 1700000000;
	UNIT_EQUAL_I64(0, state_save(folder, &left, &error));
	daemon.save_tried_ns = 0;
	UNIT_EQUAL_I64(-EEXIST, daemon_save(&daemon));
	UNIT_CONTAINS("start vmenergyd anew", daemon.troubles[TROUBLE_STATE].text);
	UNIT_TRUE(!daemon.has_lock);
	state_clear(&left);
	UNIT_EQUAL_I64(0, state_read(folder, &left, &error));
	UNIT_EQUAL_DOUBLE(1700000000, left.saved_s, 0);
	state_clear(&left);
	end(&daemon);
}

/* As where the folder's place is not writable. */
static void test_folder_below_a_file(void)
{
	struct error error = { "" };
	struct config config;
	struct daemon daemon;

	unit_write_file("file", "");
	begin("file/x", &config, &daemon);
	UNIT_EQUAL_I64(0, daemon_open_state(&daemon, &error));
	UNIT_TRUE(!daemon.has_lock);
	UNIT_CONTAINS("Not a directory", daemon.troubles[TROUBLE_STATE].text);
	UNIT_TRUE(daemon_save(&daemon) != 0);
	end(&daemon);
}

/* It must not be written over. */
static void test_file_that_cannot_be_read(void)
{
	struct error error = { "" };
	struct config config;
	struct daemon daemon;

	begin("unread", &config, &daemon);
	unit_write_file("unread/state.json/file", "");
	UNIT_EQUAL_I64(-EISDIR, daemon_open_state(&daemon, &error));
	UNIT_CONTAINS("unread/state.json: ", error.text);
	end(&daemon);
}

/* Before the first tick, too; and no figure is made up. */
static void test_status_of_a_start(void)
{
	struct weights cpu = { .path = unit_literal("/etc/weights/mine.weights") };
	struct error error = { "" };
	const struct server_options options = { .path = control_path, .handle = daemon_answer };
	struct text answer = { 0 };
	struct config config;
	struct daemon daemon;

	begin("start", &config, &daemon);
	unit_write_file("start-run/alive", "");
	UNIT_EQUAL_I64(0, server_open(&daemon.server, &options, &error));
	daemon.accounting.counting.choice.cpu = &cpu;
	UNIT_EQUAL_I64(0, daemon_put_status(&daemon, 1, &answer, &error));
	UNIT_CONTAINS("\"mine.weights\"", answer.bytes);
	UNIT_CONTAINS("\"used_w\":null", answer.bytes);
	text_free(&answer);
	text_free(&daemon.status_tail);
	server_close(daemon.server);
	end(&daemon);
}

/* In another process, until its end. */
static pid_t hold_for_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready))
		abort();
	child = fork();
	if (child == 0) {
		struct error error;

		if (state_lock(folder, &error) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		nanosleep(&time, NULL);
		_exit(0);
	}
	close(ready[1]);
	UNIT_EQUAL_I64(1, read(ready[0], &byte, 1));
	close(ready[0]);
	return child;
}

static void test_dead_man_is_at_work(void)
{
	struct error error = { "" };
	struct config config;
	struct daemon daemon;
	int status = -1;
	pid_t child;

	begin("dead", &config, &daemon);
	child = hold_for_ms(200);
	UNIT_EQUAL_I64(0, daemon_open_state(&daemon, &error));
	UNIT_TRUE(daemon.has_lock);
	UNIT_EQUAL_I64(child, waitpid(child, &status, 0));
	UNIT_EQUAL_I64(0, status);
	end(&daemon);
}

static void test_second_daemon(void)
{
	struct error error = { "" };
	struct config config;
	struct daemon daemon;
	int first;

	begin("second", &config, &daemon);
	first = state_lock(folder, &error);
	unit_write_file("second-run/alive", "");
	UNIT_EQUAL_I64(0, heartbeat_write(alive_path));
	UNIT_EQUAL_I64(-EBUSY, daemon_open_state(&daemon, &error));
	UNIT_CONTAINS("another vmenergyd holds it", error.text);
	state_unlock(first);
	end(&daemon);
}

static void test_not_saved(void)
{
	const struct peer peer = { .who = "uid 0 (root)", .may_change = true };
	struct protocol_request request = protocol_request_of(PROTOCOL_CAP);
	struct scene *scene = scene_open("");
	struct error error = { "" };
	struct text answer = { 0 };
	struct config config;
	struct daemon daemon;

	begin_without_folder("hand", &config, &daemon);
	daemon.enforce = scene->enforce;
	daemon.accounting.topology = &scene->topology;
	request.cap_w = 200;
	for (unsigned i = 0; i < 2; i++) { /* tried, and not tried again so soon */
		UNIT_EQUAL_I64(0, daemon_answer(&daemon, &peer, &request, &answer, &error));
		UNIT_CONTAINS("\"ok\":true", answer.bytes);
		UNIT_CONTAINS("\"not_saved\":\"", answer.bytes);
		UNIT_CONTAINS("No such file", answer.bytes);
		text_reset(&answer);
	}
	UNIT_EQUAL_DOUBLE(200, scene->state.host_cap_w, 0);
	UNIT_EQUAL_I64(0, unlink(folder));
	daemon.save_tried_ns = 0;
	UNIT_EQUAL_I64(0, daemon_answer(&daemon, &peer, &request, &answer, &error));
	UNIT_EQUAL_U64(0, answer.length); /* a plain "ok" */
	text_free(&answer);
	protocol_request_clear(&request);
	end(&daemon);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"daemon-state",
		{ "a state that nobody held is held before it is written", test_late_lock },
		{ "what a folder that comes late holds is not written over",
		  test_folder_that_comes_late },
		{ "a folder that cannot be is trouble, and no end", test_folder_below_a_file },
		{ "a state that cannot be read ends it", test_file_that_cannot_be_read },
		{ "a status before the first tick has the weights' name", test_status_of_a_start },
		{ "a dead man who holds the state is waited for", test_dead_man_is_at_work },
		{ "a daemon that lives and holds it is an error", test_second_daemon },
		{ "a cap by hand that is not saved says so", test_not_saved });
}
