/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as answers of an MCP39F511N: the same however they are split, data only with
 * the right length and sum, damage told once for a question. First byte: the data bytes asked
 * for; second: how the rest is split. */
#include "meter/mcp39f511n-code.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	enum mcp39f511n_kind kind;
	size_t at;
};

static void check_data(const struct mcp39f511n_parser *parser, size_t count)
{
	static const double steps_w[] = { 0.01, 0.00125 };
	const uint8_t *frame = mcp39f511n_data(parser) - 2;
	uint8_t sum = 0;
	double power_w;

	for (size_t i = 0; i < count + 2; i++)
		sum = (uint8_t)(sum + frame[i]);
	if (frame[0] != 0x06 || frame[1] != count + 3 || frame[count + 2] != sum)
		abort();
	if (count < 8)
		return;
	power_w = mcp39f511n_power_w(frame + 2, steps_w, 0);
	if (fabs(power_w) > 0.02 * 2147483648.0)
		abort();
}

/* One question: until data, a refusal, or the end. */
static struct told question(const uint8_t *data, size_t size, uint8_t count, size_t piece)
{
	struct mcp39f511n_parser parser;
	struct told told = { MCP39F511N_NONE, 0 };
	unsigned damaged = 0;

	mcp39f511n_expect(&parser, count);
	while (told.at < size &&
	       (told.kind == MCP39F511N_NONE || told.kind == MCP39F511N_DAMAGED)) {
		size_t end = piece ? told.at - told.at % piece + piece : size;
		size_t length = (end < size ? end : size) - told.at;
		size_t taken = mcp39f511n_feed(&parser, data + told.at, length, &told.kind);

		if (taken > length || taken == 0)
			abort();
		told.at += taken;
		damaged += told.kind == MCP39F511N_DAMAGED;
		if (damaged > 1)
			abort();
		if (told.kind == MCP39F511N_DATA)
			check_data(&parser, count);
	}
	return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t count;
	size_t piece;

	if (size < 2)
		return 0;
	count = data[0] % (MCP39F511N_DATA_MAX + 1);
	piece = data[1];
	data += 2;
	size -= 2;
	while (size > 0) {
		struct told whole = question(data, size, count, 0);
		struct told split = question(data, size, count, piece);

		if (whole.kind != split.kind || whole.at != split.at)
			abort();
		data += whole.at;
		size -= whole.at;
	}
	return 0;
}
