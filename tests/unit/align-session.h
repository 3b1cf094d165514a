/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * align-session.h - recordings of an emulated plant through a meter whose lag,
 * window and faults are known.
 */
#ifndef VMENERGY_TESTS_ALIGN_SESSION_H
#define VMENERGY_TESTS_ALIGN_SESSION_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/record/session.h"
#include "meter/plant.h"
#include "tests/unit/unit.h"

struct recording {
	uint64_t seed;
	double lag_s, window_s, interval_s; /* of the meter */
	double noise, outliers;             /* parts: of the reading, of all readings */
	double quantum_w, documented_window_s;
	unsigned phases, workloads, passes;
	double phase_s, pause_s, sample_s;
	double later_s; /* > 0: passes change while the workload goes on, each so long */
	bool without_events;
};

static const struct recording usual_recording = {
	.seed = 1,
	.lag_s = 0.8,
	.window_s = 1,
	.interval_s = 1,
	.noise = 0.01,
	.outliers = 0.02,
	.quantum_w = 0.1,
	.documented_window_s = 1,
	.phases = 24,
	.workloads = 11,
	.passes = 1,
	.phase_s = 8,
	.sample_s = 0.1,
};

#define RECORDING_APPEND(array)                                                                    \
	({                                                                                         \
		__typeof__((array)->items) appended_ = MEMORY_APPEND(array);                       \
		if (!appended_)                                                                    \
			abort();                                                                   \
		appended_;                                                                         \
	})

static const char *recording_plant_path(void)
{
	static char path[512];
	static unsigned number;

	snprintf(path, sizeof path, "%s/recorded-%u", unit_folder(), number++);
	return path;
}

/* The pass's events of the plant: all, or a third of them each. */
static void recording_passes(const struct recording *recording, const struct plant *plant,
			     struct session *session)
{
	for (unsigned p = 0; p < recording->passes; p++) {
		struct session_pass *pass = RECORDING_APPEND(&session->passes);

		for (unsigned i = 0; i < plant_event_count(plant) && !recording->without_events;
		     i++)
			if (i % recording->passes == p)
				strcpy(pass->names[pass->event_count++],
				       plant_event_name(plant, i));
	}
}

static void recording_sample(const struct recording *recording, const struct plant *plant,
			     struct session *session, size_t phase, double at_s)
{
	struct session_sample *sample = RECORDING_APPEND(&session->samples);
	unsigned pass = session->phases.items[phase].pass, events = 0;
	uint64_t count[PLANT_EVENTS_MAX];

	sample->time_ns = (uint64_t)(at_s * 1e9);
	sample->phase = phase;
	sample->frequency_hz = NAN;
	sample->temperature_c = plant_temperature_c(plant, sample->time_ns);
	plant_counts(plant, sample->time_ns, count, &sample->busy_ns);
	for (unsigned i = 0; i < plant_event_count(plant) && !recording->without_events; i++)
		if (i % recording->passes == pass)
			sample->count[events++] = count[i];
}

static void recording_phases(const struct recording *recording, struct plant *plant,
			     struct session *session)
{
	uint64_t state = recording->seed + 1000;
	double at_s = 1;

	for (unsigned i = 0; i < recording->phases; i++) {
		struct session_phase *phase = RECORDING_APPEND(&session->phases);
		unsigned load = i / recording->passes % recording->workloads;
		bool continues = recording->later_s > 0 && i % recording->passes > 0;
		unsigned first = recording->later_s > 0 ? i - i % recording->passes : i;
		double end_s = at_s + (continues ? recording->later_s : recording->phase_s) +
			       unit_random_double(&state, 0, 1);

		snprintf(phase->workload, sizeof phase->workload, "%s",
			 load == 0 ? "idle" : "load-");
		if (load > 0)
			snprintf(phase->workload + 5, sizeof phase->workload - 5, "%u", load);
		phase->threads = load == 0 ? 0 : 1 + (load * 3 + first / recording->workloads) % 8;
		snprintf(phase->variant, sizeof phase->variant, "%u threads", phase->threads);
		phase->pass = i % recording->passes;
		phase->begin_ns = (uint64_t)(at_s * 1e9);
		phase->end_ns = (uint64_t)(end_s * 1e9);
		phase->complete = true;
		phase->continues = continues;
		if (!continues)
			plant_run(plant, phase->begin_ns, phase->workload, phase->threads, NULL);
		if (recording->later_s > 0 && (i + 1) % recording->passes > 0) {
			at_s = end_s;
			continue;
		}
		plant_run(plant, phase->end_ns, "idle", 0, NULL);
		at_s = end_s + recording->pause_s;
	}
	for (unsigned i = 0; i < recording->phases; i++) {
		double begin_s = (double)session->phases.items[i].begin_ns * 1e-9;
		double end_s = (double)session->phases.items[i].end_ns * 1e-9;

		at_s = begin_s;
		while (at_s < end_s) {
			recording_sample(recording, plant, session, i, at_s);
			at_s += recording->sample_s;
		}
	}
}

/* Nearly normal: a sum of twelve. */
static double recording_normal(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += unit_random_double(state, 0, 1);
	return sum;
}

static void recording_readings(const struct recording *recording, const struct plant *plant,
			       struct session *session)
{
	uint64_t state = recording->seed;
	uint64_t end_ns = session->phases.items[session->phases.count - 1].end_ns;
	uint64_t window_ns = (uint64_t)(fmax(recording->window_s, 0.001) * 1e9);

	double at_s = 4 + unit_random_double(&state, 0, recording->interval_s);

	while (at_s * 1e9 < (double)end_ns + 3e9) {
		struct meter_reading *reading = RECORDING_APPEND(&session->readings);
		uint64_t to_ns = (uint64_t)((at_s - recording->lag_s) * 1e9);
		double watts = plant_power_w(plant, to_ns - window_ns, to_ns);

		watts *= 1 + recording->noise * recording_normal(&state);
		if (unit_random_double(&state, 0, 1) < recording->outliers)
			watts *= unit_random_double(&state, 0.3, 1.9);
		if (recording->quantum_w > 0)
			watts = recording->quantum_w * round(watts / recording->quantum_w);
		*reading = (struct meter_reading){
			.time_ns = (uint64_t)(at_s * 1e9),
			.power_w = watts,
			.energy_j = NAN,
		};
		at_s += recording->interval_s;
	}
}

/* The plant is the caller's, for the truth. */
static struct plant *recording_make(const struct recording *recording, struct session *session)
{
	struct plant *plant = NULL;

	memset(session, 0, sizeof *session);
	if (plant_create(&plant, recording_plant_path(),
			 &(struct plant_settings){ .seed = recording->seed }, NULL))
		abort();
	session->meter.window_s = recording->documented_window_s;
	session->meter.interval_s = recording->interval_s;
	session->meter.resolution_w = recording->quantum_w;
	recording_passes(recording, plant, session);
	recording_phases(recording, plant, session);
	recording_readings(recording, plant, session);
	return plant;
}

static void recording_clear(struct session *session)
{
	free(session->passes.items);
	free(session->phases.items);
	free(session->samples.items);
	free(session->readings.items);
	memset(session, 0, sizeof *session);
}

#endif
