/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

/*
 * base = number * 10^exponent * multiplier / divisor. Powers of ten are put
 * into the text of the number, so that "14.35nJ" is the double nearest to
 * 14.35e-9 and reading what was printed gives the same double back.
 */
struct unit {
	const char *name;
	int exponent;
	double multiplier, divisor; /* 0 = 1 */
};

enum { UNITS_MAX = 9 };

/* Ascending within a quantity; a NULL name ends it. */
static const struct unit units[][UNITS_MAX] = {
	[QUANTITY_NUMBER] = { { "", 0, 0, 0 } },
	[QUANTITY_POWER] = { { "uW", -6, 0, 0 },
			     { "mW", -3, 0, 0 },
			     { "W", 0, 0, 0 },
			     { "kW", 3, 0, 0 } },
	[QUANTITY_ENERGY] = { { "nJ", -9, 0, 0 },
			      { "uJ", -6, 0, 0 },
			      { "mJ", -3, 0, 0 },
			      { "J", 0, 0, 0 },
			      { "kJ", 3, 0, 0 },
			      { "Wh", 0, 3600, 0 },
			      { "MJ", 6, 0, 0 },
			      { "kWh", 3, 3600, 0 } },
	[QUANTITY_ENERGY_RATE] = { { "Wh/day", 0, 0, 24 },
				   { "Wh/h", 0, 0, 0 },
				   { "J/s", 0, 0, 0 },
				   { "kWh/day", 3, 0, 24 } },
	[QUANTITY_TIME] = { { "ns", -9, 0, 0 },
			    { "us", -6, 0, 0 },
			    { "ms", -3, 0, 0 },
			    { "s", 0, 0, 0 },
			    { "min", 0, 60, 0 },
			    { "h", 0, 3600, 0 },
			    { "d", 0, 86400, 0 } },
	[QUANTITY_FREQUENCY] = { { "Hz", 0, 0, 0 },
				 { "kHz", 3, 0, 0 },
				 { "MHz", 6, 0, 0 },
				 { "GHz", 9, 0, 0 } },
	[QUANTITY_RATE] = { { "B/s", 0, 0, 0 },
			    { "kB/s", 3, 0, 0 },
			    { "KiB/s", 0, 0x1p10, 0 },
			    { "MB/s", 6, 0, 0 },
			    { "MiB/s", 0, 0x1p20, 0 },
			    { "GB/s", 9, 0, 0 },
			    { "GiB/s", 0, 0x1p30, 0 } },
	[QUANTITY_SIZE] = { { "B", 0, 0, 0 },
			    { "kB", 3, 0, 0 },
			    { "KiB", 0, 0x1p10, 0 },
			    { "MB", 6, 0, 0 },
			    { "MiB", 0, 0x1p20, 0 },
			    { "GB", 9, 0, 0 },
			    { "GiB", 0, 0x1p30, 0 },
			    { "TB", 12, 0, 0 },
			    { "TiB", 0, 0x1p40, 0 } },
	[QUANTITY_TEMPERATURE] = { { "C", 0, 0, 0 } },
	[QUANTITY_VOLTAGE] = { { "mV", -3, 0, 0 }, { "V", 0, 0, 0 } },
	[QUANTITY_PERCENT] = { { "%", -2, 0, 0 } },
};

static const struct unit *unit_at(enum quantity quantity, size_t index)
{
	const struct unit *unit = &units[quantity][index];

	return index < UNITS_MAX && unit->name ? unit : NULL;
}

static bool is_decimal(const struct unit *unit)
{
	return unit->multiplier == 0 && unit->divisor == 0;
}

/* More than any double has, and far from where adding to it overflows. */
enum { EXPONENT_MAX = 100000 };

/* The number in text[0..length) times the unit. */
static int scale(const struct unit *unit, const char *text, size_t length, double *value)
{
	size_t mantissa = strcspn(text, "eE");
	long exponent = 0;
	char shifted[256];
	int result;

	if (mantissa < length)
		exponent = strtol(text + mantissa + 1, NULL, 10);
	else
		mantissa = length;
	if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
		return -ERANGE;
	exponent += unit->exponent;
	if (mantissa > sizeof shifted - 32)
		return -EINVAL;
	snprintf(shifted, sizeof shifted, "%.*se%ld", (int)mantissa, text, exponent);
	result = number_parse_double(shifted, value);
	if (result)
		return result;
	if (unit->multiplier > 0)
		*value *= unit->multiplier;
	if (unit->divisor > 0)
		*value /= unit->divisor;
	return isfinite(*value) ? 0 : -ERANGE;
}

static const char *unit_list(enum quantity quantity, char *text, size_t size)
{
	size_t used = 0;
	const struct unit *unit;

	text[0] = '\0';
	for (size_t i = 0; (unit = unit_at(quantity, i)) && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "",
					 unit->name);
	return text;
}

static int refuse_unit(enum quantity quantity, const char *text, const char *given,
		       struct error *error)
{
	char list[96];

	if (quantity == QUANTITY_NUMBER)
		return error_setf(error, EINVAL, "%s: must be a number without a unit", text);
	unit_list(quantity, list, sizeof list);
	return error_setf(error, EINVAL, "%s: %s: %s", text,
			  *given ? "unknown unit, must be one of" : "needs a unit", list);
}

static int refuse_range(enum quantity quantity, const char *text, double min, double max,
			struct error *error)
{
	char low[64], high[64];

