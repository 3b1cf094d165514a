/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program may print, cut into pieces by the first byte: no line has another
 * figure than when it comes as a whole, and no line gets lost.
 */
#include <math.h>
#include <stdint.h>
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
	if (isinf(power_w))
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, pieces;

	if (size < 2)
		return 0;
	whole = take((const char *)data + 1, size - 1, size);
	pieces = take((const char *)data + 1, size - 1, 1 + data[0] % 16);
	if (whole.lines != pieces.lines || whole.damaged != pieces.damaged ||
	    memcmp(&whole.total, &pieces.total, sizeof whole.total) != 0)
		abort();
	return 0;
}
