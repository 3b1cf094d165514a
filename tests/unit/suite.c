/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/workload/suite-plan.h"
#include "calibrate/workload/suite.h"

enum { SEEDS = 60 };

static const uint64_t frequencies_hz[] = { 1000000000, 2000000000, 3000000000 };

static struct suite_machine machine_of(unsigned cores, unsigned siblings, unsigned packages)
{
	return (struct suite_machine){
		.cpus = cores * siblings,
		.cores = cores,
		.packages = packages,
		.frequencies_hz = frequencies_hz,
		.emulated = true,
	};
}

static bool is_idle(const struct suite_phase *phase)
{
	return phase->run.workload->kind == WORKLOAD_IDLE;
}

static bool same_run(const struct suite_phase *a, const struct suite_phase *b)
{
	return a->run.workload == b->run.workload && strcmp(a->variant, b->variant) == 0;
}

/* The least time that suffices, from below by far less than a phase. */
static double least_s(const struct suite_request *request, const struct suite_machine *machine)
{
	double too_short_s = 0, enough_s = 86400;

	while (enough_s - too_short_s > 1e-3) {
		struct suite_request middle = *request;
		struct suite suite;

		middle.total_s = (too_short_s + enough_s) / 2;
		if (suite_make(&middle, machine, &suite, NULL)) {
			too_short_s = middle.total_s;
		} else {
			enough_s = middle.total_s;
			suite_clear(&suite);
		}
	}
	return enough_s;
}

/* Each combination as often as any other, in each pass and at each frequency. */
static void expect_balance(const struct suite *suite, uint64_t seed)
{
	size_t most = 0, least = SIZE_MAX;

	for (size_t i = 0; i < suite->count; i++) {
		size_t count = 0;

		if (is_idle(&suite->items[i]))
			continue;
		for (size_t k = 0; k < suite->count; k++)
			count += same_run(&suite->items[i], &suite->items[k]) &&
				 suite->items[i].pass == suite->items[k].pass &&
				 suite->items[i].frequency_hz == suite->items[k].frequency_hz;
		most = count > most ? count : most;
		least = count < least ? count : least;
	}
	if (most != least)
		printf("seed %llu: %zu to %zu\n", (unsigned long long)seed, least, most);
	UNIT_EQUAL_U64(least, most);
}

/* Passes of a combination stand together, each of them once, and go on without a pause. */
static void expect_passes_together(const struct suite *suite, unsigned passes)
{
	for (size_t i = 0; i < suite->count;) {
		unsigned seen = 0;

		if (is_idle(&suite->items[i])) {
			i++;
			continue;
		}
		for (unsigned k = 0; k < passes && i + k < suite->count; k++) {
			UNIT_TRUE(same_run(&suite->items[i], &suite->items[i + k]));
			UNIT_TRUE(suite->items[i + k].continues == (k > 0));
			seen |= 1U << suite->items[i + k].pass;
		}
		UNIT_EQUAL_U64((1U << passes) - 1, seen);
		UNIT_EQUAL_U64(passes, suite_count_run(suite, i));
		i += passes;
	}
}

/* At both ends in every pass, and never far between. */
static void expect_idle(const struct suite *suite, unsigned passes)
{
	double run_s = SUITE_PHASE_S + (passes - 1) * SUITE_LATER_S, since_s = 0, longest_s = 0;
	double stretch = suite->items[0].seconds / SUITE_PHASE_S;
	unsigned first = 0, last = 0;

	for (unsigned i = 0; i < passes; i++) {
		const struct suite_phase *end = &suite->items[suite->count - 1 - i];

		UNIT_TRUE(is_idle(&suite->items[i]) && is_idle(end));
		UNIT_EQUAL_U64(0, suite->items[i].run.threads);
		first |= 1U << suite->items[i].pass;
		last |= 1U << end->pass;
	}
	UNIT_EQUAL_U64((1U << passes) - 1, first);
	UNIT_EQUAL_U64((1U << passes) - 1, last);
	for (size_t i = 0; i < suite->count; i++) {
		since_s = is_idle(&suite->items[i]) ? 0 : since_s + suite->items[i].seconds;
		longest_s = fmax(longest_s, since_s);
	}
	UNIT_TRUE(longest_s <=
		  stretch * fmax(SUITE_IDLE_EVERY * SUITE_PHASE_S, run_s) * (1 + 1e-9));
}

