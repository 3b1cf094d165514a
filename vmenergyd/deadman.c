/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/deadman.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "vmenergyd/daemon-heartbeat.h"
#include "vmenergyd/deadman-internal.h"
#include "vmenergyd/options.h"

#define SECONDS_(number) #number "s"
#define SECONDS(number) SECONDS_(number)
#define TIME_MIN_S 0.1
#define TIME_MAX_S 86400.0
#define NS_PER_S 1e9

/* --- command line ------------------------------------------------------------------------- */

enum { OPTION_STATE_DIRECTORY = 256, OPTION_HEARTBEAT, OPTION_AFTER, OPTION_PATIENCE, OPTION_ROOT };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	  "configuration that tells the two below (default " DAEMON_CONFIG ")", 0 },
	{ "state-directory", OPTION_STATE_DIRECTORY, "DIR", 0, "where the daemon keeps its state",
	  0 },
	{ "heartbeat", OPTION_HEARTBEAT, "FILE", 0,
	  "what the daemon writes while it is well (default: alive, beside its socket)", 0 },
	{ "after", OPTION_AFTER, "TIME", 0,
	  "how long it must have been silent (default " SECONDS(DEADMAN_AFTER_S) ")", 0 },
	{ "patience", OPTION_PATIENCE, "TIME", 0,
	  "how long libvirt may take before cgroups are written directly (default " SECONDS(
		  DEADMAN_PATIENCE_S) ")",
	  0 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /proc and /sys", 0 },
	{ 0 },
};

struct command { /* NULL = not said */
	const char *config, *state_directory, *heartbeat;
	struct deadman *deadman;
};

static void take_time(const char *name, const char *text, double *seconds, struct argp_state *state)
{
	struct error error = { "" };

	if (unit_parse(QUANTITY_TIME, text, TIME_MIN_S, TIME_MAX_S, seconds, &error))
		argp_error(state, "--%s: %s", name, error.text);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct command *command = state->input;

	switch (key) {
	case 'c':
		command->config = argument;
		return 0;
	case OPTION_STATE_DIRECTORY:
		command->state_directory = argument;
		return 0;
	case OPTION_HEARTBEAT:
		command->heartbeat = argument;
		return 0;
	case OPTION_AFTER:
		take_time("after", argument, &command->deadman->after_s, state);
		return 0;
	case OPTION_PATIENCE:
		take_time("patience", argument, &command->deadman->patience_s, state);
		return 0;
	case OPTION_ROOT:
		command->deadman->root = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: takes no arguments", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- where to look ------------------------------------------------------------------------ */

/* The daemon refuses a file with mistakes, and was started before they were made: the defaults
 * are the best guess then. */
static void load_config(const struct command *command, struct config *config)
{
	const char *path = command->config ? command->config : DAEMON_CONFIG;
	struct error_list errors = { 0 };

	if (config_load(path, command->config != NULL, config, &errors)) {
		log_warning("%s; defaults are used",
			    errors.count > 0 ? errors.texts[0] : "no configuration");
		config_init(config);
	}
	error_list_clear(&errors);
}

struct found {
	char *state_directory, *heartbeat; /* owned */
};

static int find_places(const struct command *command, struct found *found, struct error *error)
{
	const char *state_directory = command->state_directory;
	struct config config;

	config_init(&config);
	if (!command->state_directory || !command->heartbeat) {
		config_clear(&config);
		load_config(command, &config);
	}
	if (!state_directory)
		state_directory = config.state_directory;
	found->state_directory = strdup(state_directory);
	found->heartbeat =
		command->heartbeat ? strdup(command->heartbeat) : heartbeat_path(config.socket);
	config_clear(&config);
	if (found->state_directory && found->heartbeat)
		return 0;
	error_setf(error, ENOMEM, "out of memory");
	return -ENOMEM;
}

/* --- is it dead? -------------------------------------------------------------------------- */

/* Without a heartbeat: who holds the state lives, else the state's age is known. */
static double silent_s(const struct deadman *deadman, double heartbeat_s, bool is_held)
{
	double now_s = (double)clock_read_ns(CLOCK_REALTIME) / NS_PER_S;

	if (!isnan(heartbeat_s))
		return heartbeat_s;
	if (is_held)
		return 0;
	return isnan(deadman->state.saved_s) ? INFINITY : fabs(now_s - deadman->state.saved_s);
}

/*
 * The state is ours to write unless a daemon holds it, be it well or not, or nobody can, as on a
 * disk that is read-only now: what must be held is held all the same.
 */
static int act(struct deadman *deadman, double heartbeat_s, struct error *error)
{
	int lock = state_lock(deadman->state_directory, error), result = 0;
	double seconds;

	deadman->may_note = lock >= 0;
	seconds = silent_s(deadman, heartbeat_s, lock == -EBUSY);
	if (seconds > deadman->after_s) {
		result = deadman_install(deadman, error);
		if (deadman->installed > 0)
			log_warning("the daemon has been silent for %.0f s: %u domain%s held to "
				    "what keeps its cap",
				    seconds, deadman->installed,
				    deadman->installed == 1 ? "" : "s");
	}
	state_unlock(lock);
	return result;
}

/* First the heartbeat: a daemon that lives is not disturbed, and its files are not looked at. */
static int run(struct deadman *deadman, struct error *error)
{
	double heartbeat_s = heartbeat_age_s(deadman->heartbeat);
	int result;

	if (heartbeat_s <= deadman->after_s)
		return 0;
	result = state_read(deadman->state_directory, &deadman->state, error);
	if (result == -ENOENT)
		return 0; /* never ran: there is nothing to hold */
	if (result)
		return error_prefixf(error, result, "%s/state.json", deadman->state_directory);
	return deadman->state.clean ? 0 : act(deadman, heartbeat_s, error);
}

int deadman_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Limit the domains of a vmenergyd that has died to what keeps their caps "
		       "without it.",
	};
	static char name[] = "vmenergyd deadman";
	struct deadman deadman = { .after_s = DEADMAN_AFTER_S, .patience_s = DEADMAN_PATIENCE_S };
	struct command command = { .deadman = &deadman };
	struct found found = { NULL, NULL };
	struct error error = { "" };
	int result;

	argp_err_exit_status = 2;
	argv[0] = name; /* argp knows a program by its first word */
	if (argp_parse(&argp, argc, argv, 0, NULL, &command))
		return 2;
	log_open(name, LOG_LEVEL_WARNING);
	state_init(&deadman.state);
	result = find_places(&command, &found, &error);
	deadman.state_directory = found.state_directory;
	deadman.heartbeat = found.heartbeat;
	if (!result)
		result = run(&deadman, &error);
	if (result)
		log_error("%s", error.text);
	state_clear(&deadman.state);
	free(found.state_directory);
	free(found.heartbeat);
	return result || deadman.failed > 0 ? 1 : 0;
}