	if (isfinite(min))
		unit_format(quantity, min, low, sizeof low);
	if (isfinite(max))
		unit_format(quantity, max, high, sizeof high);
	if (isfinite(min) && isfinite(max))
		return error_setf(error, ERANGE, "%s: must be %s..%s", text, low, high);
	if (isfinite(min))
		return error_setf(error, ERANGE, "%s: must be at least %s", text, low);
	if (isfinite(max))
		return error_setf(error, ERANGE, "%s: must be at most %s", text, high);
	return error_setf(error, ERANGE, "%s: out of range", text);
}

int unit_parse(enum quantity quantity, const char *text, double min, double max, double *value,
	       struct error *error)
{
	size_t length = number_length(text);
	const char *name = text + length + (text[length] == ' ' && text[length + 1]);
	const struct unit *unit = NULL;
	double parsed = 0;
	int result;

	if (length == 0)
		return error_setf(error, EINVAL, "%s: not a number", *text ? text : "''");
	for (size_t i = 0; (unit = unit_at(quantity, i)); i++)
		if (strcmp(unit->name, name) == 0)
			break;
	if (!unit)
		return refuse_unit(quantity, text, name, error);
	result = scale(unit, text, length, &parsed);
	if (result == -EINVAL)
		return error_setf(error, EINVAL, "%s: not a number", text);
	if (result || !(parsed >= min && parsed <= max))
		return refuse_range(quantity, text, min, max, error);
	*value = parsed;
	return 0;
}

/* magnitude = 0.DIGITS * 10^point with the fewest digits that read back; "" = zero. */
static int decompose(double magnitude, char digits[NUMBER_TEXT_BYTES])
{
	char text[NUMBER_TEXT_BYTES];
	const char *c;
	size_t count = 0;
	int point = 0;
	bool behind_point = false;

	number_format_double(magnitude, text);
	for (c = text; *c && *c != 'e'; c++) {
		if (*c == '.') {
			behind_point = true;
		} else if (count == 0 && *c == '0') {
			point -= behind_point;
		} else {
			digits[count++] = *c;
			point += !behind_point;
		}
	}
	while (count > 0 && digits[count - 1] == '0')
		count--;
	digits[count] = '\0';
	return *c == 'e' ? point + atoi(c + 1) : point;
}

/* Write 0.DIGITS * 10^point: plain, or scientific where that would take many zeros. */
static void compose(const char *digits, int point, char *text, size_t size)
{
	int count = (int)strlen(digits);

	if (point >= count && point <= 17)
		snprintf(text, size, "%s%.*s", digits, point - count, "00000000000000000");
	else if (point > 0 && point < count)
		snprintf(text, size, "%.*s.%s", point, digits, digits + point);
	else if (point <= 0 && point > -5)
		snprintf(text, size, "0.%.*s%s", -point, "00000", digits);
	else
		snprintf(text, size, "%c%s%se%d", digits[0], count > 1 ? "." : "", digits + 1,
			 point - 1);
}

/*
 * Print value in one unit. The cost of that to the reader, to be compared:
 * digits, and two more for a unit that is no power of ten (so that 60 s stay
 * "60s", but 3600 s are "1h"); a power of ten is the last resort (1000000MJ, not
 * 1e18uJ). SIZE_MAX: it would not read back.
 */
static size_t print_in(const struct unit *unit, double value, char *text, size_t size)
{
	char digits[NUMBER_TEXT_BYTES], number[64];
	const char *sign = signbit(value) ? "-" : "";
	double in_unit = fabs(value), back;
	size_t cost;
	int point;

	if (unit->divisor > 0)
		in_unit *= unit->divisor;
	if (unit->multiplier > 0)
		in_unit /= unit->multiplier;
	if (!isfinite(in_unit))
		return SIZE_MAX;
	point = decompose(in_unit, digits) - unit->exponent;
	if (!digits[0])
		return SIZE_MAX;
	compose(digits, point, number, sizeof number);
	snprintf(text, size, "%s%s%s", sign, number, unit->name);
	if (scale(unit, number, strlen(number), &back) || back != fabs(value))
		return SIZE_MAX;
	cost = strlen(number) - (strchr(number, '.') != NULL);
	if (!is_decimal(unit))
		cost += 2;
	if (strchr(number, 'e'))
		cost += 32;
	return point > 0 ? cost : cost + 64; /* below one: only where nothing else is left */
}

/* The unit that values are computed in, or the first where that has no name (percent). */
static const struct unit *base_unit(enum quantity quantity)
{
	const struct unit *unit;

	for (size_t i = 0; (unit = unit_at(quantity, i)); i++)
		if (is_decimal(unit) && unit->exponent == 0)
			return unit;
	return &units[quantity][0];
}

const char *unit_format(enum quantity quantity, double value, char *text, size_t size)
{
	const struct unit *unit, *best = NULL;
	size_t cost, best_cost = SIZE_MAX;
	char number[NUMBER_TEXT_BYTES];

	for (size_t i = 0; (unit = unit_at(quantity, i)); i++) {
		cost = print_in(unit, value, text, size);
		/* Equally short: the larger unit, but the finer one below one. */
		if (cost < best_cost || (cost == best_cost && cost < 64)) {
			best = unit;
			best_cost = cost;
		}
	}
	if (best)
		print_in(best, value, text, size);
	else /* zero */
		snprintf(text, size, "%s%s", number_format_double(value, number),
			 base_unit(quantity)->name);
	return text;
}
