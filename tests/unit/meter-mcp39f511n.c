/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames after the MCP39F511N's data sheet, DS20005473; the request for both active powers
 * and the units of a range of 19 and 16 as pinpoint and the Green Metrics Tool use them.
 */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "meter/mcp39f511n-code.h"

/* 10340 and 5 steps of 10 mW. */
static const uint8_t answer[] = { 0x06, 0x0b, 0x64, 0x28, 0, 0, 5, 0, 0, 0, 0xa2 };
static const double steps_w[] = { 0.01, 0.01 };

struct heard {
	enum mcp39f511n_kind kinds[8];
	unsigned count;
};

static struct heard hear(struct mcp39f511n_parser *parser, const uint8_t *bytes, size_t length)
{
	struct heard heard = { .count = 0 };

	mcp39f511n_expect(parser, 8);
	for (size_t at = 0; at < length && heard.count < 8;) {
		at += mcp39f511n_feed(parser, bytes + at, length - at, &heard.kinds[heard.count]);
		heard.count += heard.kinds[heard.count] != MCP39F511N_NONE;
	}
	return heard;
}

static void test_request(void)
{
	static const uint8_t published[] = { 0xa5, 0x08, 0x41, 0x00, 0x16, 0x4e, 0x08, 0x5a };
	uint8_t request[MCP39F511N_REQUEST_BYTES];

	mcp39f511n_request(MCP39F511N_ACTIVE_POWER, 8, request);
	UNIT_TRUE(memcmp(published, request, sizeof request) == 0);
}

static void expect_data(const struct mcp39f511n_parser *parser)
{
	const uint8_t *data = mcp39f511n_data(parser);

	UNIT_EQUAL_DOUBLE(103.45, mcp39f511n_power_w(data, steps_w, 0), 1e-12);
	UNIT_EQUAL_DOUBLE(103.40, mcp39f511n_power_w(data, steps_w, 1), 1e-12);
	UNIT_EQUAL_DOUBLE(0.05, mcp39f511n_power_w(data, steps_w, 2), 1e-12);
}

static void test_answer(void)
{
	struct mcp39f511n_parser parser;
	struct heard heard = hear(&parser, answer, sizeof answer);

	UNIT_EQUAL_U64(1, heard.count);
	UNIT_EQUAL_U64(MCP39F511N_DATA, heard.kinds[0]);
	expect_data(&parser);
}

static void test_bytewise(void)
{
	struct mcp39f511n_parser parser;
	enum mcp39f511n_kind kind;

	mcp39f511n_expect(&parser, 8);
	for (size_t i = 0; i < sizeof answer; i++) {
		UNIT_EQUAL_U64(1, mcp39f511n_feed(&parser, answer + i, 1, &kind));
		UNIT_EQUAL_U64(i + 1 < sizeof answer ? MCP39F511N_NONE : MCP39F511N_DATA, kind);
	}
	expect_data(&parser);
}

static void test_refusals(void)
{
	static const uint8_t codes[] = { 0x15, 0x51 };

	for (unsigned i = 0; i < 2; i++) {
		struct mcp39f511n_parser parser;
		struct heard heard = hear(&parser, codes + i, 1);

		UNIT_EQUAL_U64(1, heard.count);
		UNIT_EQUAL_U64(MCP39F511N_REFUSED, heard.kinds[0]);
	}
}

