/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate thermal: the constants of dT/dt = c1 P + c2 (T - T0). */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/command.h"
#include "calibrate/fit-input.h"
#include "calibrate/fit-options.h"
#include "calibrate/fit/thermal.h"
#include "calibrate/record/record.h"
#include "calibrate/setup.h"
#include "calibrate/thermal-rows.h"
#include "calibrate/weights-make.h"
#include "wire/build.h"

#define MINUTES 6.0
#define HEATING "integer-wide" /* hot on any CPU */

struct options {
	struct setup_options setup;
	const char *trace;  /* NULL: a run of our own */
	const char *output; /* what was measured, or the weights file */
	const char *into;   /* weights file that gets the constants */
	bool json;
};

enum { OPTION_TRACE = 256, OPTION_INTO, OPTION_JSON };

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "The course:", 1 },
	{ "trace", OPTION_TRACE, "TRACE", 0,
	  "fit what was recorded: timestamp, power_w, temperature_c (default: heat this machine, "
	  "then let it cool)",
	  1 },
	{ "workload", 'w', "NAME", 0, "what heats, on all CPUs (default: " HEATING ")", 1 },
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "into", OPTION_INTO, "WEIGHTS", 0, "put the constants into this weights file", 3 },
	{ "output", 'o', "FILE", 0,
	  "with --into: the weights file that is written (default: the same); else the trace that "
	  "was measured",
	  3 },
	{ "json", OPTION_JSON, NULL, 0, "one JSON object on standard output", 3 },
	{ 0 },
};

static void check(struct argp_state *state, const struct options *options)
{
	if (options->trace && options->output && !options->into)
		argp_error(state, "-o: the trace is there already; --into WEIGHTS says what gets "
				  "the constants");
	options_check_output(state, options->output, options->trace);
	options_check_output(state, options->into, options->trace);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->setup;
		return 0;
	case OPTION_TRACE:
		options->trace = argument;
		return 0;
	case OPTION_INTO:
		options->into = argument;
		return 0;
	case 'o':
		options->output = argument;
		return 0;
	case 'w':
		options->setup.workloads = argument;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": there are no arguments", argument);
		return 0;
	case ARGP_KEY_END:
		check(state, options);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What was measured, and what is known of it. */
struct course {
	struct thermal_rows rows;
	bool emulated;
};

/* --- where the rows come from ---------------------------------------------------------------- */

/* What is wrong with the files is told already: no text then. */
static int load(const struct options *options, struct course *course, struct error *error)
{
	static const struct trace_request request = { .without_events = true };
	struct fit_input input;
	int result = fit_input_load(&input, options->trace, &request);

	if (!result) {
		command_print_list(&input.warnings, "warning");
		result = thermal_rows_of_trace(input.trace, &course->rows, error);
		if (result)
			error_prefixf(error, result, "%s", input.path);
	}
	course->emulated = input.about.emulated;
	fit_input_clear(&input);
	return result;
}

static int record(const struct options *options, struct setup *setup, struct session *session,
		  struct error *error)
{
	const char *workload = options->setup.workloads ? options->setup.workloads : HEATING;
	double minutes = options->setup.minutes > 0 ? options->setup.minutes : MINUTES;
	struct suite suite = { 0 };
	int result;

	if (!MEMORY_APPEND(&session->passes))
		return error_setf(error, ENOMEM, "out of memory");
	result = thermal_suite(&setup->machine, workload, minutes, &suite, error);
	if (!result)
		result = record_run(&(const struct record_setup){ .suite = &suite,
								  .counters = setup->counters,
								  .meter = setup->meter,
								  .root = &setup->root,
								  .progress = !options->setup.quiet,
								  .stop = record_watch_signals() },
				    session, error);
	if (result == -EINTR)
		error_setf(error, EINTR, "interrupted");
	suite_clear(&suite);
	return result;
}

/* The course as a trace, and beside it what it is of. */
static int save(const struct thermal_rows *rows, const struct trace_about *about, const char *path,
		struct error *error)
{
	struct trace *trace = NULL;
	struct text text = { 0 }, beside = { 0 }, name = { 0 };
	int result = thermal_rows_to_trace(rows, &trace);

