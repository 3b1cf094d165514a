/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Yokogawa WT310E: SCPI in USBTMC messages. After the USB Test and Measurement
 * Class specification 1.0 (tables 1-9, 15-16) with its USB488 subclass, and the
 * WT300E series' communication interface manual, IM WT310E-17EN (chapters 4 to 6).
 */
#include "tests/usb/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/usb/scpi.h"

enum { ENDPOINT_IN = 0x81, ENDPOINT_OUT = 0x02 };
enum { HEADER = 12, MESSAGE_OUT = 1, MESSAGE_REQUEST_IN = 2, END_OF_MESSAGE = 1 };
enum { TEXT_BYTES = 512, ITEMS = 10, FUNCTION_BYTES = 8 };

/* Class requests, table 15; READ_STATUS_BYTE is of USB488. */
enum {
	INITIATE_ABORT_OUT = 1,
	CHECK_ABORT_OUT = 2,
	INITIATE_ABORT_IN = 3,
	CHECK_ABORT_IN = 4,
	INITIATE_CLEAR = 5,
	CHECK_CLEAR = 6,
	GET_CAPABILITIES = 7,
	READ_STATUS_BYTE = 128,
};
enum { STATUS_SUCCESS = 1, CAPABILITIES_BYTES = 24 };

static const double line_v = 230, range_a = 20, line_hz = 50;

struct wt310e {
	char command[TEXT_BYTES];
	size_t length;
	char reply[TEXT_BYTES];
	size_t reply_length;
	bool is_figure;   /* the reply is one that faults touch */
	uint8_t tag;      /* of the request for the reply; 0 = none */
	uint32_t allowed; /* bytes that the request allows */
	char items[ITEMS][FUNCTION_BYTES];
	unsigned item_count;
	double rate_s;
	bool header; /* :COMMunicate:HEADer: replies to queries of settings begin with it */
};

static const uint8_t configuration[] = {
	9, 2, 32,   0, 1, 1,    0, 0xc0, 1,                  /* powered by itself */
	9, 4, 0,    0, 2, 0xfe, 3, 1,    0,                  /* USBTMC, USB488 */
	7, 5, 0x81, 2, 0, 2,    0, 7,    5, 0x02, 2, 0, 2, 0 /* bulk, 512 bytes */
};

static void start(struct model *model)
{
	/* The items of "preset pattern 1", as after *RST. */
	static const char *const preset[ITEMS] = { "U",    "I",   "P",  "S",  "Q",
						   "LAMB", "PHI", "FU", "FI", "NONE" };
	struct wt310e *meter = model->state;

	for (unsigned i = 0; i < ITEMS; i++)
		snprintf(meter->items[i], FUNCTION_BYTES, "%s", preset[i]);
	meter->item_count = ITEMS;
	meter->rate_s = 0.25;
	meter->header = true;
}

static int control(struct model *model, const struct model_setup *setup, uint8_t *data)
{
	struct wt310e *meter = model->state;

	memset(data, 0, CAPABILITIES_BYTES);
	data[0] = STATUS_SUCCESS;
	switch (setup->request) {
	case INITIATE_ABORT_OUT:
	case INITIATE_ABORT_IN:
		meter->reply_length = meter->length = 0;
		data[1] = meter->tag;
		meter->tag = 0;
		return 2;
	case CHECK_ABORT_OUT:
	case CHECK_ABORT_IN:
		return 8;
	case INITIATE_CLEAR:
		meter->reply_length = meter->length = meter->tag = 0;
		return 1;
	case CHECK_CLEAR:
		return 2;
	case GET_CAPABILITIES:
		data[3] = 1;  /* bcdUSBTMC 1.00 */
		data[13] = 1; /* bcdUSB488 1.00 */
		data[15] = 4; /* takes all mandatory SCPI commands */
		return CAPABILITIES_BYTES;
	case READ_STATUS_BYTE:
		data[1] = (uint8_t)setup->value;
		return 3;
	default:
		return -EPIPE;
	}
}

/* NR3 with the exponent a multiple of three and five digits: "103.79E+00". */
static void figure(char *text, size_t size, double value)
{
	int exponent = value == 0 ? 0 : 3 * (int)floor(log10(fabs(value)) / 3);
	double mantissa = value / pow(10, exponent);
	int before = fabs(mantissa) >= 100 ? 3 : fabs(mantissa) >= 10 ? 2 : 1;

	snprintf(text, size, "%.*fE%+03d", 5 - before, mantissa, exponent);
}

