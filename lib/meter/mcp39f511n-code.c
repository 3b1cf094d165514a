/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/mcp39f511n-code.h"

#include <math.h>
#include <string.h>

enum { HEADER = 0xa5, SET_ADDRESS = 0x41, READ = 0x4e };
enum { ACK = 0x06, NACK = 0x15, WRONG_SUM = 0x51 };
enum { FRAME_EXTRA = 3 }; /* ACK, length, sum */

enum { RANGE_AT_10_MW = 19, RANGE_MIN = 4, RANGE_MAX = 28, ACCUMULATION_MAX = 8 };

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	unsigned total = 0;

	for (size_t i = 0; i < length; i++)
		total += bytes[i];
	return (uint8_t)total;
}

void mcp39f511n_request(enum mcp39f511n_register address, uint8_t count,
			uint8_t request[MCP39F511N_REQUEST_BYTES])
{
	request[0] = HEADER;
	request[1] = MCP39F511N_REQUEST_BYTES;
	request[2] = SET_ADDRESS;
	request[3] = (uint8_t)(address >> 8);
	request[4] = (uint8_t)address;
	request[5] = READ;
	request[6] = count;
	request[7] = sum(request, MCP39F511N_REQUEST_BYTES - 1);
}

void mcp39f511n_expect(struct mcp39f511n_parser *parser, uint8_t count)
{
	*parser = (struct mcp39f511n_parser){ .count = count };
}

/* What the bytes gathered so far can be. */
static enum mcp39f511n_kind judge(const struct mcp39f511n_parser *parser)
{
	size_t whole = (size_t)parser->count + FRAME_EXTRA;

	if (parser->frame[0] == NACK || parser->frame[0] == WRONG_SUM)
		return MCP39F511N_REFUSED;
	if (parser->frame[0] != ACK || (parser->length > 1 && parser->frame[1] != whole))
		return MCP39F511N_DAMAGED;
	if (parser->length < whole)
		return MCP39F511N_NONE;
	return sum(parser->frame, whole - 1) == parser->frame[whole - 1] ? MCP39F511N_DATA
									 : MCP39F511N_DAMAGED;
}

/* The first byte did not begin an answer: perhaps one of the others does. A code of refusal
 * among the rest of what is damaged means nothing. */
static void resynchronise(struct mcp39f511n_parser *parser)
{
	do {
		parser->length--;
		memmove(parser->frame, parser->frame + 1, parser->length);
	} while (parser->length > 0 &&
		 (parser->frame[0] != ACK || judge(parser) != MCP39F511N_NONE));
}

size_t mcp39f511n_feed(struct mcp39f511n_parser *parser, const uint8_t *bytes, size_t length,
		       enum mcp39f511n_kind *kind)
{
	for (size_t i = 0; i < length; i++) {
		parser->frame[parser->length++] = bytes[i];
		*kind = judge(parser);
		if (parser->is_damaged && *kind == MCP39F511N_REFUSED)
			*kind = MCP39F511N_DAMAGED;
		if (*kind == MCP39F511N_DAMAGED) {
			resynchronise(parser);
			if (parser->is_damaged)
				continue;
			parser->is_damaged = true;
		}
		if (*kind != MCP39F511N_NONE)
			return i + 1;
	}
	*kind = MCP39F511N_NONE;
	return length;
}

const uint8_t *mcp39f511n_data(const struct mcp39f511n_parser *parser)
{
	return parser->frame + 2;
}

uint32_t mcp39f511n_number(const uint8_t *bytes, size_t count)
{
	uint32_t number = 0;

	for (size_t i = count; i-- > 0;)
		number = number << 8 | bytes[i];
	return number;
}

double mcp39f511n_step_w(uint32_t range)
{
	int power = range >> 16 & 0xff;

	return power < RANGE_MIN || power > RANGE_MAX ? NAN : ldexp(0.01, power - RANGE_AT_10_MW);
}

double mcp39f511n_power_w(const uint8_t data[8], const double step_w[MCP39F511N_CHANNELS],
			  unsigned channel)
{
	double power_w = 0;

	for (unsigned i = 0; i < MCP39F511N_CHANNELS; i++)
		if (channel == 0 || channel == i + 1) {
			int32_t steps = (int32_t)mcp39f511n_number(data + (size_t)i * 4, 4);

			power_w +=
				steps == INT32_MAX || steps == INT32_MIN ? NAN : steps * step_w[i];
		}
	return power_w;
}

double mcp39f511n_window_s(uint32_t accumulation, uint32_t line_mhz)
{
	if (accumulation > ACCUMULATION_MAX || line_mhz < 40000 || line_mhz > 70000)
		return NAN;
	return ldexp(1e3 / line_mhz, (int)accumulation);
}
