/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/select.h"

#include <errno.h>

#include "tests/unit/align-session.h"

static const struct align known = { .lag_s = 0.8, .window_s = 1 };

static bool has_note(const struct selection *selection, const char *words)
{
	for (size_t i = 0; i < selection->notes.count; i++)
		if (strstr(selection->notes.texts[i], words))
			return true;
	return false;
}

/* --- rows that are made up ----------------------------------------------------------------- */

enum { GROUPS = 12, ROWS = 6 * GROUPS, EVENTS = 7 };
enum { A, B, NOISE, NEVER, CONSTANT, COPY_OF_A, SUM_OF_A_B };

static struct trace *make_up(uint64_t seed)
{
	struct trace *trace = trace_new(ROWS, EVENTS);
	double a[GROUPS], b[GROUPS], noise[GROUPS];

	for (int g = 0; g < GROUPS; g++) {
		a[g] = unit_random_double(&seed, 1e9, 9e9);
		b[g] = unit_random_double(&seed, 1e6, 9e6);
		noise[g] = unit_random_double(&seed, 1, 9);
	}
	for (unsigned i = 0; i < EVENTS; i++)
		snprintf(trace->event_names[i], EVENT_NAME_BYTES, "event-%u", i);
	trace->row_count = ROWS;
	trace->group_count = GROUPS;
	trace->group_names = calloc(GROUPS, sizeof *trace->group_names);
	for (size_t row = 0; row < ROWS; row++) {
		double *events = trace->events + row * EVENTS;
		size_t g = row % GROUPS;

		trace->group[row] = (uint32_t)g;
		events[A] = a[g] * unit_random_double(&seed, 0.9, 1.1);
		events[B] = b[g] * unit_random_double(&seed, 0.9, 1.1);
		events[NOISE] = noise[g];
		events[CONSTANT] = 77;
		events[COPY_OF_A] = events[A] * (1 + 1e-4 * unit_random_double(&seed, -1, 1));
		events[SUM_OF_A_B] = events[A] + 1000 * events[B];
		trace->power[row] = 50 + 10e-9 * events[A] + 8e-6 * events[B] +
				    unit_random_double(&seed, -1, 1);
	}
	return trace;
}

static void test_made_up(void)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct trace *trace = make_up(seed);
		struct selection selection;
		struct error error = { "" };
		unsigned first, second;

		UNIT_EQUAL_I64(0, select_events(trace, &(struct select_limits){ .events = 4 },
						&selection, &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_U64(2, selection.count);
		first = selection.steps[0].event;
		second = selection.steps[1].event;
		/* Two that span the plane of A and B. */
		UNIT_TRUE(first != NOISE && first != NEVER && first != CONSTANT);
		UNIT_TRUE(second != NOISE && second != NEVER && second != CONSTANT);
		UNIT_TRUE(selection.steps[1].lowo_rmse < 0.75);
		UNIT_TRUE(selection.steps[1].lowo_rmse < selection.steps[0].lowo_rmse);
		UNIT_EQUAL_DOUBLE(1, selection.steps[0].vif, 1e-9);
		UNIT_TRUE(selection.steps[1].vif < 10);
		UNIT_TRUE(has_note(&selection, "event-3: never counted"));
		UNIT_TRUE(has_note(&selection, "event-4: the same rate all the time"));
		UNIT_TRUE(has_note(&selection, "a copy of") ||
			  has_note(&selection, "follows from those chosen"));
		error_list_clear(&selection.notes);
		trace_free(trace);
	}
}

