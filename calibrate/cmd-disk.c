/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate disk: what reads and writes of a disk cost. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "calibrate/command.h"
#include "calibrate/disk-runs.h"
#include "calibrate/fit-input.h"
#include "calibrate/fit-options.h"
#include "calibrate/weights-make.h"
#include "host/storage.h"

#define FILE_BYTES 1e9

struct options {
	struct setup_options setup;
	struct trace_options columns;
	const char *trace; /* NULL: measure here */
	const char *device, *folder;
	double file_bytes;
	double idle_w; /* NaN = from the fit */
	const char *model, *name, *output;
	bool json, force;
};

enum {
	OPTION_TRACE = 256,
	OPTION_DEVICE,
	OPTION_FILE,
	OPTION_SIZE,
	OPTION_IDLE,
	OPTION_MODEL,
	OPTION_NAME,
	OPTION_JSON,
	OPTION_FORCE,
};

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "What is calibrated:", 1 },
	{ "trace", OPTION_TRACE, "TRACE", 0,
	  "fit what was recorded: power_w, workload, and a second's reads, read_bytes, writes, "
	  "write_bytes, or read_mib_s, write_mib_s and request_kib",
	  1 },
	{ "device", OPTION_DEVICE, "NAME", 0,
	  "measure this disk (sda); reads alone, but for --file", 1 },
	{ "file", OPTION_FILE, "FOLDER", 0,
	  "on that disk: reads and writes go to a file that is made there, and removed again", 1 },
	{ "size", OPTION_SIZE, "SIZE", 0, "of that file (default 1GB)", 1 },
	{ "idle", OPTION_IDLE, "POWER", 0,
	  "idle power of the disk by its data sheet, where the meter measures the machine", 1 },
	{ NULL, 0, NULL, 0, "Output:", 4 },
	{ "json", OPTION_JSON, NULL, 0, "one JSON object on standard output", 4 },
	{ "output", 'o', "FILE", 0, "write a weights file, unless the fit is poor", 4 },
	{ "force", OPTION_FORCE, NULL, 0, "write it even then; it says that it is poor", 4 },
	{ "model", OPTION_MODEL, "PATTERN", 0,
	  "of disks that the weights are for (default: that of the device)", 4 },
	{ "name", OPTION_NAME, "TEXT", 0, "what the weights are for", 4 },
	{ 0 },
};

static void take_quantity(struct argp_state *state, enum quantity quantity, const char *argument,
			  double most, double *value)
{
	struct error error = { "" };

	if (unit_parse(quantity, argument, 0, most, value, &error))
		argp_error(state, "%s", error.text);
}

/* Options that are kept as they are written. */
static const char **find_text(struct options *options, int key)
{
	const struct {
		int key;
		const char **value;
	} texts[] = {
		{ OPTION_TRACE, &options->trace }, { OPTION_DEVICE, &options->device },
		{ OPTION_FILE, &options->folder }, { OPTION_MODEL, &options->model },
		{ OPTION_NAME, &options->name },   { 'o', &options->output },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].key == key)
			return texts[i].value;
	return NULL;
}

