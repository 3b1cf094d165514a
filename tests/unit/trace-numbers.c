/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fast way to read numbers, against strtod. */
#include "base/numbers.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* A text of digits, point and exponent, near and beyond what the fast way takes. */
static void make_text(uint64_t *state, char *text, size_t size)
{
	unsigned digits = 1 + (unsigned)(unit_random(state) % 21);
	unsigned point = (unsigned)(unit_random(state) % (digits + 2));
	int exponent = (int)(unit_random(state) % 61) - 30;
	size_t length = 0;

	if (unit_random(state) % 4 == 0)
		text[length++] = '-';
	for (unsigned i = 0; i < digits; i++) {
		if (i == point)
			text[length++] = '.';
		text[length++] = (char)('0' + unit_random(state) % 10);
	}
	text[length] = '\0';
	if (unit_random(state) % 2 == 0)
		snprintf(text + length, size - length, "e%d", exponent);
}

static void test_same_as_strtod(void)
{
	const uint64_t seed = 77;
	uint64_t state = seed;
	char text[64];

	for (unsigned i = 0; i < 100000; i++) {
		const char *cursor = text;
		double value = 0, expected;

		make_text(&state, text, sizeof text);
		expected = strtod(text, NULL);
		if (number_scan_double(&cursor, &value) == 0 && *cursor == '\0' &&
		    memcmp(&value, &expected, sizeof value) == 0)
			continue;
		fprintf(stderr, "seed %llu, number %u: \"%s\" gave %.17g, strtod %.17g\n",
			(unsigned long long)seed, i, text, value, expected);
		UNIT_EQUAL_DOUBLE(expected, value, 0);
		CU_FAIL("not the double of strtod");
		return;
	}
}

static void test_edges(void)
{
	static const char *const texts[] = {
		"9007199254740992",
		"9007199254740993",
		"9007199254740994.5",
		"1e22",
		"1e23",
		"8.5e-22",
		"1e-23",
		"0.1",
		"0.30000000000000004",
		"123456789012345678901",
		"0e500",
		"0e-500",
		"00000000000000000000000000000001.5",
		"0.00000000000000000000000000000123",
		"2.2250738585072011e-308",
		"4503599627370496.5",
		"1.7976931348623157e308",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *cursor = texts[i];
		double value = -1;

		UNIT_EQUAL_I64(0, number_scan_double(&cursor, &value));
		UNIT_TRUE(*cursor == '\0');
		UNIT_TRUE(value == strtod(texts[i], NULL));
	}
}

static void test_cursor(void)
{
	static const struct {
		const char *text;
		size_t length;
		double value;
	} cases[] = { { "12,5", 2, 12 },    { "1e5x", 3, 1e5 }, { "1e+x", 1, 1 },
		      { "-.5\"", 3, -0.5 }, { "7.\n", 2, 7 },   { "3ex", 1, 3 } };
	static const char *const bad[] = { "", "-", ".", "e5", " 1", "+1", "nan", "inf", "-e1" };
	double value = 42;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *cursor = cases[i].text;
		double got = 0;

		UNIT_EQUAL_I64(0, number_scan_double(&cursor, &got));
		UNIT_EQUAL_U64(cases[i].length, cursor - cases[i].text);
		UNIT_EQUAL_DOUBLE(cases[i].value, got, 0);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *cursor = bad[i];

		UNIT_EQUAL_I64(-EINVAL, number_scan_double(&cursor, &value));
		UNIT_TRUE(cursor == bad[i]);
	}
	UNIT_EQUAL_I64(-ERANGE, number_scan_double(&(const char *){ "1e400" }, &value));
	UNIT_EQUAL_I64(-ERANGE, number_scan_double(&(const char *){ "1e-400" }, &value));
	UNIT_EQUAL_DOUBLE(42, value, 0);
}

int main(void)
{
	return UNIT_RUN(
		"trace-numbers",
		{ "random decimals are the doubles that strtod makes", test_same_as_strtod },
		{ "so are those at the edges of the exact range", test_edges },
		{ "the cursor moves behind the number and no further", test_cursor });
}
