/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate events - which events can be counted here; or count some in a program. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "calibrate/command.h"
#include "calibrate/events-count.h"
#include "calibrate/fit-options.h"

enum { OPTION_JSON = 256, OPTION_COUNTERS, OPTION_COUNT, OPTION_PROBE, OPTION_ROOT };

struct options {
	const char *counters, *root, *pattern;
	char *count;     /* events; NULL = list */
	char **program;  /* to be counted */
	unsigned shares; /* that the free counters are divided by: the probe of vmetop */
	bool json;
};

static const struct argp_option argp_options[] = {
	{ "json", OPTION_JSON, NULL, 0, "print JSON (--count: instead of CSV)", 0 },
	{ "counters", OPTION_COUNTERS, "KIND", 0, "perf, cputime or emulated:FILE (default: auto)",
	  0 },
	{ "probe", OPTION_PROBE, "perf|switch", 0,
	  "how weights will be used: perf needs each counter twice (default), switch once", 0 },
	{ "count", OPTION_COUNT, "EVENT,...", 0,
	  "run PROGRAM and count these in it, and on all CPUs meanwhile", 0 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /proc and /sys", 0 },
	{ 0 },
};

static void take_probe(struct options *options, const char *word, struct argp_state *state)
{
	options->shares = strcmp(word, "switch") == 0 ? 1 : 2;
	if (options->shares == 2 && strcmp(word, "perf") != 0)
		argp_error(state, "probe %s: must be perf or switch", word);
}

/* With --count all arguments are the program's. */
static void take_arguments(struct options *options, struct argp_state *state)
{
	char **rest = state->argv + state->next - 1;

	if (options->count) {
		options->program = rest;
		state->next = state->argc;
	} else if (options->pattern) {
		argp_error(state, "one PATTERN is enough");
	} else {
		options->pattern = rest[0];
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_COUNTERS:
		options->counters = argument;
		return 0;
	case OPTION_PROBE:
		take_probe(options, argument, state);
		return 0;
	case OPTION_COUNT:
		options->count = argument;
		return 0;
	case OPTION_ROOT:
		options->root = argument;
		return 0;
	case ARGP_KEY_ARG:
		take_arguments(options, state);
		return 0;
	case ARGP_KEY_END:
		if (options->count && !options->program)
			argp_error(state, "--count: which program? -- PROGRAM ARGUMENT...");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "[PATTERN]\n--count EVENT,... -- PROGRAM [ARGUMENT...]",
	.doc = "Show the events that can be counted on this CPU, what each is and whether it "
	       "counted in a short trial; PATTERN knows * and ?.",
};

/* --- the list -------------------------------------------------------------------------------- */

struct listed {
	const char *name;
	struct text what;
	uint64_t count; /* in a trial */
	struct error problem;
};

static bool is_wanted(const struct options *options, const char *name)
{
	const char *event = strstr(name, "::");

	return !options->pattern || text_matches(options->pattern, name) ||
	       (event && text_matches(options->pattern, event + 2));
}

/* What there is, and how much of it. */
static void print_head(const struct options *options, struct counters *counters, bool has_events,
		       struct text *out)
{
	unsigned free = has_events ? counters_free(counters) : 0;
	const char *pmu = counters_pmu(counters);

	text_addf(out, "counters: %s", counters_name(counters));
	if (free)
		text_addf(out, ", %s, %u at a time; weights may use %u of them",
			  pmu ? pmu : "a CPU that libpfm4 does not know", free,
			  free / options->shares);
	if (free && options->shares == 2)
		text_add(out, " (threads and CPUs are counted at the same time)");
	text_add(out, "\n");
	if (free && !pmu)
		text_add(out, "the CPU's own events are not known: generic ones stand in\n");
	if (counters_note(counters))
		text_addf(out, "%s\n", counters_note(counters));
	else if (!has_events)
		text_add(out, "no event of the CPU can be counted here: no PMU, or a virtual "
			      "machine that was given none\n");
}

static void print_text(const struct listed *listed, size_t count, struct text *out)
{
	int width = 0;

	for (size_t i = 0; i < count; i++)
		if ((int)strlen(listed[i].name) > width)
			width = (int)strlen(listed[i].name);
	for (size_t i = 0; i < count; i++) {
		text_addf(out, "%-*s  %-7s  %s\n", width, listed[i].name,
			  listed[i].problem.text[0] ? "refused"
			  : listed[i].count         ? "counts"
						    : "silent",
			  listed[i].what.length ? listed[i].what.bytes : "");
		if (listed[i].problem.text[0])
			text_addf(out, "%*s    %s\n", width, "", listed[i].problem.text);
	}
}

static json_t *listed_json(const struct listed *listed)
{
	return json_pack("{s:s, s:s, s:b, s:I, s:s?}", "name", listed->name, "description",
			 listed->what.length ? listed->what.bytes : "", "counts",
			 !listed->problem.text[0] && listed->count > 0, "trial_count",
			 (json_int_t)listed->count, "problem",
			 listed->problem.text[0] ? listed->problem.text : NULL);
}

static int add_json(json_t *root, struct text *out)
{
	char *line = root ? json_dumps(root, JSON_COMPACT) : NULL;

	text_addf(out, "%s\n", line ? line : "");
	free(line);
	json_decref(root);
	return line ? 0 : -ENOMEM;
}

static int print_json(const struct options *options, struct counters *counters,
		      const struct listed *listed, size_t count, struct text *out)
{
	unsigned free = count ? counters_free(counters) : 0;
	json_t *events = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(events, listed_json(&listed[i]));
	return add_json(json_pack("{s:s, s:s?, s:i, s:i, s:b, s:s?, s:o}", "counters",
				  counters_name(counters), "pmu", counters_pmu(counters), "free",
				  (int)free, "usable", (int)(free / options->shares), "generic",
				  free && !counters_pmu(counters), "note", counters_note(counters),
				  "events", events),
			out);
}

static int list(const struct options *options, struct counters *counters, struct text *out,
		struct error *error)
{
	struct event_names names = { 0 };
	int result = counters_candidates(counters, &names, error);
	struct listed *listed = calloc(names.count + 1, sizeof *listed);
	size_t count = 0;

	if (!listed && !result)
		result = error_setf(error, ENOMEM, "events: out of memory");
	for (size_t i = 0; listed && i < names.count && !result; i++) {
		struct listed *it = &listed[count];

		if (!is_wanted(options, names.items[i]))
			continue;
		count++;
		it->name = names.items[i];
		counters_try(counters, it->name, &it->count, &it->problem);
		counters_describe(counters, it->name, &it->what);
	}
	if (!result && options->json) {
		result = print_json(options, counters, listed, count, out);
	} else if (!result) {
		print_head(options, counters, names.count > 0, out);
		print_text(listed, count, out);
	}
	for (size_t i = 0; i < count; i++)
		text_free(&listed[i].what);
	free(listed);
	event_names_clear(&names);
	return result;
}

/* --- counting -------------------------------------------------------------------------------- */

static int print_count(const struct options *options, const struct events_count *count,
		       struct text *out)
{
	json_t *events;

	if (options->json) {
		events = json_array();
		for (unsigned i = 0; i < count->pass.event_count; i++)
			json_array_append_new(
				events, json_pack("{s:s, s:I, s:I}", "name", count->pass.names[i],
						  "program", (json_int_t)count->program[i],
						  "all_cpus", (json_int_t)count->cpus[i]));
		return add_json(json_pack("{s:f, s:i, s:o}", "seconds", count->seconds, "status",
					  count->status, "events", events),
				out);
	}
	text_add(out, "event,program,all_cpus,seconds\n");
	for (unsigned i = 0; i < count->pass.event_count; i++) {
		csv_text(out, count->pass.names[i]);
		csv_u64(out, count->program[i]);
		csv_u64(out, count->cpus[i]);
		csv_double(out, count->seconds);
		csv_end(out);
	}
	return 0;
}

static int count_events(const struct options *options, struct counters *counters, struct text *out,
			struct error *error)
{
	const char *names[SESSION_EVENTS_MAX];
	int wanted = command_split(options->count, names, SESSION_EVENTS_MAX), result;
	struct events_count count = { .pass = { .event_count =
							wanted > 0 ? (unsigned)wanted : 0 } };

	if (counters_are_emulated(counters))
		return error_setf(error, ENOTSUP, "an emulated machine runs no programs");
	if (wanted <= 0)
		return error_setf(error, EINVAL, "--count: no event, or too many");
	for (int i = 0; i < wanted; i++) {
		if (strlen(names[i]) >= EVENT_NAME_BYTES)
			return error_setf(error, EINVAL, "event '%.40s...': the name is too long",
					  names[i]);
		strcpy(count.pass.names[i], names[i]);
	}
	result = events_count_run(&count, counters, options->program, error);
	if (!result)
		result = print_count(options, &count, out);
	if (!result && count.status)
		fprintf(stderr, "calibrate: %s: exit status %d\n", options->program[0],
			count.status);
	return result;
}

/* A kernel counts events of its own also where the CPU has no counters. */
static const char *kind_of_counters(const struct options *options)
{
	bool is_auto = strcmp(options->counters, "auto") == 0;

	return is_auto && options->count ? "perf" : options->counters;
}

/* --- the command ----------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
	struct options options = { .counters = "auto", .shares = 2 };
	struct counters *counters = NULL;
	struct error error = { "" };
	struct text out = { 0 };
	struct rootfs root;
	int result;

	options_parse_command(&argp, argc, argv, &options);
	result = rootfs_open(&root, options.root, &error);
	if (result)
		return command_fail(&error);
	result = counters_open(&counters, kind_of_counters(&options), &root, &error);
	if (!result)
		result = options.count ? count_events(&options, counters, &out, &error)
				       : list(&options, counters, &out, &error);
	if (!result && out.failed)
		result = error_setf(&error, ENOMEM, "out of memory");
	if (!result && (fputs(out.bytes, stdout) < 0 || fflush(stdout)))
		result = error_setf(&error, errno, "standard output: %s", strerror(errno));
	text_free(&out);
	counters_close(counters);
	rootfs_close(&root);
	return result ? command_fail(&error) : 0;
}

const struct command command_events = {
	.name = "events",
	.sentence = "show which events can be counted here, or count them in a program",
	.run = run,
};
