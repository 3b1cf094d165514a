/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/numbers.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* glibc hands out its static C locale here: nothing to free, and cheap. */
static locale_t c_locale(void)
{
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static size_t digits_length(const char *text)
{
	return strspn(text, "0123456789");
}

size_t number_length(const char *text)
{
	const char *cursor = text + (*text == '-');
	size_t whole = digits_length(cursor), fraction = 0, exponent, sign;

	cursor += whole;
	if (*cursor == '.') {
		fraction = digits_length(cursor + 1);
		cursor += 1 + fraction;
	}
	if (whole + fraction == 0)
		return 0;
	if (*cursor == 'e' || *cursor == 'E') {
		sign = cursor[1] == '+' || cursor[1] == '-';
		exponent = digits_length(cursor + 1 + sign);
		if (exponent > 0)
			cursor += 1 + sign + exponent;
	}
	return (size_t)(cursor - text);
}

int number_scan_u64(const char **cursor, uint64_t *value)
{
	const char *text = *cursor;
	uint64_t sum = 0, digit;

	while (*text == ' ' || *text == '\t')
		text++;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		digit = (uint64_t)(*text - '0');
		if (sum > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		sum = sum * 10 + digit;
	}
	*cursor = text;
	*value = sum;
	return 0;
}

int number_parse_u64(const char *text, uint64_t *value)
{
	size_t length = digits_length(text);

	if (length == 0 || text[length])
		return -EINVAL;
	return number_scan_u64(&text, value);
}

/* What a number's text says: digits * 10^exponent. */
struct decimal {
	uint64_t digits;
	int exponent;
	bool negative;
	bool exact; /* `digits` holds them all, and the exponent is a small one */
};

/* More would overflow `digits`. */
enum { DECIMAL_DIGITS_MAX = 19 };

/* Digits of one run appended; leading zeros of a number are none of its digits. */
static const char *take_digits(const char *text, struct decimal *decimal, unsigned *count)
{
	for (; *text >= '0' && *text <= '9'; text++) {
		if (*count == 0 && *text == '0')
			continue;
		if (++*count <= DECIMAL_DIGITS_MAX)
			decimal->digits = decimal->digits * 10 + (uint64_t)(*text - '0');
	}
	return text;
}

/* "e-12": behind it, or where it began when that is no exponent. */
static const char *take_exponent(const char *text, struct decimal *decimal)
{
	bool negative = text[1] == '-';
	const char *begin = text + 1 + (negative || text[1] == '+'), *digit = begin;
	int exponent = 0;

	for (; *digit >= '0' && *digit <= '9'; digit++)
		if (exponent < 10000)
			exponent = exponent * 10 + (*digit - '0');
	if (digit == begin)
		return text;
	decimal->exponent += negative ? -exponent : exponent;
	return digit;
}

/* Behind the number that text begins with; text itself where there is none. */
static const char *take_decimal(const char *text, struct decimal *decimal)
{
	const char *whole, *behind, *fraction;
	unsigned count = 0;

	*decimal = (struct decimal){ .negative = *text == '-' };
	whole = text + decimal->negative;
	behind = take_digits(whole, decimal, &count);
	if (behind == whole && !(behind[0] == '.' && behind[1] >= '0' && behind[1] <= '9'))
		return text;
	if (*behind == '.') {
		fraction = behind + 1;
		behind = take_digits(fraction, decimal, &count);
		/* So long a text is never exact. */
		decimal->exponent = behind - fraction < 10000 ? -(int)(behind - fraction) : -10000;
	}
	if (*behind == 'e' || *behind == 'E')
		behind = take_exponent(behind, decimal);
	decimal->exact = count <= DECIMAL_DIGITS_MAX && decimal->digits <= 1ull << DBL_MANT_DIG;
	return behind;
}

/*
 * Digits and power of ten are doubles without an error, so that one operation
 * rounds once, as strtod does (Clinger, How to Read Floating Point Numbers Accurately, 1990).
 */
static bool convert_exactly(const struct decimal *decimal, double *value)
{
	static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	const int most = (int)(sizeof powers / sizeof *powers) - 1;
	double digits = (double)decimal->digits;

	/* Registers that are wider than a double would round twice. */
	if (FLT_EVAL_METHOD != 0 || !decimal->exact || decimal->exponent > most ||
	    decimal->exponent < -most)
		return false;
	digits = decimal->exponent < 0 ? digits / powers[-decimal->exponent]
				       : digits * powers[decimal->exponent];
	*value = decimal->negative ? -digits : digits;
	return true;
}

int number_scan_double(const char **cursor, double *value)
{
	struct decimal decimal;
	const char *behind = take_decimal(*cursor, &decimal);
	double parsed;

	if (behind == *cursor)
		return -EINVAL;
	if (!convert_exactly(&decimal, value)) {
		errno = 0;
		parsed = strtod_l(*cursor, NULL, c_locale());
		/* ERANGE also marks subnormal results, which are good numbers. */
		if (!isfinite(parsed) || (parsed == 0.0 && errno == ERANGE))
			return -ERANGE;
		*value = parsed;
	}
	*cursor = behind;
	return 0;
}

int number_parse_double(const char *text, double *value)
{
	const char *behind = text;
	double parsed;
	int result = number_scan_double(&behind, &parsed);

	/* What follows a number out of range is the graver mistake. */
	if (result == -EINVAL || text[number_length(text)])
		return -EINVAL;
	if (!result)
		*value = parsed;
	return result;
}

const char *number_format_double(double value, char text[NUMBER_TEXT_BYTES])
{
	/*
	 * Up to 15 digits (DBL_DIG) survive decimal -> double -> decimal, so
	 * that %.15g finds every shorter one; subnormals have fewer.
	 */
	int precision = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
	locale_t previous = uselocale(c_locale());
	double back;

	for (; precision <= DBL_DECIMAL_DIG; precision++) {
		snprintf(text, NUMBER_TEXT_BYTES, "%.*g", precision, value);
		back = strtod_l(text, NULL, c_locale());
		if (memcmp(&back, &value, sizeof value) == 0)
			break;
	}
	uselocale(previous);
	return text;
}
