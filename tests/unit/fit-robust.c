/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fit-scene.h"

enum { ROWS = 400, GROUPS = 10 };

static const double truth[] = { 60, 4e-9, 7e-9, 15e-9 };

static struct trace *honest_trace(uint64_t seed)
{
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = ROWS, .groups = GROUPS, .events = 3 });

	scene_mix(trace, &seed);
	scene_power(trace, truth, 0.01, &seed);
	return trace;
}

static double worst_weight(const struct fit *fit)
{
	double worst = fabs(fit->points[0].base / truth[0] - 1);

	for (unsigned e = 0; e < 3; e++)
		worst = fmax(worst, fabs(fit->points[0].weights[e].joules / truth[e + 1] - 1));
	return worst;
}

static const struct fit_options robust = { .robust = true };

/* The largest difference of a weight from that of an honest meter, in its standard errors. */
static double worst_change(const struct fit *fit, const struct fit *honest)
{
	double worst = 0;

	for (unsigned e = 0; e < 3; e++) {
		const struct fit_weight *a = &fit->points[0].weights[e];
		const struct fit_weight *b = &honest->points[0].weights[e];

		worst = fmax(worst, fabs(a->joules - b->joules) / b->se);
	}
	return worst;
}

/* Reads nothing, sticks at full scale, or slips a digit, in so many of 100 rows. */
static size_t lie(struct trace *trace, unsigned percent, uint64_t dice)
{
	static const double lies[] = { 0, 5000 };
	size_t told = 0;

	for (size_t row = 0; row < ROWS; row++) {
		if (unit_random(&dice) % 100 >= percent)
			continue;
		trace->power[row] = row % 3 == 2 ? trace->power[row] * 10 : lies[row % 3];
		told++;
	}
	return told;
}

static void test_lies(void)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct trace *trace = honest_trace(seed);
		struct fit *honest = scene_fit(trace, &(struct fit_options){ 0 }), *fit, *plain;
		size_t told = lie(trace, seed % 2 ? 8 : 2, seed), kept = 0;

		fit = scene_fit(trace, &robust);
		plain = scene_fit(trace, &(struct fit_options){ 0 });
		for (size_t row = 0; row < ROWS; row++)
			kept += fit->row_used[row] &&
				fabs(trace->power[row] / fit->predicted[row] - 1) > 0.5;
		printf("    seed %llu: %zu lies, %zu outliers, %zu kept; weights moved by %.2f se,"
		       " plain by %.0f\n",
		       (unsigned long long)seed, told, fit->outliers, kept,
		       worst_change(fit, honest), worst_change(plain, honest));
		UNIT_TRUE(fit->outliers >= told && fit->outliers <= told + 8);
		UNIT_EQUAL_U64(0, kept);
		UNIT_TRUE(worst_change(fit, honest) < 2);
		UNIT_TRUE(worst_change(plain, honest) > 4);
		/* Few lies count in no error, many do. */
		UNIT_EQUAL_I64(fit->outliers * 20 > ROWS, fit->counts_outliers);
		UNIT_EQUAL_I64(fit->counts_outliers, fit->lowo.mape_percent > 1.5);
		UNIT_TRUE(scene_warns(fit, "were given no weight"));
		fit_free(honest);
		fit_free(fit);
		fit_free(plain);
		trace_free(trace);
	}
}

static void test_honest_meter(void)
{
	struct trace *trace = honest_trace(20);
	struct fit *fit = scene_fit(trace, &robust);
	struct fit *plain = scene_fit(trace, &(struct fit_options){ 0 });

	UNIT_TRUE(fit->robust && !plain->robust);
	UNIT_TRUE(fit->outliers <= 2);
	for (unsigned e = 0; e < 3; e++)
		UNIT_TRUE(fabs(fit->points[0].weights[e].joules -
			       plain->points[0].weights[e].joules) <
			  plain->points[0].weights[e].se);
	UNIT_EQUAL_I64(VERDICT_GOOD, fit->verdict);
	fit_free(fit);
	fit_free(plain);
	trace_free(trace);
}

/* Without any noise, rounding is no outlier. */
static void test_exact(void)
{
	struct trace *trace = honest_trace(30);
	uint64_t seed = 30;
	struct fit *fit;

	scene_power(trace, truth, 0, &seed);
	trace->power[5] = 0;
	fit = scene_fit(trace, &robust);
	UNIT_EQUAL_U64(1, fit->outliers);
	UNIT_EQUAL_U64(0, fit->row_used[5]);
	UNIT_TRUE(worst_weight(fit) < 1e-9);
	fit_free(fit);
	trace_free(trace);
	trace = scene_trace(&(struct scene){ .rows = 20, .groups = 5, .events = 0 });
	for (size_t row = 0; row < 20; row++)
		trace->power[row] = row == 4 ? 100 : 25;
	fit = scene_fit(trace, &robust);
	UNIT_EQUAL_U64(1, fit->outliers);
	UNIT_EQUAL_DOUBLE(25, fit->points[0].base, 1e-12);
	fit_free(fit);
	trace_free(trace);
}

