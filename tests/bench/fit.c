/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fit [ROWS]: seconds and memory that a fit of 8 events and 20 workloads takes, with
 * all that leave one of them out; once plain, once robust with a lie in a hundred rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "calibrate/fit/fit.h"

enum { EVENTS = 8, GROUPS = 20, ROWS = 1000000 };

static const double base_w = 50, joules[EVENTS] = { 2e-9, 1e-9, 5e-9, 0, 3e-9, 8e-9, 1e-9, 4e-9 };

static long peak_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

static void drop(double **column)
{
	free(*column);
	*column = NULL;
}

/* Workloads take turns: nothing is where the cache expects it. */
static void fill_row(struct trace *trace, size_t row, double mix[GROUPS][EVENTS])
{
	double *events = trace->events + row * EVENTS, power = base_w;

	trace->group[row] = (uint32_t)(row % GROUPS);
	for (int e = 0; e < EVENTS; e++) {
		events[e] = mix[row % GROUPS][e] * (0.3 + 0.7 * drand48());
		power += joules[e] * events[e];
	}
	trace->power[row] = power * (0.98 + 0.04 * drand48());
}

static struct trace *make_trace(size_t rows)
{
	struct trace *trace = trace_new(rows, EVENTS);
	double mix[GROUPS][EVENTS];

	if (!trace)
		return NULL;
	drop(&trace->timestamp_s);
	drop(&trace->interval_s);
	drop(&trace->frequency_hz);
	drop(&trace->voltage_v);
	drop(&trace->temperature_c);
	trace->row_count = rows;
	trace->has_groups = true;
	trace->group_names = calloc(GROUPS, sizeof *trace->group_names);
	for (size_t g = 0; trace->group_names && g < GROUPS; g++, trace->group_count++)
		if (asprintf(&trace->group_names[g], "load%zu", g) < 0)
			abort();
	for (int e = 0; e < EVENTS; e++)
		snprintf(trace->event_names[e], EVENT_NAME_BYTES, "event%d", e);
	for (int i = 0; i < GROUPS * EVENTS; i++)
		mix[i / EVENTS][i % EVENTS] = drand48() * drand48() * 1e9;
	for (size_t row = 0; row < rows; row++)
		fill_row(trace, row, mix);
	return trace;
}

static int measure(const struct trace *trace, const char *name, const struct fit_options *options)
{
	uint64_t start_ns = clock_now_ns();
	struct error error = { "" };
	struct fit *fit;

	if (fit_solve(trace, options, &fit, &error)) {
		fprintf(stderr, "fit: %s\n", error.text);
		return EXIT_FAILURE;
	}
	printf("%-8s %8.3f s  peak %5ld MiB  held out %.3f %%  outliers %zu\n", name,
	       (double)(clock_now_ns() - start_ns) * 1e-9, peak_mib(), fit->lowo.mape_percent,
	       fit->outliers);
	fit_free(fit);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : ROWS;
	struct trace *trace = make_trace(rows);
	int result;

	if (!trace || !trace->group_names)
		return EXIT_FAILURE;
	printf("%zu rows, %d events, %d workloads; the trace: %ld MiB\n", rows, EVENTS, GROUPS,
	       peak_mib());
	result = measure(trace, "plain", &(struct fit_options){ 0 });
	for (size_t row = 0; row < rows; row += 100)
		trace->power[row] *= 3;
	result |= measure(trace, "robust", &(struct fit_options){ .robust = true });
	trace_free(trace);
	return result;
}
