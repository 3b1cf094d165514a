/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calibrate run: from a machine and a meter to a weights file and a report.
 *
 *   1. which events?   all candidates, in several passes if need be, while each workload runs
 *                      once; those that explain held-out power best, as many as will be
 *                      counted together
 *   2. what do they cost?   the whole suite with these, in one pass
 *   3. fit, verdict, files
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/command.h"
#include "calibrate/fit-input.h"
#include "calibrate/fit-options.h"
#include "calibrate/fit-text.h"
#include "calibrate/report/report.h"
#include "calibrate/take.h"
#include "calibrate/weights-make.h"
#include "probe/perf-events.h"

#define MINUTES 20.0 /* where nobody says how long it may take */

enum { OPTION_HTML = 256, OPTION_FORCE, OPTION_RESUME, OPTION_NAME, OPTION_PROBE };

struct options {
	struct setup_options setup;
	struct fit_options fit;
	const char *output, *html, *name;
	bool force, resume;
	unsigned counters_for_events; /* one of so many free counters is an event's */
};

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "output", 'o', "FILE.weights", 0,
	  "the weights; FILE.csv, FILE.csv.about and FILE.session are what they are made of, "
	  "FILE.html how good they are",
	  3 },
	{ "html", OPTION_HTML, "FILE", 0, "the report's name; `none': no report", 3 },
	{ "name", OPTION_NAME, "TEXT", 0, "what the weights are for", 3 },
	{ "force", OPTION_FORCE, NULL, 0, "write weights also if they are poor; they say so", 3 },
	{ "resume", OPTION_RESUME, NULL, 0, "go on where FILE.session ends", 3 },
	{ NULL, 0, NULL, 0, "Events:", 4 },
	{ "probe", OPTION_PROBE, "perf|switch", 0,
	  "what will count them: perf has room for half of the free counters (default), switch "
	  "for all",
	  4 },
	{ 0 },
};

static unsigned parse_probe(struct argp_state *state, const char *word)
{
	if (strcmp(word, "perf") != 0 && strcmp(word, "switch") != 0)
		argp_error(state, "probe %s: must be perf or switch", word);
	return strcmp(word, "switch") == 0 ? 1 : 2;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->setup;
		state->child_inputs[1] = &options->fit;
		return 0;
	case 'o':
		options->output = argument;
		return 0;
	case OPTION_HTML:
		options->html = argument;
		return 0;
	case OPTION_NAME:
		options->name = argument;
		return 0;
	case OPTION_FORCE:
		options->force = true;
		return 0;
	case OPTION_RESUME:
		options->resume = true;
		return 0;
	case OPTION_PROBE:
		options->counters_for_events = parse_probe(state, argument);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": there are no arguments", argument);
		return 0;
	case ARGP_KEY_END:
		if (!options->output)
			argp_error(state, "where to? -o FILE.weights");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* All that a run has. */
struct run {
	const struct options *options;
	struct setup setup;
	struct session choice;  /* of step 1: all candidates */
	struct session session; /* of step 2 */
	struct trace *candidates;
	struct selection selection;
	bool has_selection;
	struct align align;
	struct trace *trace;
	struct fits fits;
	struct text note; /* of rows that were dropped */
};

/* FILE of FILE.weights, with something behind it. Owned by the caller; NULL: no memory. */
static char *name_file(const struct run *run, const char *behind)
{
	const char *output = run->options->output;
	size_t length = strlen(output), suffix = strlen(".weights");
	char *name = NULL;

	if (length > suffix && strcmp(output + length - suffix, ".weights") == 0)
		length -= suffix;
	return asprintf(&name, "%.*s%s", (int)length, output, behind) < 0 ? NULL : name;
}

static int record(struct run *run, struct session *session, const struct setup_options *options,
		  const char *behind, struct error *error)
{
	char *path = name_file(run, behind);
	struct take take = {
		.setup = &run->setup,
		.options = options,
		.minutes = MINUTES,
		.session_path = path,
		.resume = run->options->resume,
	};
	size_t runs;
	int result;

	if (path && take.resume && !run->has_selection)
		take_look_for(path);
	result = path ? take_record(&take, session, error)
		      : error_setf(error, ENOMEM, "out of memory");
	free(path);
	runs = session->phases.count;
	if (result == -EINTR && run->has_selection)
		runs += run->choice.phases.count;
	return take_keep(runs, result, error);
}

/* How many will be counted at one time, once the weights are used. */
static unsigned room_for_events(const struct run *run)
{
	unsigned room = counters_free(run->setup.counters) / run->options->counters_for_events;
	unsigned most =
		run->options->counters_for_events > 1 ? PERF_EVENTS_MAX : WEIGHTS_EVENTS_MAX;

	return room < 1 ? 1 : room < most ? room : most;
}

