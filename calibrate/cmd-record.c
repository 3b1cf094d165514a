/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate record - run workloads, and write down what counters and meter say meanwhile. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/command.h"
#include "calibrate/fit-options.h"
#include "calibrate/take.h"

enum { OPTION_RESUME = 256 };
enum { PHASES_MIN = 4 }; /* a trace of fewer is of no use to anyone */
#define MINUTES 20.0     /* where nobody says how long it may take */

struct options {
	struct setup_options setup;
	const char *trace;
	bool resume;
};

static const struct argp_option argp_options[] = {
	{ "output", 'o', "TRACE", 0,
	  "the trace; TRACE.about says of what it is, TRACE.session has all that was measured", 0 },
	{ "resume", OPTION_RESUME, NULL, 0, "go on where TRACE.session ends", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->setup;
		return 0;
	case 'o':
		options->trace = argument;
		return 0;
	case OPTION_RESUME:
		options->resume = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": there are no arguments", argument);
		return 0;
	case ARGP_KEY_END:
		if (!options->trace)
			argp_error(state, "where to? -o TRACE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &setup_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.children = children,
	.doc = "Run workloads and record event counters and the meter beside them: a trace for "
	       "`calibrate fit'. Ctrl-C ends it early; --resume goes on.",
};

/* --- what comes of it ------------------------------------------------------------------------ */

/* "TRACE", "TRACE.pass2", ...; and something behind that. */
static void name_file(const char *trace, size_t pass, const char *behind, struct text *name)
{
	text_reset(name);
	text_add(name, trace);
	if (pass > 0)
		text_addf(name, ".pass%zu", pass + 1);
	text_add(name, behind);
}

static int write_pass(struct session *session, size_t pass, const struct align *align,
		      const char *trace_name, struct error *error)
{
	struct text name = { 0 }, note = { 0 };
	struct trace *trace = NULL;
	int result = align_trace(session, pass, align, SUITE_WARM_UP_S, &trace, &note, error);

	if (result)
		goto out;
	name_file(trace_name, pass, "", &name);
	result = name.failed ? error_setf(error, ENOMEM, "out of memory")
			     : take_write(trace, &session->about, name.bytes, error);
	if (result)
		goto out;
	printf("%s: %zu rows of %zu workloads, %u event%s%s%s\n", name.bytes, trace->row_count,
	       trace->group_count, trace->event_count, trace->event_count == 1 ? "" : "s",
	       note.length ? "; " : "", note.length ? note.bytes : "");
out:
	trace_free(trace);
	text_free(&name);
	text_free(&note);
	return result;
}

static int write_all(struct session *session, const char *trace_name, struct error *error)
{
	struct align align;
	int result = take_align(session, &align, error);

	for (size_t pass = 0; pass < session->passes.count && !result; pass++)
		result = write_pass(session, pass, &align, trace_name, error);
	return result;
}

/* --- the command -------------------------------------------------------------------------------
 */

static int record(const struct options *options, struct setup *setup, struct session *session,
		  struct error *error)
{
	struct text path = { 0 };
	int result;

	name_file(options->trace, 0, ".session", &path);
	if (options->resume && !path.failed)
		take_look_for(path.bytes);
	result = path.failed ? error_setf(error, ENOMEM, "out of memory")
			     : take_record(
				       &(const struct take){
					       .setup = setup,
					       .options = &options->setup,
					       .minutes = MINUTES,
					       .session_path = path.bytes,
					       .resume = options->resume,
				       },
				       session, error);
	text_free(&path);
	return result;
}

/* What was complete when it ended early is not lost. */
static int finish(const struct options *options, struct session *session, int result,
		  struct error *error)
{
	struct error of_files = { "" };

	take_warn_busy(session);
	if (!result)
		return write_all(session, options->trace, error);
	if (session->phases.count >= PHASES_MIN && write_all(session, options->trace, &of_files))
		command_fail(&of_files);
	return take_keep(session->phases.count, result, error);
}

static int run(int argc, char **argv)
{
	struct options options = { .setup = setup_defaults() };
	struct error error = { "" };
	struct session session;
	struct setup setup;
	int result;

	options_parse_command(&argp, argc, argv, &options);
	result = setup_open(&setup, &options.setup, &session, &error);
	if (result)
		return command_fail(&error);
	result = setup_passes(&setup, &options.setup, &session, &error);
	if (!result) {
		command_print_list(&setup.warnings, "warning");
		result = record(&options, &setup, &session, &error);
		result = finish(&options, &session, result, &error);
	}
	setup_close(&setup);
	session_clear(&session);
	return result ? command_fail(&error) : 0;
}

const struct command command_record = {
	.name = "record",
	.sentence = "run workloads and record counters and meter: a trace",
	.run = run,
};
