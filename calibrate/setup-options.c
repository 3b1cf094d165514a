/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>

#include "base/numbers.h"
#include "base/units.h"
#include "calibrate/setup.h"

#define MINUTES_MAX (31 * 24 * 60.0)
#define DISKS_MAX_W 1e6

/* Apart from those of the commands. */
enum {
	OPTION_COUNTERS = 0x5300,
	OPTION_SCOPE,
	OPTION_FREQUENCIES,
	OPTION_MINUTES,
	OPTION_BRIEF,
	OPTION_SEED,
	OPTION_DISKS_IDLE,
	OPTION_ROOT,
	OPTION_PLANT,
};

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "What measures:", 1 },
	{ "meter", 'm', "METER", 0,
	  "DRIVER[:ADDRESS] of the power meter, as `calibrate meters' lists them (default: auto)",
	  1 },
	{ "scope", OPTION_SCOPE, "SCOPE", 0,
	  "what the meter measures, where it cannot know: wall, dc, package, package+dram, rail",
	  1 },
	{ "disks-idle", OPTION_DISKS_IDLE, "POWER", 0,
	  "idle power of all disks that are powered meanwhile (6.5W; 0 = none)", 1 },
	{ "counters", OPTION_COUNTERS, "KIND", 0,
	  "perf, cputime or emulated:FILE (default: perf where the CPU has counters)", 1 },
	{ "events", 'e', "EVENT,...", 0, "count these (default: what is worth trying here)", 1 },
	{ NULL, 0, NULL, 0, "What is run:", 2 },
	{ "workloads", 'w', "NAME,...", 0, "only these (default: all)", 2 },
	{ "frequencies", OPTION_FREQUENCIES, "FREQUENCY,...|all|governor", 0,
	  "hold the CPUs at each of them in turn (default: leave the governor alone)", 2 },
	{ "minutes", OPTION_MINUTES, "MINUTES", 0, "about how long it may take", 2 },
	{ "brief", OPTION_BRIEF, NULL, 0, "fewer workloads and events", 2 },
	{ "seed", OPTION_SEED, "NUMBER", 0, "of the order of runs (default 1)", 2 },
	{ NULL, 0, NULL, 0, "For trying it out:", 3 },
	{ "plant", OPTION_PLANT, "FILE", 0, "emulated counters and clock of this emulated machine",
	  3 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /proc, /sys and /dev", 3 },
	{ "quiet", 'q', NULL, 0, "no progress on standard error", -1 },
	{ 0 },
};

struct setup_options setup_defaults(void)
{
	return (struct setup_options){
		.meter = "auto",
		.counters = "auto",
		.seed = 1,
		.disks_idle_w = NAN,
	};
}

static void take_number(struct setup_options *options, int key, const char *argument,
			struct argp_state *state)
{
	struct error error = { "" };

	if (key == OPTION_MINUTES) {
		if (number_parse_double(argument, &options->minutes) || !(options->minutes > 0) ||
		    options->minutes > MINUTES_MAX)
			argp_error(state, "minutes %s: must be above 0, at most %.0f", argument,
				   MINUTES_MAX);
	} else if (key == OPTION_SEED) {
		if (number_parse_u64(argument, &options->seed))
			argp_error(state, "seed %s: must be a whole number", argument);
	} else if (unit_parse(QUANTITY_POWER, argument, 0, DISKS_MAX_W, &options->disks_idle_w,
			      &error) &&
		   (number_parse_double(argument, &options->disks_idle_w) ||
		    !(options->disks_idle_w >= 0 && options->disks_idle_w <= DISKS_MAX_W))) {
		argp_error(state, "disks-idle %s", error.text);
	}
}

/* Options that are kept as they are written. */
static const char **find_text(struct setup_options *options, int key)
{
	const struct {
		int key;
		const char **value;
	} texts[] = {
		{ 'm', &options->meter },          { 'e', &options->events },
		{ 'w', &options->workloads },      { OPTION_COUNTERS, &options->counters },
		{ OPTION_SCOPE, &options->scope }, { OPTION_FREQUENCIES, &options->frequencies },
		{ OPTION_ROOT, &options->root },   { OPTION_PLANT, &options->plant },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].key == key)
			return texts[i].value;
	return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct setup_options *options = state->input;
	const char **text = find_text(options, key);

	if (text) {
		*text = argument;
		if (key == OPTION_SCOPE && scope_parse(argument) < 0)
			argp_error(state,
				   "scope %s: must be wall, dc, package, package+dram or rail",
				   argument);
		return 0;
	}
	switch (key) {
	case OPTION_MINUTES:
	case OPTION_SEED:
	case OPTION_DISKS_IDLE:
		take_number(options, key, argument, state);
		return 0;
	case OPTION_BRIEF:
		options->brief = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp setup_argp = { .options = argp_options, .parser = parse };
