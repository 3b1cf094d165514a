/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate verify: weights against a trace that they were not made from. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/command.h"
#include "calibrate/fit-input.h"
#include "calibrate/fit-json.h"
#include "calibrate/fit-options.h"
#include "calibrate/fit-text.h"
#include "calibrate/verify.h"

struct options {
	struct trace_options trace;
	const char *weights, *path;
	struct json_option json;
	bool on_cpu;
	bool has_scope;
	enum scope scope;
	unsigned cpus;
};

enum { OPTION_JSON = 256, OPTION_SCOPE, OPTION_CPUS, OPTION_ON_CPU };

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "What is compared:", 2 },
	{ "on-cpu", OPTION_ON_CPU, NULL, 0,
	  "the price of time on CPUs, in place of the weights of events", 2 },
	{ "scope", OPTION_SCOPE, "WORD", 0,
	  "where the trace's power was measured, if no FILE.about says it", 2 },
	{ "cpus", OPTION_CPUS, "N", 0, "hardware threads of the machine, for weights per CPU", 2 },
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "json", OPTION_JSON, "FILE", OPTION_ARG_OPTIONAL,
	  "one JSON object in place of the tables (default: on standard output)", 3 },
	{ 0 },
};

static void take_argument(struct argp_state *state, struct options *options, const char *argument)
{
	if (options->path)
		argp_error(state, "%s: one weights file and one trace", argument);
	else if (options->weights)
		options->path = argument;
	else
		options->weights = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->trace;
		return 0;
	case OPTION_JSON:
		options->json = options_json(argument);
		return 0;
	case OPTION_SCOPE:
		options->scope = options_parse_scope(state, argument);
		options->has_scope = true;
		return 0;
	case OPTION_ON_CPU:
		options->on_cpu = true;
		return 0;
	case OPTION_CPUS:
		options->cpus = options_parse_count(state, "cpus", argument, 65536);
		return 0;
	case ARGP_KEY_ARG:
		take_argument(state, options, argument);
		return 0;
	case ARGP_KEY_END:
		if (!options->path)
			argp_error(state, "a weights file and a trace are needed");
		options_check_output(state, options->json.path, options->path);
		options_check_output(state, options->json.path, options->weights);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- files ----------------------------------------------------------------------------------- */

static int load_weights(const char *path, struct weights **weights)
{
	struct error_list errors = { 0 };
	struct error error = { "" };
	char *text = NULL;
	size_t length;
	int result = command_read_file(path, &text, &length, &error);

	if (result) {
		command_fail(&error);
		return result;
	}
	result = weights_parse(path, text, length, weights, &errors);
	command_print_list(&errors, NULL);
	error_list_clear(&errors);
	free(text);
	if (!result && (*weights)->kind != WEIGHTS_CPU) {
		error_setf(&error, EINVAL, "%s: is not for a CPU", path);
		command_fail(&error);
		result = -EINVAL;
	}
	return result;
}

/*
 * The events that the file prices; where it prices none, time on CPUs. Other
 * columns of the trace have no bearing.
 */
static enum cpu_source choose_events(struct options *options, const struct weights *weights)
{
	const struct operating_point *point = &weights->points[0];
	struct trace_options *trace = &options->trace;
	bool on_cpu = options->on_cpu || point->weight_count == 0;

	trace->request.events = trace->events;
	for (unsigned i = 0; !on_cpu && i < point->weight_count; i++)
		trace->events[trace->request.event_count++] = point->weights[i].event;
	if (!on_cpu)
		return CPU_SOURCE_PERF;
	trace->events[trace->request.event_count++] = CPUTIME_EVENT;
	return CPU_SOURCE_CPUTIME;
}

static int check_scope(const struct options *options, const struct weights *weights,
		       struct fit_input *input, struct error *error)
{
	bool is_known = options->has_scope || input->about.has_scope;
	enum scope scope = options->has_scope ? options->scope : input->about.scope;

	if (!is_known)
		error_list_addf(&input->warnings,
				"where the trace's power was measured is not known; taken as the "
				"weights' %s",
				scope_name(weights->scope));
	if (is_known && scope != weights->scope)
		return error_setf(error, EINVAL,
				  "%s is for power of the %s, %s has that of the %s: they do not "
				  "compare",
				  weights->path, scope_name(weights->scope), input->path,
				  scope_name(scope));
	return 0;
}

/* --- output ---------------------------------------------------------------------------------- */

static void put_group(struct build *build, json_t *array, const char *name,
		      const struct verify_group *group)
{
	json_t *object = json_object();

	build_put(build, object, "name", build_text(name));
	build_put(build, object, "rows", build_u64(build, "rows", group->rows));
	build_put(build, object, "mape", build_real(group->mape_percent));
	build_put(build, object, "bias", build_real(group->bias_percent));
	build_put(build, object, "measured_w", build_real(group->measured_w));
	build_put(build, object, "predicted_w", build_real(group->predicted_w));
	build_put(build, object, "se_w", build_real(group->se_w));
	build_append(build, array, object);
}

static int make_json(const struct fit_input *input, const struct weights *weights,
		     const struct verification *found, struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *root = json_object(), *groups = json_array(), *warnings = json_array();

	build_put(&build, root, "rows", build_u64(&build, "rows", input->trace->row_count));
	build_put(&build, root, "groups", build_u64(&build, "groups", found->group_count));
	build_put(&build, root, "weights", build_text(weights->path));
	build_put(&build, root, "verdict", build_text(verdict_name(found->verdict)));
	fit_json_put_errors(&build, root, "errors", &found->errors);
	build_put(&build, root, "energy_error", build_real(found->energy_error_percent));
	build_put(&build, root, "worst_group",
		  build_text(input->trace->group_names[found->worst_group]));
	build_put(&build, root, "worst_mape", build_real(found->worst_percent));
	build_put(&build, root, "coverage", build_real(found->coverage));
	build_put(&build, root, "extrapolated_rows",
		  build_u64(&build, "rows", found->extrapolated));
	for (size_t i = 0; i < found->group_count; i++)
		put_group(&build, groups, input->trace->group_names[i], &found->groups[i]);
	build_put(&build, root, "workloads", groups);
	fit_json_append_texts(&build, warnings, &input->warnings);
	fit_json_append_texts(&build, warnings, &found->warnings);
	build_put(&build, root, "warnings", warnings);
	return build_line(&build, root, FIT_JSON_DIGITS, out);
}

static void make_text(const struct fit_input *input, const struct weights *weights,
		      const struct verification *found, struct text *out)
{
	text_addf(out, "%s\n  on %s: %zu rows, %zu %s\n\n", weights->path, input->path,
		  input->trace->row_count, found->group_count,
		  input->trace->has_groups ? "workloads" : "blocks of rows");
	text_addf(out, "%-28s %8s %8s %9s %10s %9s\n", "WORKLOAD", "MAPE %", "BIAS %", "METER W",
		  "WEIGHTS W", "+-");
	for (size_t i = 0; i < found->group_count; i++) {
		const struct verify_group *group = &found->groups[i];

		fit_text_name(out, 28, input->trace->group_names[i]);
		fit_text_number(out, 9, group->mape_percent, 3);
		fit_text_number(out, 9, group->bias_percent, 3);
		fit_text_number(out, 10, group->measured_w, 5);
		fit_text_number(out, 11, group->predicted_w, 5);
		fit_text_number(out, 10, group->se_w, 2);
		text_add(out, "\n");
	}
	text_addf(out, "\nMAPE %.2f%%, worst workload %.2f%%, RMSE %.4g W, R2 %.4g, sum %+.2f%%\n",
		  found->errors.mape_percent, found->worst_percent, found->errors.rmse,
		  found->errors.r2, found->energy_error_percent);
	if (!isnan(found->coverage))
		text_addf(out, "Within two standard errors: %.0f%% of workloads\n",
			  found->coverage * 100);
	if (found->extrapolated)
		text_addf(out, "Outside the calibrated frequencies: %zu rows\n",
			  found->extrapolated);
	text_addf(out, "\nVerdict: %s\n", verdict_name(found->verdict));
	fit_text_notes(out, &found->warnings);
	fit_text_notes(out, &input->warnings);
}

static int show(const struct options *options, const struct fit_input *input,
		const struct weights *weights, const struct verification *found)
{
	struct text text = { 0 };
	struct error error = { "" };
	int result = 0;

	if (options->json.wanted)
		result = make_json(input, weights, found, &text, &error);
	else
		make_text(input, weights, found, &text);
	if (!result)
		result = command_write_file(options->json.path ? options->json.path : "-", &text,
					    &error);
	if (!result && found->verdict == VERDICT_POOR)
		result = error_setf(&error, EINVAL,
				    "the weights are poor for this trace: %.1f%% off%s%s",
				    found->errors.mape_percent, found->warnings.count ? ", " : "",
				    found->warnings.count ? found->warnings.texts[0] : "");
	text_free(&text);
	return result ? command_fail(&error) : 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static int compare(struct options *options, const struct weights *weights)
{
	enum cpu_source source = choose_events(options, weights);
	struct fit_input input = { .path = NULL };
	struct verification found = { .groups = NULL };
	struct error error = { "" };
	int status = 1;

	if (fit_input_load(&input, options->path, &options->trace.request))
		goto cleanup;
	const struct verify_request request = {
		.source = source,
		.disks_idle_w = input.about.disks_idle_w,
		.cpus = options->cpus ? options->cpus : input.about.cpu.cpus,
	};
	int result = check_scope(options, weights, &input, &error);

	if (!result) {
		result = verify(weights, input.trace, &request, &found, &error);
		if (result)
			error_prefixf(&error, result, "%s", input.path);
	}
	status = result ? command_fail(&error) : show(options, &input, weights, &found);
cleanup:
	verification_clear(&found);
	fit_input_clear(&input);
	return status;
}

static int run(int argc, char **argv)
{
	/* The weights file says which events. */
	static const char *const without[] = { "events", NULL };
	struct argp_option room[OPTIONS_MAX];
	const struct argp trace = options_without(&trace_argp, without, room);
	const struct argp_child children[] = { { &trace, 0, NULL, 1 }, { NULL, 0, NULL, 0 } };
	const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.args_doc = "WEIGHTS TRACE",
		.doc = "Say how well a weights file predicts the power of a trace that it was not "
		       "made from.\v"
		       "Exit status: 0 good or usable, 1 poor or failed, 2 wrong usage.",
		.children = children,
	};
	struct options options = { .path = NULL };
	struct weights *weights = NULL;
	int status = 1;

	options_parse_command(&argp, argc, argv, &options);
	if (load_weights(options.weights, &weights) == 0)
		status = compare(&options, weights);
	weights_free(weights);
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.sentence = "how well weights predict a trace that they were not made from",
	.run = run,
};
