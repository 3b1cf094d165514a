/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/thermal-rows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static int rows_of(const char *text, struct thermal_rows *rows, struct error *error)
{
	const struct trace_request request = { .without_events = true };
	struct error_list errors = { 0 }, warnings = { 0 };
	struct trace *trace = NULL;
	int result;

	if (trace_parse("t.csv", text, strlen(text), &request, &trace, &errors, &warnings)) {
		fprintf(stderr, "%s\n", errors.texts[0]);
		abort();
	}
	result = thermal_rows_of_trace(trace, rows, error);
	trace_free(trace);
	error_list_clear(&errors);
	error_list_clear(&warnings);
	return result;
}

static void test_trace(void)
{
	struct thermal_rows rows = { 0 };
	const char *text = "temperature_c,note,timestamp,power_w\n"
			   "41,\"a, b\",10.5,100\r\n,x,11.5,101\n43,x,,102\n44,x,13.5,\n";
	struct error error = { "" };

	UNIT_EQUAL_I64(0, rows_of(text, &rows, &error));
	UNIT_EQUAL_U64(2, rows.count); /* without a time or a power it is no row */
	UNIT_EQUAL_DOUBLE(10.5, rows.items[0].time_s, 0);
	UNIT_EQUAL_DOUBLE(100, rows.items[0].power_w, 0);
	UNIT_EQUAL_DOUBLE(41, rows.items[0].temperature_c, 0);
	UNIT_EQUAL_DOUBLE(NAN, rows.items[1].temperature_c, 0);
	thermal_rows_clear(&rows);
}

static void test_errors(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "timestamp,power_w\n1,2\n", "there is no column temperature_c of numbers" },
		{ "temperature_c,power_w\n1,2\n", "there is no column timestamp of numbers" },
		{ "timestamp,power_w,temperature_c\n2026-01-01,2,3\n",
		  "there is no column timestamp of numbers" },
		{ "timestamp,energy_j,temperature_c\n1,2,3\n",
		  "joules without an interval say nothing of power" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct thermal_rows rows = { 0 };
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL, rows_of(cases[i].text, &rows, &error));
		UNIT_EQUAL_TEXT(cases[i].message, error.text);
		thermal_rows_clear(&rows);
	}
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
			{ "a trace needs time, power and temperature, and no events", test_trace },
			{ "what a trace lacks is named", test_errors },
			{ "readings take the temperature of their time", test_session },
			{ "a run heats with all CPUs, then cools for as long", test_suite });
}
