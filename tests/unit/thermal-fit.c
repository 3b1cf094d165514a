/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "calibrate/fit/thermal.h"

enum { ROWS_MAX = 720 };

struct run {
	struct thermal truth;
	double heat_s, cool_s, step_s;
	double low_w, high_w;
	double sensor_c; /* steps of the sensor; 0 = none */
	uint64_t seed;   /* of the power's flicker; 0 = none */
};

static const struct run usual = {
	.truth = { .c1 = 0.22 / 60, .c2 = -1.0 / 60, .t0_c = 23.4 },
	.heat_s = 180,
	.cool_s = 180,
	.step_s = 1,
	.low_w = 90,
	.high_w = 215,
	.sensor_c = 1,
};

static size_t simulate(const struct run *run, struct thermal_row rows[ROWS_MAX])
{
	double now_c = thermal_steady_c(&run->truth, run->low_w);
	uint64_t state = run->seed;
	size_t count = 0;

	while (count < ROWS_MAX && (double)count * run->step_s <= run->heat_s + run->cool_s) {
		double t = (double)count * run->step_s;
		double watts = t <= run->heat_s ? run->high_w : run->low_w;

		if (run->seed)
			watts *= unit_random_double(&state, 0.95, 1.05);
		if (count > 0)
			now_c = thermal_after_c(&run->truth, now_c, watts, run->step_s);
		rows[count].time_s = 1000 + t;
		rows[count].power_w = watts;
		rows[count++].temperature_c =
			run->sensor_c > 0 ? run->sensor_c * round(now_c / run->sensor_c) : now_c;
	}
	return count;
}

static bool has_warning(const struct thermal_fit *fit, const char *words)
{
	for (size_t i = 0; i < fit->warnings.count; i++)
		if (strstr(fit->warnings.texts[i], words))
			return true;
	return false;
}