static void expect_time(const struct suite *suite, const struct suite_request *request)
{
	double total_s = 0;

	for (size_t i = 0; i < suite->count; i++) {
		bool continues = suite->items[i].continues;
		double least_s = continues ? SUITE_LATER_S : SUITE_PHASE_S;

		UNIT_TRUE(suite->items[i].seconds >= least_s - 1e-6);
		UNIT_TRUE(suite->items[i].seconds <= 2.5 * least_s + 1e-6);
		UNIT_EQUAL_DOUBLE(continues ? 0 : SUITE_WARM_UP_S, suite->items[i].warm_up_s, 0);
		total_s += suite->items[i].seconds;
	}
	UNIT_EQUAL_DOUBLE(total_s, suite->total_s, 1e-9);
	UNIT_TRUE(suite->total_s <= request->total_s * (1 + 1e-9));
	UNIT_TRUE(suite->total_s >= request->total_s * 0.9);
}

static void test_properties(void)
{
	unsigned made = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t random = seed;
		struct suite_machine machine = machine_of(1 + (unsigned)(unit_random(&random) % 16),
							  1 + (unsigned)(unit_random(&random) % 2),
							  1 + (unsigned)(unit_random(&random) % 2));
		struct suite_request request = {
			.total_s = unit_random_double(&random, 1800, 9000),
			.passes = 1 + (unsigned)(unit_random(&random) % 3),
			.brief = unit_random(&random) % 2,
			.seed = seed,
		};
		struct error error = { "" };
		struct suite suite;
		int result;

		machine.frequency_count = (unsigned)(unit_random(&random) % 3);
		result = suite_make(&request, &machine, &suite, &error);
		if (result) {
			UNIT_EQUAL_I64(-EINVAL, result);
			UNIT_CONTAINS("are too short", error.text);
			continue;
		}
		made++;
		expect_balance(&suite, seed);
		expect_passes_together(&suite, request.passes);
		expect_idle(&suite, request.passes);
		expect_time(&suite, &request);
		suite_clear(&suite);
	}
	UNIT_TRUE(made > SEEDS / 2);
}

static void test_determinism(void)
{
	const struct suite_machine machine = machine_of(8, 2, 1);
	struct suite_request request = { .total_s = 2400, .passes = 1, .seed = 7 };
	struct suite first, again, other;
	size_t different = 0;

	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &first, NULL));
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &again, NULL));
	request.seed = 8;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &other, NULL));
	UNIT_EQUAL_U64(first.count, again.count);
	UNIT_EQUAL_U64(first.count, other.count);
	for (size_t i = 0; i < first.count && i < other.count; i++) {
		UNIT_TRUE(same_run(&first.items[i], &again.items[i]));
		different += !same_run(&first.items[i], &other.items[i]);
	}
	UNIT_TRUE(different > first.count / 2);
	suite_clear(&first);
	suite_clear(&again);
	suite_clear(&other);
}

/* Where each combination stands in its round: another place in the next. */
static void test_rounds_differ(void)
{
	static const char *const names[] = { "integer", "float", "l2", "mixed", "spin", "naps" };
	const struct suite_machine machine = machine_of(4, 1, 1);
	const struct suite_request request = {
		.total_s = 4000,
		.passes = 1,
		.workloads = names,
		.workload_count = 6,
		.seed = 3,
	};
	struct suite suite;
	size_t round = 18 + 2 + 1, moved = 0; /* three variants of six, idle between and before */

	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, NULL));
	UNIT_TRUE(suite.count > 2 * round && (suite.count - 1) % round == 0);
	for (size_t i = 0; i < round && i + round < suite.count; i++)
		moved += !same_run(&suite.items[i], &suite.items[i + round]);
	UNIT_TRUE(moved > round / 2);
	suite_clear(&suite);
}

static void expect_variants(struct suite_machine machine, bool brief, const char *expected)
{
	struct suite_variant variants[SUITE_VARIANTS_MAX];
	unsigned count = suite_variants(&machine, brief, variants);
	char text[512] = "";

	for (unsigned i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "; " : "",
			 variants[i].text);
	UNIT_EQUAL_TEXT(expected, text);
}

static void test_variants(void)
{
	expect_variants(machine_of(1, 1, 1), false, "1 thread");
	expect_variants(machine_of(2, 1, 1), false, "2 threads; 1 thread");
	expect_variants(machine_of(1, 2, 1), false, "2 threads; 1 thread");
	expect_variants(machine_of(4, 1, 1), false, "4 threads; 1 thread; 2 threads, spread");
	expect_variants(machine_of(4, 2, 1), false,
			"8 threads; 1 thread; 4 threads, spread; 2 threads, spread; "
			"2 threads, packed");
	expect_variants(machine_of(16, 2, 2), false,
			"32 threads; 1 thread; 16 threads, spread; 8 threads, spread; "
			"2 threads, packed; 16 threads, packed");
	expect_variants(machine_of(16, 2, 2), true, "32 threads; 1 thread");
}

