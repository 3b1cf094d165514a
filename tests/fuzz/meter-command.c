/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program may print, cut into pieces by the first byte: no line has another
 * figure than when it comes as a whole, and no line gets lost. What is read has a digit and
 * nothing in it that makes it doubtful, and words behind a bare number or a second figure
 * take the reading away.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/command-code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	unsigned lines, damaged;
	double total;
};

static void count(struct sum *sum, double power_w)
{
	if (isinf(power_w) || fabs(power_w) > 1e6)
		abort();
	sum->lines++;
	if (isnan(power_w))
		sum->damaged++;
	else
		sum->total += power_w;
}

static struct sum take(const char *bytes, size_t size, size_t piece)
{
	static struct command_buffer buffer;
	struct sum sum = { 0 };
	double power_w;

	memset(&buffer, 0, sizeof buffer);
	while (size > 0) {
		size_t left = size < piece ? size : piece;

		size -= left;
		while (command_take(&buffer, &bytes, &left, &power_w))
			count(&sum, power_w);
		if (left > 0 || buffer.length > COMMAND_LINE_BYTES)
			abort();
	}
	if (command_take_rest(&buffer, &power_w))
		count(&sum, power_w);
	return sum;
}

static double parse_with(const char *before, const char *line, const char *behind)
{
	char text[COMMAND_LINE_BYTES];

	snprintf(text, sizeof text, "%s%s%s", before, line, behind);
	return command_parse_line(text);
}

static bool has(const char *line, const char *bytes)
{
	return line[strcspn(line, bytes)] != '\0';
}

static void check_line(const uint8_t *data, size_t size)
{
	char line[256];
	double power_w;

	snprintf(line, sizeof line, "%.*s", (int)(size < 200 ? size : 200), (const char *)data);
	power_w = command_parse_line(line);
	if (isnan(power_w))
		return;
	if (!has(line, "0123456789") || has(line, "\001\n\033\177"))
		abort();
	/* Without a unit of power nothing may stand behind it. */
	if (!has(line, "Ww") && !isnan(parse_with("", line, " x")))
		abort();
	if (!has(line, "Ww") && !isnan(parse_with("", line, " ,5")))
		abort();
	if (has(line, "Ww") && !has(line, ":=") && !isnan(parse_with("1 W ", line, "")))
		abort();
	if (!isnan(parse_with("error 5 W ", line, " 6 W")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, pieces;

	if (size < 2)
		return 0;
	check_line(data + 1, size - 1);
	whole = take((const char *)data + 1, size - 1, size);
	pieces = take((const char *)data + 1, size - 1, 1 + data[0] % 16);
	if (whole.lines != pieces.lines || whole.damaged != pieces.damaged ||
	    memcmp(&whole.total, &pieces.total, sizeof whole.total) != 0)
		abort();
	return 0;
}
