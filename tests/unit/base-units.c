/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"

static double parsed(enum quantity quantity, const char *text)
{
	struct error error = { "" };
	double value = NAN;

	if (unit_parse(quantity, text, -INFINITY, INFINITY, &value, &error))
		fprintf(stderr, "\n%s\n", error.text);
	return value;
}

static void test_units_scale_to_the_base(void)
{
	UNIT_EQUAL_DOUBLE(20.0, parsed(QUANTITY_POWER, "20W"), 0);
	UNIT_EQUAL_DOUBLE(20.0, parsed(QUANTITY_POWER, "20 W"), 0);
	UNIT_EQUAL_DOUBLE(0.02, parsed(QUANTITY_POWER, "20mW"), 0);
	UNIT_EQUAL_DOUBLE(1.23e-9, parsed(QUANTITY_ENERGY, "1.23nJ"), 0);
	UNIT_EQUAL_DOUBLE(3600.0, parsed(QUANTITY_ENERGY, "1Wh"), 0);
	UNIT_EQUAL_DOUBLE(3.6e6, parsed(QUANTITY_ENERGY, "1kWh"), 0);
	UNIT_EQUAL_DOUBLE(500.0 * 3600 / 86400, parsed(QUANTITY_ENERGY_RATE, "500Wh/day"), 1e-15);
	UNIT_EQUAL_DOUBLE(7.0, parsed(QUANTITY_ENERGY_RATE, "7J/s"), 0);
	UNIT_EQUAL_DOUBLE(7.0, parsed(QUANTITY_ENERGY_RATE, "7Wh/h"), 0);
	UNIT_EQUAL_DOUBLE(0.25, parsed(QUANTITY_TIME, "250ms"), 0);
	UNIT_EQUAL_DOUBLE(5400.0, parsed(QUANTITY_TIME, "1.5h"), 0);
	UNIT_EQUAL_DOUBLE(2.4e9, parsed(QUANTITY_FREQUENCY, "2.4GHz"), 0);
	UNIT_EQUAL_DOUBLE(57e6, parsed(QUANTITY_RATE, "57MB/s"), 0);
	UNIT_EQUAL_DOUBLE(4096.0, parsed(QUANTITY_SIZE, "4KiB"), 0);
	UNIT_EQUAL_DOUBLE(4000.0, parsed(QUANTITY_SIZE, "4kB"), 0);
	UNIT_EQUAL_DOUBLE(-5.0, parsed(QUANTITY_TEMPERATURE, "-5C"), 0);
	UNIT_EQUAL_DOUBLE(0.85, parsed(QUANTITY_VOLTAGE, "850mV"), 0);
	UNIT_EQUAL_DOUBLE(0.05, parsed(QUANTITY_PERCENT, "5%"), 0);
	UNIT_EQUAL_DOUBLE(1500.0, parsed(QUANTITY_NUMBER, "1.5e3"), 0);
	UNIT_EQUAL_DOUBLE(1.5, parsed(QUANTITY_POWER, "1.5e3mW"), 0);
}

