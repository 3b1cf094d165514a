/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/weights-make.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { EVENTS = 2, EVENTS_MAX = 8, POINTS = 2, REPLICATES = 6 };

/* A fit as fit_solve() leaves it, of made-up figures. */
struct rig {
	struct fit fit;
	struct fit_point points[POINTS];
	struct fit_weight weights[POINTS][EVENTS_MAX];
	double replicates[POINTS][EVENTS_MAX + 1][REPLICATES];
	char names[EVENTS_MAX][EVENT_NAME_BYTES];
};

static void set_weight(struct rig *rig, unsigned point, unsigned event, double joules)
{
	struct fit_weight *weight = &rig->weights[point][event];
	double *replicates = rig->replicates[point][event + 1];

	for (unsigned i = 0; i < REPLICATES; i++)
		replicates[i] = joules * (1 + 0.01 * i);
	*weight = (struct fit_weight){ .joules = joules,
				       .se = joules / 50,
				       .upper = NAN,
				       .share = 0.25,
				       .replicates = replicates };
}

static void rig_make(struct rig *rig, unsigned points, unsigned events)
{
	memset(rig, 0, sizeof *rig);
	rig->fit = (struct fit){ .rows = 700,
				 .event_count = events,
				 .event_names = rig->names,
				 .point_count = points,
				 .points = rig->points,
				 .replicate_count = REPLICATES,
				 .in_sample = { 1.5, 2, 0.99 },
				 .lowo = { 2.25, 3, 0.98 },
				 .lowo_energy_error_percent = -0.5,
				 .worst_mape_percent = 4.5,
				 .verdict = VERDICT_GOOD };
	strcpy(rig->names[0], "skl::INST_RETIRED:ANY_P");
	strcpy(rig->names[1], "skl::CPU_CLK_UNHALTED:THREAD_P");
	for (unsigned i = 2; i < EVENTS_MAX; i++)
		snprintf(rig->names[i], sizeof rig->names[i], "skl::EVENT_%u", i);
	for (unsigned p = 0; p < points; p++) {
		for (unsigned i = 0; i < REPLICATES; i++)
			rig->replicates[p][0][i] = 50 + 10 * p + 0.125 * i;
		rig->points[p] = (struct fit_point){ .frequency_hz = points > 1 ? (p + 1) * 1e9 : 0,
						     .voltage_v = NAN,
						     .rows = 350,
						     .base = 50 + 10 * p,
						     .base_se = 0.25,
						     .base_replicates = rig->replicates[p][0],
						     .weights = rig->weights[p] };
		for (unsigned i = 0; i < events; i++)
			set_weight(rig, p, i, (p + 1) * (i + 1) * 0.5e-9);
	}
}

static struct trace_about about_rig(void)
{
	struct trace_about about;

	trace_about_init(&about);
	about.has_cpu = true;
	about.cpu = (struct cpu_identity){
		.vendor = unit_literal("GenuineIntel"),
		.model_name = unit_literal("Intel(R) Xeon(R) CPU E5-2650 v2 @ 2.60GHz"),
		.family = 6,
		.model = 62,
		.cpus = 32,
		.cores = 16,
		.chips = 2,
		.tsc_hz = 2600000000,
	};
	about.pmu = unit_literal("ivb_ep");
	about.meter = unit_literal("wattsup, serial 17, at the wall");
	about.date = unit_literal("2026-11-23");
	about.has_scope = true;
	about.scope = SCOPE_WALL;
	about.meter_lag_s = 0.125;
	about.disks_idle_w = 8;
	about.disks_note = unit_literal("sda and sdb");
	return about;
}

/* Made, printed, read back and printed again: the caller frees. */
static struct weights *make_good(const struct weights_make *make, struct text *text)
{
	struct error_list notes = { 0 };
	struct weights *weights = NULL;
	struct error error = { "" };

