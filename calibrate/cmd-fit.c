/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate fit: weights from a trace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rootfs.h"
#include "calibrate/command.h"
#include "calibrate/fit-input.h"
#include "calibrate/fit-json.h"
#include "calibrate/fit-options.h"
#include "calibrate/fit-text.h"
#include "calibrate/weights-make.h"
#include "host/cpu.h"

struct options {
	struct trace_options trace;
	struct fit_options fit;
	const char *path;
	struct json_option json;
	bool text, quiet, force;
	const char *output; /* the weights file; NULL = none */
	const char *name;
	bool has_scope;
	enum scope scope;
	bool machine_here;
	unsigned cpus, chips;
};

enum { OPTION_JSON = 256, OPTION_TEXT, OPTION_FORCE, OPTION_NAME, OPTION_SCOPE };
enum { OPTION_MACHINE = 300, OPTION_CPUS, OPTION_CHIPS };

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "json", OPTION_JSON, "FILE", OPTION_ARG_OPTIONAL,
	  "one JSON object (default: on standard output)", 3 },
	{ "text", OPTION_TEXT, NULL, 0, "tables for a terminal (default without --json)", 3 },
	{ "quiet", 'q', NULL, 0, "no tables", 3 },
	{ "output", 'o', "FILE", 0, "write a weights file, unless the fit is poor", 3 },
	{ "force", OPTION_FORCE, NULL, 0, "write it even then; it says that it is poor", 3 },
	{ NULL, 0, NULL, 0, "What the weights file says:", 4 },
	{ "name", OPTION_NAME, "TEXT", 0, "what it is for (default: the CPU's model name)", 4 },
	{ "scope", OPTION_SCOPE, "WORD", 0,
	  "where the power was measured: wall, dc, package, package+dram or rail", 4 },
	{ "machine", OPTION_MACHINE, "here", 0, "the trace is of this very machine", 4 },
	{ "cpus", OPTION_CPUS, "N", 0, "hardware threads of the machine", 4 },
	{ "chips", OPTION_CHIPS, "N", 0, "packages of the machine", 4 },
	{ 0 },
};

/* --- options --------------------------------------------------------------------------------- */

static error_t parse_weights(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPTION_NAME:
		options->name = argument;
		return 0;
	case OPTION_SCOPE:
		options->scope = options_parse_scope(state, argument);
		options->has_scope = true;
		return 0;
	case OPTION_MACHINE:
		if (strcmp(argument, "here") != 0)
			argp_error(state, "machine %s: must be here", argument);
		options->machine_here = true;
		return 0;
	case OPTION_CPUS:
		options->cpus = options_parse_count(state, "cpus", argument, 65536);
		return 0;
	case OPTION_CHIPS:
		options->chips = options_parse_count(state, "chips", argument, 256);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void check(struct argp_state *state, struct options *options)
{
	bool both_out = options->json.wanted && !options->json.path;

	if (!options->path)
		argp_error(state, "no trace is given");
	if (options->text && options->quiet)
		argp_error(state, "--text and --quiet exclude each other");
	if (options->text && both_out)
		argp_error(state, "--text and --json cannot both go to standard output");
	options_check_output(state, options->output, options->json.path);
	options_check_output(state, options->output, options->path);
	options_check_output(state, options->json.path, options->path);
	options->text = options->text || (!options->json.wanted && !options->quiet);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->trace;
		state->child_inputs[1] = &options->fit;
		return 0;
	case OPTION_JSON:
		options->json = options_json(argument);
		return 0;
	case OPTION_TEXT:
		options->text = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'o':
		options->output = argument;
		return 0;
	case OPTION_FORCE:
		options->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (options->path)
			argp_error(state, "%s: one trace at a time", argument);
		options->path = argument;
		return 0;
	case ARGP_KEY_END:
		check(state, options);
		return 0;
	default:
		return parse_weights(key, argument, state);
	}
}

/* --- the weights file ------------------------------------------------------------------------ */

/* This machine's CPU in place of the one that the trace was said to be of. */
static int use_this_machine(struct trace_about *about, struct error *error)
{
	struct rootfs root;
	int result = rootfs_open(&root, NULL, error);

	if (result)
		return result;
	cpu_identity_clear(&about->cpu);
	result = cpu_identify(&root, &about->cpu, error);
	about->has_cpu = result == 0;
	rootfs_close(&root);
	return result;
}

static char *make_source(const struct fit_input *input, const struct fit *fit)
{
	const char *slash = strrchr(input->path, '/');
	char *source = NULL;

	if (asprintf(&source, "calibrated with calibrate %s, %s%s, from %s%s", VMENERGY_VERSION,
		     fit->robust ? "robust " : "", fit_method_name(fit->method),
		     slash ? slash + 1 : input->path,
		     input->about.emulated ? ": EMULATED, no physical meter" : "") < 0)
		return NULL;
	return source;
}