static void test_exact(void)
{
	struct thermal_row rows[ROWS_MAX];
	struct run run = usual;
	struct thermal_fit fit;
	struct error error = { "" };

	run.sensor_c = 0;
	UNIT_EQUAL_I64(0, thermal_fit_solve(rows, simulate(&run, rows), &fit, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_DOUBLE(1, fit.constants.c1 / run.truth.c1, 1e-3);
	UNIT_EQUAL_DOUBLE(60, fit.time_constant_s, 1e-3);
	UNIT_EQUAL_DOUBLE(23.4, fit.constants.t0_c, 1e-3);
	UNIT_EQUAL_DOUBLE(thermal_steady_c(&run.truth, 215), fit.steady_c, 1e-3);
	UNIT_TRUE(fit.rmse_c < 1e-3);
	UNIT_EQUAL_U64(0, fit.warnings.count);
	thermal_fit_clear(&fit);
}

static void test_whole_degrees(void)
{
	struct thermal_row rows[ROWS_MAX];
	unsigned within = 0, all = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct run run = usual;
		struct thermal_fit fit;
		double steady_c;

		run.seed = seed;
		run.truth.t0_c = 20 + 0.37 * (double)seed;
		run.truth.c2 = -1 / (25 + 10 * (double)seed);
		run.truth.c1 = -0.22 * run.truth.c2;
		/* 95 % of the rows are below 104 % of the high power: half of them are cooling. */
		steady_c = thermal_steady_c(&run.truth, 1.04 * run.high_w);
		UNIT_EQUAL_I64(0, thermal_fit_solve(rows, simulate(&run, rows), &fit, NULL));
		printf("    seed %llu: c1 %.5f %.5f+-%.5f  tau %.1f %.1f+-%.1f  t0 %.2f %.2f+-%.2f"
		       "  steady %.2f %.2f+-%.2f\n",
		       (unsigned long long)seed, run.truth.c1, fit.constants.c1, fit.c1_se,
		       -1 / run.truth.c2, fit.time_constant_s,
		       fit.c2_se * fit.time_constant_s * fit.time_constant_s, run.truth.t0_c,
		       fit.constants.t0_c, fit.t0_se_c, steady_c, fit.steady_c, fit.steady_se_c);
		UNIT_EQUAL_DOUBLE(1, fit.constants.c1 / run.truth.c1, 0.06);
		UNIT_EQUAL_DOUBLE(1, fit.constants.c2 / run.truth.c2, 0.06);
		UNIT_TRUE(fabs(fit.constants.t0_c - run.truth.t0_c) < 1.5);
		UNIT_TRUE(fabs(fit.steady_c - steady_c) < 0.8);
		UNIT_TRUE(fit.rmse_c < 0.4);
		all += 3;
		within += fabs(fit.constants.c1 - run.truth.c1) < 3 * fit.c1_se;
		within += fabs(fit.constants.c2 - run.truth.c2) < 3 * fit.c2_se;
		within += fabs(fit.constants.t0_c - run.truth.t0_c) < 3 * fit.t0_se_c;
		thermal_fit_clear(&fit);
	}
	/* Standard errors that mean something. */
	printf("    %u of %u within three standard errors\n", within, all);
	UNIT_TRUE(within >= all - 3);
}

static void test_gaps_and_absent_figures(void)
{
	struct thermal_row rows[ROWS_MAX];
	struct run run = usual;
	struct thermal_fit fit;
	size_t count = simulate(&run, rows), kept = 0;

	for (size_t i = 0; i < count; i++)
		if (i < 60 || i > 90) /* power is constant meanwhile */
			rows[kept++] = rows[i];
	rows[10].temperature_c = NAN;
	rows[20].power_w = NAN;
	UNIT_EQUAL_I64(0, thermal_fit_solve(rows, kept, &fit, NULL));
	UNIT_EQUAL_DOUBLE(60, fit.time_constant_s, 0.06);
	thermal_fit_clear(&fit);
}

static void test_warnings(void)
{
	struct thermal_row rows[ROWS_MAX];
	struct run run = usual;
	struct thermal_fit fit;

	run.cool_s = 0;
	UNIT_EQUAL_I64(0, thermal_fit_solve(rows, simulate(&run, rows), &fit, NULL));
	UNIT_TRUE(has_warning(&fit, "never cooled"));
	UNIT_TRUE(has_warning(&fit, "power hardly changed"));
	thermal_fit_clear(&fit);
	run = usual;
	run.sensor_c = 4;
	UNIT_EQUAL_I64(0, thermal_fit_solve(rows, simulate(&run, rows), &fit, NULL));
	UNIT_TRUE(has_warning(&fit, "the sensor's steps of 4 C are coarse"));
	thermal_fit_clear(&fit);
	run = usual;
	run.truth.c2 /= 5;
	run.truth.c1 /= 5;
	run.sensor_c = 0.25;
	UNIT_EQUAL_I64(0, thermal_fit_solve(rows, simulate(&run, rows), &fit, NULL));
	UNIT_EQUAL_DOUBLE(300, fit.time_constant_s, 0.1);
	UNIT_TRUE(has_warning(&fit, "is short for a time constant of"));
	thermal_fit_clear(&fit);
}

static void test_refusals(void)
{
	struct thermal_row rows[ROWS_MAX] = { { 0 } };
	struct thermal_fit fit;
	struct error error = { "" };
	size_t count = simulate(&usual, rows);

	UNIT_EQUAL_I64(-EINVAL, thermal_fit_solve(rows, 19, &fit, &error));
	UNIT_EQUAL_TEXT("19 rows with power and temperature: at least 20 are needed", error.text);
	UNIT_EQUAL_I64(-EINVAL, thermal_fit_solve(rows, 0, &fit, &error));
	rows[30].time_s = rows[29].time_s;
	UNIT_EQUAL_I64(-EINVAL, thermal_fit_solve(rows, count, &fit, &error));
	UNIT_CONTAINS("does not ascend", error.text);
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct thermal_row){ (double)i, 100 + (double)(i % 50), 40 };
	UNIT_EQUAL_I64(-EINVAL, thermal_fit_solve(rows, count, &fit, &error));
	UNIT_EQUAL_TEXT("the temperature did not change: 40.0 C", error.text);
	/* Hotter when less is drawn. */
	simulate(&usual, rows);
	for (size_t i = 0; i < count; i++)
		rows[i].power_w = 300 - rows[i].power_w;
	UNIT_EQUAL_I64(-EINVAL, thermal_fit_solve(rows, count, &fit, &error));
	UNIT_CONTAINS("does not rise with the power", error.text);
}

int main(void)
{
	return UNIT_RUN("thermal-fit", { "constants of an exact course are found", test_exact },
			{ "whole degrees cost a few percent, and the standard errors say so",
			  test_whole_degrees },
			{ "gaps and absent figures are passed over", test_gaps_and_absent_figures },
			{ "what a run cannot show is warned of", test_warnings },
			{ "what cannot be fitted is refused with the reason", test_refusals });
}