/* --- 1. which events ------------------------------------------------------------------------ */

/* The more passes it takes, the more of the time goes to the choice of events. */
static double part_of_choice(const struct run *run)
{
	return run->choice.passes.count > 1 ? 0.4 : 0.3;
}

static struct setup_options part_of_time(const struct run *run, double part)
{
	struct setup_options options = run->options->setup;

	options.minutes = part * (options.minutes > 0 ? options.minutes : MINUTES);
	return options;
}

static void print_choice(const struct run *run)
{
	const struct selection *selection = &run->selection;

	printf("error on workloads that the fit did not see:\n%10.2f W  without events\n",
	       selection->none_rmse);
	for (unsigned i = 0; i < selection->count; i++)
		printf("%10.2f W  with %s%s\n", selection->steps[i].lowo_rmse,
		       run->candidates->event_names[selection->steps[i].event],
		       i ? " as well" : "");
	for (size_t i = 0; i < selection->notes.count; i++)
		printf("not chosen: %s\n", selection->notes.texts[i]);
	printf("chosen: %u event%s of %u\n", selection->count, selection->count == 1 ? "" : "s",
	       run->candidates->event_count - 1);
}

/* The session of step 2: the same machine and meter, and the events that were chosen. */
static int take_choice(struct run *run, struct error *error)
{
	struct session *from = &run->choice, *to = &run->session;
	struct session_pass *pass = MEMORY_APPEND(&to->passes);

	if (!pass)
		return error_setf(error, ENOMEM, "out of memory");
	to->about = from->about;
	to->meter = from->meter;
	trace_about_init(&from->about);
	for (unsigned i = 0; i < run->selection.count; i++)
		strcpy(pass->names[pass->event_count++],
		       run->candidates->event_names[run->selection.steps[i].event]);
	print_choice(run);
	return 0;
}

static int choose(struct run *run, unsigned room, struct error *error)
{
	const struct select_limits limits = { .events = room };
	struct setup_options options = part_of_time(run, part_of_choice(run));
	struct align align;
	int result;

	run->choice = run->session;
	run->session = (struct session){ 0 };
	trace_about_init(&run->session.about);
	options.scout = true;
	printf("Which events: at most %u, from %zu pass%s over each workload\n", room,
	       run->choice.passes.count, run->choice.passes.count == 1 ? "" : "es");
	fflush(stdout);
	result = record(run, &run->choice, &options, ".choice.session", error);
	if (!result)
		result = align_estimate(&run->choice, &align, error);
	if (!result)
		result = select_merge(&run->choice, &align, SUITE_WARM_UP_S, &run->candidates,
				      error);
	if (!result)
		result = select_events(run->candidates, &limits, &run->selection, error);
	run->has_selection = !result;
	return result ? result : take_choice(run, error);
}

/*
 * Are there more candidates than will be counted together? Who names events has chosen, as long as
 * they can be counted at one time.
 */
static bool must_choose(const struct run *run, unsigned room)
{
	return run->session.passes.count > 1 ||
	       (!run->options->setup.events && run->session.passes.items[0].event_count > room);
}

/* --- 2. what do they cost ----------------------------------------------------------------------
 */

static int measure(struct run *run, struct error *error)
{
	struct setup_options options =
		part_of_time(run, run->has_selection ? 1 - part_of_choice(run) : 1);
	char *path = name_file(run, ".csv");
	int result;

	printf("%sWhat they cost:\n", run->has_selection ? "\n" : "");
	fflush(stdout);
	result = record(run, &run->session, &options, ".session", error);
	if (!result)
		result = take_align(&run->session, &run->align, error);
	if (!result)
		result = align_trace(&run->session, 0, &run->align, SUITE_WARM_UP_S, &run->trace,
				     &run->note, error);
	if (!result)
		result = path ? take_write(run->trace, &run->session.about, path, error)
			      : error_setf(error, ENOMEM, "out of memory");
	if (!result && run->note.length)
		printf("%s: %s\n", path, run->note.bytes);
	free(path);
	return result;
}

/* --- 3. fit, verdict, files ---------------------------------------------------------------------
 */

static int write_report(const struct run *run, const char *title, struct error *error)
{
	struct report report = {
		.title = title,
		.trace = run->trace,
		.about = &run->session.about,
		.fit = fits_main(&run->fits),
		.on_cpu_fit = run->fits.events ? run->fits.on_cpu : NULL,
		.align = &run->align,
		.selection = run->has_selection ? &run->selection : NULL,
		.candidate_names = run->candidates ? run->candidates->event_names : NULL,
	};
	char *path = run->options->html ? strdup(run->options->html) : name_file(run, ".html");
	struct text html = { 0 };
	int result = 0;

	if (!path)
		result = error_setf(error, ENOMEM, "out of memory");
	else if (strcmp(path, "none") != 0)
		result = report_html(&report, &html, error);
	if (!result && html.length)
		result = command_write_file(path, &html, error);
	if (!result && html.length)
		printf("report: %s\n", path);
	text_free(&html);
	free(path);
	return result;
}