	if (weights_make(make, &weights, &notes, &error) ||
	    weights_make_text(weights, text, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	error_list_clear(&notes);
	return weights;
}

static void expect_refusal(const char *expected, const struct weights_make *make)
{
	struct error_list notes = { 0 };
	struct weights *weights = NULL;
	struct error error = { "" };

	UNIT_EQUAL_I64(-EINVAL, weights_make(make, &weights, &notes, &error));
	UNIT_CONTAINS(expected, error.text);
	UNIT_TRUE(weights == NULL);
	error_list_clear(&notes);
}

static void test_file(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about, .source = "a test" };
	struct text text = { 0 };

	rig_make(&rig, 1, EVENTS);
	weights_free(make_good(&make, &text));
	UNIT_CONTAINS("name = Intel(R) Xeon(R) CPU E5-2650 v2 @ 2.60GHz, 2 chips\n", text.bytes);
	UNIT_CONTAINS("standing = modelled\n", text.bytes);
	UNIT_CONTAINS("model-name = * Intel(R) Xeon(R) CPU E5-2650 v2 @ 2.60GHz *\n", text.bytes);
	UNIT_CONTAINS("family = 6\nmodel = 62\nchips = 2\npmu = ivb_ep\n", text.bytes);
	UNIT_CONTAINS("cpus = 32\nchips = 2\ntsc = 2.6GHz\n", text.bytes);
	UNIT_CONTAINS("[point]\nbase = 50W +-250mW\n"
		      "weight = 0.5nJ +-0.01nJ skl::INST_RETIRED:ANY_P\n",
		      text.bytes);
	UNIT_CONTAINS("base-replicates = 50W 50.125W 50.25W 50.375W 50.5W 50.625W\n", text.bytes);
	UNIT_CONTAINS("[disks-in-base]\npower = 8W\nnote = sda and sdb\n", text.bytes);
	UNIT_CONTAINS("meter-lag = 125ms\ndate = 2026-11-23\nrows = 700\n", text.bytes);
	UNIT_CONTAINS("lowo-mape = 2.25%\nlowo-worst = 4.5%\nin-sample-mape = 1.5%\n"
		      "energy-error = 0.5%\nverdict = good\n",
		      text.bytes);
	text_free(&text);
}

static void test_is_found(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct cpu_identity other = about.cpu;
	struct text text = { 0 };
	struct weights *weights;

	rig_make(&rig, 1, EVENTS);
	weights = make_good(&make, &text);
	UNIT_TRUE(weights_match_cpu(weights, &about.cpu, CPU_SOURCE_PERF, NULL) > 1000);
	other.model_name = unit_literal("Intel(R) Xeon(R) CPU E5-2650 v3 @ 2.60GHz");
	UNIT_EQUAL_U64(0, weights_match_cpu(weights, &other, CPU_SOURCE_PERF, NULL));
	weights_free(weights);
	text_free(&text);
}

static void test_points(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct text text = { 0 };
	struct weights *weights;

	rig_make(&rig, POINTS, EVENTS);
	rig.points[1].frequency_hz = 2.0000454375e9;
	weights = make_good(&make, &text);
	UNIT_EQUAL_U64(2, weights->point_count);
	UNIT_CONTAINS("[point 1GHz]\n", text.bytes);
	UNIT_CONTAINS("[point 2GHz]\nbase = 60W", text.bytes);
	UNIT_EQUAL_DOUBLE(2, weights->points[1].weights[1].nj, 1e-9);
	UNIT_EQUAL_U64(REPLICATES, weights->replicate_count);
	UNIT_EQUAL_DOUBLE(2 * 1.05, weights->points[1].weights[1].replicates_nj[5], 1e-6);
	weights_free(weights);
	text_free(&text);
}

static void test_emulated_and_poor(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about, .name = "ours" };
	struct text text = { 0 };

	about.emulated = true;
	rig_make(&rig, 1, EVENTS);
	weights_free(make_good(&make, &text));
	UNIT_CONTAINS("name = EMULATED: ours\n", text.bytes);
	UNIT_CONTAINS("standing = estimate\n", text.bytes);
	text_reset(&text);
	about.emulated = false;
	rig.fit.verdict = VERDICT_POOR;
	weights_free(make_good(&make, &text));
	UNIT_CONTAINS("name = ours\n", text.bytes);
	UNIT_CONTAINS("standing = estimate\n", text.bytes);
	UNIT_CONTAINS("verdict = poor\n", text.bytes);
	text_free(&text);
}