	if (!result) {
		trace_print(trace, &text);
		trace_about_print(about, &beside);
		text_addf(&name, "%s.about", path);
	}
	if (result || text.failed || beside.failed || name.failed)
		result = error_setf(error, ENOMEM, "out of memory");
	if (!result)
		result = command_write_file(path, &text, error);
	if (!result && strcmp(path, "-") != 0)
		result = command_write_file(name.bytes, &beside, error);
	trace_free(trace);
	text_free(&text);
	text_free(&beside);
	text_free(&name);
	return result;
}

static int measure(const struct options *options, struct course *course, struct error *error)
{
	struct session session;
	struct setup setup;
	int result = setup_open(&setup, &options->setup, &session, error);

	if (result)
		return result;
	command_print_list(&setup.warnings, "warning");
	result = record(options, &setup, &session, error);
	if (!result)
		result = thermal_rows_of_session(&session, &course->rows, error);
	course->emulated = session.about.emulated;
	if (!result && options->output && !options->into)
		result = save(&course->rows, &session.about, options->output, error);
	setup_close(&setup);
	session_clear(&session);
	return result;
}

/* --- what is shown --------------------------------------------------------------------------- */

static const char emulated_line[] = "EMULATED: no physical machine behaves like this\n";

/* " +-0.1"; nothing where it is not known. */
static void print_error(double value, struct text *out)
{
	if (isfinite(value))
		text_addf(out, " +-%.2g", value);
}

static void print_text(const struct thermal_fit *fit, const struct course *course, struct text *out)
{
	if (course->emulated)
		text_add(out, emulated_line);
	text_addf(out, "rows           %zu, explained to %.2f C RMS\n", course->rows.count,
		  fit->rmse_c);
	text_addf(out, "c1             %.5g", fit->constants.c1);
	print_error(fit->c1_se, out);
	text_addf(out, " K/J\nc2             %.5g", fit->constants.c2);
	print_error(fit->c2_se, out);
	text_addf(out, " 1/s: a time constant of %.1f s\nt0             %.2f", fit->time_constant_s,
		  fit->constants.t0_c);
	print_error(fit->t0_se_c, out);
	text_addf(out, " C\nin the end     %.2f", fit->steady_c);
	print_error(fit->steady_se_c, out);
	text_add(out, " C at the highest power seen\n");
}

static int print_json(const struct thermal_fit *fit, const struct course *course, struct text *out,
		      struct error *error)
{
	const struct {
		const char *key;
		double value;
	} figures[] = {
		{ "c1_kelvin_per_joule", fit->constants.c1 },
		{ "c1_error", fit->c1_se },
		{ "c2_per_second", fit->constants.c2 },
		{ "c2_error", fit->c2_se },
		{ "t0_c", fit->constants.t0_c },
		{ "t0_error_c", fit->t0_se_c },
		{ "time_constant_s", fit->time_constant_s },
		{ "rmse_c", fit->rmse_c },
		{ "steady_c", fit->steady_c },
		{ "steady_error_c", fit->steady_se_c },
	};
	struct build build = { .error = error };
	json_t *root = json_object(), *warnings = json_array();

	build_put(&build, root, "rows", build_u64(&build, "rows", course->rows.count));
	build_put(&build, root, "emulated", json_boolean(course->emulated));
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		build_put(&build, root, figures[i].key, build_real(figures[i].value));
	for (size_t i = 0; i < fit->warnings.count; i++)
		build_append(&build, warnings, build_text(fit->warnings.texts[i]));
	build_put(&build, root, "warnings", warnings);
	return build_line(&build, root, 10, out);
}

static int show(const struct options *options, const struct thermal_fit *fit,
		const struct course *course, struct error *error)
{
	struct text out = { 0 };
	int result = 0;

	if (options->json)
		result = print_json(fit, course, &out, error);
	else
		print_text(fit, course, &out);
	if (!result)
		result = command_write_file("-", &out, error);
	if (!options->json)
		command_print_list(&fit->warnings, "warning");
	text_free(&out);
	return result;
}