static void test_limits(void)
{
	struct trace *trace = make_up(9);
	struct selection selection;

	UNIT_EQUAL_I64(
		0, select_events(trace, &(struct select_limits){ .events = 1 }, &selection, NULL));
	UNIT_EQUAL_U64(1, selection.count);
	error_list_clear(&selection.notes);
	/* Of a copy and the original the first is taken, and the other told. */
	trace->event_count = EVENTS;
	for (size_t row = 0; row < ROWS; row++) {
		trace->events[row * EVENTS + COPY_OF_A] = trace->events[row * EVENTS + A];
		trace->events[row * EVENTS + SUM_OF_A_B] = 0;
	}
	UNIT_EQUAL_I64(
		0, select_events(trace, &(struct select_limits){ .events = 4 }, &selection, NULL));
	UNIT_EQUAL_U64(2, selection.count);
	UNIT_TRUE(selection.steps[0].event == A || selection.steps[1].event == A);
	UNIT_TRUE(has_note(&selection, "event-5: a copy of event-0"));
	error_list_clear(&selection.notes);
	/* A gain that nothing reaches. */
	UNIT_EQUAL_I64(0, select_events(trace,
					&(struct select_limits){ .events = 4, .gain_min = 0.999 },
					&selection, NULL));
	UNIT_EQUAL_U64(0, selection.count);
	error_list_clear(&selection.notes);
	trace_free(trace);
}

static void test_refusals(void)
{
	struct trace *trace = make_up(9);
	struct selection selection;
	struct error error = { "" };

	trace->event_count = 0;
	UNIT_EQUAL_I64(-EINVAL, select_events(trace, &(struct select_limits){ .events = 4 },
					      &selection, &error));
	UNIT_EQUAL_TEXT("there are no events to choose from", error.text);
	trace->event_count = EVENTS;
	for (size_t i = 1; i < GROUPS; i++)
		free(trace->group_names[i]);
	trace->group_count = 1;
	UNIT_EQUAL_I64(-EINVAL, select_events(trace, &(struct select_limits){ .events = 4 },
					      &selection, &error));
	UNIT_CONTAINS("1 workloads", error.text);
	trace_free(trace);
}

/* --- an emulated plant --------------------------------------------------------------------- */

static struct recording in_passes(uint64_t seed)
{
	struct recording recording = usual_recording;

	recording.seed = seed;
	recording.passes = 3;
	recording.workloads = 24;
	recording.phases = 144;
	recording.phase_s = 6;
	recording.sample_s = 0.5;
	return recording;
}

static void test_plant(void)
{
	unsigned clean = 0, found = 0;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct recording recording = in_passes(seed);
		struct session session;
		struct plant *plant = recording_make(&recording, &session);
		struct trace *trace = NULL;
		struct selection selection;
		unsigned right = 0;

		UNIT_EQUAL_I64(0, select_merge(&session, &known, 0.5, &trace, NULL));
		UNIT_EQUAL_I64(0, select_events(trace, &(struct select_limits){ .events = 6 },
						&selection, NULL));
		printf("    seed %llu:", (unsigned long long)seed);
		for (unsigned i = 0; i < selection.count; i++) {
			const char *name = trace->event_names[selection.steps[i].event];

			for (unsigned k = 0; k < plant_event_count(plant); k++)
				if (strcmp(plant_event_name(plant, k), name) == 0)
					right += plant_weight_j(plant, k) > 0;
			printf(" %s (%.2f W)", name + strlen("emulated::"),
			       selection.steps[i].lowo_rmse);
		}
		printf("\n");
		clean += right == selection.count;
		found += right;
		trace_free(trace);
		error_list_clear(&selection.notes);
		plant_close(plant);
		recording_clear(&session);
	}
	UNIT_TRUE(clean >= 3);
	UNIT_TRUE(found >= 21);
}

/* Four counters and ten events: three passes, over each of 39 workloads once. */
static void test_few_counters(void)
{
	for (uint64_t seed = 11; seed <= 13; seed++) {
		struct recording recording = in_passes(seed);
		struct session session;
		struct plant *plant;
		struct trace *trace = NULL;
		struct selection selection;
		struct error_list wrong = { 0 };

		recording.workloads = 40;
		recording.phases = 3 * 40;
		recording.later_s = 4;
		plant = recording_make(&recording, &session);
		UNIT_EQUAL_I64(0, select_merge(&session, &known, 2, &trace, NULL));
		UNIT_EQUAL_U64(40, trace->row_count);
		UNIT_EQUAL_I64(0, select_events(trace, &(struct select_limits){ .events = 6 },
						&selection, NULL));
		UNIT_EQUAL_U64(6, selection.count);
		for (unsigned i = 0; i < selection.count; i++) {
			const char *name = trace->event_names[selection.steps[i].event];

			for (unsigned k = 0; k < plant_event_count(plant); k++)
				if (strcmp(plant_event_name(plant, k), name) == 0 &&
				    plant_weight_j(plant, k) == 0)
					error_list_addf(&wrong, "%s", name);
		}
		printf("    seed %llu: %zu wrong, %.2f W\n", (unsigned long long)seed, wrong.count,
		       selection.steps[selection.count - 1].lowo_rmse);
		UNIT_EQUAL_U64(0, wrong.count);
		error_list_clear(&wrong);
		error_list_clear(&selection.notes);
		trace_free(trace);
		plant_close(plant);
		recording_clear(&session);
	}
}

