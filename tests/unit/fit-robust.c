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

/* Reads nothing, sticks at full scale, or slips a digit, in 8 of 100 rows. */
static size_t lie(struct trace *trace, uint64_t dice)
{
	static const double lies[] = { 0, 5000 };
	size_t told = 0;

	for (size_t row = 0; row < ROWS; row++) {
		if (unit_random(&dice) % 100 >= 8)
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
		size_t told = lie(trace, seed), kept = 0;

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
		UNIT_TRUE(fit->lowo.mape_percent < 1.5);
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
	UNIT_TRUE(fit->lowo.mape_percent < 1.5);
	UNIT_EQUAL_I64(VERDICT_USABLE, fit->verdict);
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
	fit_free(fit);
	trace_free(trace);
}

int main(void)
{
	return UNIT_RUN("fit-robust",
			{ "weights hold when the meter lies now and then", test_lies },
			{ "an honest meter loses nothing", test_honest_meter },
			{ "rounding is no outlier", test_exact },
			{ "many outliers cap the verdict", test_many_outliers },
			{ "a workload that vanishes caps the verdict", test_lost_workload });
}