static int write_weights(const struct run *run, const char *name, struct error *error)
{
	const struct weights_make make = {
		.events = run->fits.events,
		.on_cpu = run->fits.on_cpu,
		.about = &run->session.about,
		.name = name,
		.source = run->session.about.emulated
				  ? "calibrate run: EMULATED, no physical machine and meter"
				  : "calibrate run, on this machine",
		.command = command_line(),
	};
	int result = weights_write(&make, run->options->output, error);

	if (!result)
		printf("weights: %s\n", run->options->output);
	return result;
}

/* A report also of a poor fit: it is needed then most of all. */
static int conclude(struct run *run, struct error *error)
{
	const struct fit_input input = { .path = run->options->output,
					 .trace = run->trace,
					 .about = run->session.about,
					 .has_about = true };
	const struct fit *fit = fits_main(&run->fits);
	struct error without = { "" };
	struct text table = { 0 };
	int result;

	text_add(&table, "\nThe fit:\n");
	fit_text(&input, &run->fits, &table);
	result = command_write_file("-", &table, error);
	text_free(&table);
	if (result)
		return result;
	/* Twenty minutes of measuring are not lost for want of a picture. */
	if (write_report(run, run->options->name ?: run->options->output, &without))
		fprintf(stderr,
			"calibrate: warning: no report: %s; `calibrate report' makes it from "
			"the trace\n",
			without.text);
	if (fit->verdict == VERDICT_POOR && !run->options->force)
		return error_setf(error, EINVAL,
				  "%s: not written: the fit is poor: %s (--force writes it all "
				  "the same)",
				  run->options->output,
				  fit->warnings.count ? fit->warnings.texts[0] : "held-out errors");
	return write_weights(run, run->options->name, error);
}

static int run_all(struct run *run, struct error *error)
{
	struct error_list warnings = { 0 };
	unsigned room = room_for_events(run);
	int result;

	command_print_list(&run->setup.warnings, "warning");
	result = setup_passes(&run->setup, &run->options->setup, &run->session, error);
	if (!result && must_choose(run, room))
		result = choose(run, room, error);
	if (!result)
		result = measure(run, error);
	if (!result)
		result = fits_solve(run->trace, &run->options->fit, &run->fits, &warnings, error);
	command_print_list(&warnings, "warning");
	error_list_clear(&warnings);
	if (result)
		return result;
	result = conclude(run, error);
	take_warn_busy(&run->session);
	return result;
}

/* Weights say where their power was measured: better to ask now than when all is done. */
static int check_scope(const struct run *run, struct error *error)
{
	return run->session.about.has_scope
		       ? 0
		       : error_setf(error, EINVAL,
				    "the meter does not say what it measures, and weights must: "
				    "--scope wall, dc, package, package+dram or rail");
}

static void clear(struct run *run)
{
	fits_clear(&run->fits);
	trace_free(run->trace);
	trace_free(run->candidates);
	error_list_clear(&run->selection.notes);
	text_free(&run->note);
	session_clear(&run->session);
	session_clear(&run->choice);
	setup_close(&run->setup);
}

static int run_command(int argc, char **argv)
{
	static const struct argp_child children[] = { { &setup_argp, 0, NULL, 1 },
						      { &fit_argp, 0, NULL, 2 },
						      { NULL, 0, NULL, 0 } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.children = children,
		.doc = "Measure this machine with a power meter and make a weights file: choose "
		       "events, run workloads, fit, report. The machine should do nothing else "
		       "meanwhile.\vExit status: 0 done, 1 the fit is poor or something failed, "
		       "2 wrong usage. Ctrl-C keeps what is complete; --resume goes on.",
	};
	struct options options = { .setup = setup_defaults(), .counters_for_events = 2 };
	struct run run = { .options = &options };
	struct error error = { "" };
	int result;

	options.fit.robust = true; /* meters lie now and then */
	options_parse_command(&argp, argc, argv, &options);
	trace_about_init(&run.choice.about);
	result = setup_open(&run.setup, &options.setup, &run.session, &error);
	if (result)
		return command_fail(&error);
	result = check_scope(&run, &error);
	if (!result)
		result = run_all(&run, &error);
	clear(&run);
	return result ? command_fail(&error) : 0;
}

const struct command command_run = {
	.name = "run",
	.sentence = "all of it: from a machine and a meter to weights and a report",
	.run = run_command,
};