static void test_many_outliers(void)
{
	struct trace *trace = honest_trace(40);
	struct fit *fit;

	for (size_t row = 0; row < ROWS; row += 7)
		trace->power[row] = 900;
	fit = scene_fit(trace, &robust);
	UNIT_TRUE(fit->outliers > ROWS / 10);
	UNIT_TRUE(fit->counts_outliers);
	UNIT_TRUE(fit->lowo.mape_percent > 8 && fit->in_sample.mape_percent > 8);
	UNIT_EQUAL_I64(VERDICT_POOR, fit->verdict);
	UNIT_TRUE(scene_warns(fit, "all rows count in the errors"));
	UNIT_TRUE(scene_warns(fit, "too many for a meter"));
	fit_free(fit);
	trace_free(trace);
}

/* A workload that the events do not explain must not make the fit look better by vanishing. */
static void test_lost_workload(void)
{
	struct trace *trace = honest_trace(50);
	struct fit *fit;

	for (size_t row = 3; row < ROWS; row += GROUPS)
		trace->power[row] *= 1.6;
	fit = scene_fit(trace, &robust);
	UNIT_TRUE(fit->outliers <= ROWS / 10);
	UNIT_TRUE(fit->verdict >= VERDICT_USABLE);
	UNIT_TRUE(scene_warns(fit, "load3 lost more than half of the rows"));
	UNIT_TRUE(fit->counts_outliers);
	UNIT_TRUE(fit->worst_mape_percent > 30 && fit->worst_group == 3);
	UNIT_EQUAL_I64(VERDICT_POOR, fit->verdict);
	fit_free(fit);
	trace_free(trace);
}

/* --- standard errors ------------------------------------------------------------------------- */

enum { SEEDS = 30, LOADS = 39, LOAD_ROWS = 24, EVENTS = 6 };

/* Base, then cycles, instructions, floating point, branch misses, second and last level. */
static const double server[EVENTS + 1] = { 98, 1.8e-9, 1.4e-9, 4.6e-9, 200e-9, 98e-9, 379e-9 };

/* What a workload does in a second, of the rates in the columns' order. */
static void fill_load(struct trace *trace, size_t load, uint64_t *seed)
{
	double cycles = 28e9 * unit_random_double(seed, 0.05, 1);
	double instructions = cycles * unit_random_double(seed, 0.4, 2);
	double rates[EVENTS] = { cycles, instructions };
	static const double most[EVENTS] = { 0, 0, 0.4, 0.008, 0.02, 0.006 };

	for (unsigned e = 2; e < EVENTS; e++) {
		double part = unit_random_double(seed, 0.05, 1);

		rates[e] = instructions * most[e] * part * part * part;
	}
	for (size_t row = load; row < trace->row_count; row += LOADS)
		for (unsigned e = 0; e < EVENTS; e++)
			scene_events(trace, row)[e] =
				rates[e] * (load ? unit_random_double(seed, 0.97, 1.03) : 0.01);
}

/* Noise of a part of the reading and of so many watts; 2 % of the rows are 20..60 % off. */
static struct trace *server_trace(double noise, double noise_w, uint64_t *seed)
{
	struct trace *trace = scene_trace(&(struct scene){
		.rows = (size_t)LOADS * LOAD_ROWS, .groups = LOADS, .events = EVENTS });

	for (size_t load = 0; load < LOADS; load++)
		fill_load(trace, load, seed);
	scene_power(trace, server, noise, seed);
	for (size_t row = 0; row < trace->row_count; row++) {
		double off = unit_random_double(seed, 0.2, 0.6);

		trace->power[row] += noise_w * scene_noise(seed);
		if (unit_random(seed) % 50 == 0)
			trace->power[row] *= unit_random(seed) % 2 ? 1 + off : 1 - off;
	}
	return trace;
}

struct survey {
	unsigned rounds, all, within;
	double squares;          /* of errors in standard errors */
	double sums[EVENTS + 1]; /* of the same, by weight */
};

static void survey_add(struct survey *survey, const struct fit_point *point)
{
	survey->rounds++;
	for (unsigned i = 0; i <= EVENTS; i++) {
		double value = i ? point->weights[i - 1].joules : point->base;
		double se = i ? point->weights[i - 1].se : point->base_se;
		double error = (value - server[i]) / se;

		survey->all++;
		survey->within += fabs(error) <= 2;
		survey->squares += error * error;
		survey->sums[i] += error;
	}
}

