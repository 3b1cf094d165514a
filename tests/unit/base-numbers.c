/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/numbers.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"

static void test_u64_takes_digits_alone(void)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1\n", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t value = 42;

		UNIT_EQUAL_I64(cases[i].result, number_parse_u64(cases[i].text, &value));
		UNIT_EQUAL_U64(cases[i].result ? 42 : cases[i].value, value);
	}
}

static void test_double_takes_finite_decimals_alone(void)
{
	static const char *const bad[] = { "",    " 1",  "1 ",       "+1",  "--1", "1e",
					   "1e+", "e5",  ".",        "-",   "inf", "-inf",
					   "nan", "NAN", "0x1p3",    "1,5", "1_0", "1.2.3",
					   "1f",  "\t1", "infinity", "1e5x" };
	static const struct {
		const char *text;
		double value;
	} good[] = { { "0", 0.0 },
		     { "-1.5", -1.5 },
		     { ".5", 0.5 },
		     { "5.", 5.0 },
		     { "1e3", 1e3 },
		     { "1E-3", 1e-3 },
		     { "1e+3", 1e3 },
		     { "4.9406564584124654e-324", 0x1p-1074 },
		     { "1.7976931348623157e308", DBL_MAX } };
	double value = 42;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int result = number_parse_double(bad[i], &value);

		if (result != -EINVAL)
			fprintf(stderr, "\ntaken: \"%s\"\n", bad[i]);
		UNIT_EQUAL_I64(-EINVAL, result);
	}
	UNIT_EQUAL_I64(-ERANGE, number_parse_double("1e309", &value));
	UNIT_EQUAL_I64(-ERANGE, number_parse_double("1e-400", &value));
	UNIT_EQUAL_DOUBLE(42.0, value, 0);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		UNIT_EQUAL_I64(0, number_parse_double(good[i].text, &value));
		UNIT_EQUAL_DOUBLE(good[i].value, value, 0);
	}
}

static void test_format_is_short(void)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = { { 12, "12" },
		      { 0.1, "0.1" },
		      { -0.25, "-0.25" },
		      { 0, "0" },
		      { 1.0 / 3, "0.3333333333333333" },
		      { 1e15, "1e+15" },
		      { 14.35e-9, "1.435e-08" },
		      { 5e-324, "5e-324" },
		      { 0.1 + 0.2, "0.30000000000000004" } };
	char text[NUMBER_TEXT_BYTES];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		UNIT_EQUAL_TEXT(cases[i].text, number_format_double(cases[i].value, text));
}

/* Any bit pattern that is a finite double. */
static double random_finite(uint64_t *state)
{
	double value;

	do {
		uint64_t bits = unit_random(state);

		memcpy(&value, &bits, sizeof value);
	} while (!isfinite(value));
	return value;
}

static void test_format_reads_back(void)
{
	const uint64_t seed = 20240611;
	uint64_t state = seed;
	char text[NUMBER_TEXT_BYTES];

	for (int i = 0; i < 20000; i++) {
		double value = random_finite(&state), back = 0;
		int result = number_parse_double(number_format_double(value, text), &back);

		if (result || back != value) {
			fprintf(stderr, "\nseed %llu: %a -> \"%s\" -> %a\n",
				(unsigned long long)seed, value, text, back);
			UNIT_TRUE(0);
			return;
		}
	}
}

static void test_locale_does_not_matter(void)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nb_NO.UTF-8" };
	char text[NUMBER_TEXT_BYTES];
	const char *found = NULL;
	double value = 0;

	for (size_t i = 0; !found && i < sizeof names / sizeof names[0]; i++)
		found = setlocale(LC_ALL, names[i]);
	if (!found)
		fprintf(stderr, "(no locale with a decimal comma here) ");
	UNIT_EQUAL_TEXT("1.5", number_format_double(1.5, text));
	UNIT_EQUAL_I64(0, number_parse_double("1.5", &value));
	UNIT_EQUAL_DOUBLE(1.5, value, 0);
	setlocale(LC_ALL, "C");
}

static void test_length_stops_at_the_unit(void)
{
	UNIT_EQUAL_U64(6, number_length("12.5e3W"));
	UNIT_EQUAL_U64(1, number_length("5e"));
	UNIT_EQUAL_U64(2, number_length("-5 C"));
	UNIT_EQUAL_U64(0, number_length("-W"));
	UNIT_EQUAL_U64(0, number_length("W"));
}

static void test_scan_moves_behind_digits(void)
{
	const char *cursor = " \t12 34x99999999999999999999";
	uint64_t value = 0;

	UNIT_EQUAL_I64(0, number_scan_u64(&cursor, &value));
	UNIT_EQUAL_U64(12, value);
	UNIT_EQUAL_I64(0, number_scan_u64(&cursor, &value));
	UNIT_EQUAL_U64(34, value);
	UNIT_EQUAL_TEXT("x99999999999999999999", cursor);
	UNIT_EQUAL_I64(-EINVAL, number_scan_u64(&cursor, &value));
	cursor++;
	UNIT_EQUAL_I64(-ERANGE, number_scan_u64(&cursor, &value));
	UNIT_EQUAL_U64(34, value);
}

int main(void)
{
	return UNIT_RUN(
		"base-numbers", { "u64 takes digits alone", test_u64_takes_digits_alone },
		{ "double takes finite decimals alone", test_double_takes_finite_decimals_alone },
		{ "format is short", test_format_is_short },
		{ "format reads back as the same double", test_format_reads_back },
		{ "the locale does not matter", test_locale_does_not_matter },
		{ "length stops at the unit", test_length_stops_at_the_unit },
		{ "scan moves behind the digits", test_scan_moves_behind_digits });
}