/* --- the weights file ------------------------------------------------------------------------ */

static int read_weights(const char *path, struct weights **weights, struct error *error)
{
	struct error_list errors = { 0 };
	char *text = NULL;
	size_t length;
	int result = command_read_file(path, &text, &length, error);

	if (result)
		return result;
	result = weights_parse(path, text, length, weights, &errors);
	command_print_list(&errors, NULL);
	if (result)
		error_setf(error, -result, "%s: no weights file", path);
	error_list_clear(&errors);
	free(text);
	return result;
}

/* Constants of an emulated machine beside weights of a real one would be taken for real. */
static int check_kind(const struct weights *weights, const struct course *course,
		      struct error *error)
{
	bool emulated = (weights->source && strstr(weights->source, "EMULATED")) ||
			strstr(weights->name, "EMULATED");

	if (weights->kind != WEIGHTS_CPU)
		return error_setf(error, EINVAL, "%s: is not for a CPU", weights->path);
	if (course->emulated && !emulated)
		return error_setf(error, EINVAL,
				  "%s: is of a real machine, the temperatures of an emulated one",
				  weights->path);
	return 0;
}

/* As many digits as a sensor in whole degrees is good for. */
static double rounded(double value)
{
	char digits[40];

	snprintf(digits, sizeof digits, "%.4g", value);
	return strtod(digits, NULL);
}

static int put_into(const struct options *options, const struct thermal_fit *fit,
		    const struct course *course, struct error *error)
{
	struct weights *weights = NULL;
	struct text text = { 0 };
	int result = read_weights(options->into, &weights, error);

	if (!result)
		result = check_kind(weights, course, error);
	if (!result) {
		weights->thermal_c1 = rounded(fit->constants.c1);
		weights->thermal_c2 = rounded(fit->constants.c2);
		weights->thermal_t0_c = rounded(fit->constants.t0_c);
		result = weights_make_text(weights, &text, error);
	}
	if (!result)
		result = command_write_file(options->output ? options->output : options->into,
					    &text, error);
	weights_free(weights);
	text_free(&text);
	return result;
}

/* --- the command ----------------------------------------------------------------------------- */

static int finish(const struct options *options, const struct course *course, struct error *error)
{
	struct thermal_fit fit;
	int result = thermal_fit_solve(course->rows.items, course->rows.count, &fit, error);

	if (result && options->trace)
		error_prefixf(error, result, "%s", options->trace);
	if (result)
		return result;
	result = show(options, &fit, course, error);
	if (!result && options->into)
		result = put_into(options, &fit, course, error);
	thermal_fit_clear(&fit);
	return result;
}

static void parse_options(int argc, char **argv, struct options *options)
{
	static const char *const without[] = { "brief", "disks-idle", "events", "frequencies",
					       "seed",  "workloads",  NULL };
	struct argp_option room[OPTIONS_MAX];
	const struct argp setup = options_without(&setup_argp, without, room);
	const struct argp_child children[] = { { &setup, 0, NULL, 2 }, { 0 } };
	const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.children = children,
		.doc = "Fit how temperature follows power: dT/dt = c1 P + c2 (T - T0). Needs a run "
		       "that heats and one that cools.\v"
		       "TRACE - is standard input. Exit status: 0 done, 1 something failed, 2 "
		       "wrong "
		       "usage.",
	};

	options_parse_command(&argp, argc, argv, options);
}

static int run(int argc, char **argv)
{
	struct options options = { .setup = setup_defaults() };
	struct course course = { .emulated = false };
	struct error error = { "" };
	int result;

	parse_options(argc, argv, &options);
	result = options.trace ? load(&options, &course, &error)
			       : measure(&options, &course, &error);
	if (!result)
		result = finish(&options, &course, &error);
	thermal_rows_clear(&course.rows);
	if (result && *error.text)
		command_fail(&error);
	return result ? 1 : 0;
}

const struct command command_thermal = {
	.name = "thermal",
	.sentence = "how temperature follows power: heat, let cool, fit",
	.run = run,
};