/* The least is named, is enough, and a second less is not. */
static void test_too_short(void)
{
	const struct suite_machine machine = machine_of(8, 2, 1);
	struct suite_request request = { .total_s = 60, .passes = 2, .seed = 1 };
	struct error error = { "" };
	struct suite suite;
	const char *found;
	double minutes;
	size_t count, seen = 0;
	const struct workload *table = workload_table(&count);

	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
	UNIT_CONTAINS("1.0 minutes are too short: ", error.text);
	UNIT_CONTAINS("in 2 passes at 1 frequency, take ", error.text);
	found = strstr(error.text, "take ");
	minutes = found ? strtod(found + 5, NULL) : 0;
	request.total_s = minutes * 60;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < suite.count; k++)
			if (suite.items[k].run.workload == &table[i]) {
				seen++;
				break;
			}
	UNIT_EQUAL_U64(count, seen);
	UNIT_EQUAL_U64(1, suite.notes.count);
	UNIT_CONTAINS("combinations of workload and threads, each once; all of them, twice, take ",
		      suite.notes.count ? suite.notes.texts[0] : "(none)");
	suite_clear(&suite);
	request.total_s = least_s(&request, &machine);
	UNIT_TRUE(request.total_s > minutes * 60 - 6 && request.total_s <= minutes * 60);
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	suite_clear(&suite);
	request.total_s -= 1;
	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
	request.total_s = NAN;
	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
	request.total_s = INFINITY;
	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
}

static void test_brief(void)
{
	const struct suite_machine machine = machine_of(2, 1, 1);
	const struct suite_request request = { .total_s = 600, .brief = true };
	struct suite suite;

	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, NULL));
	for (size_t i = 0; i < suite.count; i++) {
		UNIT_TRUE(suite.items[i].run.workload->brief);
		UNIT_TRUE(suite.items[i].run.workload->kind <= WORKLOAD_KERNEL);
	}
	UNIT_EQUAL_U64(0, suite.notes.count);
	suite_clear(&suite);
}

static void test_names(void)
{
	static const char *const names[] = { "integer", "nonsense" };
	static const char *const twice[] = { "integer", "integer", "idle" };
	const struct suite_machine machine = machine_of(2, 1, 1);
	struct suite_request request = { .total_s = 300, .workloads = names, .workload_count = 2 };
	struct error error = { "" };
	struct suite suite;
	size_t count;
	const struct workload *table = workload_table(&count);

	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
	UNIT_CONTAINS("no workload \"nonsense\"; there are: idle integer ", error.text);
	UNIT_CONTAINS(table[count - 1].name, error.text);
	request.workloads = twice;
	request.workload_count = 3;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	for (size_t i = 0; i < suite.count; i++)
		UNIT_TRUE(is_idle(&suite.items[i]) ||
			  strcmp(suite.items[i].run.workload->name, "integer") == 0);
	expect_balance(&suite, request.seed);
	suite_clear(&suite);
	request.workloads = twice + 2;
	request.workload_count = 1;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	for (size_t i = 0; i < suite.count; i++)
		UNIT_TRUE(is_idle(&suite.items[i]));
	suite_clear(&suite);
}

/* On a real machine what is not installed is left out and named; asked for, it is a mistake. */
static void test_not_installed(void)
{
	static const char *const names[] = { "stress-matrix" };
	struct suite_machine machine = machine_of(2, 1, 1);
	struct suite_request request = { .total_s = 3600 };
	char path[4096];
	struct error error = { "" };
	struct suite suite;
	const char *note = "";

	snprintf(path, sizeof path, "%s", getenv("PATH") ? getenv("PATH") : "");
	setenv("PATH", "/nowhere", 1);
	machine.emulated = false;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	for (size_t i = 0; i < suite.count; i++)
		UNIT_TRUE(suite.items[i].run.workload->kind != WORKLOAD_STRESS_NG);
	for (size_t i = 0; i < suite.notes.count; i++)
		if (strstr(suite.notes.texts[i], "stress-ng"))
			note = suite.notes.texts[i];
	UNIT_CONTAINS("left out, stress-ng is not installed: stress-matrix, ", note);
	UNIT_CONTAINS(", stress-stream", note);
	suite_clear(&suite);
	request.workloads = names;
	request.workload_count = 1;
	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
	UNIT_EQUAL_TEXT("stress-matrix: stress-ng is not installed", error.text);
	setenv("PATH", path, 1);
}

