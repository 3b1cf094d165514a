/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/record/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "calibrate/record/recorder.h"
#include "meter/plant.h"

#define SAMPLE_S 0.1 /* where the meter does not say how often it has something new */
#define SAMPLE_MIN_S 0.02
#define SAMPLE_MAX_S 0.25
#define METER_PATIENCE_S 60.0 /* for it to come back */
#define TAIL_S 6.0            /* lag and window of the slowest meters, after the last phase */
enum { GIVE_UP_PART = 4 };    /* more than a quarter of the phases failed */

static double choose_sample_s(const struct record_setup *setup, const struct session *session)
{
	double tenth_s = session->meter.interval_s / 10;

	if (setup->sample_s > 0)
		return setup->sample_s;
	if (isnan(tenth_s))
		return SAMPLE_S;
	return tenth_s > SAMPLE_MIN_S ? fmin(tenth_s, SAMPLE_MAX_S) : SAMPLE_MIN_S;
}

/* Only where a frequency is to be set. */
static int hold_frequency(struct recorder *recorder, struct error *error)
{
	const struct suite *suite = recorder->setup->suite;

	if (counters_plant(recorder->setup->counters))
		return 0;
	for (size_t i = 0; i < suite->count; i++)
		if (suite->items[i].frequency_hz)
			return frequency_hold_begin(&recorder->hold, recorder->setup->root, error);
	return 0;
}

static int open_recorder(struct recorder *recorder, const struct record_setup *setup,
			 struct session *session, struct error *error)
{
	struct plant *plant = counters_plant(setup->counters);
	int result;

	*recorder = (struct recorder){
		.setup = setup,
		.session = session,
		.speed = plant ? plant_speed(plant) : 1,
		.sample_s = choose_sample_s(setup, session),
		.power_w = NAN,
		.what = "",
		.fd = -1,
	};
	recorder->is_done = calloc(setup->suite->count + 1, sizeof *recorder->is_done);
	if (!recorder->is_done)
		return error_setf(error, ENOMEM, "record: out of memory");
	result = recorder_open_file(recorder, error);
	if (!result)
		result = hold_frequency(recorder, error);
	if (!result)
		result = meter_thread_start(&recorder->meter,
					    &(struct meter_thread_options){ .meter = setup->meter },
					    error);
	return result;
}

/* 0, or what went wrong with giving the frequency back. */
static int close_recorder(struct recorder *recorder, struct error *error)
{
	int result = frequency_hold_end(recorder->hold, error);

	meter_thread_stop(recorder->meter);
	free(recorder->fresh.items);
	free(recorder->is_done);
	recorder_close_file(recorder);
	return result;
}

/* 0: it is there, or was never gone. */
static int wait_for_meter(struct recorder *recorder, struct error *error)
{
	uint64_t begin_ns = recorder_now_ns(recorder);
	uint64_t end_ns = recorder_after_ns(begin_ns, METER_PATIENCE_S);
	int result = recorder_drain(recorder, error);

	if (result || !recorder->state.is_lost)
		return result;
	progress_say(&recorder->progress, "waiting for the meter: %s", recorder->state.why.text);
	while (!result && recorder->state.is_lost && !recorder->state.has_ended &&
	       recorder_now_ns(recorder) < end_ns)
		result = recorder_idle(recorder, recorder->sample_s, error);
	if (!result && recorder->state.is_lost)
		return error_setf(error, ENODEV, "the meter is gone: %s", recorder->state.why.text);
	return result;
}

typedef char phase_name[SESSION_NAME_BYTES + sizeof((struct suite_phase *)NULL)->variant + 4];

/* "integer, 4 threads"; "idle" */
static const char *name_phase(const struct suite_phase *phase, phase_name name)
{
	stpcpy(stpcpy(stpcpy(name, recorder_group(phase)), phase->variant[0] ? ", " : ""),
	       phase->variant);
	return name;
}

/* As soon as it can be known: what follows takes long. */
static void look_for_others(struct recorder *recorder)
{
	struct error what = { "" };

	if (recorder->said_busy || !record_was_busy(recorder->session, &what))
		return;
	recorder->said_busy = true;
	progress_say(&recorder->progress, "calibrate: warning: %s", what.text);
}

/* Nothing that another attempt could make good. */
static bool is_final(const struct recorder *recorder, int result)
{
	return result == -EINTR || result == -ENOMEM || recorder_must_stop(recorder);
}

/* 0: done, perhaps by a second attempt; 1: given up, *why; -errno with text: all is over. */
static int run_phases(struct recorder *recorder, const struct suite_phase *phase, size_t count,
		      struct error *why, struct error *error)
{
	const size_t first = recorder->session->phases.count;
	phase_name name;
	int result = 0;

	for (unsigned attempt = 0; attempt < 2; attempt++) {
		result = wait_for_meter(recorder, error);
		if (result)
			return result;
		result = recorder_run_phases(recorder, phase, count, why);
		if (!result)
			return recorder_keep_phases(recorder, first, error);
		if (is_final(recorder, result)) {
			*error = *why;
			return recorder_must_stop(recorder) ? -EINTR : result;
		}
		progress_say(&recorder->progress, "%s: %s%s", name_phase(phase, name), why->text,
			     attempt ? "" : "; once more");
	}
	return 1;
}

static int give_up(struct recorder *recorder, const struct suite_phase *phase, size_t count,
		   const struct error *why, struct error *error)
{
	const struct record_setup *setup = recorder->setup;
	phase_name name;

	name_phase(phase, name);
	recorder->failed += (unsigned)count;
	if (setup->notes)
		error_list_addf(setup->notes, "skipped: %s: %s", name, why->text);
	if ((size_t)recorder->failed * GIVE_UP_PART <= setup->suite->count)
		return 0;
	return error_setf(error, EIO, "%u of %zu runs failed, the last one, %s: %s",
			  recorder->failed, setup->suite->count, name, why->text);
}

static int run_suite(struct recorder *recorder, struct error *error)
{
	const struct suite *suite = recorder->setup->suite;
	int result = 0;

	for (size_t i = 0, count; i < suite->count && result >= 0; i += count) {
		const struct suite_phase *phase = &suite->items[i];
		struct error why = { "" };
		phase_name what;

		count = suite_count_run(suite, i);
		if (!recorder->is_done[i]) {
			recorder->what = name_phase(phase, what);
			recorder->has_run = true;
			result = run_phases(recorder, phase, count, &why, error);
			if (result > 0)
				result = give_up(recorder, phase, count, &why, error);
			recorder->what = "";
			if (!result)
				look_for_others(recorder);
		}
		for (size_t k = 0; k < count; k++)
			recorder->done_s += phase[k].seconds;
	}
	return result;
}

int record_run(const struct record_setup *setup, struct session *session, struct error *error)
{
	struct recorder recorder;
	struct error late = { "" };
	int result = open_recorder(&recorder, setup, session, error), kept = 0, closed;

	if (!result) {
		progress_begin(&recorder.progress, setup->progress);
		result = run_suite(&recorder, error);
		if (!result && recorder.has_run)
			result = recorder_idle(&recorder, TAIL_S, error);
		if (recorder.has_run) {
			recorder_drain(&recorder, &late);
			kept = recorder_keep_rest(&recorder, &late);
		}
		progress_end(&recorder.progress);
	}
	closed = close_recorder(&recorder, &late);
	if (!result && (kept || closed)) {
		result = kept ? kept : closed;
		*error = late;
	}
	return result;
}
