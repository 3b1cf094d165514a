/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/align.h"

#include <errno.h>

#include "tests/unit/align-session.h"

static struct align estimate(const struct recording *recording)
{
	struct session session;
	struct plant *plant = recording_make(recording, &session);
	struct align align;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, align_estimate(&session, &align, &error));
	UNIT_EQUAL_TEXT("", error.text);
	printf("    seed %llu: lag %.2f window %.2f every %.2f s: lag %.3f +-%.3f window %.2f, "
	       "%zu changes, explained %.4f\n",
	       (unsigned long long)recording->seed, recording->lag_s, recording->window_s,
	       recording->interval_s, align.lag_s, align.lag_se_s, align.window_s, align.changes,
	       align.explained);
	plant_close(plant);
	recording_clear(&session);
	return align;
}

static void expect_lag(const struct recording *recording)
{
	struct align align = estimate(recording);

	UNIT_TRUE(fabs(align.lag_s - recording->lag_s) < 0.1);
	UNIT_TRUE(align.lag_se_s > 0 && align.lag_se_s < 0.1);
	UNIT_TRUE(fabs(align.lag_s - recording->lag_s) < 5 * align.lag_se_s);
	UNIT_TRUE(align.explained > 0.95);
	UNIT_EQUAL_U64(recording->phases - 1, align.changes);
}

static void test_usual(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct recording recording = usual_recording;

		recording.seed = seed;
		expect_lag(&recording);
	}
}

static void test_other_meters(void)
{
	static const double meters[][3] = { /* lag, window, interval */
					    { 0, 1, 1 },
					    { 0.3, 2, 1 },
					    { 2.1, 0.1, 1 },
					    { 2.1, 2, 0.5 },
					    { 0.3, 0.1, 0.1 }
	};

	for (size_t i = 0; i < sizeof meters / sizeof *meters; i++) {
		struct recording recording = usual_recording;

		recording.seed = 20 + i;
		recording.lag_s = meters[i][0];
		recording.documented_window_s = recording.window_s = meters[i][1];
		recording.interval_s = meters[i][2];
		recording.phases = recording.interval_s < 1 ? 12 : 24;
		expect_lag(&recording);
	}
}

static void test_window(void)
{
	struct recording recording = usual_recording;
	struct align align;

	/* Nothing documented. */
	recording.documented_window_s = NAN;
	recording.window_s = 2;
	align = estimate(&recording);
	UNIT_EQUAL_DOUBLE(2, align.window_s, 0.1);
	UNIT_EQUAL_DOUBLE(0.8, align.lag_s, 0.1);
	/* Documented, and wrong by far. */
	recording.documented_window_s = 0.5;
	align = estimate(&recording);
	UNIT_EQUAL_DOUBLE(2, align.window_s, 0.1);
	UNIT_CONTAINS("from the data", align.note);
	UNIT_CONTAINS("0.50 s was documented", align.note);
	/* Documented, and as good as any. */
	recording.documented_window_s = 1.95;
	align = estimate(&recording);
	UNIT_EQUAL_DOUBLE(1.95, align.window_s, 0);
	UNIT_CONTAINS("as documented", align.note);
}

static void test_passes_and_pauses(void)
{
	struct recording recording = usual_recording;

	recording.seed = 31;
	recording.passes = 2;
	recording.phases = 40;
	recording.pause_s = 0.4;
	recording.phase_s = 8;
	recording.documented_window_s = 1;
	UNIT_TRUE(fabs(estimate(&recording).lag_s - 0.8) < 0.1);
	recording.later_s = 4;
	recording.pause_s = 0;
	UNIT_TRUE(fabs(estimate(&recording).lag_s - 0.8) < 0.1);
	recording.passes = 1;
	recording.later_s = 0;
	recording.phases = 24;
	recording.without_events = true;
	UNIT_TRUE(fabs(estimate(&recording).lag_s - 0.8) < 0.1);
}

static void test_nothing_to_see(void)
{
	struct recording recording = usual_recording;
	struct session session;
	struct plant *plant;
	struct align align;
	struct error error = { "" };

	recording.phases = 4;
	align = estimate(&recording);
	UNIT_EQUAL_DOUBLE(0.5, align.lag_s, 0);
	UNIT_EQUAL_DOUBLE(1, align.window_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, align.lag_se_s, 0);
	UNIT_CONTAINS("3 changes of workload are too few", align.note);
	recording = usual_recording;
	plant = recording_make(&recording, &session);
	for (size_t i = 0; i < session.readings.count; i++)
		session.readings.items[i].power_w = 100 + (double)(i * i % 7);
	session.meter.window_s = NAN;
	session.meter.interval_s = NAN;
	UNIT_EQUAL_I64(0, align_estimate(&session, &align, &error));
	UNIT_EQUAL_DOUBLE(0.5, align.lag_s, 1e-6);
	UNIT_EQUAL_DOUBLE(1, align.window_s, 1e-6);
	UNIT_CONTAINS("are not to be seen in the power", align.note);
	session.readings.count = 0;
	UNIT_EQUAL_I64(-EINVAL, align_estimate(&session, &align, &error));
	UNIT_CONTAINS("no readings", error.text);
	plant_close(plant);
	recording_clear(&session);
}

