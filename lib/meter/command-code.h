/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command-code.h - watts in what a program prints, a reading per line. Pure. */
#ifndef VMENERGY_METER_COMMAND_CODE_H
#define VMENERGY_METER_COMMAND_CODE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The watts of a line, or NaN where it is not certain which number they are: an error message,
 * a date and another unit have digits, too.
 *
 * 1. The one number with the unit W, mW, kW, watt or watts behind it, and behind that a blank,
 *    comma, semicolon or the end: "123.4 W", "230.1 V, 0.51 A, 117.3 W, 0.98", "P1: 0.1kW".
 * 2. If there is none: the number that is all of the line, or all that follows a label and its
 *    "=" or ":": "123.4", "power: 123.4", "outletWatts.7 = INTEGER: 130".
 *
 * A Unix time and a comma may stand before either: "1700000000.5,123.4". Decimal
 * commas and digit groups ("123,4 W", "1,234.5", "1 234 W"), two figures, labels that speak of
 * errors, control characters and more than a megawatt give NaN.
 */
double command_parse_line(const char *line);

enum { COMMAND_LINE_BYTES = 4096 };
struct command_buffer { /* start from {0} */
	char line[COMMAND_LINE_BYTES + 1];
	size_t length;
	bool is_overlong;
};

/*
 * Take bytes up to the end of a line. true: a line was complete, *power_w is its figure (NaN:
 * without one, or over COMMAND_LINE_BYTES); lines of blanks are passed over. false: all
 * bytes are taken, half a line is kept.
 */
bool command_take(struct command_buffer *buffer, const char **bytes, size_t *count,
		  double *power_w);
/* The program has ended: what it left without a line end. */
bool command_take_rest(struct command_buffer *buffer, double *power_w);

#endif
