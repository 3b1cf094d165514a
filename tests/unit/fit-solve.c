/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fit-scene.h"

#include <errno.h>

static const double truth[] = { 40, 3e-9, 0, 20e-9 };

static struct trace *known_trace(double noise, uint64_t seed)
{
	struct trace *trace = scene_trace(&(struct scene){ .rows = 240, .groups = 8, .events = 3 });

	scene_mix(trace, &seed);
	scene_power(trace, truth, noise, &seed);
	return trace;
}

static void expect_weights(const struct fit *fit, const double *x, double tolerance)
{
	UNIT_EQUAL_U64(1, fit->point_count);
	UNIT_EQUAL_DOUBLE(x[0], fit->points[0].base, tolerance);
	for (unsigned e = 0; e < fit->event_count; e++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): as many */
		UNIT_EQUAL_DOUBLE(x[e + 1] * 1e9, fit->points[0].weights[e].joules * 1e9,
				  tolerance);
}

static void test_exact(void)
{
	struct trace *trace = known_trace(0, 1);

	for (int method = FIT_NNLS; method <= FIT_RIDGE; method++) {
		struct fit *fit = scene_fit(
			trace, &(struct fit_options){ .method = (enum fit_method)method });
		double tolerance = method == FIT_RIDGE ? 1e-4 : 1e-9;

		expect_weights(fit, truth, tolerance);
		UNIT_EQUAL_DOUBLE(0, fit->lowo.mape_percent, tolerance);
		UNIT_EQUAL_DOUBLE(1, fit->lowo.r2, tolerance);
		UNIT_EQUAL_I64(VERDICT_GOOD, fit->verdict);
		UNIT_EQUAL_I64(method == FIT_RIDGE, !isnan(fit->ridge_lambda));
		UNIT_EQUAL_DOUBLE(0, fit->points[0].frequency_hz, 0);
		fit_free(fit);
	}
	trace_free(trace);
}

static void test_rates_and_shares(void)
{
	struct trace *trace = known_trace(0, 2);
	struct fit *fit = scene_fit(trace, &(struct fit_options){ 0 });
	double power = 0, shares = 0;

	for (size_t row = 0; row < trace->row_count; row++)
		power += trace->power[row] / (double)trace->row_count;
	for (unsigned e = 0; e < 3; e++) {
		double low = INFINITY, high = 0, mean = 0;

		for (size_t row = 0; row < trace->row_count; row++) {
			double rate = scene_events(trace, row)[e];

			low = fmin(low, rate);
			high = fmax(high, rate);
			mean += rate / (double)trace->row_count;
		}
		UNIT_EQUAL_DOUBLE(low, fit->points[0].weights[e].min_rate, 0);
		UNIT_EQUAL_DOUBLE(high, fit->points[0].weights[e].max_rate, 0);
		UNIT_EQUAL_DOUBLE(truth[e + 1] * mean / power, fit->points[0].weights[e].share,
				  1e-9);
		shares += fit->points[0].weights[e].share;
	}
	UNIT_EQUAL_DOUBLE(1 - truth[0] / power, shares, 1e-9);
	fit_free(fit);
	trace_free(trace);
}

/* The trace without a group, as a file that never had it. */
static struct trace *without(const struct trace *trace, size_t group)
{
	struct trace *less = scene_trace(&(struct scene){ .rows = trace->row_count,
							  .groups = trace->group_count,
							  .events = trace->event_count });
	size_t n = trace->event_count, rows = 0;

	for (size_t row = 0; row < trace->row_count; row++) {
		if (trace->group[row] == group)
			continue;
		memcpy(less->events + rows * n, trace->events + row * n, n * sizeof(double));
		less->power[rows] = trace->power[row];
		less->group[rows++] = trace->group[row];
	}
	less->row_count = rows;
	return less;
}