/* --- align_trace -------------------------------------------------------------------------- */

static const struct align known = { .lag_s = 0.8, .window_s = 1 };

/* Of a meter without any fault, and samples where rates change. */
static struct plant *make_exact(struct session *session)
{
	struct recording recording = usual_recording;

	recording.noise = recording.outliers = recording.quantum_w = 0;
	recording.sample_s = 0.02;
	recording.phases = 6;
	recording.phase_s = 6;
	return recording_make(&recording, session);
}

static double weight_of(const struct plant *plant, const char *name)
{
	for (unsigned i = 0; i < plant_event_count(plant); i++)
		if (strcmp(plant_event_name(plant, i), name) == 0)
			return plant_weight_j(plant, i);
	return 0;
}

static void test_rows_are_exact(void)
{
	struct session session;
	struct plant *plant = make_exact(&session);
	struct trace *trace = NULL;
	struct text note = { 0 };
	struct error error = { "" };
	double worst = 0;

	UNIT_EQUAL_I64(0, align_trace(&session, 0, &known, 0.25, &trace, &note, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_CONTAINS("readings give rows", note.bytes);
	UNIT_CONTAINS("lie about the begin or the end of a workload", note.bytes);
	UNIT_TRUE(trace->row_count >= 18 && trace->row_count <= 30);
	UNIT_EQUAL_U64(plant_event_count(plant) + 1, trace->event_count);
	UNIT_EQUAL_TEXT(CPUTIME_EVENT, trace->event_names[trace->event_count - 1]);
	UNIT_EQUAL_TEXT("power_w", trace->power_column);
	UNIT_TRUE(trace->has_groups && !trace->is_energy);
	UNIT_EQUAL_U64(6, trace->group_count);
	UNIT_TRUE(trace->frequency_hz == NULL && trace->voltage_v == NULL);
	for (size_t row = 0; row < trace->row_count; row++) {
		double watts = plant_base_w(plant);

		for (unsigned i = 0; i < trace->event_count; i++)
			watts += weight_of(plant, trace->event_names[i]) *
				 trace->events[row * trace->event_count + i];
		worst = fmax(worst, fabs(watts / trace->power[row] - 1));
		UNIT_EQUAL_DOUBLE(1, trace->interval_s[row], 1e-9);
		UNIT_TRUE(trace->temperature_c[row] > 20 && trace->temperature_c[row] < 100);
	}
	/* Rates change every 100 ms, samples come every 20 ms. */
	printf("    worst row: %.2g off\n", worst);
	UNIT_TRUE(worst < 2e-3);
	trace_free(trace);
	text_free(&note);
	plant_close(plant);
	recording_clear(&session);
}

/* Does the reading's window lie in the phase, after it settled, where samples cover it? */
static bool lies_inside(const struct session *session, size_t reading, size_t phase)
{
	double at_s = (double)session->readings.items[reading].time_ns * 1e-9;
	double begin_s = (double)session->phases.items[phase].begin_ns * 1e-9, last_s = 0;

	for (size_t i = 0; i < session->samples.count; i++)
		if (session->samples.items[i].phase == phase)
			last_s = (double)session->samples.items[i].time_ns * 1e-9;
	return at_s - known.lag_s - known.window_s >= begin_s + 0.5 && at_s - known.lag_s <= last_s;
}

static void test_rows_stay_inside(void)
{
	struct session session;
	struct plant *plant = make_exact(&session);
	struct trace *trace = NULL;
	size_t expected = 0;

	for (size_t i = 0; i < session.readings.count; i++)
		for (size_t k = 0; k < session.phases.count; k++)
			expected += lies_inside(&session, i, k);
	UNIT_EQUAL_I64(0, align_trace(&session, 0, &known, 0.5, &trace, NULL, NULL));
	UNIT_TRUE(expected > 12);
	UNIT_EQUAL_U64(expected, trace->row_count);
	trace_free(trace);
	plant_close(plant);
	recording_clear(&session);
}

static void test_bad_readings_and_samples(void)
{
	struct session session;
	struct plant *plant = make_exact(&session);
	struct trace *all = NULL, *trace = NULL;
	struct text note = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, align_trace(&session, 0, &known, 0.5, &all, NULL, NULL));
	session.readings.items[2].flags = METER_FROZEN;
	session.readings.items[8].power_w = NAN;
	session.readings.items[9].flags = METER_WRAPPED; /* the difference is right */
	/* Half a second of the third workload was not seen. */
	for (size_t i = 0; i < session.samples.count; i++)
		if (session.samples.items[i].phase == 2 &&
		    session.samples.items[i].time_ns >
			    session.phases.items[2].begin_ns + 3000000000 &&
		    session.samples.items[i].time_ns <
			    session.phases.items[2].begin_ns + 3500000000)
			session.samples.items[i].quality = QUALITY_MISSING;
	session.phases.items[5].complete = false;
	UNIT_EQUAL_I64(0, align_trace(&session, 0, &known, 0.5, &trace, &note, NULL));
	printf("    %s\n", note.bytes);
	UNIT_CONTAINS("2 were flagged by the meter", note.bytes);
	UNIT_CONTAINS("lack good samples", note.bytes);
	UNIT_EQUAL_U64(5, trace->group_count);
	UNIT_TRUE(trace->row_count + 4 < all->row_count);
	trace_free(all);
	trace_free(trace);
	UNIT_EQUAL_I64(-EINVAL, align_trace(&session, 1, &known, 0.5, &trace, NULL, &error));
	UNIT_EQUAL_TEXT("the recording has no pass 1", error.text);
	text_free(&note);
	plant_close(plant);
	recording_clear(&session);
}

/* Readings come every second. */
static void test_continued(void)
{
	struct recording recording = usual_recording;
	struct session session;
	struct plant *plant;
	struct trace *trace = NULL;
	size_t rows[2];

	recording.passes = 2;
	recording.phases = 20;
	recording.phase_s = 6;
	recording.later_s = 4;
	recording.noise = recording.outliers = 0;
	plant = recording_make(&recording, &session);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1)
			for (size_t p = 0; p < session.phases.count; p++)
				session.phases.items[p].continues = false;
		UNIT_EQUAL_I64(0, align_trace(&session, 1, &known, 2, &trace, NULL, NULL));
		rows[i] = trace->row_count;
		trace_free(trace);
	}
	printf("    %zu rows of 10 continued phases, %zu if they had to settle\n", rows[0],
	       rows[1]);
	/* A phase is 4 s to 5 s, and a window 1 s. */
	UNIT_TRUE(rows[0] >= 30 && rows[0] <= 40);
	UNIT_TRUE(rows[1] >= 10 && rows[1] <= 20);
	plant_close(plant);
	recording_clear(&session);
}

