/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate report: how good a fit of a trace is, to be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/command.h"
#include "calibrate/fit-input.h"
#include "calibrate/fit-options.h"
#include "calibrate/report/report.h"

struct options {
	struct trace_options trace;
	struct fit_options fit;
	const char *path, *html, *title;
};

enum { OPTION_HTML = 256, OPTION_TITLE };

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "html", OPTION_HTML, "FILE", 0,
	  "one page with its pictures inside, in place of the text (- is standard output)", 3 },
	{ "title", OPTION_TITLE, "TEXT", 0, "what stands above it (default: the trace's name)", 3 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->trace;
		state->child_inputs[1] = &options->fit;
		return 0;
	case OPTION_HTML:
		options->html = argument;
		return 0;
	case OPTION_TITLE:
		options->title = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (options->path)
			argp_error(state, "%s: one trace at a time", argument);
		options->path = argument;
		return 0;
	case ARGP_KEY_END:
		if (!options->path)
			argp_error(state, "no trace is given");
		options_check_output(state, options->html, options->path);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int write_report(const struct options *options, const struct report *report,
			struct error *error)
{
	struct text text = { 0 };
	int result = 0;

	if (options->html)
		result = report_html(report, &text, error);
	else
		report_text(report, &text);
	if (!result)
		result = command_write_file(options->html ? options->html : "-", &text, error);
	text_free(&text);
	return result;
}

static int report_fits(const struct options *options, const struct fit_input *input,
		       const struct fits *fits, struct error *error)
{
	const char *slash = strrchr(input->path, '/');
	const struct report report = {
		.title = options->title ? options->title
			 : slash        ? slash + 1
					: input->path,
		.trace = input->trace,
		.about = input->has_about ? &input->about : NULL,
		.fit = fits_main(fits),
		.on_cpu_fit = fits->events ? fits->on_cpu : NULL,
	};

	return write_report(options, &report, error);
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
		.doc = "Fit weights to a trace and report how good they are on workloads that the "
		       "fit did not see.",
		.children = children,
	};
	struct options options = { .path = NULL };
	struct fit_input input = { .path = NULL };
	struct fits fits = { NULL, NULL };
	struct error error = { "" };
	int status = 1, result;

	options_parse_command(&argp, argc, argv, &options);
	if (fit_input_load(&input, options.path, &options.trace.request) == 0) {
		command_print_list(&input.warnings, "warning");
		result = fits_solve(input.trace, &options.fit, &fits, &input.warnings, &error);
		if (result)
			error_prefixf(&error, result, "%s", input.path);
		result = result ? result : report_fits(&options, &input, &fits, &error);
		status = result ? command_fail(&error) : 0;
	}
	fits_clear(&fits);
	fit_input_clear(&input);
	return status;
}

const struct command command_report = {
	.name = "report",
	.sentence = "how good a fit is, as text or as a page with pictures",
	.run = run,
};
