/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/trace-about.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"

static const char full[] = "[trace]\nformat = 1\nemulated = yes\n"
			   "\n[machine]\nvendor = GenuineIntel\nmodel-name = X @ 2GHz\n"
			   "family = 6\nmodel = 85\nstepping = 7\ncpus = 8\ncores = 4\nchips = 2\n"
			   "tsc = 2.4GHz\npmu = skl\nkernel = 6.1\n"
			   "\n[meter]\nname = a meter\nscope = wall\nlag = 100ms\nwindow = 1s\n"
			   "resolution = 100mW\n"
			   "\n[disks-in-base]\npower = 0W\nnote = none\n"
			   "\n[provenance]\ndate = 2026-11-23\ncommand = calibrate run\n"
			   "probe = perf\n";

static void expect_fixed_point(const char *text)
{
	struct error_list errors = { 0 };
	struct trace_about about;
	struct text out = { 0 };

	UNIT_EQUAL_I64(0, trace_about_parse("a", text, strlen(text), &about, &errors));
	trace_about_print(&about, &out);
	UNIT_EQUAL_TEXT(text, out.bytes);
	trace_about_clear(&about);
	text_free(&out);
	error_list_clear(&errors);
}

static void test_full(void)
{
	struct error_list errors = { 0 };
	struct trace_about about;

	expect_fixed_point(full);
	UNIT_EQUAL_I64(0, trace_about_parse("a", full, strlen(full), &about, &errors));
	UNIT_TRUE(about.emulated && about.has_cpu && about.has_scope);
	UNIT_EQUAL_U64(SCOPE_WALL, about.scope);
	UNIT_EQUAL_U64(2400000000, about.cpu.tsc_hz);
	UNIT_EQUAL_U64(2, about.cpu.chips);
	UNIT_EQUAL_DOUBLE(0.1, about.meter_lag_s, 0);
	UNIT_EQUAL_DOUBLE(0, about.disks_idle_w, 0);
	UNIT_EQUAL_TEXT("perf", about.probe);
	trace_about_clear(&about);
}

static void test_nothing_is_stated(void)
{
	static const char least[] = "[trace]\nformat = 1\n";
	struct error_list errors = { 0 };
	struct trace_about about;

	expect_fixed_point(least);
	UNIT_EQUAL_I64(0, trace_about_parse("a", least, strlen(least), &about, &errors));
	UNIT_TRUE(!about.emulated && !about.has_cpu && !about.has_scope && !about.cpu.vendor);
	UNIT_EQUAL_DOUBLE(NAN, about.meter_lag_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, about.disks_idle_w, 0);
	UNIT_TRUE(!about.meter && !about.pmu);
	trace_about_clear(&about);
}

static void test_identity_has_no_null(void)
{
	static const char cpus[] = "[trace]\nformat = 1\n\n[machine]\ncpus = 4\n";
	struct error_list errors = { 0 };
	struct trace_about about;

	expect_fixed_point(cpus);
	UNIT_EQUAL_I64(0, trace_about_parse("a", cpus, strlen(cpus), &about, &errors));
	UNIT_TRUE(about.has_cpu);
	UNIT_EQUAL_TEXT("", about.cpu.vendor);
	UNIT_EQUAL_TEXT("", about.cpu.model_name);
	trace_about_clear(&about);
}

static void test_every_error(void)
{
	static const char text[] = "[trace]\nformat = 2\nformat = 1\n[machine]\ncpus = 0\n"
				   "cpus = 4\ncolour = red\n[meter]\nscope = plug\nlag = 5\n"
				   "[other]\nx = 1\n";
	static const char *const expected[] = {
		"a:2: format 2: must be 1",
		"a:3: format: is given twice, first in line 2",
		"a:5: cpus 0: must be 1..65536",
		"a:6: cpus: is given twice, first in line 5",
		"a:7: [machine] colour: unknown key",
		"a:9: scope plug: must be wall, dc, package, package+dram or rail",
		"a:10: lag 5",
		"a:12: [other]: unknown section",
	};
	struct error_list errors = { 0 };
	struct trace_about about;

	trace_about_init(&about);
	UNIT_EQUAL_I64(-EINVAL, trace_about_parse("a", text, strlen(text), &about, &errors));
	UNIT_EQUAL_U64(sizeof expected / sizeof *expected, errors.count);
	for (size_t i = 0; i < errors.count && i < sizeof expected / sizeof *expected; i++)
		UNIT_CONTAINS(expected[i], errors.texts[i]);
	error_list_clear(&errors);
	UNIT_EQUAL_I64(-EINVAL, trace_about_parse("a", "", 0, &about, &errors));
	UNIT_EQUAL_TEXT("a:1: [trace] format: is missing", errors.count ? errors.texts[0] : "");
	error_list_clear(&errors);
	trace_about_clear(&about);
}

int main(void)
{
	return UNIT_RUN(
		"trace-about", { "every key comes back as it was", test_full },
		{ "what is not stated is absent, and nothing is zero", test_nothing_is_stated },
		{ "a machine's strings are never missing", test_identity_has_no_null },
		{ "every mistake is listed with its line", test_every_error });
}
