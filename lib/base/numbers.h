/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * numbers.h - strict text <-> number.
 *
 * Parsers take the whole text or fail: no leading blank, no sign where none
 * belongs, no locale, no trailing garbage, no inf, no nan.
 */
#ifndef VMENERGY_BASE_NUMBERS_H
#define VMENERGY_BASE_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits only. -EINVAL: not a number; -ERANGE: does not fit. */
int number_parse_u64(const char *text, uint64_t *value);

/* Finite decimal floating point in the C locale. -EINVAL or -ERANGE. */
int number_parse_double(const char *text, double *value);

/* Bytes of the decimal number that text begins with ("12.5e3W": 6); 0 = none. */
size_t number_length(const char *text);

enum { NUMBER_TEXT_BYTES = 40 };

/* The shortest decimal that reads back as the same double; "nan" is not made:
 * value must be finite. Returns text. Integral values have no point ("12"). */
const char *number_format_double(double value, char text[NUMBER_TEXT_BYTES]);

/*
 * For parsing /proc and /sys: read digits at *cursor, move *cursor behind them.
 * Leading blanks (space, tab) are skipped. -EINVAL: no digit there; -ERANGE.
 */
int number_scan_u64(const char **cursor, uint64_t *value);

/*
 * The finite decimal number that *cursor begins with (no blanks before it), as
 * number_parse_double() reads it; *cursor moves behind it. For texts of millions of numbers.
 * -EINVAL: none there; -ERANGE.
 */
int number_scan_double(const char **cursor, double *value);

#endif
