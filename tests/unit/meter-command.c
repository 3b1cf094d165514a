/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "meter/command-code.h"
#include "meter/meter.h"

struct line_case {
	const char *line;
	double power_w;
};

static void check_lines(const struct line_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double power_w = command_parse_line(cases[i].line);

		if (isnan(power_w) != isnan(cases[i].power_w) ||
		    fabs(power_w - cases[i].power_w) > 1e-9)
			fprintf(stderr, "line \"%s\":\n", cases[i].line);
		UNIT_EQUAL_DOUBLE(cases[i].power_w, power_w, 1e-12);
	}
}

static void test_units(void)
{
	static const struct line_case cases[] = {
		{ "123.4 W", 123.4 },
		{ "123.4W", 123.4 },
		{ "  123.4\tW  ", 123.4 },
		{ "power: 123.4W", 123.4 },
		{ "P1: 123.4 W", 123.4 },
		{ "P=98.5 Watts\r", 98.5 },
		{ "1 watt", 1 },
		{ "12:00:01 0.1234kW", 123.4 },
		{ "2026-11-23 08:40:01 187 W", 187 },
		{ "123400 mW", 123.4 },
		{ "+1.2E+02 W", 120 },
		{ "230.1 V, 0.51 A, 117.3 W, 0.98", 117.3 },
		{ "230.1V,0.51A,117.3W,0.98", 117.3 },
		{ "117.3 W; 230 VA", 117.3 },
		{ "pdu3 234 W", 234 },
		{ "-5 W", -5 },
		{ "-0.5 W", -0.5 },
	};

	check_lines(cases, sizeof cases / sizeof cases[0]);
}

static void test_bare(void)
{
	static const struct line_case cases[] = {
		{ "123.4", 123.4 },
		{ " 123.4 \r", 123.4 },
		{ "130", 130 },
		{ "0", 0 },
		{ "1.2e2", 120 },
		{ "+1.0379E+02", 103.79 },
		{ "-1", -1 },
		{ "power: 123.4", 123.4 },
		{ "power:123.4", 123.4 },
		{ "INTEGER: 130", 130 },
		{ "x = 12.5", 12.5 },
		{ "x=12.5", 12.5 },
		{ "outlet 7: 42.5", 42.5 },
		{ "12:00:01 power: 5", 5 },
		{ "SNMPv2-SMI::enterprises.318.1.1.26 = INTEGER: 123", 123 },
		{ "iso.3.6.1.4.1.318.1.1.26 = Gauge32: 123", 123 },
	};

	check_lines(cases, sizeof cases / sizeof cases[0]);
}

static void test_time(void)
{
	static const struct line_case cases[] = {
		{ "1700000000.5,123.4", 123.4 },   { "1700000000,123", 123 },
		{ "1700000000.5,123.4 W", 123.4 }, { "1700000000.5,123,4", NAN },
		{ "1700000000,0.5,123.4", NAN },   { "12345678,123.4", NAN },
		{ "1,1700000000", NAN },           { "1700000000", NAN },
		{ "12:00:01,123.4", NAN },         { "12:00:01,0.1234kW", NAN },
	};

	check_lines(cases, sizeof cases / sizeof cases[0]);
}

static const char *const no_readings[] = {
	/* Decimal commas and groups. */
	"123,4 W",
	"123,4",
	"1.234,5 W",
	"1.234,5",
	"1,234.5",
	"1,234.5 W",
	"1,234 W",
	"power: 1,234.5",
	"power: 123,4",
	"1 234 W",
	"1 234",
	"1 234.5 W",
	"P: 1 234 W",
	"1'234 W",
	"1.234.567 W",
	"12 345 678 W",
	/* Other units, and words behind. */
	"13 kWh",
	"13 Wh",
	"230 VA",
	"230 V",
	"230V 5",
	"100%",
	"100 %",
	"42 C",
	"45 MW",
	"power: 42 C",
	"5 mw",
	"5 W/h",
	"5 watts/h",
	"12 pdu3",
	"12 now",
	"power: 12 now",
	/* Errors. */
	"error 404",
	"error: 404",
	"HTTP status: 500",
	"errno=111",
	"Timeout: 5",
	"outletWatts.7 = No Such Instance currently exists at this OID",
	"outletWatts.7 = No Such Object available on this agent at this OID",
	"Timeout: No Response from pdu3:161",
	"cannot connect to pdu3:161",
	"cannot connect to pdu:161",
	"no such object",
	"--",
	"",
	/* Dates, addresses, counters. */
	"2026-11-23 08:40:01",
	"2026-11-23",
	"08:40:01",
	"2026-11-23 12:00:00 87",
	"00:1b:21:aa:bb:12",
	"pdu3:161",
	"10.0.0.7",
	"http://pdu:80",
	"1e9",
	"1e9 W",
	"1000001",
	"1e999",
	"0x10",
	/* Signs and comparisons. */
	"- 12",
	"- 12 W",
	"power: - 12",
	"< 5 W",
	"5-12 W",
	"+-5",
	/* Several. */
	"1 W 2 W",
	"1 W 1e999 W",
	"123,4 W 5 W",
	"nan W, 5 W",
	"V = 230 P = 12",
	"230 0.5 117",
	"12 3",
	/* None. */
	"nan",
	"inf",
	"power: NaN W",
	"12:00:00 nan",
	"pdu3",
	"W",
	": 5",
	"= 5",
	"12: 5",
	"information 7",
	"\0337",
	"5\177",
	"power\001: 5",
};

