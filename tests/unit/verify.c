/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/verify.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct weights *weights_of(const char *text)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;

	if (weights_parse("w", text, strlen(text), &weights, &errors)) {
		fprintf(stderr, "%s\n", errors.texts[0]);
		abort();
	}
	error_list_clear(&errors);
	return weights;
}

static struct trace *trace_of(const char *text, double interval_s)
{
	const struct trace_request request = { .interval_s = interval_s };
	struct error_list errors = { 0 }, warnings = { 0 };
	struct trace *trace = NULL;

	if (trace_parse("t.csv", text, strlen(text), &request, &trace, &errors, &warnings)) {
		fprintf(stderr, "%s\n", errors.texts[0]);
		abort();
	}
	error_list_clear(&errors);
	error_list_clear(&warnings);
	return trace;
}

#define HEAD                                                                                       \
	"[weights]\nformat = 1\nname = test\nkind = cpu\nscope = wall\nstanding = modelled\n"      \
	"[machine]\ncpus = 4\nchips = 1\ntsc = 2GHz\n"

/* 40 W, 2 nJ an A, 5 nJ a B, or 10 W for each busy CPU. */
static const char plain[] = HEAD "[point]\nbase = 40W +-0.5W\nweight = 2nJ +-0.1nJ t::A\n"
				 "weight = 5nJ t::B\non-cpu = 10W\n";

static const struct verify_request perf = { .source = CPU_SOURCE_PERF, .disks_idle_w = NAN };

static struct verification must_verify(const char *weights_text, const char *trace_text,
				       const struct verify_request *request)
{
	struct weights *weights = weights_of(weights_text);
	struct trace *trace = trace_of(trace_text, 0);
	struct verification found;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, verify(weights, trace, request, &found, &error));
	UNIT_EQUAL_TEXT("", error.text);
	weights_free(weights);
	trace_free(trace);
	return found;
}

