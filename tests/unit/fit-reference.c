/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fits of others' measurements, against what numpy and scipy give. The data are not
 * part of the project: VMENERGY_DATA, or ../shared/data; skipped where they are not.
 */
#include "tests/unit/fit-scene.h"

#include <unistd.h>

struct reference {
	const char *file, *power, *group;
	const char *events[TRACE_EVENTS_MAX];
	double interval_s;
	double in_sample, r2, lowo, worst; /* percent; NaN = not known */
	enum verdict verdict;
};

static const struct reference references[] = {
	{ .file = "xeon_x5650.csv",
	  .power = "power_w",
	  .group = "workload",
	  .events = { "cpu-cycles", "instructions", "branch-misses", "L1-dcache-load-misses",
		      "L1-icache-load-misses", "LLC-loads", "LLC-load-misses", "LLC-stores" },
	  .in_sample = 1.31356,
	  .r2 = 0.958540,
	  .lowo = 1.54571,
	  .worst = 4.21292,
	  .verdict = VERDICT_GOOD },
	{ .file = "leon3_beebs_coarse.csv",
	  .power = "energy_j",
	  .group = "workload",
	  .events = { "tsc_cycles", "icmiss", "ichold", "dcmiss", "dchold", "wbhold", "ainst",
		      "iinst", "bpmiss", "ahbutil", "ahbtutil", "branch", "call", "type2", "ldst",
		      "load", "store" },
	  .in_sample = 1.01189,
	  .r2 = 0.999926,
	  .lowo = 1.05230,
	  .worst = 2.88037,
	  .verdict = VERDICT_GOOD },
	{ .file = "odroid_xu3_a15_cbench_2000mhz.csv",
	  .power = "power_w",
	  .group = "workload",
	  .events = { "CPU_CYCLES", "L1I_CACHE_REFILL", "L1I_TLB_REFILL", "L1D_CACHE_REFILL",
		      "L1D_CACHE_ACCESS", "L1D_TLB_REFILL", "INST_RETIRED", "EXCEPTION_TAKEN",
		      "EXCEPTION_RETURN", "CID_WRITE_RETIRED", "BRANCH_MISPRED", "BRANCH_PRED" },
	  .interval_s = 0.5,
	  .in_sample = 2.21115,
	  .r2 = 0.874110,
	  .lowo = 3.29559,
	  .worst = 10.21482,
	  .verdict = VERDICT_USABLE },
	{ .file = "kepler_nx12.csv",
	  .power = "platform_w",
	  .group = "block",
	  .events = { "cache_miss", "cpu_cycles", "cpu_instructions" },
	  .in_sample = 5.98415,
	  .r2 = 0.876398,
	  .lowo = 6.18448,
	  .worst = 7.65266,
	  .verdict = VERDICT_USABLE },
	{ .file = "randread_request_size.csv",
	  .power = "power_w",
	  .group = "request_kib",
	  .events = { "read_mib_s" },
	  .in_sample = 0.460583,
	  .r2 = 0.994309,
	  .lowo = 0.460854,
	  .worst = 2.774943,
	  .verdict = VERDICT_GOOD },
};

static const char *folder(void)
{
	const char *named = getenv("VMENERGY_DATA");

	return named ? named : "../shared/data";
}

/* The whole file, or NULL. */
static char *load(const char *name, size_t *length)
{
	char *path = NULL, *text = NULL;
	FILE *file;
	size_t room = 1 << 20;

	if (asprintf(&path, "%s/%s", folder(), name) < 0)
		abort();
	file = fopen(path, "r");
	free(path);
	if (!file)
		return NULL;
	text = malloc(room);
	*length = text ? fread(text, 1, room - 1, file) : 0;
	fclose(file);
	if (!text || *length == room - 1)
		abort();
	text[*length] = '\0';
	return text;
}

static struct trace *read_trace(const struct reference *reference)
{
	struct trace_request request = { .power_column = reference->power,
					 .group_column = reference->group,
					 .events = reference->events,
					 .interval_s = reference->interval_s };
	struct error_list errors = { 0 }, warnings = { 0 };
	struct trace *trace = NULL;
	size_t length = 0;
	char *text = load(reference->file, &length);

	if (!text)
		return NULL;
	while (request.event_count < TRACE_EVENTS_MAX && reference->events[request.event_count])
		request.event_count++;
	UNIT_EQUAL_I64(0, trace_parse(reference->file, text, length, &request, &trace, &errors,
				      &warnings));
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "    %s\n", errors.texts[i]);
	error_list_clear(&errors);
	error_list_clear(&warnings);
	free(text);
	return trace;
}

static void check(const struct reference *reference)
{
	struct trace *trace = read_trace(reference);
	struct fit *fit;

	if (!trace) {
		printf("    skipped: no %s/%s\n", folder(), reference->file);
		return;
	}
	fit = scene_fit(trace, &(struct fit_options){ 0 });
	printf("    %s: held out %.5f %%, worst %.5f %%, curvature %.4f\n", reference->file,
	       fit->lowo.mape_percent, fit->worst_mape_percent, fit->curvature);
	UNIT_EQUAL_DOUBLE(reference->in_sample, fit->in_sample.mape_percent, 1e-5);
	UNIT_EQUAL_DOUBLE(reference->r2, fit->in_sample.r2, 1e-6);
	UNIT_EQUAL_DOUBLE(reference->lowo, fit->lowo.mape_percent, 1e-5);
	UNIT_EQUAL_DOUBLE(reference->worst, fit->worst_mape_percent, 1e-5);
	UNIT_EQUAL_I64(reference->verdict, fit->verdict);
	UNIT_TRUE(!scene_warns(fit, "curved"));
	fit_free(fit);
	trace_free(trace);
}

static void test_references(void)
{
	for (size_t i = 0; i < sizeof references / sizeof *references; i++)
		check(&references[i]);
}

int main(void)
{
	return UNIT_RUN("fit-reference",
			{ "measured data give the reference results", test_references });
}