static void test_every_wrong_bit(void)
{
	uint8_t bytes[sizeof answer];

	memcpy(bytes, answer, sizeof bytes);
	for (unsigned bit = 0; bit < sizeof answer * 8; bit++) {
		struct mcp39f511n_parser parser;
		struct heard heard;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		heard = hear(&parser, bytes, sizeof bytes);
		UNIT_EQUAL_U64(1, heard.count);
		UNIT_EQUAL_U64(MCP39F511N_DAMAGED, heard.kinds[0]);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_garbage_before(void)
{
	/* Among it what looks like a head, and codes of refusal that mean nothing there. */
	static const uint8_t garbage[] = { 0xff, 0x06, 0x00, 0x15, 0x51, 0x06, 0x06 };
	uint8_t bytes[sizeof garbage + sizeof answer];
	struct mcp39f511n_parser parser;
	struct heard heard;

	memcpy(bytes, garbage, sizeof garbage);
	memcpy(bytes + sizeof garbage, answer, sizeof answer);
	heard = hear(&parser, bytes, sizeof bytes);
	UNIT_EQUAL_U64(2, heard.count);
	UNIT_EQUAL_U64(MCP39F511N_DAMAGED, heard.kinds[0]);
	UNIT_EQUAL_U64(MCP39F511N_DATA, heard.kinds[1]);
	expect_data(&parser);
}

/* Half an answer stays unfinished; the next question forgets it. */
static void test_half(void)
{
	struct mcp39f511n_parser parser;

	UNIT_EQUAL_U64(0, hear(&parser, answer, 6).count);
	UNIT_EQUAL_U64(MCP39F511N_DATA, hear(&parser, answer, sizeof answer).kinds[0]);
	expect_data(&parser);
}

static void test_other_length(void)
{
	static const uint8_t shorter[] = { 0x06, 0x07, 1, 2, 3, 4, 0x17 };
	static const uint8_t oversize[] = { 0x06, 0xff, 1, 2, 3 };
	struct mcp39f511n_parser parser;

	UNIT_EQUAL_U64(MCP39F511N_DAMAGED, hear(&parser, shorter, sizeof shorter).kinds[0]);
	UNIT_EQUAL_U64(MCP39F511N_DAMAGED, hear(&parser, oversize, sizeof oversize).kinds[0]);
}

static void test_steps(void)
{
	UNIT_EQUAL_DOUBLE(0.01, mcp39f511n_step_w(0x00130c12), 1e-15);
	UNIT_EQUAL_DOUBLE(0.00125, mcp39f511n_step_w(0x00100c12), 1e-15);
	UNIT_EQUAL_DOUBLE(0.02, mcp39f511n_step_w(0xff140000), 1e-15);
	UNIT_EQUAL_DOUBLE(NAN, mcp39f511n_step_w(0), 0);
	UNIT_EQUAL_DOUBLE(NAN, mcp39f511n_step_w(0x00ff0000), 0);
}

static void test_power(void)
{
	static const uint8_t full[] = { 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0 };
	static const uint8_t negative[] = { 0xfd, 0xff, 0xff, 0xff, 0xe8, 0x03, 0, 0 };
	static const double other_w[] = { 0.01, 0.00125 };

	UNIT_EQUAL_DOUBLE(NAN, mcp39f511n_power_w(full, steps_w, 1), 0);
	UNIT_EQUAL_DOUBLE(NAN, mcp39f511n_power_w(full, steps_w, 0), 0);
	UNIT_EQUAL_DOUBLE(0.01, mcp39f511n_power_w(full, steps_w, 2), 1e-12);
	UNIT_EQUAL_DOUBLE(-0.03, mcp39f511n_power_w(negative, steps_w, 1), 1e-12);
	UNIT_EQUAL_DOUBLE(9.97, mcp39f511n_power_w(negative, steps_w, 0), 1e-12);
	UNIT_EQUAL_DOUBLE(1.22, mcp39f511n_power_w(negative, other_w, 0), 1e-12);
}

static void test_window(void)
{
	UNIT_EQUAL_DOUBLE(0.32, mcp39f511n_window_s(4, 50000), 1e-12);
	UNIT_EQUAL_DOUBLE(2 / 59.976, mcp39f511n_window_s(1, 59976), 1e-12);
	UNIT_EQUAL_DOUBLE(NAN, mcp39f511n_window_s(0xffff, 50000), 0);
	UNIT_EQUAL_DOUBLE(NAN, mcp39f511n_window_s(4, 0), 0);
}

int main(void)
{
	return UNIT_RUN("meter-mcp39f511n", { "the request is the published one", test_request },
			{ "an answer gives watts of each outlet and both", test_answer },
			{ "an answer may come byte by byte", test_bytewise },
			{ "refusals are told", test_refusals },
			{ "any wrong bit is damage and gives no value", test_every_wrong_bit },
			{ "garbage before an answer is told once", test_garbage_before },
			{ "half an answer is forgotten by the next question", test_half },
			{ "an answer of another length is damage", test_other_length },
			{ "the range register sets the unit", test_steps },
			{ "a full register is over range, a negative one is not", test_power },
			{ "the window follows from the line's cycles", test_window });
}