/* The stand-in goes through the events' base and the calibration's mean power. */
static void test_stand_in(void)
{
	struct rig events, time;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &events.fit, .on_cpu = &time.fit, .about = &about };
	struct text text = { 0 };
	struct weights *weights;

	rig_make(&events, 1, EVENTS);
	rig_make(&time, 1, 1);
	strcpy(time.names[0], CPUTIME_EVENT);
	set_weight(&time, 0, 0, 4e-9);
	time.points[0].base = 54; /* and 18 W active in the mean: 4.5 CPUs of 4 W */
	weights = make_good(&make, &text);
	UNIT_EQUAL_DOUBLE(50 + 18 + 4, 50 + weights->points[0].on_cpu.nj * 4.5, 1e-6);
	UNIT_EQUAL_DOUBLE(weights_make_on_cpu_w(&events.fit, &time.fit),
			  weights->points[0].on_cpu.nj, 1e-6);
	UNIT_TRUE(weights->points[0].on_cpu.replicates_nj != NULL);
	weights_free(weights);
	text_reset(&text);

	make.events = NULL;
	weights = make_good(&make, &text);
	UNIT_CONTAINS("base = 54W +-250mW\non-cpu = 4W +-80mW\n", text.bytes);
	UNIT_EQUAL_U64(0, weights->points[0].weight_count);
	weights_free(weights);
	text_free(&text);
}

static void test_long_names(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct text text = { 0 };
	size_t longest = 0;

	rig_make(&rig, 1, EVENTS);
	memset(rig.names[0], 'x', EVENT_NAME_BYTES - 1);
	weights_free(make_good(&make, &text));
	for (const char *line = text.bytes; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > longest)
			longest = strcspn(line, "\n");
	UNIT_TRUE(longest <= 190);
	text_free(&text);
}

static void test_refusals(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };

	rig_make(&rig, 1, EVENTS);
	rig.fit.is_energy = true;
	expect_refusal("needs a column interval_s, or --interval", &make);
	rig.fit.is_energy = false;
	rig.weights[0][1].joules = -1e-9;
	expect_refusal("a weight below zero", &make);
	rig_make(&rig, 1, EVENTS);
	about.cpu.chips = 0;
	expect_refusal("--cpus N --chips N", &make);
	make.cpus = 8;
	make.chips = 1;
	about.has_scope = false;
	expect_refusal("--scope wall", &make);
}

static void test_unreadable(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct error_list notes = { 0 };
	struct weights *weights = NULL;
	struct text text = { 0 };
	struct error error = { "" };

	rig_make(&rig, 1, EVENTS);
	strcpy(rig.names[0], "two words");
	UNIT_EQUAL_I64(0, weights_make(&make, &weights, &notes, &error));
	UNIT_EQUAL_I64(-EINVAL, weights_make_text(weights, &text, &error));
	UNIT_CONTAINS("no weights file can say this: weights:", error.text);
	weights_free(weights);
	text_free(&text);
	error_list_clear(&notes);
}

static void test_negative_replicates(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct error_list notes = { 0 };
	struct weights *weights = NULL;
	struct error error = { "" };

	rig_make(&rig, 1, EVENTS);
	rig.replicates[0][1][3] = -1e-12;
	UNIT_EQUAL_I64(0, weights_make(&make, &weights, &notes, &error));
	UNIT_EQUAL_U64(0, weights->replicate_count);
	UNIT_TRUE(weights->points[0].base_replicates_w == NULL);
	UNIT_EQUAL_DOUBLE(0.01, weights->points[0].weights[0].se_nj, 1e-9);
	UNIT_EQUAL_U64(1, notes.count);
	weights_free(weights);
	error_list_clear(&notes);
}

/* What costs nothing needs no counter; the order of the others stays. */
static void test_zero_weights(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct error_list notes = { 0 };
	struct weights *weights = NULL;
	struct error error = { "" };

	rig_make(&rig, 1, 8);
	set_weight(&rig, 0, 0, 0);
	set_weight(&rig, 0, 5, 0);
	UNIT_EQUAL_I64(0, weights_make(&make, &weights, &notes, &error));
	UNIT_EQUAL_U64(6, weights->points[0].weight_count);
	UNIT_EQUAL_TEXT(rig.names[1], weights->points[0].weights[0].event);
	UNIT_EQUAL_TEXT(rig.names[4], weights->points[0].weights[3].event);
	UNIT_EQUAL_TEXT(rig.names[6], weights->points[0].weights[4].event);
	UNIT_EQUAL_DOUBLE(3.5, weights->points[0].weights[4].nj, 1e-9);
	UNIT_EQUAL_DOUBLE(3.5 * 1.01, weights->points[0].weights[4].replicates_nj[1], 1e-6);
	UNIT_EQUAL_U64(1, notes.count);
	UNIT_CONTAINS("ANY_P, skl::EVENT_5", notes.texts[0]);
	UNIT_CONTAINS("its replicates", notes.texts[0]);
	weights_free(weights);
	error_list_clear(&notes);
}

