/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watts up? Pro: a serial line behind an FT232 that speaks in packets of text.
 * After "Watts up? Serial Communications Protocol", 2009-08-24: "#COMMAND,SUB,
 * COUNT,ARGUMENTS;", and the FT232's vendor requests as FTDI's AN232B-04 ("data
 * throughput, latency") describes them.
 */
#include "tests/usb/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { ENDPOINT_IN = 0x81, ENDPOINT_OUT = 0x02, PACKET = 64, STATUS = 2 };
enum { CANCEL = 0x18, LATENCY_DEFAULT_MS = 16, BEHIND_MAX = 32 };

/* bmRequestType 0x40 out, 0xc0 in */
enum {
	SIO_RESET = 0,
	SIO_GET_MODEM_STATUS = 5,
	SIO_SET_LATENCY = 9,
	SIO_GET_LATENCY = 10,
	SIO_READ_EEPROM = 0x90,
};
enum { RESET_ALL = 0, PURGE_RX = 1, PURGE_TX = 2 };

static const struct power_view view = { .interval_s = 1, .window_s = 1, .square_scale = 1 };
static const double line_v = 120.1, power_factor = 0.98, range_a = 15;

struct wattsup {
	char command[128];
	size_t length;
	struct model_queue queue; /* to the host */
	bool external;            /* logging to the host */
	unsigned every;           /* seconds between records */
	uint64_t last;            /* index of the last record */
	double energy_wh;
	unsigned latency_ms;
	uint64_t packet_ns; /* when the last packet went to the host */
};

static const uint8_t configuration[] = {
	9, 2, 32,   0, 1,  1,    0,    0xa0, 45, /* 90 mA */
	9, 4, 0,    0, 2,  0xff, 0xff, 0xff, 2,  /* vendor's own */
	7, 5, 0x81, 2, 64, 0,    0,              /* bulk in */
	7, 5, 0x02, 2, 64, 0,    0,              /* bulk out */
};

static void start(struct model *model)
{
	struct wattsup *meter = model->state;

	meter->latency_ms = LATENCY_DEFAULT_MS;
	meter->every = 1;
}

static int control(struct model *model, const struct model_setup *setup, uint8_t *data)
{
	struct wattsup *meter = model->state;

	switch (setup->request) {
	case SIO_RESET:
		if (setup->value != PURGE_TX)
			meter->queue.count = 0;
		if (setup->value != PURGE_RX)
			meter->length = 0;
		return 0;
	case SIO_SET_LATENCY:
		meter->latency_ms = setup->value & 0xff;
		return 0;
	case SIO_GET_LATENCY:
		data[0] = (uint8_t)meter->latency_ms;
		return 1;
	case SIO_GET_MODEM_STATUS:
		data[0] = 0x01;
		data[1] = 0x60;
		return 2;
	case SIO_READ_EEPROM: /* erased */
		data[0] = data[1] = 0xff;
		return 2;
	default: /* baud rate, line, handshake, modem lines: any */
		return setup->type & 0x80 ? -EPIPE : 0;
	}
}

static void say(struct wattsup *meter, const char *text)
{
	queue_put(&meter->queue, text, strlen(text));
}

/* "#L,W,3,E,RESERVED,INTERVAL;" logs to the host ("E", external); any other mode ends that. */
static void log_command(struct model *model)
{
	static const char external[] = "#L,W,3,E,";
	struct wattsup *meter = model->state;
	unsigned long every = strtoul(strrchr(meter->command, ',') + 1, NULL, 10);

	meter->external = strncmp(meter->command, external, strlen(external)) == 0;
	meter->every = every ? (unsigned)every : 1;
	if (meter->external && power_ready(model->power))
		meter->last = power_index(model->power, &view);
}

static void command(struct model *model)
{
	static const char header[] = "#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,"
				     "Vmin,Amin,PF,DC,PC,Hz,VA;\r\n";
	struct wattsup *meter = model->state;

	if (strncmp(meter->command, "#L,W,", 5) == 0)
		log_command(model);
	else if (strncmp(meter->command, "#H,R", 4) == 0)
		say(meter, header);
	else if (strncmp(meter->command, "#V,R", 4) == 0)
		say(meter, "#v,-,8,1,65206,5,2,3,14,200612211910,0;\r\n");
	else if (strncmp(meter->command, "#R,W", 4) == 0)
		meter->energy_wh = 0;
}

