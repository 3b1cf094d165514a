/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fit-scene.h"

#include <errno.h>

enum { GROUPS = 6 };

static const double slow[] = { 20, 2e-9, 5e-9 }, fast[] = { 30, 4e-9, 9e-9 };

/* Rows at 1.2 GHz and, every second turn of the groups, at 2.4 GHz; clocks jitter by 0.5 %. */
static struct trace *two_speeds(size_t rows, uint64_t seed)
{
	struct trace *trace = scene_trace(&(struct scene){
		.rows = rows, .groups = GROUPS, .events = 2, .frequency = true, .voltage = true });

	scene_mix(trace, &seed);
	for (size_t row = 0; row < rows; row++) {
		bool quick = row / GROUPS % 2;
		const double *x = quick ? fast : slow, *events = scene_events(trace, row);

		trace->power[row] = x[0] + x[1] * events[0] + x[2] * events[1];
		trace->frequency_hz[row] =
			(quick ? 2.4e9 : 1.2e9) * unit_random_double(&seed, 0.995, 1.005);
		trace->voltage_v[row] = quick ? 1.2 : 0.9;
	}
	return trace;
}

static void expect_point(const struct fit_point *point, double hz, const double *x)
{
	UNIT_EQUAL_DOUBLE(hz, point->frequency_hz, 0.002);
	UNIT_EQUAL_DOUBLE(x[0], point->base, 1e-9);
	UNIT_EQUAL_DOUBLE(x[1] * 1e9, point->weights[0].joules * 1e9, 1e-9);
	UNIT_EQUAL_DOUBLE(x[2] * 1e9, point->weights[1].joules * 1e9, 1e-9);
}

