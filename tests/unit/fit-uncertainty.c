/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fit-scene.h"

enum { EVENTS = 4, SEEDS = 40 };

static void random_truth(double *x, unsigned zeros, uint64_t *seed)
{
	x[0] = unit_random_double(seed, 10, 100);
	for (unsigned e = 1; e <= EVENTS; e++)
		x[e] = e <= zeros ? 0 : pow(10, unit_random_double(seed, -9.5, -7.5));
}

static void test_jackknife(void)
{
	uint64_t seed = 1;
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = 120, .groups = 6, .events = EVENTS });
	double x[EVENTS + 1];
	struct fit *fit;

	random_truth(x, 0, &seed);
	scene_mix(trace, &seed);
	scene_power(trace, x, 0.01, &seed);
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	UNIT_EQUAL_U64(6, fit->replicate_count);
	for (unsigned e = 0; e < EVENTS; e++) {
		const struct fit_weight *weight = &fit->points[0].weights[e];
		double mean = 0, squares = 0;

		for (int g = 0; g < 6; g++)
			mean += weight->replicates[g] / 6;
		for (int g = 0; g < 6; g++)
			squares += pow(weight->replicates[g] - mean, 2);
		if (weight->joules > 0)
			UNIT_EQUAL_DOUBLE(sqrt(5.0 / 6 * squares) * 1e9, weight->se * 1e9, 1e-12);
		UNIT_TRUE(weight->se > 0);
	}
	fit_free(fit);
	trace_free(trace);
}

struct coverage {
	unsigned all, within, zeros, below; /* weights; those at zero, and below their bound */
};

static void cover(struct coverage *coverage, const struct fit_point *point, const double *x)
{
	coverage->all++;
	coverage->within += fabs(point->base - x[0]) <= 2 * point->base_se;
	for (unsigned e = 0; e < EVENTS; e++) {
		const struct fit_weight *weight = &point->weights[e];

		coverage->all++;
		coverage->within += fabs(weight->joules - x[e + 1]) <= 2 * weight->se;
		UNIT_EQUAL_I64(weight->joules == 0, !isnan(weight->upper));
		if (weight->joules != 0)
			continue;
		coverage->zeros++;
		coverage->below += x[e + 1] <= weight->upper;
	}
}

/* Noise of 1 %, and what each workload has for itself. */
static struct coverage survey(size_t groups, unsigned zeros, double noise, double own)
{
	struct coverage coverage = { 0 };

	for (uint64_t start = 1; start <= SEEDS; start++) {
		uint64_t seed = start;
		struct trace *trace = scene_trace(
			&(struct scene){ .rows = groups * 6, .groups = groups, .events = EVENTS });
		double x[EVENTS + 1];
		struct fit *fit;

		random_truth(x, zeros, &seed);
		scene_mix(trace, &seed);
		scene_power(trace, x, noise, &seed);
		for (size_t g = 0; g < groups; g++) {
			double part = 1 + own * scene_noise(&seed);

			for (size_t row = g; row < trace->row_count; row += groups)
				trace->power[row] *= part;
		}
		fit = scene_fit(trace, &(struct fit_options){ 0 });
		cover(&coverage, &fit->points[0], x);
		fit_free(fit);
		trace_free(trace);
	}
	printf("    %zu workloads, %u weights of zero, noise %g and %g: %u of %u within 2 se; at"
	       " zero %u, %u below the bound\n",
	       groups, zeros, noise, own, coverage.within, coverage.all, coverage.zeros,
	       coverage.below);
	return coverage;
}

static void test_coverage(void)
{
	static const struct {
		size_t groups;
		unsigned zeros;
		double noise, own;
	} cases[] = { { 20, 0, 0.01, 0 }, { 30, 0, 0.01, 0 }, { 20, 0, 0.01, 0.01 } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct coverage coverage =
			survey(cases[i].groups, cases[i].zeros, cases[i].noise, cases[i].own);

		UNIT_TRUE(coverage.within >= 0.9 * coverage.all);
	}
}