static void test_no_reading(void)
{
	for (size_t i = 0; i < sizeof no_readings / sizeof no_readings[0]; i++) {
		double power_w = command_parse_line(no_readings[i]);

		if (!isnan(power_w))
			fprintf(stderr, "line \"%s\":\n", no_readings[i]);
		UNIT_EQUAL_DOUBLE(NAN, power_w, 0);
	}
}

/* However bytes are cut into pieces, the lines are the same. */
static void test_pieces(void)
{
	static const char text[] = "1 W\n\n \r\n2.5\nnone\n300 mW\n";
	static const double expected[] = { 1, 2.5, NAN, 0.3 };
	uint64_t seed = 7;

	for (unsigned round = 0; round < 200; round++) {
		static struct command_buffer buffer;
		const char *at = text;
		size_t rest = strlen(text), found = 0;
		double power_w;

		memset(&buffer, 0, sizeof buffer);
		while (rest > 0) {
			size_t piece = 1 + unit_random(&seed) % rest, left = piece;

			rest -= piece;
			while (command_take(&buffer, &at, &left, &power_w)) {
				if (found >= 4)
					abort();
				UNIT_EQUAL_DOUBLE(expected[found], power_w, 1e-12);
				found++;
			}
			UNIT_EQUAL_U64(0, left);
		}
		UNIT_EQUAL_U64(4, found);
		UNIT_TRUE(!command_take_rest(&buffer, &power_w));
	}
}

static void test_overlong(void)
{
	static struct command_buffer buffer;
	static char text[COMMAND_LINE_BYTES + 8];
	const char *at = text;
	size_t left = COMMAND_LINE_BYTES + 3;
	double power_w = 0;

	memset(text, '1', COMMAND_LINE_BYTES + 1);
	memcpy(text + COMMAND_LINE_BYTES + 1, "\n5\n6", sizeof "\n5\n6");
	UNIT_TRUE(command_take(&buffer, &at, &left, &power_w));
	UNIT_EQUAL_DOUBLE(NAN, power_w, 0);
	UNIT_TRUE(!command_take(&buffer, &at, &left, &power_w));
	left = 2;
	UNIT_TRUE(command_take(&buffer, &at, &left, &power_w));
	UNIT_EQUAL_DOUBLE(5, power_w, 0);
	UNIT_TRUE(!command_take(&buffer, &at, &left, &power_w));
	UNIT_TRUE(command_take_rest(&buffer, &power_w));
	UNIT_EQUAL_DOUBLE(6, power_w, 0);
}

static struct meter *open_meter(const char *spec)
{
	struct error error = { "" };
	struct meter *meter;

