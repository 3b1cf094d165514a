/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/daemon.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/sim/service.h"

#define SAVE_S 10.0
#define STOP_ROUNDS 50
/* More verbs than that in one tick: something goes round in a circle. */
#define VERBS_MAX 1000

/* In place of the C library's: the privileged child rests between tries of what is busy, and in
 * a simulation no time passes meanwhile. */
int nanosleep(const struct timespec *rest, struct timespec *left)
{
	(void)rest, (void)left;
	return 0;
}

static void fail(struct sim_daemon *daemon, const char *what, int result, const struct error *error)
{
	if (daemon->error_count++ == 0)
		snprintf(daemon->error, sizeof daemon->error, "at %.2f s: %s: %d %.180s",
			 sim_plant_seconds(daemon->plant), what, result, error->text);
}

static void say(void *context, bool is_warning, const char *sentence)
{
	const struct sim_daemon *daemon = context;

	if (daemon->said)
		text_addf(daemon->said, "# %.2f %s %s\n", sim_plant_seconds(daemon->plant),
			  is_warning ? "warning:" : "info:", sentence);
}

static void save(struct sim_daemon *daemon)
{
	struct error error = { "" };
	int result;

	daemon->saved_s = sim_plant_seconds(daemon->plant);
	daemon->state.saved_s = daemon->plant->realtime_s + daemon->saved_s;
	text_reset(&daemon->saved);
	result = state_print(&daemon->state, &daemon->saved, &error);
	if (result)
		fail(daemon, "state_print", result, &error);
}

static void open_room(struct sim_daemon *daemon)
{
	daemon->room = (struct actuator_room){ .root = daemon->root,
					       .cgroup = sim_files_io(daemon->plant) };
	sim_files_mounts(daemon->plant, &daemon->room.mounts);
}

void sim_daemon_start(struct sim_daemon *daemon)
{
	const struct sim_weights *weights = daemon->weights;
	struct enforce_options options = { .cpu = &weights->cpu,
					   .disks = weights->disks,
					   .disk_count = 1,
					   .has_meter = daemon->meter->options.kind != METER_NONE,
					   .control_interval_s = daemon->control_interval_s };
	struct error error = { "" };
	int result = 0;

	state_init(&daemon->state);
	if (daemon->saved.length)
		result = state_parse(daemon->saved.bytes, daemon->saved.length, &daemon->state,
				     &error);
	if (result)
		fail(daemon, "state_parse", result, &error);
	open_room(daemon);
	result = sim_host_open(&daemon->host, daemon->plant, weights, &error);
	if (!result)
		result = enforce_open(&daemon->enforce, &options, daemon->config, &daemon->state,
				      say, daemon, &error);
	if (result)
		fail(daemon, "start", result, &error);
	daemon->is_alive = result == 0;
	daemon->begin_s = NAN;
	daemon->late_count = 0;
	daemon->starts++;
	say(daemon, false, "the daemon starts");
}

void sim_daemon_kill(struct sim_daemon *daemon)
{
	if (!daemon->is_alive)
		return;
	say(daemon, false, "the daemon is gone");
	enforce_close(daemon->enforce);
	daemon->enforce = NULL;
	sim_host_close(&daemon->host);
	state_clear(&daemon->state);
	daemon->is_alive = false;
}

/* --- verbs --------------------------------------------------------------------------------- */

static void take_result(struct sim_daemon *daemon, const struct applied *applied)
{
	if (daemon->is_late && daemon->late_count < SIM_LATE_MAX)
		daemon->late[daemon->late_count++] = *applied;
	else
		enforce_applied(daemon->enforce, applied);
}

static void take_late_results(struct sim_daemon *daemon)
{
	size_t count = daemon->late_count;

	daemon->late_count = 0;
	for (size_t i = 0; i < count; i++)
		enforce_applied(daemon->enforce, &daemon->late[i]);
}

/* As the privileged child does them, until none waits or the daemon has died of one. */
static void perform(struct sim_daemon *daemon)
{
	for (unsigned i = 0; i < VERBS_MAX && !daemon->plant->faults.has_died; i++) {
		bool needs_state = false;
		size_t count = 0;
		const struct verb *verbs = enforce_verbs(daemon->enforce, &count, &needs_state);
		struct applied applied = { .seq = 0 };
		struct verb verb;

		if (count == 0)
			return;
		if (needs_state)
			save(daemon);
		verb = verbs[0];
		enforce_sent(daemon->enforce, 1);
		if (verb.target.service.pid)
			sim_service_do(daemon->plant, &verb, &applied);
		else
			verb_perform(&daemon->room, &verb, &applied);
		if (!daemon->plant->faults.has_died)
			take_result(daemon, &applied);
	}
	if (!daemon->plant->faults.has_died)
		fail(daemon, "verbs without end", 0, &(struct error){ "" });
}

/* --- ticks --------------------------------------------------------------------------------- */

/* An ended tick that gave figures: compare with the meter, decide, act. */
static void decide(struct sim_daemon *daemon)
{
	double now_s = sim_plant_seconds(daemon->plant);
	struct sim_host *host = &daemon->host;
	struct enforce_input input = { .now_ns = daemon->plant->now_us * 1000,
				       .topology = host->topology,
				       .snapshot = &host->snapshot,
				       .readings = host->readings,
				       .reading_count = host->reading_count };
	struct error error = { "" };
	int result;

	sim_service_socket(&input);
	sim_meter_model(daemon->meter, daemon->begin_s, now_s, host->snapshot.host.total_w);
	sim_meter_match(daemon->meter, daemon->plant, &input.metered_w, &input.modelled_w);
	result = enforce_tick(daemon->enforce, &input, &error);
	if (result < 0)
		fail(daemon, "enforce_tick", result, &error);
	daemon->has_decided = result == 1;
	perform(daemon);
	if (daemon->plant->faults.has_died)
		return;
	enforce_fill(daemon->enforce, &host->snapshot);
	if (now_s - daemon->saved_s >= SAVE_S)
		save(daemon);
}

void sim_daemon_tick(struct sim_daemon *daemon)
{
	struct error error = { "" };
	int result;

	daemon->has_figures = daemon->has_decided = false;
	if (!daemon->is_alive)
		return;
	take_late_results(daemon);
	result = sim_host_tick(&daemon->host, &error);
	daemon->has_figures = result == 0;
	if (result == 0)
		decide(daemon);
	else if (result != -EAGAIN)
		fail(daemon, "account_tick", result, &error);
	daemon->begin_s = sim_plant_seconds(daemon->plant);
	if (daemon->plant->faults.has_died)
		sim_daemon_kill(daemon);
}

void sim_daemon_reload(struct sim_daemon *daemon)
{
	if (daemon->is_alive)
		enforce_set_config(daemon->enforce, daemon->config, daemon->control_interval_s);
}

void sim_daemon_stop(struct sim_daemon *daemon)
{
	if (!daemon->is_alive)
		return;
	enforce_restore(daemon->enforce);
	for (int i = 0; i < STOP_ROUNDS && !enforce_is_idle(daemon->enforce); i++) {
		perform(daemon);
		take_late_results(daemon);
	}
	if (!enforce_is_idle(daemon->enforce))
		fail(daemon, "stop", 0, &(struct error){ "verbs are still unanswered" });
	daemon->state.clean = true;
	save(daemon);
	sim_daemon_kill(daemon);
}

void sim_daemon_free(struct sim_daemon *daemon)
{
	sim_daemon_kill(daemon);
	text_free(&daemon->saved);
}