/* Zero at one clock and not at the other: the points must agree. All zero: one stays. */
static void test_zero_weights_of_points(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct text text = { 0 };
	struct weights *weights;

	rig_make(&rig, 2, EVENTS);
	set_weight(&rig, 0, 0, 0);
	weights = make_good(&make, &text);
	UNIT_EQUAL_U64(2, weights->points[0].weight_count);
	UNIT_EQUAL_U64(2, weights->points[1].weight_count);
	weights_free(weights);
	text_reset(&text);
	for (unsigned p = 0; p < 2; p++)
		for (unsigned e = 0; e < EVENTS; e++)
			set_weight(&rig, p, e, 0);
	weights = make_good(&make, &text);
	UNIT_EQUAL_U64(1, weights->points[0].weight_count);
	UNIT_EQUAL_TEXT(rig.names[0], weights->points[0].weights[0].event);
	weights_free(weights);
	text_free(&text);
}

static void test_assumed(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about, .assumed = true };
	struct text text = { 0 };

	rig_make(&rig, 1, EVENTS);
	weights_free(make_good(&make, &text));
	UNIT_CONTAINS("standing = estimate\n", text.bytes);
	UNIT_TRUE(strstr(text.bytes, "vendor =") == NULL);
	UNIT_TRUE(strstr(text.bytes, "model-name =") == NULL);
	text_free(&text);
}

static void test_digits(void)
{
	struct rig rig;
	struct trace_about about = about_rig();
	struct weights_make make = { .events = &rig.fit, .about = &about };
	struct text text = { 0 };

	rig_make(&rig, 1, EVENTS);
	rig.fit.points[0].frequency_hz = 2400012345;
	rig.fit.points[0].voltage_v = 1.0798765;
	about.meter_lag_s = 1.0400019531;
	about.meter_window_s = 0.98765432;
	weights_free(make_good(&make, &text));
	UNIT_CONTAINS("meter-lag = 1.04s\n", text.bytes);
	UNIT_CONTAINS("meter-window = 987.7ms\n", text.bytes);
	UNIT_CONTAINS("voltage = 1.08V\n", text.bytes);
	UNIT_CONTAINS("[point 2.4GHz]\n", text.bytes);
	text_free(&text);
}

/* vmetop counts seven at once. */
static void test_many_events(void)
{
	for (unsigned events = 7; events <= 8; events++) {
		struct trace_about about = about_rig();
		struct rig rig;
		struct weights_make make = { .events = &rig.fit, .about = &about };
		struct weights *weights = NULL;
		struct error_list notes = { 0 };
		struct error error = { "" };

		rig_make(&rig, 1, events);
		UNIT_EQUAL_I64(0, weights_make(&make, &weights, &notes, &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_U64(events - 7, notes.count);
		if (notes.count)
			UNIT_CONTAINS("8 events: vmetop counts 7 at once at most", notes.texts[0]);
		weights_free(weights);
		error_list_clear(&notes);
	}
}

int main(void)
{
	return UNIT_RUN(
		"weights-make",
		{ "a fit and its about file become a weights file that reads back", test_file },
		{ "it is chosen for the machine it was made on, and not for another",
		  test_is_found },
		{ "operating points keep their order and replicates", test_points },
		{ "what is emulated or poor says so and is an estimate", test_emulated_and_poor },
		{ "the stand-in for events agrees with their base in the mean", test_stand_in },
		{ "no line is longer than a reader takes", test_long_names },
		{ "what no file can say is refused with what would help", test_refusals },
		{ "a name that would not read back is found out", test_unreadable },
		{ "replicates below zero are left out, standard errors stay",
		  test_negative_replicates },
		{ "events of no weight are left out with a note", test_zero_weights },
		{ "points keep the same events, and a file a price", test_zero_weights_of_points },
		{ "what is assumed is an estimate for no machine", test_assumed },
		{ "measured quantities have sensible digits", test_digits },
		{ "more events than are counted at once are noted", test_many_events });
}