/* "2 CPUs and 1 chip, as this machine has", for what nobody says. */
static int assume_machine(struct weights_make *make, struct text *what, struct error *error)
{
	const struct cpu_identity *said = &make->about->cpu;
	bool is_known = (make->cpus || said->cpus) && (make->chips || said->chips);
	struct trace_about here;
	int result;

	if (is_known)
		return 0;
	trace_about_init(&here);
	result = use_this_machine(&here, error);
	if (!result) {
		make->cpus = make->cpus ? make->cpus : here.cpu.cpus;
		make->chips = make->chips ? make->chips : here.cpu.chips;
		text_addf(what, "%u CPU%s and %u chip%s, as this machine has", make->cpus,
			  make->cpus == 1 ? "" : "s", make->chips, make->chips == 1 ? "" : "s");
	}
	trace_about_clear(&here);
	return result;
}

/*
 * A trace alone says neither of which machine it is nor where its power was measured. Weights
 * are of use all the same, as an estimate that is never chosen unless somebody names it.
 */
static int assume(struct weights_make *make, struct error *error)
{
	struct error_list warnings = { 0 };
	struct text what = { 0 };
	int result = assume_machine(make, &what, error);

	if (!result && !make->has_scope && !make->about->has_scope) {
		text_addf(&what, "%spower at the wall", what.length ? ", and " : "");
		make->has_scope = true;
		make->scope = SCOPE_WALL;
	}
	make->assumed = what.length > 0;
	if (make->assumed && !result)
		error_list_addf(&warnings,
				"assumed: %s; the weights are an estimate and serve only where they"
				" are named; --machine here, or --cpus N --chips N, and --scope"
				" WORD state it",
				what.bytes);
	command_print_list(&warnings, "warning");
	error_list_clear(&warnings);
	text_free(&what);
	return result;
}

static int write_weights(const struct options *options, struct fit_input *input,
			 const struct fits *fits, struct error *error)
{
	char *source = make_source(input, fits_main(fits));
	struct weights_make make = { .events = fits->events,
				     .on_cpu = fits->on_cpu,
				     .about = &input->about,
				     .name = options->name,
				     .source = source,
				     .command = command_line(),
				     .has_scope = options->has_scope,
				     .scope = options->scope,
				     .cpus = options->cpus,
				     .chips = options->chips };
	int result = options->machine_here ? use_this_machine(&input->about, error) : 0;

	if (!result)
		result = assume(&make, error);
	if (!result)
		result = weights_write(&make, options->output, error);
	free(source);
	return result;
}

/* --- what is shown --------------------------------------------------------------------------- */

static int show(const struct options *options, const struct fit_input *input,
		const struct fits *fits, struct error *error)
{
	struct text text = { 0 };
	int result = 0;

	if (options->text) {
		fit_text(input, fits, &text);
		result = command_write_file("-", &text, error);
	}
	text_reset(&text);
	if (options->json.wanted && !result) {
		result = fit_json(input, fits, &text, error);
		if (!result)
			result = command_write_file(options->json.path ? options->json.path : "-",
						    &text, error);
	}
	text_free(&text);
	return result;
}

/* Nothing could be fitted; who waits for an object gets one all the same. */
static int refuse(const struct options *options, const struct fit_input *input,
		  struct error *reason)
{
	struct text text = { 0 };
	struct error error = { "" };
	int result = 0;

	if (options->json.wanted) {
		result = fit_json_refused(input, &options->fit, reason->text, &text, &error);
		if (!result)
			result = command_write_file(options->json.path ? options->json.path : "-",
						    &text, &error);
	}
	text_free(&text);
	error_prefixf(reason, -EINVAL, "%s", input->path);
	command_fail(reason);
	return result ? command_fail(&error) : 1;
}

/* --- the command ----------------------------------------------------------------------------- */

static int finish(const struct options *options, struct fit_input *input, const struct fits *fits)
{
	const struct fit *fit = fits_main(fits);
	struct error error = { "" };

	if (show(options, input, fits, &error))
		return command_fail(&error);
	if (fit->verdict == VERDICT_POOR && !options->force) {
		error_setf(&error, EINVAL, "the fit is poor: %s%s",
			   fit->warnings.count ? fit->warnings.texts[0] : "held-out errors",
			   options->output ? "; not written (--force writes it all the same)"
					   : "; --force accepts it all the same");
		return command_fail(&error);
	}
	if (options->output && write_weights(options, input, fits, &error))
		return command_fail(&error);
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct argp_child children[] = { { &trace_argp, 0, NULL, 1 },
						      { &fit_argp, 0, NULL, 2 },
						      { NULL, 0, NULL, 0 } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.args_doc = "TRACE",
		.doc = "Fit weights to a trace, vmenergy.trace(5), and say how good they are on "
		       "workloads that the fit did not see.\v"
		       "TRACE - is standard input. Exit status: 0 done, 1 the fit is poor or "
		       "something failed, 2 wrong usage.",
		.children = children,
	};
	struct options options = { .path = NULL };
	struct fit_input input = { .path = NULL };
	struct fits fits = { NULL, NULL };
	struct error error = { "" };
	int status = 1;

	options_parse_command(&argp, argc, argv, &options);
	if (fit_input_load(&input, options.path, &options.trace.request) == 0)
		status = fits_solve(input.trace, &options.fit, &fits, &input.warnings, &error)
				 ? refuse(&options, &input, &error)
				 : finish(&options, &input, &fits);
	fits_clear(&fits);
	fit_input_clear(&input);
	return status;
}

const struct command command_fit = {
	.name = "fit",
	.sentence = "weights from a trace that was recorded before",
	.run = run,
};
