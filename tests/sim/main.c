/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim-control [--seeds N] [--scenario NAME] [--log SEED] [--list] - does control
 * keep what it promises? The real account, rules, policy and actuators hold a simulated
 * host under caps, thousands of times faster than time goes.
 *
 * Prints a line for each figure: what it must be, what it was. Status 1 if one
 * is outside, if two runs with one seed differ, or if a host that ignores every limit passes.
 */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "tests/sim/scenario.h"

enum { SEEDS = 50, SEEDS_MAX = 1000, VALUES_MAX = SEEDS_MAX * SIM_DOMAINS_MAX };
enum { TWICE = 2, IGNORED = 2 }; /* seeds that are run again; that are run without limits */

struct options {
	unsigned seeds;
	const char *scenario; /* NULL = all */
	bool has_log, lists;
	uint64_t log_seed;
};

static const struct sim_scenario *const tables[] = { sim_scenarios_domain, sim_scenarios_host,
						     sim_scenarios_change, sim_scenarios_fault };

/* Static: runs and figures are large. */
static struct sim_run run;
static struct figure {
	double value, beyond; /* beyond the nearest bound; negative: inside */
	uint64_t seed;
} figures[METRIC_COUNT][VALUES_MAX];
static size_t figure_count[METRIC_COUNT];

/* --- figures ------------------------------------------------------------------------------- */

static double beyond(const struct sim_target *target, double value)
{
	if (isnan(value))
		return INFINITY;
	return fmax(target->low - value, value - target->high);
}

static void collect(const struct sim_target *targets)
{
	for (; targets->metric != METRIC_COUNT; targets++) {
		enum sim_metric metric = (enum sim_metric)targets->metric;
		size_t *count = &figure_count[metric];

		for (size_t i = 0; i < sim_metric_items(&run, metric); i++) {
			double value = sim_metric(&run, metric, i);

			figures[metric][(*count)++] =
				(struct figure){ value, beyond(targets, value), run.seed };
		}
	}
}

static bool passes(const struct sim_target *targets)
{
	for (; targets->metric != METRIC_COUNT; targets++) {
		enum sim_metric metric = (enum sim_metric)targets->metric;

		for (size_t i = 0; i < sim_metric_items(&run, metric); i++)
			if (beyond(targets, sim_metric(&run, metric, i)) > 0)
				return false;
	}
	return true;
}

static int compare_figures(const void *a, const void *b)
{
	const struct figure *left = a, *right = b;

	return (left->beyond > right->beyond) - (left->beyond < right->beyond);
}

static void print_target(const struct sim_target *target, char *text, size_t size)
{
	const char *unit = sim_metric_unit((enum sim_metric)target->metric);
	const char *which = target->statistic == P95 ? "p95 " : "";

	if (isinf(target->low))
		snprintf(text, size, "%s<= %g %s", which, target->high, unit);
	else if (isinf(target->high))
		snprintf(text, size, "%s>= %g %s", which, target->low, unit);
	else if (target->low < target->high)
		snprintf(text, size, "%s%g..%g %s", which, target->low, target->high, unit);
	else
		snprintf(text, size, "%s%g %s", which, target->low, unit);
}

/* A line of the table. Does it hold? */
static bool judge(const struct sim_scenario *scenario, const struct sim_target *target)
{
	enum sim_metric metric = (enum sim_metric)target->metric;
	size_t count = figure_count[metric];
	const struct figure *worst, *p95;
	char text[64];
	bool holds;

	qsort(figures[metric], count, sizeof *figures[metric], compare_figures);
	worst = &figures[metric][count - 1];
	p95 = &figures[metric][(size_t)ceil(0.95 * (double)count) - 1];
	holds = (target->statistic == P95 ? p95 : worst)->beyond <= 0;
	print_target(target, text, sizeof text);
	printf("%-16s  %-20s  %-18s %9.3f  %9.3f  %6llu  %s\n", scenario->name,
	       sim_metric_name(metric), text, worst->value, p95->value,
	       (unsigned long long)worst->seed, holds ? "pass" : "FAIL");
	return holds;
}

static unsigned judge_all(const struct sim_scenario *scenario, const struct sim_target *targets)
{
	unsigned failures = 0;

	for (; targets->metric != METRIC_COUNT; targets++)
		failures += !judge(scenario, targets);
	return failures;
}

/* --- runs ---------------------------------------------------------------------------------- */

/* The same seed gives the same run, to the last digit. */
static unsigned check_repeatable(const struct sim_scenario *scenario, const struct rootfs *root)
{
	unsigned failures = 0;

	for (uint64_t seed = 0; seed < TWICE; seed++) {
		uint64_t digests[2];

		for (int i = 0; i < 2; i++) {
			sim_run(&run, scenario, seed, root, false);
			digests[i] = sim_run_digest(&run);
			sim_run_free(&run);
		}
		if (digests[0] == digests[1])
			continue;
		printf("%-16s  FAIL: two runs with seed %llu differ: %016llx, %016llx\n",
		       scenario->name, (unsigned long long)seed, (unsigned long long)digests[0],
		       (unsigned long long)digests[1]);
		failures++;
	}
	return failures;
}