	if (meter_open(&meter, spec, NULL, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return meter;
}

static uint64_t far(void)
{
	return clock_now_ns() + UINT64_C(20000000000);
}

static double next(struct meter *meter, unsigned flags)
{
	struct meter_reading reading = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(1, meter_read(meter, far(), &reading, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(flags, reading.flags);
	UNIT_TRUE(reading.time_ns <= clock_now_ns());
	return reading.power_w;
}

static void test_program(void)
{
	unsigned before = unit_count_descriptors();
	struct meter *meter = open_meter("command:printf '10 W\\n20 W\\nbad\\n-1\\n30'; sleep 100");
	struct meter_reading reading;

	UNIT_CONTAINS("command:printf ", meter_about(meter)->address);
	UNIT_TRUE(!meter_about(meter)->has_scope);
	UNIT_TRUE(!meter_about(meter)->emulated);
	UNIT_EQUAL_DOUBLE(10, next(meter, 0), 0);
	UNIT_EQUAL_DOUBLE(20, next(meter, 0), 0);
	UNIT_EQUAL_DOUBLE(NAN, next(meter, METER_DAMAGED), 0);
	UNIT_EQUAL_DOUBLE(NAN, next(meter, METER_IMPLAUSIBLE), 0);
	/* Half a line is none yet, and no deadline is waited for twice. */
	UNIT_EQUAL_I64(0, meter_read(meter, 0, &reading, NULL));
	UNIT_EQUAL_I64(0, meter_read(meter, clock_now_ns() + 20000000, &reading, NULL));
	meter_close(meter);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

/* The second half of the line comes when a file appears: real time decides nothing. */
static void test_half_line(void)
{
	struct meter *meter;
	struct meter_reading reading;
	char spec[512];

	snprintf(spec, sizeof spec,
		 "command:printf '1 W\\n4'; while [ ! -e %s/go ]; do sleep 0.01; done; "
		 "printf '2 W\\n'; sleep 100",
		 unit_folder());
	meter = open_meter(spec);
	UNIT_EQUAL_DOUBLE(1, next(meter, 0), 0);
	UNIT_EQUAL_I64(0, meter_read(meter, 0, &reading, NULL));
	unit_write_file("go", "");
	UNIT_EQUAL_DOUBLE(42, next(meter, 0), 0);
	meter_close(meter);
}

static void test_run_again(void)
{
	char spec[512];
	struct meter *meter;

	/* Each run gives how many there were, the last line without an end. */
	snprintf(spec, sizeof spec, "command:echo x >>%s/runs; grep -c x %s/runs; printf 100",
		 unit_folder(), unit_folder());
	meter = open_meter(spec);
	UNIT_EQUAL_DOUBLE(1, next(meter, 0), 0);
	UNIT_EQUAL_DOUBLE(100, next(meter, 0), 0);
	UNIT_EQUAL_DOUBLE(2, next(meter, 0), 0);
	meter_close(meter);
}

static void fails(const char *spec, const char *text)
{
	struct meter *meter = open_meter(spec);
	struct meter_reading reading;
	struct error error = { "" };
	int result;

	while ((result = meter_read(meter, far(), &reading, &error)) > 0)
		UNIT_EQUAL_DOUBLE(7, reading.power_w, 0);
	UNIT_EQUAL_I64(-ENODEV, result);
	UNIT_CONTAINS(text, error.text);
	UNIT_EQUAL_I64(-ENODEV, meter_read(meter, 0, &reading, &error));
	UNIT_CONTAINS(text, error.text);
	meter_close(meter);
}

static void test_ends(void)
{
	struct error error = { "" };
	struct meter *meter;

	fails("command:exit 0", "the program ended without a reading");
	fails("command:echo 7; echo first >&2; echo 'no \033route' >&2; exit 3",
	      "the program ended with status 3: no ?route");
	fails("command:kill -9 $$", "the program was ended by signal 9");
	fails("command:/nonexistent/program", "ended with status 127: ");
	UNIT_EQUAL_I64(-EINVAL, meter_open(&meter, "command", NULL, &error));
	UNIT_CONTAINS("command:PROGRAM", error.text);
}

static void test_flood(void)
{
	struct meter *meter = open_meter("command:tr '\\0' a </dev/zero & "
					 "tr '\\0' '\\n' </dev/zero >&2");
	struct meter_reading reading;

	for (unsigned i = 0; i < 20; i++)
		UNIT_EQUAL_I64(0, meter_read(meter, clock_now_ns() + 1000000, &reading, NULL));
	meter_close(meter);
}

/* Also what the shell has begun. */
static void test_killed(void)
{
	char path[128], text[32] = "";
	struct meter *meter;
	char spec[512];
	uint64_t pid = 0;
	FILE *file;

	snprintf(spec, sizeof spec, "command:sleep 1000 & echo $! >%s/pid; echo 5; wait",
		 unit_folder());
	meter = open_meter(spec);
	UNIT_EQUAL_DOUBLE(5, next(meter, 0), 0);
	snprintf(path, sizeof path, "%s/pid", unit_folder());
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof text, file))
		abort();
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	UNIT_EQUAL_I64(0, number_parse_u64(text, &pid));
	UNIT_EQUAL_I64(0, kill((pid_t)pid, 0));
	meter_close(meter);
	/* Whoever inherits it reaps it when he can: then it has ended all the same. */
	for (unsigned i = 0; i < 10000; i++) {
		char state[64] = "", command[64];

		snprintf(command, sizeof command, "/proc/%u/stat", (unsigned)pid);
		file = fopen(command, "r");
		if (!file)
			return;
		if (fscanf(file, "%*d %*s %60s", state) == 1 && state[0] == 'Z') {
			fclose(file);
			return;
		}
		fclose(file);
		usleep(1000);
	}
	UNIT_TRUE(!"the shell's child lives on");
}

int main(void)
{
	return UNIT_RUN("meter-command",
			{ "the one figure with a unit of power is taken", test_units },
			{ "a bare number is taken where nothing else is", test_bare },
			{ "a Unix time may stand before a comma, nothing else", test_time },
			{ "what may be something else is no reading", test_no_reading },
			{ "pieces make the same lines", test_pieces },
			{ "an overlong line is damaged, the next one is not", test_overlong },
			{ "a program's lines are readings", test_program },
			{ "half a line waits for its rest", test_half_line },
			{ "a program that ends well is run again", test_run_again },
			{ "any other end is a broken link that says why", test_ends },
			{ "a flood without lines keeps no one waiting", test_flood },
			{ "closing ends all that was begun", test_killed });
}
