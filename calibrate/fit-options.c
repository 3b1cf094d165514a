/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit-options.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/units.h"
#include "calibrate/command.h"
#include "model/words.h"

enum { OPTION_POWER = 0x200, OPTION_GROUP, OPTION_EVENTS, OPTION_INTERVAL };
enum { OPTION_METHOD = 0x300, OPTION_ROBUST, OPTION_FREQUENCY };

/* --- the trace ------------------------------------------------------------------------------- */

static const struct argp_option trace_argp_options[] = {
	{ NULL, 0, NULL, 0, "The trace:", 1 },
	{ "power-column", OPTION_POWER, "NAME", 0,
	  "power in W, or with a name that ends in _j the energy of a row in J (default: power_w, "
	  "else energy_j)",
	  1 },
	{ "group-column", OPTION_GROUP, "NAME", 0,
	  "which rows belong together and are held out as a whole (default: workload)", 1 },
	{ "events", OPTION_EVENTS, "NAME,...", 0,
	  "columns that are events (default: all that have no other meaning)", 1 },
	{ "interval", OPTION_INTERVAL, "SECONDS", 0,
	  "events are counts of so many seconds (default: the column interval_s, else rates)", 1 },
	{ 0 },
};

static void parse_events(struct argp_state *state, char *list, struct trace_options *options)
{
	unsigned count = options->request.event_count;
	int more = command_split(list, options->events + count, TRACE_EVENTS_MAX - count);

	if (more < 0)
		argp_error(state, "events: at most %d", TRACE_EVENTS_MAX);
	else if (more == 0)
		argp_error(state, "events: no name is given");
	else
		options->request.event_count += (unsigned)more;
	options->request.events = options->events;
}

/* "0.5", or with a unit "500ms". */
static void parse_interval(struct argp_state *state, const char *text, double *interval_s)
{
	struct error error = { "" };

	if (number_parse_double(text, interval_s) == 0) {
		if (!(*interval_s >= 1e-6 && *interval_s <= 1e6))
			argp_error(state, "interval %s: must be 1us..1000000s", text);
	} else if (unit_parse(QUANTITY_TIME, text, 1e-6, 1e6, interval_s, &error)) {
		argp_error(state, "interval %s", error.text);
	}
}

static error_t parse_trace(int key, char *argument, struct argp_state *state)
{
	struct trace_options *options = state->input;

	switch (key) {
	case OPTION_POWER:
		options->request.power_column = argument;
		return 0;
	case OPTION_GROUP:
		options->request.group_column = argument;
		return 0;
	case OPTION_EVENTS:
		parse_events(state, argument, options);
		return 0;
	case OPTION_INTERVAL:
		parse_interval(state, argument, &options->request.interval_s);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp trace_argp = { .options = trace_argp_options, .parser = parse_trace };

/* --- the fit --------------------------------------------------------------------------------- */

static const struct argp_option fit_argp_options[] = {
	{ NULL, 0, NULL, 0, "The fit:", 2 },
	{ "method", OPTION_METHOD, "nnls|ols|ridge", 0,
	  "least squares with no weight below zero (default), without that bound, or shrunk", 2 },
	{ "robust", OPTION_ROBUST, NULL, 0, "give no weight to rows where the meter lied", 2 },
	{ "frequency", OPTION_FREQUENCY, "points|v2|ignore", 0,
	  "rows of several frequencies: an operating point each (default), in proportion to "
	  "voltage squared, or as one",
	  2 },
	{ 0 },
};

static void parse_method(struct argp_state *state, const char *word, struct fit_options *options)
{
	int method = fit_method_parse(word);

	if (method < 0)
		argp_error(state, "method %s: must be nnls, ols or ridge", word);
	else
		options->method = (enum fit_method)method;
}

static void parse_frequency(struct argp_state *state, const char *word, struct fit_options *options)
{
	static const char *const words[] = { [FIT_FREQUENCY_POINTS] = "points",
					     [FIT_FREQUENCY_V2] = "v2",
					     [FIT_FREQUENCY_IGNORE] = "ignore" };
	int frequency = words_parse(words, WORDS_COUNT(words), word);

	if (frequency < 0)
		argp_error(state, "frequency %s: must be points, v2 or ignore", word);
	else
		options->frequency = (enum fit_frequency)frequency;
}

static error_t parse_fit(int key, char *argument, struct argp_state *state)
{
	struct fit_options *options = state->input;

	switch (key) {
	case OPTION_METHOD:
		parse_method(state, argument, options);
		return 0;
	case OPTION_ROBUST:
		options->robust = true;
		return 0;
	case OPTION_FREQUENCY:
		parse_frequency(state, argument, options);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp fit_argp = { .options = fit_argp_options, .parser = parse_fit };

/* --- what commands need beside ---------------------------------------------------------------- */

static bool is_among(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (name && strcmp(*names, name) == 0)
			return true;
	return false;
}

struct argp options_without(const struct argp *argp, const char *const *names,
			    struct argp_option room[OPTIONS_MAX])
{
	struct argp copy = *argp;
	size_t count = 0;

	for (const struct argp_option *option = argp->options;
	     option->name || option->key || option->doc; option++)
		if (!is_among(names, option->name) && count < OPTIONS_MAX - 1)
			room[count++] = *option;
	room[count] = (struct argp_option){ 0 };
	copy.options = room;
	return copy;
}

struct json_option options_json(const char *argument)
{
	bool is_path = argument && strcmp(argument, "-") != 0;

	return (struct json_option){ true, is_path ? argument : NULL };
}

enum scope options_parse_scope(struct argp_state *state, const char *word)
{
	int scope = scope_parse(word);

	if (scope < 0)
		argp_error(state, "scope %s: must be wall, dc, package, package+dram or rail",
			   word);
	return scope < 0 ? SCOPE_WALL : (enum scope)scope;
}

void options_check_output(struct argp_state *state, const char *output, const char *other)
{
	if (output && other && strcmp(output, other) == 0 && strcmp(output, "-") != 0)
		argp_error(state, "%s: used twice", output);
}

unsigned options_parse_count(struct argp_state *state, const char *what, const char *text,
			     unsigned most)
{
	uint64_t value = 0;

	if (number_parse_u64(text, &value) || value < 1 || value > most)
		argp_error(state, "%s %s: must be 1..%u", what, text, most);
	return (unsigned)value;
}

void options_parse_command(const struct argp *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = 2;
	if (argp_parse(argp, argc, argv, 0, NULL, input))
		exit(2);
}