static void test_held_out(void)
{
	struct trace *trace = known_trace(0.05, 3);
	struct fit *fit = scene_fit(trace, &(struct fit_options){ 0 });

	for (size_t g = 0; g < trace->group_count; g++) {
		struct trace *less = without(trace, g);
		struct fit *other = scene_fit(less, &(struct fit_options){ 0 });
		const struct fit_point *point = &other->points[0];

		UNIT_EQUAL_DOUBLE(point->base, fit->points[0].base_replicates[g], 1e-9);
		for (size_t row = g; row < trace->row_count; row += trace->group_count) {
			double power = point->base;

			for (unsigned e = 0; e < 3; e++)
				power += point->weights[e].joules * scene_events(trace, row)[e];
			UNIT_EQUAL_DOUBLE(power, fit->predicted_lowo[row], 1e-9);
		}
		fit_free(other);
		trace_free(less);
	}
	fit_free(fit);
	trace_free(trace);
}

/* Every figure again, from the predictions and by its definition. */
static void test_figures(void)
{
	struct trace *trace = known_trace(0.05, 4);
	struct fit *fit = scene_fit(trace, &(struct fit_options){ 0 });
	double groups[8] = { 0 }, n = (double)trace->row_count, mean = 0, squares = 0, spread = 0;
	double sum = 0, percents = 0, dynamic = 0, dynamic_rows = 0, group_mean = 0, worst = 0;

	for (size_t row = 0; row < trace->row_count; row++)
		mean += trace->power[row] / n;
	for (size_t row = 0; row < trace->row_count; row++) {
		double y = trace->power[row], error = fit->predicted_lowo[row] - y;
		double above = y - fit->points[0].base;

		squares += error * error;
		spread += (y - mean) * (y - mean);
		sum += error;
		percents += fabs(error / y) * 100;
		groups[row % 8] += fabs(error / y) * 100 / 30;
		if (above > 0.05 * fit->points[0].base) {
			dynamic += fabs(error / above) * 100;
			dynamic_rows++;
		}
	}
	for (size_t g = 0; g < 8; g++) {
		UNIT_EQUAL_DOUBLE(groups[g], fit->groups[g].mape_percent, 1e-9);
		UNIT_EQUAL_U64(30, fit->groups[g].rows);
		group_mean += groups[g] / 8;
		worst = fmax(worst, groups[g]);
	}
	UNIT_EQUAL_DOUBLE(percents / n, fit->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(sqrt(squares / n), fit->lowo.rmse, 1e-9);
	UNIT_EQUAL_DOUBLE(1 - squares / spread, fit->lowo.r2, 1e-9);
	UNIT_EQUAL_DOUBLE(dynamic / dynamic_rows, fit->lowo_dynamic_mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(sum / (mean * n) * 100, fit->lowo_energy_error_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(group_mean, fit->lowo_mean_group_mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(worst, fit->worst_mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(worst, groups[fit->worst_group], 1e-9);
	fit_free(fit);
	trace_free(trace);
}

static void test_scale(void)
{
	static const double factors[] = { 1e9, 1e-9, 1 };
	struct trace *trace = known_trace(0.02, 5);
	struct fit *plain = scene_fit(trace, &(struct fit_options){ 0 }), *scaled;

	for (size_t i = 0; i < trace->row_count * 3; i++)
		trace->events[i] *= factors[i % 3];
	scaled = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_DOUBLE(plain->lowo.mape_percent, scaled->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(plain->points[0].base, scaled->points[0].base, 1e-9);
	for (unsigned e = 0; e < 3; e++) {
		const struct fit_weight *a = &plain->points[0].weights[e];
		const struct fit_weight *b = &scaled->points[0].weights[e];

		UNIT_EQUAL_DOUBLE(a->joules * 1e9, b->joules * 1e9 * factors[e], 1e-9);
		UNIT_EQUAL_DOUBLE(a->se * 1e9, b->se * 1e9 * factors[e], 1e-9);
		UNIT_EQUAL_DOUBLE(a->vif, b->vif, 1e-9);
	}
	fit_free(plain);
	fit_free(scaled);
	trace_free(trace);
}

static void test_order(void)
{
	struct trace *trace = known_trace(0.02, 6);
	struct fit *plain = scene_fit(trace, &(struct fit_options){ 0 }), *mixed;
	uint64_t seed = 6;

	for (size_t row = trace->row_count - 1; row > 0; row--) {
		size_t other = unit_random(&seed) % (row + 1);
		double power = trace->power[row];
		uint32_t group = trace->group[row];

		trace->power[row] = trace->power[other];
		trace->power[other] = power;
		trace->group[row] = trace->group[other];
		trace->group[other] = group;
		for (unsigned e = 0; e < 3; e++) {
			double *a = &scene_events(trace, row)[e];
			double *b = &scene_events(trace, other)[e];
			double rate = *a;

			*a = *b;
			*b = rate;
		}
	}
	mixed = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_DOUBLE(plain->lowo.mape_percent, mixed->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(plain->lowo.r2, mixed->lowo.r2, 1e-9);
	for (unsigned e = 0; e < 3; e++)
		UNIT_EQUAL_DOUBLE(plain->points[0].weights[e].joules * 1e9,
				  mixed->points[0].weights[e].joules * 1e9, 1e-9);
	fit_free(plain);
	fit_free(mixed);
	trace_free(trace);
}

/* A copy, a constant and a column of zeros change no prediction. */
static void test_useless_columns(void)
{
	struct trace *trace = known_trace(0.02, 7), *more;
	struct fit *plain = scene_fit(trace, &(struct fit_options){ 0 }), *fit;
	const struct fit_weight *weights;

	more = scene_trace(&(struct scene){ .rows = 240, .groups = 8, .events = 6 });
	memcpy(more->power, trace->power, 240 * sizeof(double));
	for (size_t row = 0; row < 240; row++) {
		memcpy(scene_events(more, row), scene_events(trace, row), 3 * sizeof(double));
		scene_events(more, row)[3] = scene_events(trace, row)[0];
		scene_events(more, row)[4] = 123;
	}
	fit = scene_fit(more, &(struct fit_options){ 0 });
	weights = fit->points[0].weights;
	UNIT_EQUAL_DOUBLE(plain->lowo.mape_percent, fit->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_DOUBLE(plain->points[0].base, fit->points[0].base, 1e-9);
	for (unsigned e = 3; e < 6; e++) {
		UNIT_EQUAL_DOUBLE(0, weights[e].joules, 0);
		UNIT_TRUE(isinf(weights[e].vif));
	}
	/* All of the twin's weight could be the copy's. */
	UNIT_TRUE(weights[3].upper >= weights[0].joules);
	UNIT_TRUE(weights[4].upper * 123 >= fit->points[0].base);
	UNIT_TRUE(isnan(weights[5].upper) && isnan(weights[5].se));
	UNIT_TRUE(scene_warns(fit, "event3 follows event0 exactly"));
	UNIT_TRUE(scene_warns(fit, "event4 never changes"));
	UNIT_TRUE(scene_warns(fit, "event5 was never counted"));
	fit_free(plain);
	fit_free(fit);
	trace_free(trace);
	trace_free(more);
}

static void test_one_group(void)
{
	struct trace *trace = known_trace(0.01, 8);
	struct fit *fit;

	memset(trace->group, 0, trace->row_count * sizeof *trace->group);
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_TRUE(isnan(fit->lowo.mape_percent) && isnan(fit->worst_mape_percent));
	UNIT_TRUE(isnan(fit->predicted_lowo[0]) && !isnan(fit->predicted[0]));
	UNIT_TRUE(fit->in_sample.mape_percent < 2);
	UNIT_EQUAL_U64(240, fit->groups[0].rows);
	UNIT_EQUAL_I64(VERDICT_POOR, fit->verdict);
	UNIT_TRUE(scene_warns(fit, "nothing can be held out"));
	fit_free(fit);
	trace_free(trace);
}

static void test_single_row(void)
{
	struct trace *trace = scene_trace(&(struct scene){ .rows = 1, .groups = 1, .events = 0 });
	struct fit *fit;

	trace->power[0] = 25;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_DOUBLE(25, fit->points[0].base, 1e-12);
	UNIT_EQUAL_I64(VERDICT_POOR, fit->verdict);
	UNIT_TRUE(isnan(fit->in_sample.r2));
	UNIT_EQUAL_DOUBLE(0, fit->in_sample.mape_percent, 1e-12);
	fit_free(fit);
	trace_free(trace);
}

static void refused(const struct trace *trace, const char *sentence)
{
	struct error error = { "" };
	struct fit *fit = NULL;

	UNIT_EQUAL_I64(-EINVAL, fit_solve(trace, &(struct fit_options){ 0 }, &fit, &error));
	UNIT_TRUE(fit == NULL);
	UNIT_CONTAINS(sentence, error.text);
}

static void test_refused(void)
{
	struct trace *trace = known_trace(0, 9);

	trace->row_count = 3;
	refused(trace, "rows: 3, fewer than the 4 weights");
	trace->row_count = 0;
	refused(trace, "no rows");
	trace_free(trace);
	trace = scene_trace(&(struct scene){ .rows = 5000, .groups = 5000, .events = 1 });
	refused(trace, "5000 workloads in 5000 rows");
	trace_free(trace);
}

/* Joules of a row and counts, as `energy_j` without an interval has them. */
static void test_energy_rows(void)
{
	struct trace *trace = known_trace(0, 10);
	struct fit *fit;

	trace->is_energy = true;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_TRUE(fit->is_energy);
	expect_weights(fit, truth, 1e-9);
	fit_free(fit);
	trace_free(trace);
}

static void test_negative(void)
{
	static const double x[] = { 40, 3e-9, -2e-9, 20e-9 };
	struct trace *trace = known_trace(0, 11);
	uint64_t seed = 11;
	struct fit *fit;

	scene_power(trace, x, 0, &seed);
	fit = scene_fit(trace, &(struct fit_options){ .method = FIT_OLS });
	expect_weights(fit, x, 1e-9);
	UNIT_TRUE(fit_has_negative(fit));
	UNIT_TRUE(scene_warns(fit, "ols only reports: event1"));
	fit_free(fit);
	fit = scene_fit(trace, &(struct fit_options){ .method = FIT_NNLS });
	UNIT_TRUE(!fit_has_negative(fit));
	UNIT_EQUAL_DOUBLE(0, fit->points[0].weights[1].joules, 0);
	UNIT_TRUE(scene_warns(fit, "at the zero bound: event1"));
	fit_free(fit);
	trace_free(trace);
}

static void test_zero_power(void)
{
	struct trace *trace = known_trace(0, 12);
	struct fit *fit;

	trace->power[7] = 0;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_TRUE(isfinite(fit->in_sample.mape_percent) && isfinite(fit->lowo.mape_percent));
	UNIT_TRUE(scene_warns(fit, "1 of 240 rows have a power of zero"));
	fit_free(fit);
	trace_free(trace);
}

static void test_methods(void)
{
	UNIT_EQUAL_TEXT("nnls", fit_method_name(FIT_NNLS));
	for (int method = FIT_NNLS; method <= FIT_RIDGE; method++)
		UNIT_EQUAL_I64(method, fit_method_parse(fit_method_name((enum fit_method)method)));
	UNIT_EQUAL_I64(-1, fit_method_parse("lasso"));
	UNIT_EQUAL_I64(-1, fit_method_parse(""));
}

int main(void)
{
	return UNIT_RUN(
		"fit-solve", { "every method finds exact weights", test_exact },
		{ "rates and shares are those of the rows", test_rates_and_shares },
		{ "held-out predictions are those of a fit without the rows", test_held_out },
		{ "error figures follow their definitions", test_figures },
		{ "units of columns change nothing", test_scale },
		{ "the order of rows changes nothing", test_order },
		{ "copies, constants and zeros change no prediction", test_useless_columns },
		{ "one workload holds nothing out and is poor", test_one_group },
		{ "a single row gives its power as base", test_single_row },
		{ "too few rows and too many workloads are refused", test_refused },
		{ "energy of rows gives joules per event too", test_energy_rows },
		{ "negative weights only report, and NNLS has none", test_negative },
		{ "rows of no power are in no percentage", test_zero_power },
		{ "methods have names", test_methods });
}
