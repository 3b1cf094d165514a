/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command-code.h - watts in what a program prints, a reading per line. Pure. */
#ifndef VMENERGY_METER_COMMAND_CODE_H
#define VMENERGY_METER_COMMAND_CODE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The last number of the line that a unit of power follows (uW, mW, W, kW), else
 * its last number, in watts: "123.4", "power: 123.4 W, 0.98", "12:00:01,0.1234kW",
 * "... = INTEGER: 123". Digits inside of words ("pdu3") are none; "nan" and "inf" count
 * as a number that is none. NaN: no figure.
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