static void test_points(void)
{
	struct trace *trace = two_speeds(240, 1);
	struct fit *fit = scene_fit(trace, &(struct fit_options){ 0 });

	UNIT_EQUAL_U64(2, fit->point_count);
	expect_point(&fit->points[0], 1.2e9, slow);
	expect_point(&fit->points[1], 2.4e9, fast);
	UNIT_EQUAL_DOUBLE(0.9, fit->points[0].voltage_v, 1e-12);
	UNIT_EQUAL_DOUBLE(1.2, fit->points[1].voltage_v, 1e-12);
	UNIT_EQUAL_U64(120, fit->points[0].rows);
	UNIT_EQUAL_U64(GROUPS, fit->replicate_count);
	UNIT_EQUAL_DOUBLE(0, fit->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_I64(VERDICT_GOOD, fit->verdict);
	fit_free(fit);
	trace_free(trace);
}

static void test_single_frequency(void)
{
	struct trace *trace = two_speeds(240, 2);
	struct fit *fit;

	for (size_t row = 0; row < 240; row++)
		trace->frequency_hz[row] = 3e9;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_U64(1, fit->point_count);
	UNIT_EQUAL_DOUBLE(3e9, fit->points[0].frequency_hz, 1e-12);
	fit_free(fit);
	for (size_t row = 0; row < 240; row++)
		trace->frequency_hz[row] = NAN;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_DOUBLE(0, fit->points[0].frequency_hz, 0);
	fit_free(fit);
	trace_free(trace);
}

static void refused(const struct trace *trace, enum fit_frequency frequency, const char *sentence)
{
	struct error error = { "" };
	struct fit *fit = NULL;

	UNIT_EQUAL_I64(-EINVAL, fit_solve(trace, &(struct fit_options){ .frequency = frequency },
					  &fit, &error));
	UNIT_CONTAINS(sentence, error.text);
}

static void test_too_few_rows(void)
{
	struct trace *trace = two_speeds(240, 3);

	for (size_t row = 0; row < 8; row++)
		trace->frequency_hz[row] = 1.8e9;
	refused(trace, FIT_FREQUENCY_POINTS,
		"frequencies are mixed: the point at 1800 MHz has 8 rows of 6 workloads, where 9 "
		"rows"
		" of 2 are needed");
	refused(trace, FIT_FREQUENCY_POINTS, "--frequency v2|ignore");
	/* One workload only. */
	for (size_t row = 0; row < 240; row++)
		trace->frequency_hz[row] = trace->group[row] == 2 ? 1.8e9 : 1.2e9;
	refused(trace, FIT_FREQUENCY_POINTS, "has 40 rows of 1 workloads");
	/* A clock that wanders through everything. */
	for (size_t row = 0; row < 240; row++)
		trace->frequency_hz[row] = 1e9 + 1e7 * (double)row;
	refused(trace, FIT_FREQUENCY_POINTS, "more than 32 values from 1000 to 3390 MHz");
	free(trace->voltage_v);
	trace->voltage_v = NULL;
	refused(trace, FIT_FREQUENCY_POINTS, "--frequency ignore, or v2 with a column voltage_v");
	trace_free(trace);
}

static void test_strays(void)
{
	struct trace *trace = two_speeds(600, 4);
	struct fit *fit;

	trace->frequency_hz[17] = 1.7e9;
	trace->power[17] = 500;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_U64(2, fit->point_count);
	expect_point(&fit->points[0], 1.2e9, slow);
	UNIT_EQUAL_U64(0, fit->row_used[17]);
	UNIT_TRUE(isnan(fit->predicted[17]) && isnan(fit->predicted_lowo[17]));
	UNIT_EQUAL_U64(0, fit->outliers);
	UNIT_EQUAL_U64(99, fit->groups[17 % GROUPS].rows);
	UNIT_TRUE(scene_warns(fit, "1 of 600 rows lie between the operating points"));
	fit_free(fit);
	trace_free(trace);
}

static void test_absent(void)
{
	struct trace *trace = two_speeds(240, 5);
	struct fit *fit;

	for (size_t row = 0; row < 60; row++) {
		trace->frequency_hz[row] = NAN;
		trace->power[row] = 1e6;
	}
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	expect_point(&fit->points[1], 2.4e9, fast);
	UNIT_EQUAL_U64(180, fit->points[0].rows + fit->points[1].rows);
	UNIT_EQUAL_U64(60, fit->left_aside);
	UNIT_TRUE(scene_warns(fit, "60 of 240 rows have no frequency_hz"));
	fit_free(fit);
	for (size_t row = 0; row < 121; row++)
		trace->frequency_hz[row] = NAN;
	refused(trace, FIT_FREQUENCY_POINTS, "121 of 240 rows have no frequency_hz");
	trace_free(trace);
}

static void test_ignore(void)
{
	struct trace *trace = two_speeds(240, 6);
	struct fit *fit =
		scene_fit(trace, &(struct fit_options){ .frequency = FIT_FREQUENCY_IGNORE });

	UNIT_EQUAL_U64(1, fit->point_count);
	UNIT_EQUAL_DOUBLE(0, fit->points[0].frequency_hz, 0);
	UNIT_TRUE(isnan(fit->points[0].voltage_v));
	UNIT_TRUE(scene_warns(fit, "MHz are mixed and were ignored"));
	UNIT_TRUE(fit->lowo.mape_percent > 5);
	fit_free(fit);
	trace_free(trace);
}

/* Dynamic power in proportion to voltage^2: weights of the higher voltage, base of both. */
static void test_v2(void)
{
	struct trace *trace = two_speeds(240, 7);
	const double square = 0.9 * 0.9 / (1.2 * 1.2);
	const double low[] = { 30, 4e-9 * square, 9e-9 * square };
	struct fit *fit;

	for (size_t row = 0; row < 240; row++) {
		double part = trace->voltage_v[row] / 1.2, *events = scene_events(trace, row);

		trace->power[row] = 30 + part * part * (4e-9 * events[0] + 9e-9 * events[1]);
	}
	fit = scene_fit(trace, &(struct fit_options){ .frequency = FIT_FREQUENCY_V2 });
	UNIT_EQUAL_U64(2, fit->point_count);
	expect_point(&fit->points[0], 1.2e9, low);
	expect_point(&fit->points[1], 2.4e9, fast);
	UNIT_EQUAL_DOUBLE(0, fit->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_U64(GROUPS, fit->replicate_count);
	UNIT_EQUAL_DOUBLE(fit->points[1].weights[1].replicates[3] * square * 1e9,
			  fit->points[0].weights[1].replicates[3] * 1e9, 1e-12);
	fit_free(fit);
	free(trace->voltage_v);
	trace->voltage_v = NULL;
	refused(trace, FIT_FREQUENCY_V2, "needs the column voltage_v");
	trace_free(trace);
}

/* A clock that goes everywhere, with a voltage that follows it in a bend; 30 W + V^2 * sum. */
static struct trace *wandering(size_t rows, uint64_t seed)
{
	struct trace *trace = two_speeds(rows, seed);

	for (size_t row = 0; row < rows; row++) {
		double place = unit_random_double(&seed, 0, 1), *events = scene_events(trace, row);
		double volts = 0.8 + 0.1 * place + 0.3 * place * place;

		trace->frequency_hz[row] = 1e9 + 2e9 * place;
		trace->voltage_v[row] = volts;
		trace->power[row] = 30 + volts * volts * (4e-9 * events[0] + 9e-9 * events[1]);
	}
	return trace;
}

/* Weights times V^2 at each point, whatever clock it stands for. */
static void expect_by_voltage(const struct fit_point *point, double tolerance)
{
	double place = (point->frequency_hz - 1e9) / 2e9;
	double square = point->voltage_v * point->voltage_v;

	UNIT_EQUAL_DOUBLE(0.8 + 0.1 * place + 0.3 * place * place, point->voltage_v, tolerance);
	UNIT_EQUAL_DOUBLE(30, point->base, 1e-9);
	UNIT_EQUAL_DOUBLE(4 * square, point->weights[0].joules * 1e9, 1e-9);
	UNIT_EQUAL_DOUBLE(9 * square, point->weights[1].joules * 1e9, 1e-9);
	UNIT_TRUE(point->rows > 0);
}

static void test_v2_continuous(void)
{
	struct trace *trace = wandering(2000, 9);
	const struct fit_options v2 = { .frequency = FIT_FREQUENCY_V2 };
	struct fit *fit = scene_fit(trace, &v2);
	size_t rows = 0;

	printf("    %u points, %.0f to %.0f MHz\n", fit->point_count,
	       fit->points[0].frequency_hz * 1e-6,
	       fit->points[fit->point_count - 1].frequency_hz * 1e-6);
	UNIT_TRUE(fit->point_count >= 8 && fit->point_count <= WEIGHTS_POINTS_MAX);
	for (unsigned p = 0; p < fit->point_count; p++) {
		expect_by_voltage(&fit->points[p], 0.002);
		UNIT_TRUE(p == 0 ||
			  fit->points[p].frequency_hz > fit->points[p - 1].frequency_hz * 1.01);
		rows += fit->points[p].rows;
	}
	UNIT_EQUAL_U64(2000, rows);
	UNIT_TRUE(fit->points[0].frequency_hz < 1.02e9);
	UNIT_TRUE(fit->points[fit->point_count - 1].frequency_hz > 2.98e9);
	UNIT_EQUAL_DOUBLE(0, fit->lowo.mape_percent, 1e-9);
	UNIT_EQUAL_I64(VERDICT_GOOD, fit->verdict);
	fit_free(fit);
	trace_free(trace);
}

/* What has no frequency serves all the same; the weights are those of the highest voltage. */
static void test_v2_without_frequency(void)
{
	struct trace *trace = wandering(400, 10);
	const struct fit_options v2 = { .frequency = FIT_FREQUENCY_V2 };
	double highest = 0;
	struct fit *fit;

	for (size_t row = 0; row < 400; row++) {
		highest = fmax(highest, trace->voltage_v[row]);
		if (row % 3 == 0)
			trace->frequency_hz[row] = NAN;
	}
	fit = scene_fit(trace, &v2);
	UNIT_EQUAL_U64(0, fit->left_aside);
	UNIT_EQUAL_DOUBLE(0, fit->lowo.mape_percent, 1e-9);
	fit_free(fit);
	free(trace->frequency_hz);
	trace->frequency_hz = NULL;
	fit = scene_fit(trace, &v2);
	UNIT_EQUAL_U64(1, fit->point_count);
	UNIT_EQUAL_DOUBLE(highest, fit->points[0].voltage_v, 1e-12);
	UNIT_EQUAL_DOUBLE(0, fit->points[0].frequency_hz, 0);
	UNIT_EQUAL_DOUBLE(9 * highest * highest, fit->points[0].weights[1].joules * 1e9, 1e-9);
	UNIT_TRUE(scene_warns(fit, "no row has a frequency_hz"));
	fit_free(fit);
	trace_free(trace);
}

/* A replicate is a whole file without one workload: points must agree on which. */
static void test_different_groups(void)
{
	struct trace *trace = two_speeds(480, 8);
	struct fit *fit;

	for (size_t row = 0; row < 480; row++)
		if (trace->group[row] == 5 && trace->frequency_hz[row] > 2e9)
			trace->group[row] = 4;
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_U64(0, fit->replicate_count);
	UNIT_TRUE(fit->points[0].base_replicates == NULL);
	UNIT_TRUE(!isnan(fit->points[0].base_se) && !isnan(fit->points[1].base_se));
	UNIT_TRUE(scene_warns(fit, "no replicates: the operating points"));
	fit_free(fit);
	trace_free(trace);
}

int main(void)
{
	return UNIT_RUN(
		"fit-points", { "each frequency has weights of its own", test_points },
		{ "one frequency gives one point, none holds for any", test_single_frequency },
		{ "points that cannot be told apart are refused", test_too_few_rows },
		{ "a few rows between points are left aside", test_strays },
		{ "rows without frequency are left aside, many are refused", test_absent },
		{ "ignored frequencies are warned of", test_ignore },
		{ "dynamic power goes with voltage^2 where asked", test_v2 },
		{ "a clock that wanders is fitted by voltage^2", test_v2_continuous },
		{ "voltage^2 needs no frequency", test_v2_without_frequency },
		{ "points of different workloads have no replicates", test_different_groups });
}