/* Nine of ten within two standard errors, which are neither too large; no weight is biased. */
static void check_errors(double noise, double noise_w)
{
	struct survey survey = { 0 };
	double bias = 0;

	for (uint64_t start = 1; start <= unit_rounds(SEEDS); start++) {
		uint64_t seed = start;
		struct trace *trace = server_trace(noise, noise_w, &seed);
		struct fit *fit = scene_fit(trace, &robust);

		survey_add(&survey, &fit->points[0]);
		fit_free(fit);
		trace_free(trace);
	}
	for (unsigned i = 0; i <= EVENTS; i++)
		bias = fmax(bias, fabs(survey.sums[i]) / sqrt(survey.rounds));
	printf("    seeds 1..%u, noise %g and %g W: %u of %u within 2 se, errors of %.2f se,"
	       " bias of %.2f standard deviations\n",
	       survey.rounds, noise, noise_w, survey.within, survey.all,
	       sqrt(survey.squares / survey.all), bias);
	/* Of few seeds, some may miss by chance. */
	UNIT_TRUE(survey.within + 2 >= 0.9 * survey.all);
	UNIT_TRUE(survey.squares + 4 > 0.5 * survey.all);
	UNIT_TRUE(bias < 3.5);
}

static void test_proportional_noise(void)
{
	check_errors(0.01, 0);
}

static void test_fixed_noise(void)
{
	check_errors(0, 2);
}

/* One workload alone moves the last event: without it, it seems to cost nothing. */
static void test_replicates(void)
{
	uint64_t seed = 60;
	struct trace *trace = server_trace(0.01, 0, &seed);
	const struct fit_weight *weight;
	double mean = 0, squares = 0, lowest = INFINITY;
	struct fit *fit;

	for (size_t row = 0; row < trace->row_count; row++)
		if (trace->group[row] != 3) {
			trace->power[row] -= server[6] * scene_events(trace, row)[5];
			scene_events(trace, row)[5] = 0;
		}
	fit = scene_fit(trace, &robust);
	weight = &fit->points[0].weights[5];
	for (int g = 0; g < LOADS; g++) {
		mean += weight->replicates[g] / LOADS;
		lowest = fmin(lowest, weight->replicates[g]);
	}
	for (int g = 0; g < LOADS; g++)
		squares += pow(weight->replicates[g] - mean, 2);
	UNIT_TRUE(lowest >= 0 && lowest < 1e-15);
	UNIT_TRUE(weight->se > 0.8 * weight->joules);
	UNIT_EQUAL_DOUBLE(1, sqrt((LOADS - 1.0) / LOADS * squares) / weight->se, 1e-9);
	fit_free(fit);
	trace_free(trace);
}

/* Idle most of the time, where watts are exact, and busy for the rest, where events do not
 * tell all: what is much on an idle row is nothing on a busy one. */
static void test_mostly_idle(void)
{
	uint64_t seed = 70;
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = 2000, .groups = GROUPS, .events = 3 });
	struct fit *fit, *plain;

	scene_mix(trace, &seed);
	for (size_t row = 0; row < trace->row_count; row++)
		for (unsigned e = 0; e < 3 && trace->group[row] < 7; e++)
			scene_events(trace, row)[e] *= 0.01;
	scene_power(trace, truth, 0, &seed);
	for (size_t row = 0; row < trace->row_count; row++)
		trace->power[row] += (trace->power[row] - truth[0]) * 0.15 * scene_noise(&seed) +
				     0.2 * scene_noise(&seed);
	fit = scene_fit(trace, &robust);
	plain = scene_fit(trace, &(struct fit_options){ 0 });
	printf("    %zu outliers of %zu rows; weights moved by %.2f se\n", fit->outliers, fit->rows,
	       worst_change(fit, plain));
	UNIT_TRUE(fit->outliers < fit->rows / 100);
	UNIT_TRUE(worst_change(fit, plain) < 0.5);
	fit_free(fit);
	fit_free(plain);
	trace_free(trace);
}

int main(void)
{
	return UNIT_RUN(
		"fit-robust", { "weights hold when the meter lies now and then", test_lies },
		{ "an honest meter loses nothing", test_honest_meter },
		{ "rounding is no outlier", test_exact },
		{ "many outliers cap the verdict", test_many_outliers },
		{ "a workload that vanishes caps the verdict", test_lost_workload },
		{ "standard errors hold when noise grows with power", test_proportional_noise },
		{ "standard errors hold when noise is the same at any power", test_fixed_noise },
		{ "replicates stay above the bound and give the standard error", test_replicates },
		{ "busy rows of a machine that idles are no outliers", test_mostly_idle });
}