static void test_malformed_is_refused(void)
{
	static const struct {
		enum quantity quantity;
		const char *text, *message;
	} cases[] = {
		{ QUANTITY_POWER, "", "'': not a number" },
		{ QUANTITY_POWER, "W", "W: not a number" },
		{ QUANTITY_POWER, "20", "20: needs a unit: uW mW W kW" },
		{ QUANTITY_POWER, "20 ", "20 : unknown unit, must be one of: uW mW W kW" },
		{ QUANTITY_POWER, "20  W", "unknown unit" },
		{ QUANTITY_POWER, " 20W", "not a number" },
		{ QUANTITY_POWER, "20W ", "unknown unit" },
		{ QUANTITY_POWER, "20w", "unknown unit" },
		{ QUANTITY_POWER, "20J", "unknown unit" },
		{ QUANTITY_POWER, "nanW", "not a number" },
		{ QUANTITY_POWER, "infW", "not a number" },
		{ QUANTITY_POWER, "+5W", "not a number" },
		{ QUANTITY_POWER, "1e999W", "out of range" },
		{ QUANTITY_POWER, "1e99999999999999999999W", "out of range" },
		{ QUANTITY_TIME, "2978e-99999999999999999999ns", "out of range" },
		{ QUANTITY_POWER, "1e-99999999999999999999W", "out of range" },
		{ QUANTITY_NUMBER, "5W", "5W: must be a number without a unit" },
		{ QUANTITY_TIME, "1m", "unknown unit" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error error = { "" };
		double value = 42;

		UNIT_TRUE(unit_parse(cases[i].quantity, cases[i].text, -INFINITY, INFINITY, &value,
				     &error) < 0);
		UNIT_CONTAINS(cases[i].message, error.text);
		UNIT_EQUAL_DOUBLE(42.0, value, 0);
	}
}

static void test_bounds_are_inclusive_and_named(void)
{
	struct error error = { "" };
	double value = 0;

	UNIT_EQUAL_I64(0, unit_parse(QUANTITY_TIME, "10ms", 0.01, 60, &value, &error));
	UNIT_EQUAL_I64(0, unit_parse(QUANTITY_TIME, "1min", 0.01, 60, &value, &error));
	UNIT_EQUAL_I64(-ERANGE, unit_parse(QUANTITY_TIME, "5ms", 0.01, 60, &value, &error));
	UNIT_EQUAL_TEXT("5ms: must be 10ms..60s", error.text);
	UNIT_EQUAL_I64(-ERANGE, unit_parse(QUANTITY_TIME, "61s", 0.01, 60, &value, &error));
	UNIT_EQUAL_I64(-ERANGE, unit_parse(QUANTITY_POWER, "-1W", 0, INFINITY, &value, &error));
	UNIT_EQUAL_TEXT("-1W: must be at least 0W", error.text);
	UNIT_EQUAL_I64(-ERANGE, unit_parse(QUANTITY_POWER, "3kW", -INFINITY, 2000, &value, &error));
	UNIT_EQUAL_TEXT("3kW: must be at most 2kW", error.text);
	UNIT_EQUAL_I64(-ERANGE, unit_parse(QUANTITY_PERCENT, "101%", 0, 1, &value, &error));
	UNIT_EQUAL_TEXT("101%: must be 0%..100%", error.text);
}

static void test_format_picks_the_readable_unit(void)
{
	static const struct {
		enum quantity quantity;
		double value;
		const char *text;
	} cases[] = {
		{ QUANTITY_TIME, 0.25, "250ms" },
		{ QUANTITY_TIME, 60, "60s" },
		{ QUANTITY_TIME, 90, "90s" },
		{ QUANTITY_TIME, 3600, "1h" },
		{ QUANTITY_TIME, 86400, "1d" },
		{ QUANTITY_POWER, 20, "20W" },
		{ QUANTITY_POWER, 1500, "1.5kW" },
		{ QUANTITY_POWER, 1e-8, "0.01uW" },
		{ QUANTITY_POWER, 0, "0W" },
		{ QUANTITY_ENERGY, 14.35e-9, "14.35nJ" },
		{ QUANTITY_ENERGY, -14.35e-9, "-14.35nJ" },
		{ QUANTITY_ENERGY, 1e11, "100000MJ" },
		{ QUANTITY_ENERGY, 1e12, "1000000MJ" },
		{ QUANTITY_ENERGY_RATE, 500.0 / 24, "500Wh/day" },
		{ QUANTITY_ENERGY_RATE, 20, "20J/s" },
		{ QUANTITY_FREQUENCY, 2.4e9, "2.4GHz" },
		{ QUANTITY_RATE, 57e6, "57MB/s" },
		{ QUANTITY_SIZE, 4096, "4KiB" },
		{ QUANTITY_SIZE, 500e9, "500GB" },
		{ QUANTITY_SIZE, 512, "512B" },
		{ QUANTITY_TEMPERATURE, 75, "75C" },
		{ QUANTITY_PERCENT, 0.05, "5%" },
		{ QUANTITY_NUMBER, 0.5, "0.5" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		UNIT_EQUAL_TEXT(cases[i].text,
				unit_format(cases[i].quantity, cases[i].value, text, sizeof text));
}

/* Magnitudes over the whole range, with few digits (as people write) or all of them. */
static double random_value(uint64_t *state)
{
	double value = unit_random_double(state, -1, 1);

	if (unit_random(state) & 1)
		value = round(value * 1e3) / 1e3;
	return value * pow(10, floor(unit_random_double(state, -14, 14)));
}

static void test_format_parses_back(void)
{
	const uint64_t seed = 4711;
	uint64_t state = seed;
	char text[64], again[64];

	for (unsigned i = 0; i < unit_rounds(20000); i++) {
		enum quantity quantity =
			(enum quantity)(unit_random(&state) % (QUANTITY_PERCENT + 1));
		double value = random_value(&state), back = NAN;
		struct error error = { "" };

		unit_format(quantity, value, text, sizeof text);
		unit_parse(quantity, text, -INFINITY, INFINITY, &back, &error);
		unit_format(quantity, back, again, sizeof again);
		if (back != value || strcmp(text, again) != 0) {
			fprintf(stderr, "\nseed %llu: %a -> \"%s\" -> %a -> \"%s\" %s\n",
				(unsigned long long)seed, value, text, back, again, error.text);
			UNIT_TRUE(0);
			return;
		}
	}
}

int main(void)
{
	return UNIT_RUN("base-units", { "units scale to the base", test_units_scale_to_the_base },
			{ "malformed quantities are refused", test_malformed_is_refused },
			{ "bounds are inclusive and named", test_bounds_are_inclusive_and_named },
			{ "format picks the readable unit", test_format_picks_the_readable_unit },
			{ "format parses back to the same double", test_format_parses_back });
}