static int out(struct model *model, uint8_t endpoint, const uint8_t *bytes, size_t length)
{
	struct wattsup *meter = model->state;

	if (endpoint != ENDPOINT_OUT)
		return -EPIPE;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '#' || bytes[i] == CANCEL)
			meter->length = 0;
		if (bytes[i] == CANCEL || meter->length + 1 >= sizeof meter->command)
			continue;
		meter->command[meter->length++] = (char)bytes[i];
		if (bytes[i] != ';')
			continue;
		meter->command[meter->length] = '\0';
		command(model);
		meter->length = 0;
	}
	return (int)length;
}

/* "_" stands where a quantity is not logged. W and V in tenths, A in thousandths. */
static void record(struct model *model, uint64_t index)
{
	struct wattsup *meter = model->state;
	char line[160];
	double power_w = model_measure_w(model, &view, index);
	double current_a;
	int length;

	if (model_overrange(model))
		power_w = 1.4 * range_a * line_v;
	current_a = power_w / line_v / power_factor;
	meter->energy_wh += power_w * view.interval_s * meter->every / 3600;
	length = snprintf(line, sizeof line,
			  "#d,-,18,%ld,%ld,%ld,%ld,_,_,_,_,_,_,_,_,_,%ld,100,0,600,%ld;\r\n",
			  lround(power_w * 10), lround(line_v * 10), lround(current_a * 1000),
			  lround(meter->energy_wh * 10), lround(power_factor * 100),
			  lround(line_v * current_a * 10));
	/* There is no sum: a wrong bit shows in the first digit of the watts. */
	queue_put(&meter->queue, line,
		  model_spoil(model, (uint8_t *)line, (size_t)length, strlen("#d,-,18,")));
}

static void records(struct model *model)
{
	struct wattsup *meter = model->state;
	uint64_t now;

	if (!meter->external || !power_ready(model->power))
		return;
	now = power_index(model->power, &view);
	if (now > meter->last + (uint64_t)BEHIND_MAX * meter->every)
		meter->last = now - meter->every;
	while (meter->last + meter->every <= now)
		record(model, meter->last += meter->every);
}

/*
 * Each packet begins with two bytes of line status. One goes out when it is full or
 * the latency timer ends, with data or without. The timer is model time, as
 * everything of the meter; a millisecond at least.
 */
static int in(struct model *model, uint8_t endpoint, uint8_t *bytes, size_t size)
{
	struct wattsup *meter = model->state;
	uint64_t now_ns = clock_now_ns(), latency_ns = meter->latency_ms * 1000000ull;
	size_t length = 0, data;

	if (endpoint != ENDPOINT_IN || size < STATUS)
		return -EPIPE;
	records(model);
	if (power_ready(model->power))
		latency_ns = (uint64_t)fmax((double)latency_ns / power_speed(model->power), 1e6);
	if (meter->queue.count < PACKET - STATUS && now_ns < meter->packet_ns + latency_ns)
		return -EAGAIN;
	meter->packet_ns = now_ns;
	do {
		size_t room = size - length < PACKET ? size - length : PACKET;

		if (room < STATUS)
			break;
		bytes[length] = 0x01;
		bytes[length + 1] = 0x60;
		data = queue_take(&meter->queue, bytes + length + STATUS, room - STATUS);
		length += STATUS + data;
	} while (data == PACKET - STATUS && meter->queue.count >= PACKET - STATUS);
	return (int)length;
}

const struct model_kind model_wattsup = {
	.name = "wattsup",
	.vendor = 0x0403,
	.product = 0x6001,
	.version = 0x0600,
	.speed_mbps = 12,
	.maker_text = "FTDI",
	.product_text = "FT232R USB UART",
	.serial = "A5015A7F",
	.configuration = configuration,
	.configuration_bytes = sizeof configuration,
	.kernel_drivers = { "ftdi_sio" },
	.state_bytes = sizeof(struct wattsup),
	.start = start,
	.control = control,
	.out = out,
	.in = in,
};