/* What hardly helps alone: less than a hundredth. */
static void test_company(void)
{
	struct trace *trace = make_up(3);
	struct selection selection;

	for (size_t row = 0; row < ROWS; row++) {
		double *events = trace->events + row * EVENTS,
		       swing = row / GROUPS % 2 ? 9e9 : -9e9;

		/* The power is that of A, which only two others together tell. */
		events[B] = events[A] / 3 + 10e9 + swing;
		events[NOISE] = 20e9 - swing;
		trace->power[row] = 50 + 10e-9 * (events[B] + events[NOISE]);
		for (unsigned i = 0; i < EVENTS; i++)
			if (i != B && i != NOISE)
				events[i] = 0;
	}
	UNIT_EQUAL_I64(0,
		       select_events(trace, &(struct select_limits){ .events = 4, .vif_max = 1e4 },
				     &selection, NULL));
	UNIT_EQUAL_U64(2, selection.count);
	UNIT_TRUE(selection.steps[selection.count - 1].lowo_rmse < 1e-6);
	UNIT_TRUE(selection.steps[0].lowo_rmse > 0.99 * selection.none_rmse);
	error_list_clear(&selection.notes);
	trace_free(trace);
}

static void test_merge(void)
{
	struct recording recording = in_passes(77);
	struct session session;
	struct plant *plant;
	struct trace *trace = NULL;
	double worst = 0;

	recording.phases = 36;
	recording.workloads = 12;
	recording.noise = recording.outliers = 0;
	plant = recording_make(&recording, &session);
	UNIT_EQUAL_I64(0, select_merge(&session, &known, 0.5, &trace, NULL));
	UNIT_EQUAL_U64(12, trace->row_count);
	UNIT_EQUAL_U64(12, trace->group_count);
	UNIT_EQUAL_U64(plant_event_count(plant) + 1, trace->event_count);
	for (size_t row = 0; row < trace->row_count; row++) {
		double watts = plant_base_w(plant);

		for (unsigned i = 0; i < trace->event_count; i++)
			for (unsigned k = 0; k < plant_event_count(plant); k++)
				if (strcmp(plant_event_name(plant, k), trace->event_names[i]) == 0)
					watts += plant_weight_j(plant, k) *
						 trace->events[row * trace->event_count + i];
		worst = fmax(worst, fabs(watts / trace->power[row] - 1));
	}
	/* Each event was counted in a third of the time: rates drift by some percent. */
	printf("    worst row: %.3g off\n", worst);
	UNIT_TRUE(worst < 0.03);
	trace_free(trace);
	/* A workload that one pass did not see lacks that pass's events. */
	session.phases.items[4].complete = false;
	UNIT_EQUAL_I64(0, select_merge(&session, &known, 0.5, &trace, NULL));
	UNIT_EQUAL_U64(11, trace->row_count);
	UNIT_EQUAL_U64(1, trace->dropped_rows);
	trace_free(trace);
	plant_close(plant);
	recording_clear(&session);
}

int main(void)
{
	return UNIT_RUN(
		"select",
		{ "events that explain power are chosen, and the others told why not",
		  test_made_up },
		{ "the limits on events, gain and collinearity hold", test_limits },
		{ "nothing to choose from, or nothing to hold out, is refused", test_refusals },
		{ "a plant's true events win over its decoys", test_plant },
		{ "with four counters the choice is as good", test_few_counters },
		{ "events that help only in company are chosen", test_company },
		{ "passes merge to a row for each way of running", test_merge });
}
