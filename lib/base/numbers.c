/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/numbers.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
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

int number_parse_double(const char *text, double *value)
{
	size_t length = number_length(text);
	double parsed;

	if (length == 0 || text[length])
		return -EINVAL;
	errno = 0;
	parsed = strtod_l(text, NULL, c_locale());
	/* ERANGE also marks subnormal results, which are good numbers. */
	if (!isfinite(parsed) || (parsed == 0.0 && errno == ERANGE))
		return -ERANGE;
	*value = parsed;
	return 0;
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