/* A host on which no limit has any effect must be found out. */
static unsigned check_ignored(const struct sim_scenario *scenario, const struct rootfs *root)
{
	unsigned failures = 0;

	for (uint64_t seed = 0; scenario->is_cap && seed < IGNORED; seed++) {
		sim_run(&run, scenario, seed, root, true);
		if (passes(scenario->targets)) {
			printf("%-16s  FAIL: passes with limits that do nothing (seed %llu)\n",
			       scenario->name, (unsigned long long)seed);
			failures++;
		}
		sim_run_free(&run);
	}
	return failures;
}

static unsigned try_scenario(const struct sim_scenario *scenario, const struct options *options,
			     const struct rootfs *root)
{
	unsigned failures = 0;

	memset(figure_count, 0, sizeof figure_count);
	for (uint64_t seed = 0; seed < options->seeds; seed++) {
		sim_run(&run, scenario, seed, root, false);
		collect(scenario->targets);
		collect(sim_targets_always);
		if (run.daemon.error_count)
			printf("%-16s  seed %llu: %s\n", scenario->name, (unsigned long long)seed,
			       run.daemon.error);
		sim_run_free(&run);
	}
	failures += judge_all(scenario, scenario->targets);
	failures += judge_all(scenario, sim_targets_always);
	failures += check_repeatable(scenario, root);
	failures += check_ignored(scenario, root);
	fflush(stdout);
	return failures;
}

static void print_log(const struct sim_scenario *scenario, const struct options *options,
		      const struct rootfs *root)
{
	struct text text = { 0 };

	sim_run(&run, scenario, options->log_seed, root, false);
	sim_run_print(&run, &text);
	fputs(text.bytes, stdout);
	if (run.log.bytes)
		fputs(run.log.bytes, stdout);
	text_free(&text);
	sim_run_free(&run);
}

/* Failures, or -1: there is no such scenario. */
static int try_all(const struct options *options, const struct rootfs *root)
{
	int failures = 0, tried = 0;

	if (!options->has_log && !options->lists)
		printf("Domains' caps are judged on the account's watts, the host's on the "
		       "plant's.\n"
		       "%-16s  %-20s  %-18s %9s  %9s  %6s\n",
		       "SCENARIO", "FIGURE", "TARGET", "WORST", "P95", "SEED");
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		for (const struct sim_scenario *at = tables[i]; at->name; at++) {
			if (options->scenario && strcmp(options->scenario, at->name) != 0)
				continue;
			tried++;
			if (options->lists)
				printf("%-16s  %s\n", at->name, at->about);
			else if (options->has_log)
				print_log(at, options, root);
			else
				failures += (int)try_scenario(at, options, root);
		}
	return tried ? failures : -1;
}

/* --- the command line ---------------------------------------------------------------------- */

static const struct argp_option option_table[] = {
	{ "seeds", 'n', "N", 0, "Try each scenario with so many seeds (50)", 0 },
	{ "scenario", 's', "NAME", 0, "Only this one", 0 },
	{ "log", 'l', "SEED", 0, "Print one run as CSV, and what the daemon said", 0 },
	{ "list", 'L', NULL, 0, "Print what scenarios there are", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	uint64_t number = 0;

	if ((key == 'n' || key == 'l') && number_parse_u64(argument, &number))
		argp_error(state, "%s: not a number", argument);
	switch (key) {
	case 'n':
		if (number < 1 || number > SEEDS_MAX)
			argp_error(state, "--seeds %s: must be 1..%d", argument, SEEDS_MAX);
		options->seeds = (unsigned)number;
		return 0;
	case 's':
		options->scenario = argument;
		return 0;
	case 'l':
		options->has_log = true;
		options->log_seed = number;
		return 0;
	case 'L':
		options->lists = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table, take_option,
		NULL,         "Hold a simulated host under caps, and judge how well.",
		NULL,         NULL,
		NULL
	};
	struct options options = { .seeds = SEEDS };
	struct error error = { "" };
	struct rootfs root;
	int failures;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (rootfs_open(&root, NULL, &error)) {
		fprintf(stderr, "sim-control: %s\n", error.text);
		return 1;
	}
	failures = try_all(&options, &root);
	rootfs_close(&root);
	if (failures < 0)
		fprintf(stderr, "sim-control: no scenario '%s' (--list)\n", options.scenario);
	if (failures > 0)
		printf("%d figures are outside their targets\n", failures);
	return failures != 0;
}
