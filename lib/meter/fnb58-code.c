/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/fnb58-code.h"

#include <math.h>
#include <string.h>

enum { HEAD = 0xaa, KIND_DATA = 0x04, SAMPLE_BYTES = 15, FIRST_SAMPLE = 2 };
#define UNIT 1e-5
/* The maker's limits are 28 V and 7 A. */
#define VOLTAGE_MAX 32.0
#define CURRENT_MAX 10.0

static uint8_t checksum(const uint8_t frame[FNB58_FRAME_BYTES])
{
	uint8_t crc = 0x42;

	for (unsigned i = 1; i < FNB58_FRAME_BYTES - 1; i++) {
		crc ^= frame[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint8_t)((crc << 1) ^ (crc & 0x80 ? 0x39 : 0));
	}
	return crc;
}

void fnb58_command(enum fnb58_command command, uint8_t frame[FNB58_FRAME_BYTES])
{
	memset(frame, 0, FNB58_FRAME_BYTES);
	frame[0] = HEAD;
	frame[1] = (uint8_t)command;
	frame[FNB58_FRAME_BYTES - 1] = checksum(frame);
}

static double little_endian(const uint8_t bytes[4])
{
	return (double)(bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
			(uint32_t)bytes[3] << 24);
}

enum fnb58_kind fnb58_decode(const uint8_t *bytes, size_t length, double power_w[FNB58_SAMPLES])
{
	enum fnb58_kind kind = FNB58_DATA;

	for (unsigned i = 0; i < FNB58_SAMPLES; i++)
		power_w[i] = NAN;
	if (length != FNB58_FRAME_BYTES || bytes[0] != HEAD ||
	    checksum(bytes) != bytes[FNB58_FRAME_BYTES - 1])
		return FNB58_DAMAGED;
	if (bytes[1] != KIND_DATA)
		return FNB58_OTHER;
	for (unsigned i = 0; i < FNB58_SAMPLES; i++) {
		const uint8_t *sample = bytes + FIRST_SAMPLE + (size_t)i * SAMPLE_BYTES;
		double voltage_v = little_endian(sample) * UNIT;
		double current_a = little_endian(sample + 4) * UNIT;

		power_w[i] = voltage_v * current_a;
		if (voltage_v > VOLTAGE_MAX || current_a > CURRENT_MAX)
			kind = FNB58_OVERRANGE;
	}
	for (unsigned i = 0; i < FNB58_SAMPLES && kind != FNB58_DATA; i++)
		power_w[i] = NAN;
	return kind;
}

bool fnb58_mean_add(struct fnb58_mean *mean, const double power_w[FNB58_SAMPLES], double *mean_w)
{
	bool complete = false;

	for (unsigned i = 0; i < FNB58_SAMPLES; i++) {
		mean->sum_w += power_w[i];
		if (++mean->count < FNB58_WINDOW_SAMPLES)
			continue;
		*mean_w = mean->sum_w / FNB58_WINDOW_SAMPLES;
		*mean = (struct fnb58_mean){ 0 };
		complete = true;
	}
	return complete;
}
