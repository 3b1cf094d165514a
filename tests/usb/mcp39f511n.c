/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Microchip MCP39F511N on its demonstration board ADM00706: two channels of a power
 * strip, register access in frames with a sum, over the CDC-ACM port of an MCP2221.
 * After the data sheets DS20005473B (4.2 frames, 5 instructions, 6 registers) and
 * DS20005292 (the MCP2221's descriptors), and USB CDC PSTN 1.2.
 */
#include "tests/usb/model.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { ENDPOINT_NOTIFY = 0x81, ENDPOINT_IN = 0x82, ENDPOINT_OUT = 0x02 };
enum { FRAME_BEGIN = 0xa5, ACK = 0x06, NAK = 0x15, BAD_SUM = 0x51, FRAME_MAX = 35 };
enum { SET_ADDRESS = 0x41, REGISTER_WRITE = 0x4d, REGISTER_READ = 0x4e, SAVE = 0x53 };
enum { SET_LINE_CODING = 0x20, GET_LINE_CODING = 0x21, SET_CONTROL_LINES = 0x22 };
enum { REGISTER_BYTES = 0x100, LINE_CODING_BYTES = 7 };

/* Section 6: little end first. */
enum {
	SYSTEM_STATUS = 0x02,
	SYSTEM_VERSION = 0x04,
	VOLTAGE_RMS = 0x06,    /* u16, 0.1 V */
	LINE_FREQUENCY = 0x08, /* u16, mHz */
	POWER_FACTOR_1 = 0x0a, /* s16, 1 / 32768 */
	CURRENT_RMS_1 = 0x0e,  /* u32, 0.1 mA */
	ACTIVE_POWER_1 = 0x16, /* s32, 10 mW with the factory's range */
	ACTIVE_POWER_2 = 0x1a,
	ENERGY_1 = 0x2e,     /* the first of the accumulators behind the output registers */
	ACCUMULATION = 0xa8, /* u16 N: figures are means over 2^N line cycles */
	RANGE_1 = 0xae,      /* bytes: shifts of voltage, current, power */
	RANGE_2 = 0xbe,
};
enum { FACTORY_ACCUMULATION = 4, RANGE_VOLTAGE = 18, RANGE_CURRENT = 12, RANGE_POWER = 19 };
enum { OUTPUT_END = ENERGY_1, EVENT_OVERPOWER_1 = 1 << 4 };

static const double line_v = 230, line_hz = 50;

struct mcp39f511n {
	uint8_t line_coding[LINE_CODING_BYTES];
	uint8_t registers[REGISTER_BYTES];
	unsigned address;
	uint8_t frame[FRAME_MAX];
	size_t length;
	struct model_queue queue;
};

/* 115200 baud, 1 stop bit, no parity, 8 bits: what the chip speaks. */
static const uint8_t spoken[LINE_CODING_BYTES] = { 0x00, 0xc2, 0x01, 0x00, 0, 0, 8 };

static const uint8_t configuration[] = {
	9, 2,    107,  0,    3,  1,  0,    0x80, 50, /* 100 mA */
	8, 11,   0,    2,    2,  2,  1,    0,        /* interfaces 0 and 1 belong together */
	9, 4,    0,    0,    1,  2,  2,    1,    0,  /* CDC, abstract control model */
	5, 0x24, 0,    0x10, 1,                      /* header, CDC 1.10 */
	4, 0x24, 2,    2,                            /* ACM: line coding and state */
	5, 0x24, 6,    0,    1,                      /* union */
	5, 0x24, 1,    0,    1,                      /* call management */
	7, 5,    0x81, 3,    8,  0,  2,              /* interrupt in */
	9, 4,    1,    0,    2,  10, 0,    0,    0,  /* CDC data */
	7, 5,    0x02, 2,    16, 0,  0,              /* bulk out */
	7, 5,    0x82, 2,    16, 0,  0,              /* bulk in */
	9, 4,    2,    0,    2,  3,  0,    0,    0,  /* HID: the MCP2221's pins and I2C */
	9, 0x21, 0x11, 1,    0,  1,  0x22, 28,   0,  7, 5, 0x83, 3, 64, 0, 1, /* interrupt in */
	7, 5,    0x03, 3,    64, 0,  1,                                       /* interrupt out */
};

static void put(struct mcp39f511n *meter, unsigned address, unsigned bytes, int64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		meter->registers[address + i] = (uint8_t)((uint64_t)value >> 8 * i);
}

static void start(struct model *model)
{
	struct mcp39f511n *meter = model->state;

	memcpy(meter->line_coding, spoken, sizeof spoken);
	put(meter, SYSTEM_VERSION, 2, 0x0221);
	put(meter, ACCUMULATION, 2, FACTORY_ACCUMULATION);
	put(meter, RANGE_1, 4, RANGE_VOLTAGE | RANGE_CURRENT << 8 | RANGE_POWER << 16);
	put(meter, RANGE_2, 4, RANGE_CURRENT << 8 | RANGE_POWER << 16);
}

static int control(struct model *model, const struct model_setup *setup, uint8_t *data)
{
	struct mcp39f511n *meter = model->state;

	switch (setup->request) {
	case SET_LINE_CODING:
		if (setup->length != LINE_CODING_BYTES)
			return -EPIPE;
		memcpy(meter->line_coding, data, LINE_CODING_BYTES);
		return LINE_CODING_BYTES;
	case GET_LINE_CODING:
		memcpy(data, meter->line_coding, LINE_CODING_BYTES);
		return LINE_CODING_BYTES;
	case SET_CONTROL_LINES:
		return 0;
	default:
		return -EPIPE;
	}
}

/* All of the load is on channel 1. False: nothing was measured yet. */
static bool measure(struct model *model)
{
	struct mcp39f511n *meter = model->state;
	double cycles = exp2(meter->registers[ACCUMULATION]);
	struct power_view view = { cycles / line_hz, cycles / line_hz, 1 };
	double power_w, per_watt;

	if (!power_ready(model->power))
		return false;
	power_w = model_measure_w(model, &view, power_index(model->power, &view));
	/* A range is a right shift: one more, and a watt counts half as much. 10 mW a step with
	 * 19, 1.25 mW with 16: as the Green Metrics Tool measured with this board. */
	per_watt = 100 * exp2(RANGE_POWER - (double)meter->registers[RANGE_1 + 2]);
	put(meter, SYSTEM_STATUS, 2, 0);
	put(meter, VOLTAGE_RMS, 2, lround(line_v * 10));
	put(meter, LINE_FREQUENCY, 2, lround(line_hz * 1000));
	put(meter, POWER_FACTOR_1, 2, INT16_MAX);
	put(meter, CURRENT_RMS_1, 4, lround(power_w / line_v * 1e4));
	put(meter, ACTIVE_POWER_1, 4, lround(power_w * per_watt));
	put(meter, ACTIVE_POWER_2, 4, 0);
	if (model_overrange(model)) {
		put(meter, SYSTEM_STATUS, 2, EVENT_OVERPOWER_1);
		put(meter, ACTIVE_POWER_1, 4, INT32_MAX);
	}
	return true;
}

static void answer_byte(struct mcp39f511n *meter, uint8_t byte)
{
	queue_put(&meter->queue, &byte, 1);
}

/* ACK, length of all, data, sum of all before it. */
static void answer_registers(struct model *model, unsigned count)
{
	struct mcp39f511n *meter = model->state;
	uint8_t reply[FRAME_MAX] = { ACK, (uint8_t)(count + 3) };
	size_t length = count + 3;
	bool outputs = meter->address < OUTPUT_END && meter->address > SYSTEM_VERSION;

	if (outputs && !measure(model)) {
		answer_byte(meter, NAK);
		return;
	}
	memcpy(reply + 2, meter->registers + meter->address, count);
	for (unsigned i = 0; i < count + 2; i++)
		reply[count + 2] = (uint8_t)(reply[count + 2] + reply[i]);
	if (outputs)
		length = model_spoil(model, reply, length, length - 1);
	queue_put(&meter->queue, reply, length);
}

/* The instructions of a frame, one after the other. */
static void run(struct model *model, const uint8_t *bytes, size_t length)
{
	struct mcp39f511n *meter = model->state;

	for (size_t i = 0; i < length;) {
		size_t left = length - i, count = left >= 2 ? bytes[i + 1] : 0;

		if (bytes[i] == SET_ADDRESS && left >= 3) {
			meter->address = (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
			i += 3;
		} else if (bytes[i] == REGISTER_READ && left == 2 && count <= FRAME_MAX - 3 &&
			   meter->address + count <= REGISTER_BYTES) {
			answer_registers(model, (unsigned)count);
			return;
		} else if (bytes[i] == REGISTER_WRITE && left >= 2 + count &&
			   meter->address + count <= REGISTER_BYTES) {
			memcpy(meter->registers + meter->address, bytes + i + 2, count);
			i += 2 + count;
		} else if (bytes[i] == SAVE) {
			i += 2;
		} else {
			answer_byte(meter, NAK);
			return;
		}
	}
	answer_byte(meter, ACK);
}

/* A frame: 0xa5, length of all, instructions, sum of all before it. */
static void take_byte(struct model *model, uint8_t byte)
{
	struct mcp39f511n *meter = model->state;
	uint8_t *frame = meter->frame, sum = 0;

	if (meter->length == 0 && byte != FRAME_BEGIN)
		return;
	frame[meter->length++] = byte;
	if (meter->length < 2)
		return;
	if (frame[1] < 4 || frame[1] > FRAME_MAX) {
		answer_byte(meter, NAK);
		meter->length = 0;
	} else if (meter->length == frame[1]) {
		meter->length = 0;
		for (unsigned i = 0; i + 1u < frame[1]; i++)
			sum = (uint8_t)(sum + frame[i]);
		if (sum == frame[frame[1] - 1])
			run(model, frame + 2, frame[1] - 3u);
		else
			answer_byte(meter, BAD_SUM);
	}
}

static int out(struct model *model, uint8_t endpoint, const uint8_t *bytes, size_t length)
{
	struct mcp39f511n *meter = model->state;

	if (endpoint != ENDPOINT_OUT)
		return -EPIPE;
	/* At another speed the chip understands nothing. */
	for (size_t i = 0; memcmp(meter->line_coding, spoken, sizeof spoken) == 0 && i < length;
	     i++)
		take_byte(model, bytes[i]);
	return (int)length;
}

static int in(struct model *model, uint8_t endpoint, uint8_t *bytes, size_t size)
{
	struct mcp39f511n *meter = model->state;

	if (endpoint == ENDPOINT_NOTIFY)
		return -EAGAIN;
	if (endpoint != ENDPOINT_IN)
		return -EPIPE;
	return meter->queue.count ? (int)queue_take(&meter->queue, bytes, size) : -EAGAIN;
}

const struct model_kind model_mcp39f511n = {
	.name = "mcp39f511n",
	.vendor = 0x04d8,
	.product = 0x00dd,
	.version = 0x0100,
	.device_class = { 0xef, 2, 1 }, /* with interface association */
	.speed_mbps = 12,
	.maker_text = "Microchip Technology Inc.",
	.product_text = "MCP2221 USB-I2C/UART Combo",
	.serial = "0000980371",
	.configuration = configuration,
	.configuration_bytes = sizeof configuration,
	.kernel_drivers = { "cdc_acm", "cdc_acm", "usbhid" },
	.state_bytes = sizeof(struct mcp39f511n),
	.start = start,
	.control = control,
	.out = out,
	.in = in,
};
