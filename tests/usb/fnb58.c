/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FNIRSI FNB58, a USB-C tester: HID reports of 64 bytes. The maker publishes
 * nothing; after the findings of the fnirsi-usb-power-data-logger project (M. Baryluk):
 * requests aa 81, aa 82 and, to keep it talking, aa 83; reports aa 04 with four
 * samples of 15 bytes, 100 samples a second; the last byte is a CRC-8 (polynomial
 * 0x39, begin 0x42) of all but the first. Its requests end in 8e, 96, 9e.
 */
#include "tests/usb/model.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"

enum { ENDPOINT_IN = 0x83, ENDPOINT_OUT = 0x03, REPORT = 64 };
enum { BEGIN = 0xaa, ASK_ABOUT = 0x81, ASK_BEGIN = 0x82, KEEP_ALIVE = 0x83 };
enum { IS_SAMPLES = 0x04, IS_ABOUT = 0x03, SAMPLES = 4, SAMPLE_BYTES = 15 };
enum { BEHIND_MAX_FRAMES = 64, TALKS_ON_S = 10 };

static const double bus_v = 20; /* so that the square wave's currents are whole */

struct fnb58 {
	bool about;        /* to be told */
	uint64_t until_ns; /* CLOCK_MONOTONIC: silent after it; 0 = silent */
	uint64_t frame;    /* index of the next of four samples each */
};

static const uint8_t report[] = {
	0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75,
	0x08, 0x95, 0x40, 0x81, 0x02, 0x09, 0x03, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0,
};

static const uint8_t configuration[] = {
	9,  2,    41,   0,    1,  1,  0,    0x80,
	50, /* 100 mA */
	9,  4,    0,    0,    2,  3,  0,    0,
	0, /* HID */
	9,  0x21, 0x11, 1,    0,  1,  0x22, sizeof report,
	0,  7,    5,    0x83, 3,  64, 0,    1,
	7,  5,    0x03, 3,    64, 0,  1,
};

static uint8_t crc8(const uint8_t *bytes, size_t length)
{
	unsigned crc = 0x42;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 0x80 ? (crc << 1 ^ 0x39) & 0xff : crc << 1;
	}
	return (uint8_t)crc;
}

static int control(struct model *model, const struct model_setup *setup, uint8_t *data)
{
	enum { GET_IDLE = 0x02, SET_IDLE = 0x0a, SET_PROTOCOL = 0x0b };

	(void)model;
	if (setup->request == GET_IDLE) {
		data[0] = 0;
		return 1;
	}
	return setup->request == SET_IDLE || setup->request == SET_PROTOCOL ? 0 : -EPIPE;
}

static int out(struct model *model, uint8_t endpoint, const uint8_t *bytes, size_t length)
{
	static const struct power_view view = { SAMPLES * 0.01, 0, 1 };
	struct fnb58 *meter = model->state;

	if (endpoint != ENDPOINT_OUT || length != REPORT)
		return -EPIPE;
	if (bytes[0] != BEGIN || crc8(bytes + 1, REPORT - 2) != bytes[REPORT - 1])
		return (int)length;
	if (bytes[1] == ASK_ABOUT)
		meter->about = true;
	if (bytes[1] == ASK_BEGIN && !meter->until_ns && power_ready(model->power))
		meter->frame = power_index(model->power, &view);
	if (bytes[1] == ASK_BEGIN || (bytes[1] == KEEP_ALIVE && meter->until_ns))
		meter->until_ns = clock_now_ns() + TALKS_ON_S * 1000000000ull;
	return (int)length;
}

static void little_u32(uint8_t *bytes, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Volts and amperes in 1e-5, data lines in mV, a constant 1, temperature in 0.1 degrees. */
static void put_sample(struct model *model, uint8_t *sample, uint64_t index)
{
	static const struct power_view view = { 0.01, 0.01, 0.1 };
	double current_a = model_measure_w(model, &view, index) / bus_v;

	little_u32(sample, (uint32_t)lround(bus_v * 1e5));
	little_u32(sample + 4, (uint32_t)lround(current_a * 1e5));
	if (model_overrange(model))
		little_u32(sample + 4, UINT32_MAX);
	sample[12] = 1;
	sample[13] = 250;
}

static int tell(struct model *model, uint8_t *bytes, uint8_t kind)
{
	bytes[0] = BEGIN;
	bytes[1] = kind;
	bytes[REPORT - 1] = crc8(bytes + 1, REPORT - 2);
	return kind == IS_SAMPLES ? (int)model_spoil(model, bytes, REPORT, REPORT - 1) : REPORT;
}

static int in(struct model *model, uint8_t endpoint, uint8_t *bytes, size_t size)
{
	static const struct power_view view = { SAMPLES * 0.01, 0, 1 };
	struct fnb58 *meter = model->state;
	uint64_t now;

	if (endpoint != ENDPOINT_IN)
		return -EPIPE;
	if (size < REPORT)
		return -EOVERFLOW;
	memset(bytes, 0, REPORT);
	if (meter->about) {
		meter->about = false;
		return tell(model, bytes, IS_ABOUT);
	}
	if (clock_now_ns() >= meter->until_ns || !power_ready(model->power))
		return -EAGAIN;
	now = power_index(model->power, &view);
	if (now > meter->frame + BEHIND_MAX_FRAMES)
		meter->frame = now - 1;
	/* Frame k holds what was measured until its end, k + 1. */
	if (meter->frame >= now)
		return -EAGAIN;
	for (size_t i = 0; i < SAMPLES; i++)
		put_sample(model, bytes + 2 + SAMPLE_BYTES * i, meter->frame * SAMPLES + i + 1);
	meter->frame++;
	return tell(model, bytes, IS_SAMPLES);
}

const struct model_kind model_fnb58 = {
	.name = "fnb58",
	.vendor = 0x2e3c,
	.product = 0x5558,
	.version = 0x0200,
	.speed_mbps = 12,
	.maker_text = "FNIRSI",
	.product_text = "FNB-58",
	.serial = "0001A0000000",
	.configuration = configuration,
	.configuration_bytes = sizeof configuration,
	.kernel_drivers = { "usbhid" },
	.report = report,
	.report_bytes = sizeof report,
	.state_bytes = sizeof(struct fnb58),
	.control = control,
	.out = out,
	.in = in,
};
