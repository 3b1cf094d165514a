/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames and sums as M. Baryluk's fnirsi-usb-power-data-logger publishes them. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "meter/fnb58-code.h"

/* Bit by bit, apart from the code under test. */
static uint8_t sum_of(const uint8_t *bytes, size_t length)
{
	unsigned rest = 0x42;

	for (size_t i = 0; i < length * 8; i++) {
		unsigned bit = bytes[i / 8] >> (7 - i % 8) & 1;

		rest = (rest << 1) ^ (bit ? 0x100u : 0);
		if (rest & 0x100)
			rest ^= 0x139;
	}
	return (uint8_t)rest;
}

static void put(uint8_t *bytes, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
}

/* Four samples of 12.00123 V; currents in steps of 10 uA. */
static void make_frame(uint8_t frame[FNB58_FRAME_BYTES], const uint32_t current[4])
{
	memset(frame, 0, FNB58_FRAME_BYTES);
	frame[0] = 0xaa;
	frame[1] = 0x04;
	for (unsigned i = 0; i < 4; i++) {
		put(frame + 2 + (size_t)i * 15, 1200123);
		put(frame + 6 + (size_t)i * 15, current[i]);
		frame[14 + i * 15] = 1;
	}
	frame[63] = sum_of(frame + 1, 62);
}

static const uint32_t rising[4] = { 100000, 110000, 120000, 130000 };

static void test_commands(void)
{
	static const struct {
		enum fnb58_command command;
		uint8_t sum;
	} published[] = { { FNB58_HELLO, 0x8e },
			  { FNB58_START, 0x96 },
			  { FNB58_KEEP_ALIVE, 0x9e } };
	uint8_t frame[FNB58_FRAME_BYTES];

	for (unsigned i = 0; i < 3; i++) {
		fnb58_command(published[i].command, frame);
		UNIT_EQUAL_U64(0xaa, frame[0]);
		UNIT_EQUAL_U64(published[i].command, frame[1]);
		for (unsigned k = 2; k < 63; k++)
			UNIT_EQUAL_U64(0, frame[k]);
		UNIT_EQUAL_U64(published[i].sum, frame[63]);
	}
}

static void test_samples(void)
{
	uint8_t frame[FNB58_FRAME_BYTES];
	double power_w[FNB58_SAMPLES];

	make_frame(frame, rising);
	UNIT_EQUAL_U64(FNB58_DATA, fnb58_decode(frame, sizeof frame, power_w));
	for (unsigned i = 0; i < 4; i++)
		UNIT_EQUAL_DOUBLE(12.00123 * (1 + 0.1 * i), power_w[i], 1e-12);
}

static void expect(enum fnb58_kind kind, const uint8_t *frame, size_t length)
{
	double power_w[FNB58_SAMPLES];

	UNIT_EQUAL_U64(kind, fnb58_decode(frame, length, power_w));
	for (unsigned i = 0; i < FNB58_SAMPLES; i++)
		UNIT_EQUAL_DOUBLE(NAN, power_w[i], 0);
}

static void test_every_wrong_bit(void)
{
	uint8_t frame[FNB58_FRAME_BYTES];

	make_frame(frame, rising);
	for (unsigned bit = 0; bit < FNB58_FRAME_BYTES * 8; bit++) {
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect(FNB58_DAMAGED, frame, sizeof frame);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_half(void)
{
	uint8_t frame[FNB58_FRAME_BYTES + 1] = { 0 };

	make_frame(frame, rising);
	for (size_t length = 0; length < FNB58_FRAME_BYTES; length++)
		expect(FNB58_DAMAGED, frame, length);
	expect(FNB58_DAMAGED, frame, FNB58_FRAME_BYTES + 1);
}

static void test_other(void)
{
	uint8_t frame[FNB58_FRAME_BYTES];

	make_frame(frame, rising);
	frame[1] = 0x03;
	frame[63] = sum_of(frame + 1, 62);
	expect(FNB58_OTHER, frame, sizeof frame);
}

static void test_overrange(void)
{
	static const uint32_t one_too_many[4] = { 100000, 100000, 100000, 1000001 };
	static const uint32_t beyond_all[4] = { UINT32_MAX, 0, 0, 0 };
	uint8_t frame[FNB58_FRAME_BYTES];

	make_frame(frame, one_too_many);
	expect(FNB58_OVERRANGE, frame, sizeof frame);
	make_frame(frame, beyond_all);
	expect(FNB58_OVERRANGE, frame, sizeof frame);
}

/* Ten samples make a mean, though they come by fours. */
static void test_mean(void)
{
	struct fnb58_mean mean = { 0 };
	double power_w[FNB58_SAMPLES], mean_w = NAN, next = 0;
	unsigned means = 0;

	for (unsigned frame = 0; frame < 25; frame++) {
		for (unsigned i = 0; i < FNB58_SAMPLES; i++)
			power_w[i] = next++;
		if (!fnb58_mean_add(&mean, power_w, &mean_w))
			continue;
		UNIT_EQUAL_DOUBLE(means * 10 + 4.5, mean_w, 1e-12);
		means++;
	}
	UNIT_EQUAL_U64(10, means);
	UNIT_EQUAL_U64(0, mean.count);
}

int main(void)
{
	return UNIT_RUN("meter-fnb58", { "commands have the published sums", test_commands },
			{ "a frame gives four samples", test_samples },
			{ "any wrong bit is damage and gives no value", test_every_wrong_bit },
			{ "half a frame, or more than one, is damage", test_half },
			{ "other frames are no measurement", test_other },
			{ "more than the meter can take is over range", test_overrange },
			{ "means are over ten samples", test_mean });
}