/* One item of :VALue?. NAN: no such data; INF: over range or overflow. */
static void item_value(const char *function, double power_w, bool over, char *text, size_t size)
{
	double current_a = power_w / line_v;
	const struct {
		const char *function;
		double value;
	} values[] = {
		{ "P", power_w },  { "S", power_w },  { "U", line_v },    { "I", current_a },
		{ "Q", 0 },        { "LAMB", 1 },     { "LAMBDA", 1 },    { "PHI", 0 },
		{ "FU", line_hz }, { "FI", line_hz }, { "URMS", line_v }, { "IRMS", current_a },
	};

	snprintf(text, size, "NAN");
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (strcasecmp(function, values[i].function) == 0 && isfinite(power_w))
			figure(text, size, values[i].value);
	if (over && strchr("PSI", function[0]))
		snprintf(text, size, "INF");
}

static void values(struct model *model, const char *argument)
{
	struct wt310e *meter = model->state;
	struct power_view view = { meter->rate_s, meter->rate_s, 1 };
	bool over = model_overrange(model);
	unsigned only = (unsigned)strtoul(argument, NULL, 10), last = meter->item_count;
	double power_w = NAN;
	char text[24];

	if (power_ready(model->power))
		power_w = model_measure_w(model, &view, power_index(model->power, &view));
	over |= power_w > range_a * line_v;
	for (unsigned i = only ? only - 1 : 0; i < (only ? only : last) && i < ITEMS; i++) {
		item_value(meter->items[i], power_w, over, text, sizeof text);
		meter->reply_length += (size_t)snprintf(meter->reply + meter->reply_length,
							TEXT_BYTES - meter->reply_length, "%s%s",
							meter->reply_length ? "," : "", text);
	}
	meter->is_figure = true;
}

static void say(struct wt310e *meter, const char *header, const char *text)
{
	meter->reply_length += (size_t)snprintf(
		meter->reply + meter->reply_length, TEXT_BYTES - meter->reply_length, "%s%s%s",
		meter->header ? header : "", meter->header && *header ? " " : "", text);
}

static void identify(struct model *model, const char *argument, unsigned suffix)
{
	char text[96];

	(void)argument, (void)suffix;
	snprintf(text, sizeof text, "YOKOGAWA,WT310E-C1-D/C7,%s,F1.04", model->serial);
	say(model->state, "", text);
}

static void ask_values(struct model *model, const char *argument, unsigned suffix)
{
	(void)suffix;
	values(model, argument);
}

static void set_item(struct model *model, const char *argument, unsigned suffix)
{
	struct wt310e *meter = model->state;

	if (suffix < 1 || suffix > ITEMS)
		return;
	snprintf(meter->items[suffix - 1], FUNCTION_BYTES, "%.*s", (int)strcspn(argument, ", "),
		 argument);
}

static void set_count(struct model *model, const char *argument, unsigned suffix)
{
	struct wt310e *meter = model->state;
	unsigned count = (unsigned)strtoul(argument, NULL, 10);

	(void)suffix;
	if (count >= 1 && count <= ITEMS)
		meter->item_count = count;
}

static void ask_count(struct model *model, const char *argument, unsigned suffix)
{
	struct wt310e *meter = model->state;
	char text[16];

	(void)argument, (void)suffix;
	snprintf(text, sizeof text, "%u", meter->item_count);
	say(meter, ":NUMERIC:NORMAL:NUMBER", text);
}

static void set_header(struct model *model, const char *argument, unsigned suffix)
{
	struct wt310e *meter = model->state;

	(void)suffix;
	meter->header = strncasecmp(argument, "ON", 2) == 0 || *argument == '1';
}

/* Seconds, or milliseconds as "100MS"; the meter's rates are 0.1 to 20 s. */
static void set_rate(struct model *model, const char *argument, unsigned suffix)
{
	struct wt310e *meter = model->state;
	char *end;
	double rate_s = strtod(argument, &end);

	(void)suffix;
	if (strncasecmp(end, "ms", 2) == 0)
		rate_s /= 1000;
	if (rate_s >= 0.1 && rate_s <= 20)
		meter->rate_s = rate_s;
}

static void ask_rate(struct model *model, const char *argument, unsigned suffix)
{
	struct wt310e *meter = model->state;
	char text[24];

	(void)argument, (void)suffix;
	figure(text, sizeof text, meter->rate_s);
	say(meter, ":RATE", text);
}

static void reset(struct model *model, const char *argument, unsigned suffix)
{
	(void)argument, (void)suffix;
	start(model);
}

static void ask_done(struct model *model, const char *argument, unsigned suffix)
{
	(void)argument, (void)suffix;
	say(model->state, "", "1");
}