static void test_figures(void)
{
	/* Predicted: 60, 60; 100, 100. */
	struct verification found =
		must_verify(plain,
			    "workload,power_w,t::B,t::A\nx,50,0,1e10\nx,75,2e9,5e9\n"
			    "y,100,0,3e10\ny,80,2e9,25e9\n",
			    &perf);

	UNIT_EQUAL_U64(2, found.group_count);
	UNIT_EQUAL_U64(2, found.groups[0].rows);
	UNIT_EQUAL_DOUBLE(20, found.groups[0].mape_percent, 1e-9);   /* 20, 20 */
	UNIT_EQUAL_DOUBLE(12.5, found.groups[1].mape_percent, 1e-9); /* 0, 25 */
	UNIT_EQUAL_DOUBLE(16.25, found.errors.mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(-4, found.groups[0].bias_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(62.5, found.groups[0].measured_w, 1e-9);
	UNIT_EQUAL_DOUBLE(60, found.groups[0].predicted_w, 1e-9);
	UNIT_EQUAL_DOUBLE(100 * (320.0 / 305 - 1), found.energy_error_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(sqrt((100 + 225 + 0 + 400) / 4.0), found.errors.rmse, 1e-9);
	/* Around the mean of 76.25 W the squares sum to 1268.75 W^2. */
	UNIT_EQUAL_DOUBLE(1 - 725 / 1268.75, found.errors.r2, 1e-9);
	UNIT_EQUAL_U64(0, found.worst_group);
	UNIT_EQUAL_DOUBLE(20, found.worst_percent, 1e-9);
	UNIT_EQUAL_I64(VERDICT_POOR, found.verdict);
	UNIT_EQUAL_U64(0, found.extrapolated);
	UNIT_EQUAL_DOUBLE(NAN, found.coverage, 0); /* B has no error */
	verification_clear(&found);
}

static void test_errors_and_coverage(void)
{
	static const char sure[] = HEAD "[point]\nbase = 40W +-0.5W\nweight = 2nJ +-0.1nJ t::A\n";
	/* Predicted 60 W +- sqrt(0.5^2 + 1^2): inside, inside, outside. */
	struct verification found = must_verify(
		sure, "workload,power_w,t::A\nx,60,1e10\ny,62.2,1e10\nz,62.3,1e10\n", &perf);

	UNIT_EQUAL_DOUBLE(sqrt(1.25), found.groups[0].se_w, 1e-9);
	UNIT_EQUAL_DOUBLE(2.0 / 3, found.coverage, 1e-9);
	verification_clear(&found);
}

/* Base and weight move against one another: apart they would say far more. */
static void test_replicates(void)
{
	static const char text[] = HEAD
		"[point]\nbase = 40W +-3W\nbase-replicates = 38W 39W 40W 41W 42W\n"
		"weight = 2nJ +-0.3nJ t::A\nweight-replicates = t::A 2.2nJ 2.1nJ 2nJ 1.9nJ 1.8nJ\n";
	struct verification found =
		must_verify(text, "workload,power_w,t::A\nx,60,1e10\ny,80,2e10\n", &perf);

	UNIT_EQUAL_DOUBLE(0, found.groups[0].se_w, 1e-9);
	/* 82, 81, 80, 79, 78: squares of 10, times 4 of 5. */
	UNIT_EQUAL_DOUBLE(sqrt(8), found.groups[1].se_w, 1e-9);
	verification_clear(&found);
}

static void test_time(void)
{
	struct verify_request time = perf;
	struct verification found;

	time.source = CPU_SOURCE_CPUTIME;
	found = must_verify(plain, "power_w,t::A,cputime::ON_CPU_NS\n50,9,1e9\n70,9,3e9\n", &time);
	UNIT_EQUAL_DOUBLE(0, found.errors.mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(1, found.errors.r2, 1e-12);
	verification_clear(&found);
}

static void test_points(void)
{
	static const char text[] = HEAD "[point 1GHz]\nbase = 40W\nweight = 1nJ t::A\n"
					"[point 2GHz]\nbase = 50W\nweight = 3nJ t::A\n";
	/* At 1.5 GHz half way between, beyond 2 GHz as at 2 GHz. */
	struct verification found =
		must_verify(text,
			    "power_w,t::A,frequency_hz\n50,1e10,1e9\n65,1e10,1.5e9\n80,1e10,2e9\n"
			    "80,1e10,3e9\n",
			    &perf);

	UNIT_EQUAL_DOUBLE(0, found.errors.mape_percent, 1e-9);
	UNIT_EQUAL_U64(1, found.extrapolated);
	verification_clear(&found);
}

/* A file may have more events than are ever counted at once. */
static void test_many_events(void)
{
	struct text weights = { 0 }, trace = { 0 };
	struct verification found;
	double expected_w = 40;

	text_add(&weights, HEAD "[point]\nbase = 40W\n");
	for (int i = 1; i <= WEIGHTS_EVENTS_MAX; i++) {
		text_addf(&weights, "weight = %dnJ t::E%d\n", i, i);
		text_addf(&trace, "t::E%d,", i);
		expected_w += i * (double)i / 10;
	}
	text_add(&trace, "power_w\n");
	for (int i = 1; i <= WEIGHTS_EVENTS_MAX; i++)
		text_addf(&trace, "%de8,", i);
	text_addf(&trace, "%.17g\n", expected_w);
	found = must_verify(weights.bytes, trace.bytes, &perf);
	UNIT_EQUAL_DOUBLE(expected_w, found.groups[0].predicted_w, 1e-9);
	verification_clear(&found);
	text_free(&weights);
	text_free(&trace);
}

static void test_disks(void)
{
	static const char text[] = HEAD "[disks-in-base]\npower = 6W\n"
					"[point]\nbase = 46W\nweight = 2nJ t::A\n";
	struct verify_request others = perf;
	struct verification found = must_verify(text, "power_w,t::A\n66,1e10\n", &perf);

	UNIT_EQUAL_DOUBLE(66, found.groups[0].predicted_w, 1e-9);
	verification_clear(&found);
	others.disks_idle_w = 1;
	found = must_verify(text, "power_w,t::A\n61,1e10\n", &others);
	UNIT_EQUAL_DOUBLE(61, found.groups[0].predicted_w, 1e-9);
	verification_clear(&found);
}

static void refuse(const char *weights_text, const char *trace_text, int expected,
		   const char *message)
{
	struct weights *weights = weights_of(weights_text);
	struct trace *trace = trace_of(trace_text, 0);
	struct verification found;
	struct error error = { "" };

	UNIT_EQUAL_I64(expected, verify(weights, trace, &perf, &found, &error));
	UNIT_CONTAINS(message, error.text);
	UNIT_TRUE(found.groups == NULL);
	weights_free(weights);
	trace_free(trace);
}

static void test_refusals(void)
{
	refuse(plain, "power_w,t::A\n60,1e10\n", -ENOENT, "the trace does not count t::B");
	refuse(plain, "energy_j,t::A,t::B\n60,1e10,1\n", -EINVAL, "joules per row give no watts");
}

static void test_verdict(void)
{
	UNIT_EQUAL_I64(VERDICT_GOOD, verdict_of(5, 10));
	UNIT_EQUAL_I64(VERDICT_USABLE, verdict_of(5.01, 10));
	UNIT_EQUAL_I64(VERDICT_USABLE, verdict_of(1, 10.01));
	UNIT_EQUAL_I64(VERDICT_USABLE, verdict_of(10, 20));
	UNIT_EQUAL_I64(VERDICT_POOR, verdict_of(10.01, 10.01));
	UNIT_EQUAL_I64(VERDICT_POOR, verdict_of(1, 20.01));
	UNIT_EQUAL_I64(VERDICT_POOR, verdict_of((double)NAN, 1));
	UNIT_EQUAL_I64(VERDICT_POOR, verdict_of(1, (double)NAN));
}

/* Small errors in percent prove nothing where the weights do not follow the power. */
static void test_unexplained(void)
{
	/* Predicted: 60, 62, 64, 66. */
	static const char *const traces[] = {
		"workload,power_w,t::A,t::B\nx,60,1e10,0\nx,62,11e9,0\ny,64,12e9,0\ny,66.5,13e9,"
		"0\n",
		"workload,power_w,t::A,t::B\nx,62,1e10,0\nx,60,11e9,0\ny,64,12e9,0\ny,62,13e9,0\n",
		"workload,power_w,t::A,t::B\nx,62,1e10,0\nx,62,11e9,0\ny,62,12e9,0\ny,62,13e9,0\n",
	};
	static const char *const sentences[] = {
		NULL,
		"unexplained: the events do not explain the power (R2 ",
		"unexplained: the power never changes",
	};

	for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
		struct verification found = must_verify(plain, traces[i], &perf);

		printf("    %.2f %% off, R2 %.3f\n", found.errors.mape_percent, found.errors.r2);
		UNIT_TRUE(found.errors.mape_percent < 5);
		UNIT_EQUAL_I64(i ? VERDICT_POOR : VERDICT_GOOD, found.verdict);
		UNIT_EQUAL_U64(i ? 1 : 0, found.warnings.count);
		if (found.warnings.count)
			UNIT_CONTAINS(sentences[i], found.warnings.texts[0]);
		verification_clear(&found);
	}
}

int main(void)
{
	return UNIT_RUN(
		"verify", { "errors are those of the rows and workloads", test_figures },
		{ "coverage counts workloads within two standard errors",
		  test_errors_and_coverage },
		{ "model.md 6: a mean's error moves base and weights together", test_replicates },
		{ "the price of time on CPUs stands in for events", test_time },
		{ "each row is priced at its frequency", test_points },
		{ "files of many events are priced whole", test_many_events },
		{ "other disks than in the base are counted by their idle power", test_disks },
		{ "what cannot be compared is refused by name", test_refusals },
		{ "power that the weights do not follow is poor", test_unexplained },
		{ "model.md 6: both limits of a verdict hold", test_verdict });
}