/* Blocks of one frequency, each begun by idle in all passes; all frequencies in each round. */
static void test_frequencies(void)
{
	struct suite_machine machine = machine_of(4, 1, 1);
	const struct suite_request request = {
		.total_s = 3600,
		.passes = 2,
		.brief = true,
		.seed = 5,
	};
	struct suite suite;
	size_t blocks = 0;

	machine.frequency_count = 3;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, NULL));
	for (size_t i = 0; i + 1 < suite.count; i++)
		if (i == 0 || suite.items[i].frequency_hz != suite.items[i - 1].frequency_hz) {
			UNIT_TRUE(is_idle(&suite.items[i]) && is_idle(&suite.items[i + 1]));
			UNIT_TRUE(suite.items[i].pass != suite.items[i + 1].pass);
			blocks++;
		}
	UNIT_TRUE(blocks >= 5);
	expect_balance(&suite, request.seed);
	suite_clear(&suite);
}

static void test_slow_meter(void)
{
	const struct suite_machine machine = machine_of(4, 1, 1);
	const struct suite_request request = {
		.total_s = 1200,
		.brief = true,
		.least_phase_s = 30,
	};
	struct suite suite;

	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, NULL));
	UNIT_TRUE(suite.count > 0 && suite.items[0].seconds >= 30);
	suite_clear(&suite);
}

/* A pass more costs half a phase more, not a phase. */
static void test_cost_of_passes(void)
{
	static const char *const names[] = { "integer", "float", "l2" };
	const struct suite_machine machine = machine_of(8, 2, 1);
	struct suite_request request = { .workloads = names, .workload_count = 3 };

	for (unsigned passes = 1; passes <= 4; passes++) {
		double run_s = 8 + 4 * (passes - 1);

		request.passes = passes;
		/* Idle before and behind; with four passes between two and two as well. */
		UNIT_EQUAL_DOUBLE(5 * run_s, least_s(&request, &machine), 0.01);
	}
	request.least_phase_s = 16;
	request.least_later_s = 7;
	UNIT_EQUAL_DOUBLE(5 * (16 + 3 * 7), least_s(&request, &machine), 0.01);
}

static size_t count_workloads(const struct suite *suite)
{
	size_t count, seen = 0;
	const struct workload *table = workload_table(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < suite->count; k++)
			if (suite->items[k].run.workload == &table[i] &&
			    !is_idle(&suite->items[k])) {
				seen++;
				break;
			}
	return seen;
}

/* All of them in two passes in the two fifths of twenty minutes; fewer in less. */
static void test_scouting(void)
{
	const struct suite_machine machine = machine_of(8, 2, 1);
	struct suite_request request = { .total_s = 480, .passes = 2, .scout = true, .seed = 4 };
	size_t count, brief = 0, runs = 0;
	const struct workload *table = workload_table(&count);
	struct error error = { "" };
	struct suite suite;

	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(count - 1, count_workloads(&suite));
	for (size_t i = 0; i < suite.count; i += suite_count_run(&suite, i)) {
		UNIT_TRUE(is_idle(&suite.items[i]) || suite.items[i].run.threads == machine.cpus);
		runs += !is_idle(&suite.items[i]);
	}
	UNIT_EQUAL_U64(count - 1, runs);
	expect_passes_together(&suite, 2);
	UNIT_TRUE(suite.total_s <= 480 * (1 + 1e-9));
	UNIT_EQUAL_U64(0, suite.notes.count);
	suite_clear(&suite);

	request.total_s = 300;
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	runs = count_workloads(&suite);
	UNIT_TRUE(runs < count - 1 && runs > (count - 1) / 2);
	suite_clear(&suite);

	for (size_t i = 0; i < count; i++)
		brief += table[i].brief && table[i].kind != WORKLOAD_IDLE;
	request.total_s = least_s(&request, &machine);
	UNIT_EQUAL_I64(0, suite_make(&request, &machine, &suite, &error));
	UNIT_EQUAL_U64(brief, count_workloads(&suite));
	for (size_t i = 0; i < suite.count; i++)
		UNIT_TRUE(is_idle(&suite.items[i]) || suite.items[i].run.workload->brief);
	suite_clear(&suite);
	request.total_s -= 1;
	UNIT_EQUAL_I64(-EINVAL, suite_make(&request, &machine, &suite, &error));
	UNIT_CONTAINS("are too short", error.text);
}

int main(void)
{
	return UNIT_RUN("suite",
			{ "balanced, passes together, idle in between, in the time there is",
			  test_properties },
			{ "a seed gives the same order again, another another", test_determinism },
			{ "each round has an order of its own", test_rounds_differ },
			{ "numbers of threads follow cores, siblings and packages", test_variants },
			{ "too little time names the least, which suffices", test_too_short },
			{ "the short suite is kernels of our own alone", test_brief },
			{ "unknown names are answered with all names", test_names },
			{ "what is not installed is left out and named", test_not_installed },
			{ "frequencies come in blocks with idle", test_frequencies },
			{ "a slow meter gets longer phases", test_slow_meter },
			{ "a pass more costs half a phase", test_cost_of_passes },
			{ "scouting takes each workload once, as many as there is time for",
			  test_scouting });
}