static void test_upper(void)
{
	struct coverage coverage = survey(20, 2, 0.01, 0);

	UNIT_TRUE(coverage.zeros > SEEDS / 2);
	UNIT_TRUE(coverage.below >= 0.95 * coverage.zeros);
	UNIT_TRUE(coverage.within >= 0.9 * coverage.all);
}

/* An event that costs something little, hidden at zero as often as not. */
static void test_upper_hidden(void)
{
	unsigned zeros = 0, below = 0;

	for (uint64_t start = 1; start <= 2UL * SEEDS; start++) {
		static const double x[] = { 50, 10e-9, 5e-9, 5e-9, 0.05e-9 };
		uint64_t seed = start;
		struct trace *trace =
			scene_trace(&(struct scene){ .rows = 80, .groups = 20, .events = EVENTS });
		const struct fit_weight *hidden;
		struct fit *fit;

		scene_mix(trace, &seed);
		scene_power(trace, x, 0.02, &seed);
		fit = scene_fit(trace, &(struct fit_options){ 0 });
		hidden = &fit->points[0].weights[3];
		zeros += hidden->joules == 0;
		below += hidden->joules == 0 && x[4] <= hidden->upper;
		fit_free(fit);
		trace_free(trace);
	}
	printf("    at zero %u, truth below the bound %u\n", zeros, below);
	UNIT_TRUE(zeros > SEEDS / 4);
	UNIT_TRUE(below >= 0.95 * zeros);
}

static void test_few_groups(void)
{
	static const double x[EVENTS + 1] = { 10, 1e-9, 1e-9, 1e-9, 1e-9 };

	for (size_t groups = 2; groups <= 5; groups++) {
		uint64_t seed = groups;
		struct trace *trace = scene_trace(
			&(struct scene){ .rows = 60, .groups = groups, .events = EVENTS });
		const struct fit_point *point;
		struct fit *fit;
		bool known = groups >= 5;

		scene_mix(trace, &seed);
		scene_power(trace, x, 0.001, &seed);
		fit = scene_fit(trace, &(struct fit_options){ 0 });
		point = &fit->points[0];
		UNIT_EQUAL_U64(known ? groups : 0, fit->replicate_count);
		UNIT_EQUAL_I64(known, !isnan(point->base_se));
		UNIT_EQUAL_I64(known, !isnan(point->weights[0].se));
		UNIT_EQUAL_I64(known, point->weights[0].replicates != NULL);
		UNIT_EQUAL_I64(known, point->base_replicates != NULL);
		UNIT_EQUAL_I64(known, !scene_warns(fit, "standard errors are unknown"));
		fit_free(fit);
		trace_free(trace);
	}
}

/* Only one workload moves the last event: without it, nobody knows what it costs. */
static void test_single_witness(void)
{
	static const double x[EVENTS + 1] = { 10, 1e-9, 2e-9, 1e-9, 5e-9 };
	uint64_t seed = 5;
	struct trace *trace =
		scene_trace(&(struct scene){ .rows = 120, .groups = 12, .events = EVENTS });
	const struct fit_weight *weight;
	struct fit *fit;

	scene_mix(trace, &seed);
	for (size_t row = 0; row < trace->row_count; row++)
		if (trace->group[row] != 3)
			scene_events(trace, row)[3] = 0;
	scene_power(trace, x, 0.001, &seed);
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	weight = &fit->points[0].weights[3];
	UNIT_EQUAL_DOUBLE(0, weight->replicates[3], 0);
	UNIT_TRUE(weight->se > 0.8 * weight->joules);
	fit_free(fit);
	trace_free(trace);
}

int main(void)
{
	return UNIT_RUN(
		"fit-uncertainty",
		{ "model.md 6: standard errors by jackknife over workloads", test_jackknife },
		{ "nine of ten weights lie within two standard errors", test_coverage },
		{ "model.md 6: weights at the zero bound get an upper bound", test_upper },
		{ "the upper bound covers a small weight that was not found", test_upper_hidden },
		{ "model.md 6: fewer than five groups have none", test_few_groups },
		{ "a weight that one workload knows is uncertain", test_single_witness });
}
