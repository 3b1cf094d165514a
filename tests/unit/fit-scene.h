/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fit-scene.h - traces with known weights, made in memory.
 */
#ifndef VMENERGY_TESTS_FIT_SCENE_H
#define VMENERGY_TESTS_FIT_SCENE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/fit.h"
#include "tests/unit/unit.h"

struct scene {
	size_t rows, groups;
	unsigned events;
	bool frequency, voltage; /* with these columns */
};

/* A row belongs to group row % groups. Power and events are zero. */
static inline struct trace *scene_trace(const struct scene *scene)
{
	struct trace *trace = trace_new(scene->rows, scene->events);

	if (!trace)
		abort();
	free(trace->timestamp_s);
	free(trace->interval_s);
	free(trace->temperature_c);
	trace->timestamp_s = trace->interval_s = trace->temperature_c = NULL;
	if (!scene->frequency) {
		free(trace->frequency_hz);
		trace->frequency_hz = NULL;
	}
	if (!scene->voltage) {
		free(trace->voltage_v);
		trace->voltage_v = NULL;
	}
	trace->row_count = scene->rows;
	trace->has_groups = true;
	trace->group_count = scene->groups;
	trace->group_names = calloc(scene->groups, sizeof *trace->group_names);
	if (!trace->group_names)
		abort();
	for (size_t g = 0; g < scene->groups; g++)
		if (asprintf(&trace->group_names[g], "load%zu", g) < 0)
			abort();
	for (unsigned e = 0; e < scene->events; e++)
		snprintf(trace->event_names[e], EVENT_NAME_BYTES, "event%u", e);
	for (size_t row = 0; row < scene->rows; row++)
		trace->group[row] = (uint32_t)(row % scene->groups);
	return trace;
}

static inline double *scene_events(struct trace *trace, size_t row)
{
	return trace->events + row * trace->event_count;
}

/* Nearly normal: mean 0, standard deviation 1. */
static inline double scene_noise(uint64_t *seed)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += unit_random_double(seed, -0.5, 0.5);
	return sum;
}

/* Each workload has a mixture of events of its own; its rows run at changing speed. */
static inline void scene_mix(struct trace *trace, uint64_t *seed)
{
	unsigned n = trace->event_count;
	double *mix = calloc(trace->group_count * n + 1, sizeof *mix);

	if (!mix)
		abort();
	for (size_t i = 0; i < trace->group_count * n; i++)
		mix[i] = unit_random_double(seed, 0, 1) * unit_random_double(seed, 0, 1) * 1e9;
	for (size_t row = 0; row < trace->row_count; row++) {
		double speed = unit_random_double(seed, 0.3, 1);

		for (unsigned e = 0; e < n; e++)
			scene_events(trace, row)[e] = mix[trace->group[row] * n + e] * speed *
						      unit_random_double(seed, 0.95, 1.05);
	}
	free(mix);
}

/* Power of weights [base, joules per event ...], with noise in proportion. */
static inline void scene_power(struct trace *trace, const double *x, double noise, uint64_t *seed)
{
	for (size_t row = 0; row < trace->row_count; row++) {
		double power = x[0];

		for (unsigned e = 0; e < trace->event_count; e++)
			/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
			power += x[e + 1] * scene_events(trace, row)[e];
		trace->power[row] = power * (1 + noise * scene_noise(seed));
	}
}

static inline struct fit *scene_fit(const struct trace *trace, const struct fit_options *options)
{
	struct error error = { "" };
	struct fit *fit = NULL;
	int result = fit_solve(trace, options, &fit, &error);

	if (result) {
		fprintf(stderr, "fit_solve: %d %s\n", result, error.text);
		abort();
	}
	return fit;
}

static inline bool scene_warns(const struct fit *fit, const char *needle)
{
	for (size_t i = 0; i < fit->warnings.count; i++)
		if (strstr(fit->warnings.texts[i], needle))
			return true;
	return false;
}

static inline void scene_print(const struct fit *fit)
{
	for (size_t i = 0; i < fit->warnings.count; i++)
		fprintf(stderr, "    %s\n", fit->warnings.texts[i]);
}

#endif