static void check(struct argp_state *state, const struct options *options)
{
	if (!options->trace == !options->device)
		argp_error(state, "one of --trace and --device says what is calibrated");
	if (options->folder && !options->device)
		argp_error(state, "--file needs the --device that it is on");
	options_check_output(state, options->output, options->trace);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	const char **text = find_text(options, key);

	if (text) {
		*text = argument;
		return 0;
	}
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->columns;
		state->child_inputs[1] = &options->setup;
		return 0;
	case OPTION_SIZE:
		take_quantity(state, QUANTITY_SIZE, argument, 1e13, &options->file_bytes);
		return 0;
	case OPTION_IDLE:
		take_quantity(state, QUANTITY_POWER, argument, 1000, &options->idle_w);
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_FORCE:
		options->force = true;
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

struct work {
	const struct options *options;
	struct disk_runs runs;
	struct trace_about about;
	struct error_list notes;
	struct disk_fit fit;
	char *model; /* of the device; owned */
	int rotational;
};

/* --- where the runs come from ---------------------------------------------------------------- */

/* What is wrong with the files is told already: no text then. */
static int load(struct work *work, struct error *error)
{
	const struct options *options = work->options;
	const char *group = options->columns.request.group_column;
	struct fit_input input;
	int result = fit_input_load(&input, options->trace, &options->columns.request);

	if (!result) {
		result = disk_runs_of_trace(input.trace,
					    group && strcmp(group, DISK_REQUEST_COLUMN) == 0,
					    &work->runs, error);
		if (result)
			error_prefixf(error, result, "%s", input.path);
		work->about = input.about;
		trace_about_init(&input.about);
		work->notes = input.warnings;
		input.warnings = (struct error_list){ 0 };
	}
	if (!result && options->setup.scope) {
		work->about.scope = (enum scope)scope_parse(options->setup.scope);
		work->about.has_scope = true;
	}
	if (!result && disk_scope_is_machine(&work->about) && isnan(options->idle_w))
		result = error_setf(error, EINVAL,
				    "%s: power of scope %s is not the disk's alone: --idle says "
				    "what the disk takes idle, of the data sheet",
				    input.path, scope_name(work->about.scope));
	fit_input_clear(&input);
	return result;
}

/* What kind of disk it is, for the file that is made. -ENODEV: none of the machine's. */
static int take_disk(struct work *work, const struct disk_list *disks, struct error *error)
{
	const char *device = work->options->device;
	struct text names = { 0 };

	for (size_t i = 0; i < disks->count; i++) {
		if (strcmp(disks->items[i].name, device) == 0) {
			work->rotational = disks->items[i].rotational;
			text_free(&names);
			return text_replace(&work->model, disks->items[i].model)
				       ? error_setf(error, ENOMEM, "out of memory")
				       : 0;
		}
		text_addf(&names, "%s%s", i ? ", " : "", disks->items[i].name);
	}
	error_setf(error, ENODEV, "device %s: is no disk of this machine; there are: %s", device,
		   names.length ? names.bytes : "none");
	text_free(&names);
	return -ENODEV;
}

static int identify(struct work *work, struct error *error)
{
	struct disk_list disks = { 0 };
	struct rootfs root;
	int result = rootfs_open(&root, work->options->setup.root, error);

	if (result)
		return result;
	result = storage_leaves(&root, &disks);
	result = result ? error_setf(error, -result, "%s", strerror(-result))
			: take_disk(work, &disks, error);
	disk_list_clear(&disks);
	rootfs_close(&root);
	return result;
}

static int measure(struct work *work, struct error *error)
{
	const struct options *options = work->options;
	struct disk_live live = {
		.setup = &options->setup,
		.device = options->device,
		.folder = options->folder,
		.file_bytes = (uint64_t)options->file_bytes,
		.idle_w = options->idle_w,
	};
	int result = identify(work, error);

	live.is_rotational = work->rotational == 1;
	return result ? result
		      : disk_runs_measure(&live, &work->runs, &work->about, &work->notes, error);
}

/* --- what is shown --------------------------------------------------------------------------- */

static int show(const struct work *work, struct error *error)
{
	const struct disk_result shown = { &work->fit, work->runs.count, work->about.emulated };
	struct text out = { 0 };
	int result = 0;

	if (work->options->json)
		result = disk_show_json(&shown, &out, error);
	else
		disk_show_text(&shown, &out);
	if (!result)
		result = command_write_file("-", &out, error);
	command_print_list(&work->notes, "note");
	if (!work->options->json)
		command_print_list(&work->fit.warnings, "warning");
	text_free(&out);
	return result;
}

/* --- the weights file ------------------------------------------------------------------------ */

static int write_weights(const struct work *work, struct error *error)
{
	const struct options *options = work->options;
	char source[256];
	struct disk_weights make = {
		.fit = &work->fit,
		.about = &work->about,
		.name = options->name,
		.model = options->model ? options->model : work->model,
		.rotational = work->rotational,
		.source = source,
		.command = command_line(),
		.rows = work->runs.count,
	};
	struct weights *weights = NULL;
	struct text text = { 0 };
	int result;

	snprintf(source, sizeof source, "calibrated with calibrate %s%s%s%s", VMENERGY_VERSION,
		 isnan(options->idle_w) ? "" : "; idle power as stated",
		 options->trace ? ", from a trace" : "",
		 work->about.emulated ? ": EMULATED, no physical meter" : "");
	result = disk_weights_make(&make, &weights, error);
	if (!result)
		result = weights_make_text(weights, &text, error);
	if (!result)
		result = command_write_file(options->output, &text, error);
	weights_free(weights);
	text_free(&text);
	return result;
}

/* --- the command ----------------------------------------------------------------------------- */

/* Of a machine's power only the difference is the disk's. */
static void set_idle(struct disk_constants *constants, double idle_w)
{
	constants->active_w += idle_w - constants->idle_w;
	constants->idle_w = idle_w;
	constants->idle_se_w = NAN;
}

static int finish(struct work *work, struct error *error)
{
	const struct options *options = work->options;
	int result = disk_fit_solve(work->runs.items, work->runs.count, &work->fit, error);

	if (result && options->trace)
		error_prefixf(error, result, "%s", options->trace);
	if (result)
		return result;
	if (!isnan(options->idle_w))
		set_idle(&work->fit.constants, options->idle_w);
	result = show(work, error);
	if (!result && work->fit.verdict == VERDICT_POOR && !options->force)
		result = error_setf(error, EINVAL, "the fit is poor: %s%s",
				    work->fit.warnings.count ? work->fit.warnings.texts[0]
							     : "held-out errors",
				    options->output ? "; not written (--force writes it all the "
						      "same)"
						    : "");
	else if (!result && options->output)
		result = write_weights(work, error);
	disk_fit_clear(&work->fit);
	return result;
}

static void parse_options(int argc, char **argv, struct options *options)
{
	static const char *const no_events[] = { "events", NULL };
	static const char *const no_suite[] = { "brief",       "disks-idle", "events",
						"frequencies", "workloads",  NULL };
	struct argp_option trace_room[OPTIONS_MAX], setup_room[OPTIONS_MAX];
	const struct argp trace = options_without(&trace_argp, no_events, trace_room);
	const struct argp setup = options_without(&setup_argp, no_suite, setup_room);
	const struct argp_child children[] = { { &trace, 0, NULL, 2 },
					       { &setup, 0, NULL, 3 },
					       { 0 } };
	const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.children = children,
		.doc = "Fit what reads and writes of a disk cost: idle and active power, a "
		       "request's overhead, a byte's time.\v"
		       "TRACE - is standard input. Exit status: 0 done, 1 the fit is poor or "
		       "something failed, 2 wrong usage.",
	};

	options_parse_command(&argp, argc, argv, options);
}

static int run(int argc, char **argv)
{
	struct options options = { .setup = setup_defaults(),
				   .idle_w = NAN,
				   .file_bytes = FILE_BYTES };
	struct work work = { .options = &options, .rotational = MATCH_ANY };
	struct error error = { "" };
	int result;

	parse_options(argc, argv, &options);
	trace_about_init(&work.about);
	result = options.trace ? load(&work, &error) : measure(&work, &error);
	if (!result)
		result = finish(&work, &error);
	disk_runs_clear(&work.runs);
	trace_about_clear(&work.about);
	error_list_clear(&work.notes);
	free(work.model);
	if (result && *error.text)
		command_fail(&error);
	return result ? 1 : 0;
}

const struct command command_disk = {
	.name = "disk",
	.sentence = "what reads and writes of a disk cost",
	.run = run,
};
