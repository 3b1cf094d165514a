/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fit-scene.h"

enum { ROWS = 600, GROUPS = 20 };

static const double truth[] = { 30, 30e-9, 20e-9 };

static struct trace *plain_trace(size_t groups, uint64_t seed)
{
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = ROWS, .groups = groups, .events = 2 });

	scene_mix(trace, &seed);
	scene_power(trace, truth, 0.005, &seed);
	return trace;
}

static struct fit *plain_fit(const struct trace *trace)
{
	return scene_fit(trace, &(struct fit_options){ 0 });
}

/* Rows err by `all` percent, those of load7 by `worst`: up and down, so that no fit helps. */
static struct trace *erring_trace(double all, double worst)
{
	struct trace *trace = plain_trace(GROUPS, 1);
	uint64_t seed = 1;

	scene_power(trace, truth, 0, &seed);
	for (size_t row = 0; row < ROWS; row++) {
		double part = (trace->group[row] == 7 ? worst : all) / 100;

		trace->power[row] *= row / GROUPS % 2 ? 1 + part : 1 - part;
	}
	return trace;
}

static void test_limits(void)
{
	static const struct {
		double all, worst;
		enum verdict verdict;
	} cases[] = {
		{ 4.5, 4.5, VERDICT_GOOD },   { 4.5, 9.4, VERDICT_GOOD },
		{ 4, 12, VERDICT_USABLE },    { 6, 6, VERDICT_USABLE },
		{ 9, 18.5, VERDICT_USABLE },  { 4, 25, VERDICT_POOR },
		{ 11.5, 11.5, VERDICT_POOR },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trace *trace = erring_trace(cases[i].all, cases[i].worst);
		struct fit *fit = plain_fit(trace);

		printf("    held out %.2f %%, worst %.2f %%, r2 %.3f\n", fit->lowo.mape_percent,
		       fit->worst_mape_percent, fit->lowo.r2);
		UNIT_EQUAL_I64(cases[i].verdict, fit->verdict);
		UNIT_EQUAL_I64(cases[i].worst > 10 || cases[i].all > 10,
			       scene_warns(fit, "worst workload: "));
		fit_free(fit);
		trace_free(trace);
	}
}

/* Power that saturates: what each event costs falls with what is already running. */
static struct trace *bent_trace(double bend)
{
	struct trace *trace = plain_trace(GROUPS, 2);
	uint64_t seed = 2;

	for (size_t row = 0; row < ROWS; row++) {
		double *events = scene_events(trace, row);
		double use = (events[0] + events[1]) / 2e9;

		trace->power[row] = 100 + 50 * (use - bend * use * use) + 0.3 * scene_noise(&seed);
	}
	return trace;
}

static void test_curvature(void)
{
	struct trace *trace = bent_trace(0.6);
	struct fit *fit = plain_fit(trace);

	printf("    bent: held out %.2f %%, worst %.2f %%, curvature %.3f\n",
	       fit->lowo.mape_percent, fit->worst_mape_percent, fit->curvature);
	UNIT_TRUE(fit->lowo.mape_percent <= 5 && fit->worst_mape_percent <= 10);
	UNIT_TRUE(fit->curvature > 0.1);
	UNIT_EQUAL_I64(VERDICT_USABLE, fit->verdict);
	UNIT_TRUE(scene_warns(fit, "curved: "));
	fit_free(fit);
	trace_free(trace);
	trace = bent_trace(0);
	fit = plain_fit(trace);
	UNIT_TRUE(fit->curvature < 0.02);
	UNIT_EQUAL_I64(VERDICT_GOOD, fit->verdict);
	UNIT_TRUE(!scene_warns(fit, "curved"));
	fit_free(fit);
	trace_free(trace);
}