static void test_frequency_and_passes(void)
{
	struct recording recording = usual_recording;
	struct session session;
	struct plant *plant;
	struct trace *trace = NULL;

	recording.passes = 2;
	recording.phases = 8;
	recording.window_s = 0.01; /* shorter than the samples' distance */
	plant = recording_make(&recording, &session);
	for (size_t i = 0; i < session.phases.count; i++)
		session.phases.items[i].frequency_hz = 2000000000 + 1000000 * (i / 4);
	UNIT_EQUAL_I64(0, align_trace(&session, 1, &(struct align){ .lag_s = 0.8 }, 0.5, &trace,
				      NULL, NULL));
	UNIT_EQUAL_U64(plant_event_count(plant) / 2 + 1, trace->event_count);
	UNIT_EQUAL_TEXT(plant_event_name(plant, 1), trace->event_names[0]);
	UNIT_EQUAL_DOUBLE(2e9, trace->frequency_hz[0], 0);
	UNIT_EQUAL_DOUBLE(2.001e9, trace->frequency_hz[trace->row_count - 1], 0);
	UNIT_EQUAL_DOUBLE(0.1, trace->interval_s[0], 1e-3);
	UNIT_EQUAL_U64(4, trace->group_count);
	trace_free(trace);
	plant_close(plant);
	recording_clear(&session);
}

int main(void)
{
	return UNIT_RUN(
		"align",
		{ "a lag of 0.8 s is found within 0.1 s through noise and outliers", test_usual },
		{ "so are those of other meters", test_other_meters },
		{ "the documented window holds unless the data speak against it", test_window },
		{ "a phase that continues another gives rows at once", test_continued },
		{ "changes of pass, pauses and counters of time alone do not hinder",
		  test_passes_and_pauses },
		{ "where nothing is to be seen the documented values are taken",
		  test_nothing_to_see },
		{ "rows hold the counts of exactly the meter's window", test_rows_are_exact },
		{ "rows lie wholly inside a settled workload", test_rows_stay_inside },
		{ "flagged readings and bad samples give no rows, which is told",
		  test_bad_readings_and_samples },
		{ "a pass has its events, and the frequency that was set",
		  test_frequency_and_passes });
}
