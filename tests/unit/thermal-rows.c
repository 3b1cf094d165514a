/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/thermal-rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static void expect(const char *text, int result, size_t rows, const char *message)
{
	struct thermal_rows found = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(result, thermal_rows_parse("t.csv", text, strlen(text), &found, &error));
	UNIT_EQUAL_TEXT(message, error.text);
	if (result == 0)
		UNIT_EQUAL_U64(rows, found.count);
	thermal_rows_clear(&found);
}

static void test_parse(void)
{
	struct thermal_rows rows = { 0 };
	const char *text = "temperature_c,note,timestamp,power_w\n"
			   "41,\"a, b\",10.5,100\r\n\n,x,11.5,101\n43,x,,102\n44,x,13.5,\n";

	UNIT_EQUAL_I64(0, thermal_rows_parse("t.csv", text, strlen(text), &rows, NULL));
	UNIT_EQUAL_U64(3, rows.count); /* without a time it is no row */
	UNIT_EQUAL_DOUBLE(10.5, rows.items[0].time_s, 0);
	UNIT_EQUAL_DOUBLE(100, rows.items[0].power_w, 0);
	UNIT_EQUAL_DOUBLE(41, rows.items[0].temperature_c, 0);
	UNIT_EQUAL_DOUBLE(NAN, rows.items[1].temperature_c, 0);
	UNIT_EQUAL_DOUBLE(NAN, rows.items[2].power_w, 0);
	thermal_rows_clear(&rows);
}

static void test_errors(void)
{
	expect("timestamp,power_w\n1,2\n", -EINVAL, 0, "t.csv:1: there is no column temperature_c");
	expect("timestamp,power_w,temperature_c\n1,2,3\n1,2\n", -EINVAL, 0,
	       "t.csv:3: has 2 fields: temperature_c is missing");
	expect("timestamp,power_w,temperature_c\n2026-01-01,2,3\n", -EINVAL, 0,
	       "t.csv:2: timestamp 2026-01-01: must be a number");
	expect("timestamp,power_w,temperature_c\n", 0, 0, "");
	expect("", 0, 0, "");
}

static void test_session(void)
{
	struct session session = { .readings = { 0 } };
	struct thermal_rows rows = { 0 };
	struct trace *trace = NULL;
	struct error error = { "" };

	for (unsigned i = 0; i < 10; i++) {
		struct session_sample *sample = MEMORY_APPEND(&session.samples);
		struct meter_reading *reading = MEMORY_APPEND(&session.readings);

		if (!sample)
			abort();
		if (!reading)
			abort();
		sample->time_ns = 1000000000u + i * 500000000ull;
		sample->temperature_c = i < 8 ? 40.0 + i : (double)NAN;
		reading->time_ns = 700000000u + i * 500000000ull;
		reading->power_w = i == 4 ? (double)NAN : 100.0 + i;
	}
	UNIT_EQUAL_I64(0, thermal_rows_of_session(&session, &rows, &error));
	/* The first comes before any sample, the fifth has no power, the last no temperature. */
	UNIT_EQUAL_U64(7, rows.count);
	UNIT_EQUAL_DOUBLE(1.2, rows.items[0].time_s, 1e-12);
	UNIT_EQUAL_DOUBLE(101, rows.items[0].power_w, 0);
	UNIT_EQUAL_DOUBLE(40, rows.items[0].temperature_c, 0);
	UNIT_EQUAL_DOUBLE(47, rows.items[6].temperature_c, 0);
	UNIT_EQUAL_I64(0, thermal_rows_to_trace(&rows, &trace));
	UNIT_EQUAL_U64(7, trace->row_count);
	UNIT_EQUAL_DOUBLE(108, trace->power[6], 0);
	UNIT_TRUE(trace->interval_s == NULL && trace->temperature_c != NULL);
	trace_free(trace);
	thermal_rows_clear(&rows);
	for (unsigned i = 0; i < 10; i++)
		session.samples.items[i].temperature_c = NAN;
	UNIT_EQUAL_I64(-ENODEV, thermal_rows_of_session(&session, &rows, &error));
	UNIT_CONTAINS("no temperature was read", error.text);
	free(session.samples.items);
	free(session.readings.items);
}

static void test_suite(void)
{
	const struct suite_machine machine = { .cpus = 6, .cores = 3, .packages = 1 };
	struct suite suite = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, thermal_suite(&machine, "integer", 6, &suite, &error));
	UNIT_EQUAL_U64(2, suite.count);
	UNIT_EQUAL_U64(6, suite.items[0].run.threads);
	UNIT_EQUAL_DOUBLE(180, suite.items[0].seconds, 1e-12);
	UNIT_EQUAL_I64(WORKLOAD_IDLE, suite.items[1].run.workload->kind);
	UNIT_EQUAL_DOUBLE(360, suite.total_s, 1e-12);
	UNIT_EQUAL_I64(-EINVAL, thermal_suite(&machine, "idle", 6, &suite, &error));
	UNIT_EQUAL_I64(-EINVAL, thermal_suite(&machine, "nothing", 6, &suite, &error));
	UNIT_CONTAINS("workload nothing", error.text);
	suite_clear(&suite);
}

int main(void)
{
	return UNIT_RUN("thermal-rows",
			{ "a file needs time, power and temperature, and no events", test_parse },
			{ "errors name file, line and column", test_errors },
			{ "readings take the temperature of their time", test_session },
			{ "a run heats with all CPUs, then cools for as long", test_suite });
}