/* Power that goes with a cube of the use; each workload at a use of its own. */
static struct trace *cubic_trace(double part, double noise, uint64_t seed)
{
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = ROWS, .groups = 14, .events = 1 });

	for (size_t row = 0; row < ROWS; row++) {
		double use = (trace->group[row] + unit_random_double(&seed, 0, 1)) / 14;

		scene_events(trace, row)[0] = 1e10 * use;
		trace->power[row] = (150 + 150 * ((1 - part) * use + part * use * use * use)) *
				    (1 + noise * scene_noise(&seed));
	}
	return trace;
}

static void test_cubic(void)
{
	static const struct {
		double part;
		bool warns, caps;
	} cases[] = { { 0.7, true, true }, { 0.25, true, false }, { 0, false, false } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (uint64_t seed = 1; seed <= 5; seed++) {
			struct trace *trace = cubic_trace(cases[i].part, 0.01, seed);
			struct fit *fit = plain_fit(trace);

			printf("    a cube of %.2f, seed %llu: curvature %.3f\n", cases[i].part,
			       (unsigned long long)seed, fit->curvature);
			UNIT_EQUAL_I64(cases[i].warns, scene_warns(fit, "curved: "));
			if (cases[i].caps)
				UNIT_TRUE(fit->verdict >= VERDICT_USABLE);
			if (!cases[i].warns)
				UNIT_EQUAL_I64(VERDICT_GOOD, fit->verdict);
			fit_free(fit);
			trace_free(trace);
		}
}

/* Small errors in percent prove nothing where the power hardly moves. */
static void test_unexplained(void)
{
	struct trace *trace = plain_trace(GROUPS, 3);
	uint64_t seed = 3;
	struct fit *fit;

	for (size_t row = 0; row < ROWS; row++)
		trace->power[row] = 20 + 0.5 * scene_noise(&seed);
	fit = plain_fit(trace);
	UNIT_TRUE(fit->lowo.mape_percent < 5);
	UNIT_EQUAL_I64(VERDICT_POOR, fit->verdict);
	UNIT_TRUE(scene_warns(fit, "the events do not explain the power"));
	fit_free(fit);
	for (size_t row = 0; row < ROWS; row++)
		trace->power[row] = 20;
	fit = plain_fit(trace);
	UNIT_EQUAL_I64(VERDICT_POOR, fit->verdict);
	fit_free(fit);
	trace_free(trace);
}

static void test_few_workloads(void)
{
	struct trace *trace = plain_trace(2, 4);
	struct fit *fit = plain_fit(trace);

	UNIT_TRUE(fit->lowo.mape_percent < 5);
	UNIT_EQUAL_I64(VERDICT_USABLE, fit->verdict);
	UNIT_TRUE(scene_warns(fit, "too few workloads: 2"));
	fit_free(fit);
	trace_free(trace);
	trace = plain_trace(3, 4);
	trace->has_groups = false;
	fit = plain_fit(trace);
	UNIT_EQUAL_I64(VERDICT_USABLE, fit->verdict);
	UNIT_TRUE(scene_warns(fit, "names no workloads"));
	UNIT_TRUE(scene_warns(fit, "standard errors are unknown: 3 workloads"));
	fit_free(fit);
	trace_free(trace);
	for (size_t groups = 4; groups <= 5; groups++) {
		trace = plain_trace(groups, 4);
		fit = plain_fit(trace);
		UNIT_EQUAL_I64(groups == 4 ? VERDICT_USABLE : VERDICT_GOOD, fit->verdict);
		fit_free(fit);
		trace_free(trace);
	}
}

/* As many rows as weights are met by any power. */
static void test_few_rows(void)
{
	for (size_t rows = 5; rows <= 20; rows += 15) {
		struct trace *trace =
			scene_trace(&(struct scene){ .rows = rows, .groups = 5, .events = 3 });
		struct fit *fit;

		for (size_t row = 0; row < rows; row++) {
			for (unsigned e = 0; e < 3; e++)
				scene_events(trace, row)[e] =
					1e9 * (double)((row + 1) * (e + 3) % 7);
			trace->power[row] = 30 + 2e-9 * scene_events(trace, row)[0];
		}
		fit = plain_fit(trace);
		UNIT_TRUE(fit->lowo.mape_percent < 5);
		UNIT_EQUAL_I64(rows == 5 ? VERDICT_POOR : VERDICT_GOOD, fit->verdict);
		UNIT_EQUAL_I64(rows == 5, scene_warns(fit, "4 are left to find 4 weights"));
		fit_free(fit);
		trace_free(trace);
	}
}

static void test_extrapolated(void)
{
	struct trace *trace = plain_trace(GROUPS, 5);
	struct fit *fit;

	/* load4 alone loads event 1, and its cost there is not what little the others show. */
	for (size_t row = 0; row < ROWS; row++) {
		double *events = scene_events(trace, row);

		events[1] *= trace->group[row] == 4 ? 5 : 0.01;
		trace->power[row] = 30 + 30e-9 * events[0] +
				    (trace->group[row] == 4 ? 50e-9 : 20e-9) * events[1];
	}
	fit = plain_fit(trace);
	UNIT_TRUE(scene_warns(fit, "extrapolated: load4"));
	UNIT_TRUE(scene_warns(fit, "of event1 where the others have"));
	UNIT_TRUE(!scene_warns(fit, "extrapolated: load5"));
	fit_free(fit);
	trace_free(trace);
	trace = plain_trace(GROUPS, 5);
	fit = plain_fit(trace);
	UNIT_TRUE(!scene_warns(fit, "extrapolated"));
	fit_free(fit);
	trace_free(trace);
}

static void test_collinear(void)
{
	struct trace *trace = plain_trace(GROUPS, 6);
	uint64_t seed = 6;
	struct fit *fit;

	for (size_t row = 0; row < ROWS; row++) {
		double *events = scene_events(trace, row);

		events[1] = events[0] * 2 * unit_random_double(&seed, 0.98, 1.02);
	}
	fit = plain_fit(trace);
	UNIT_TRUE(fit->points[0].weights[1].vif > 30);
	UNIT_TRUE(scene_warns(fit, "collinear: event1 follows event0 (variance inflation"));
	fit_free(fit);
	trace_free(trace);
	trace = plain_trace(GROUPS, 6);
	fit = plain_fit(trace);
	UNIT_TRUE(!scene_warns(fit, "collinear"));
	UNIT_EQUAL_U64(0, fit->warnings.count);
	scene_print(fit);
	fit_free(fit);
	trace_free(trace);
}

static void test_zero_base(void)
{
	static const double x[] = { 0, 30e-9, 20e-9 };
	struct trace *trace = plain_trace(GROUPS, 7);
	uint64_t seed = 7;
	struct fit *fit;

	for (size_t row = 0; row < ROWS; row++)
		scene_events(trace, row)[0] += 1e8;
	scene_power(trace, x, 0, &seed);
	for (size_t row = 0; row < ROWS; row++)
		trace->power[row] -= 1;
	fit = plain_fit(trace);
	UNIT_EQUAL_DOUBLE(0, fit->points[0].base, 0);
	UNIT_TRUE(scene_warns(fit, "the base is zero"));
	fit_free(fit);
	trace_free(trace);
}

int main(void)
{
	return UNIT_RUN("fit-verdict",
			{ "model.md 6: good, usable and poor by held-out errors", test_limits },
			{ "model.md 6: curvature in the residuals caps at usable", test_curvature },
			{ "a cube is curved, a line is not", test_cubic },
			{ "rows no more than weights prove nothing", test_few_rows },
			{ "power that the events do not explain is poor", test_unexplained },
			{ "few or made-up workloads are said and capped", test_few_workloads },
			{ "a workload beyond the others is named", test_extrapolated },
			{ "collinear events are named, others are not", test_collinear },
			{ "a base of zero is said", test_zero_base });
}