static void ask_error(struct model *model, const char *argument, unsigned suffix)
{
	(void)argument, (void)suffix;
	say(model->state, "", "0,\"No error\"");
}

static const struct {
	const char *pattern;
	void (*run)(struct model *model, const char *argument, unsigned suffix);
} commands[] = {
	{ "*IDN?", identify },
	{ "*RST", reset },
	{ "*OPC?", ask_done },
	{ ":STATus:ERRor?", ask_error },
	{ ":COMMunicate:HEADer", set_header },
	{ ":NUMeric[:NORMal]:VALue?", ask_values },
	{ ":NUMeric[:NORMal]:ITEM#", set_item },
	{ ":NUMeric[:NORMal]:NUMber", set_count },
	{ ":NUMeric[:NORMal]:NUMber?", ask_count },
	{ ":RATE", set_rate },
	{ ":RATE?", ask_rate },
};

/* A program message: commands between semicolons, each with its whole path. What the table
 * lacks is taken without a word, as settings that change nothing here. */
static void message(struct model *model)
{
	struct wt310e *meter = model->state;
	char *rest = meter->command, *unit;

	meter->command[strcspn(meter->command, "\r\n")] = '\0';
	meter->reply_length = 0;
	meter->is_figure = false;
	while ((unit = strsep(&rest, ";")) != NULL) {
		unsigned suffix = 1;

		unit += strspn(unit, " ");
		for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
			const char *argument = scpi_match(commands[i].pattern, unit, &suffix);

			if (argument)
				commands[i].run(model, argument, suffix);
		}
	}
	if (meter->reply_length && meter->reply_length + 1 < TEXT_BYTES)
		meter->reply[meter->reply_length++] = '\n';
}

static uint32_t little_u32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static int out(struct model *model, uint8_t endpoint, const uint8_t *bytes, size_t length)
{
	struct wt310e *meter = model->state;
	uint32_t size;

	if (endpoint != ENDPOINT_OUT || length < HEADER || bytes[1] == 0 ||
	    (bytes[1] ^ bytes[2]) != 0xff)
		return -EPIPE;
	size = little_u32(bytes + 4);
	if (bytes[0] == MESSAGE_REQUEST_IN) {
		meter->tag = bytes[1];
		meter->allowed = size;
		return (int)length;
	}
	if (bytes[0] != MESSAGE_OUT || size > length - HEADER ||
	    size >= sizeof meter->command - meter->length)
		return -EPIPE;
	memcpy(meter->command + meter->length, bytes + HEADER, size);
	meter->length += size;
	meter->command[meter->length] = '\0';
	if (bytes[8] & END_OF_MESSAGE) {
		message(model);
		meter->length = 0;
	}
	return (int)length;
}

static int in(struct model *model, uint8_t endpoint, uint8_t *bytes, size_t size)
{
	struct wt310e *meter = model->state;
	size_t length = meter->reply_length, padded;
	bool whole;

	if (endpoint != ENDPOINT_IN || size < HEADER)
		return -EPIPE;
	if (!meter->tag || !length)
		return -EAGAIN;
	if (length > meter->allowed)
		length = meter->allowed;
	if (length > size - HEADER)
		length = size - HEADER;
	whole = length == meter->reply_length;
	memset(bytes, 0, HEADER);
	bytes[0] = MESSAGE_REQUEST_IN;
	bytes[1] = meter->tag;
	bytes[2] = (uint8_t)~meter->tag;
	bytes[4] = (uint8_t)length;
	bytes[5] = (uint8_t)(length >> 8);
	bytes[8] = whole ? END_OF_MESSAGE : 0;
	memcpy(bytes + HEADER, meter->reply, length);
	meter->reply_length -= length;
	memmove(meter->reply, meter->reply + length, meter->reply_length);
	meter->tag = 0;
	/* Device to host alignment to 4 bytes is allowed, not asked for. */
	padded = HEADER + length;
	/* A wrong "sum": the inverse of the tag. */
	return (int)(meter->is_figure ? model_spoil(model, bytes, padded, 2) : padded);
}

const struct model_kind model_wt310e = {
	.name = "wt310e",
	.vendor = 0x0b21,
	.product = 0x0025,
	.version = 0x0100,
	.speed_mbps = 480,
	.maker_text = "Yokogawa Electric Corporation",
	.product_text = "WT310E",
	.serial = "C2TA00001E",
	.configuration = configuration,
	.configuration_bytes = sizeof configuration,
	.kernel_drivers = { "usbtmc" },
	.state_bytes = sizeof(struct wt310e),
	.start = start,
	.control = control,
	.out = out,
	.in = in,
};
