/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mcp39f511n.c - Microchip's ADM00706 board: two outlets, each measured, behind an MCP2221
 * chip (CDC-ACM at 115200 baud). SERIAL/1 and SERIAL/2 choose an outlet; without that
 * both are summed, which is what a server with two power supplies takes.
 *
 * As with any serial chip something else may be behind an MCP2221: "auto" leaves it
 * alone, and one that does not answer in the protocol is refused. Nothing is written to
 * the meter's registers.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/cdc.h"
#include "meter/mcp39f511n-code.h"
#include "meter/pace.h"
#include "meter/usb.h"

#define MILLISECOND_NS UINT64_C(1000000)
#define ANSWER_NS (300 * MILLISECOND_NS)
#define PATIENCE_NS (2500 * MILLISECOND_NS)
#define INTERVAL_MIN_S 0.1
#define OUTLET_W 3600.0       /* 15 A at 240 V: no less than its sockets carry */
#define FACTORY_WINDOW_S 0.32 /* N = 4 at 50 Hz */
#define FACTORY_RANGE 0x130000
enum { BAUD = 115200, ATTEMPTS = 2, SILENT_MAX = 4, PACKET_MAX = 64, POWER_BYTES = 8 };

struct mcp39f511n {
	struct usb_link *link;
	unsigned channel; /* 0 = both */
	double step_w[MCP39F511N_CHANNELS];
	struct meter_pace pace;
	uint64_t asked_ns;
	bool is_asked;
	unsigned silent; /* answers in a row that did not come */
	struct mcp39f511n_parser parser;
	uint8_t bytes[PACKET_MAX];
	size_t at, length;
};

static void describe(struct meter_about *about, const struct usb_about *usb)
{
	(void)usb;
	snprintf(about->model, sizeof about->model,
		 "an MCP2221 chip, perhaps an ADM00706 (MCP39F511N)");
	snprintf(about->missing, sizeof about->missing,
		 "not asked, as other devices have this chip too: "
		 "name it to have it asked, -m %.100s",
		 about->address);
	snprintf(about->measures, sizeof about->measures, "wall, AC, both outlets");
	snprintf(about->worth, sizeof about->worth,
		 "the whole machine at the wall, means over 0.3 s in steps of 0.01 W");
	about->scope = SCOPE_WALL;
	about->has_scope = true;
	about->range_w = 2 * OUTLET_W;
	about->resolution_w = 0.01;
	about->accuracy_percent = 0.5;
	about->interval_s = FACTORY_WINDOW_S;
	about->window_s = FACTORY_WINDOW_S;
}

static const struct usb_id ids[] = { { 0x04d8, 0x00dd }, { 0, 0 } };
static const struct usb_kind kind = {
	.ids = ids,
	.class = CDC_CLASS_DATA,
	.control_class = CDC_CLASS_CONTROL,
	.describe = describe,
};

static int list(const struct meter_place *place, struct meter_list *found)
{
	(void)place;
	return usb_list(&meter_mcp39f511n, &kind, found);
}

/* --- one question --------------------------------------------------------------- */

static int ask(struct mcp39f511n *meter, enum mcp39f511n_register address, uint8_t count,
	       struct error *error)
{
	uint8_t request[MCP39F511N_REQUEST_BYTES];

	mcp39f511n_request(address, count, request);
	mcp39f511n_expect(&meter->parser, count);
	meter->at = meter->length = 0;
	meter->asked_ns = clock_now_ns();
	return usb_write(meter->link, request, sizeof request, meter->asked_ns + ANSWER_NS, error);
}

/* 0, with *kind NONE where nothing came before the deadline; or -errno. */
static int listen(struct mcp39f511n *meter, uint64_t deadline_ns, enum mcp39f511n_kind *what,
		  struct error *error)
{
	for (;;) {
		int result;

		meter->at += mcp39f511n_feed(&meter->parser, meter->bytes + meter->at,
					     meter->length - meter->at, what);
		if (*what != MCP39F511N_NONE)
			return 0;
		result = usb_read(meter->link, meter->bytes, sizeof meter->bytes, deadline_ns,
				  error);
		meter->at = meter->length = 0;
		if (result < 0)
			return result;
		meter->length = (size_t)result;
		if (result == 0 && clock_now_ns() >= deadline_ns)
			return 0;
	}
}

/* Read a register, of which up to 4 bytes are wanted: 1; 0 = the chip refuses or says nothing;
 * -errno. */
static int read_register(struct mcp39f511n *meter, enum mcp39f511n_register address, uint8_t count,
			 uint32_t *value, struct error *error)
{
	enum mcp39f511n_kind what = MCP39F511N_NONE;

	for (unsigned i = 0; i < ATTEMPTS; i++) {
		int result = ask(meter, address, count, error);

		if (!result)
			result = listen(meter, meter->asked_ns + ANSWER_NS, &what, error);
		/* A late answer must not be taken for that of the next register. */
		if (!result && what != MCP39F511N_DATA)
			result = usb_drain(meter->link, error);
		if (result)
			return result;
		if (what == MCP39F511N_DATA) {
			*value = mcp39f511n_number(mcp39f511n_data(&meter->parser),
						   count < 4 ? count : 4);
			return 1;
		}
	}
	return 0;
}

/* --- opening ---------------------------------------------------------------------- */

static int learn_steps(struct mcp39f511n *meter, struct meter_about *about, struct error *error)
{
	static const enum mcp39f511n_register ranges[] = { MCP39F511N_RANGE_1, MCP39F511N_RANGE_2 };

	for (unsigned i = 0; i < MCP39F511N_CHANNELS; i++) {
		uint32_t range = FACTORY_RANGE;
		int result = read_register(meter, ranges[i], 4, &range, error);

		if (result < 0)
			return result;
		meter->step_w[i] = mcp39f511n_step_w(range);
		if (isnan(meter->step_w[i]))
			return error_setf(error, EPROTO,
					  "%s: its range register %u holds 0x%08x, which makes no "
					  "known unit of power",
					  about->address, i + 1, (unsigned)range);
	}
	about->resolution_w = meter->step_w[meter->channel == 2 ? 1 : 0];
	return 0;
}

static int learn_window(struct mcp39f511n *meter, struct meter_about *about, struct error *error)
{
	uint32_t accumulation = 0, line_mhz = 0;
	int result = read_register(meter, MCP39F511N_ACCUMULATION, 2, &accumulation, error);
	double window_s;

	if (result > 0)
		result = read_register(meter, MCP39F511N_LINE_FREQUENCY, 2, &line_mhz, error);
	if (result < 0)
		return result;
	window_s = result > 0 ? mcp39f511n_window_s(accumulation, line_mhz) : NAN;
	about->window_s = isnan(window_s) ? FACTORY_WINDOW_S : window_s;
	about->interval_s = fmax(about->window_s, INTERVAL_MIN_S);
	meter_pace_start(&meter->pace, about->interval_s);
	return 0;
}

static int learn(struct mcp39f511n *meter, struct meter_about *about, struct error *error)
{
	uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	uint32_t ignored;
	int result = cdc_open_line(meter->link, BAUD, error);

	if (!result)
		result = usb_drain(meter->link, error);
	if (result)
		return result;
	do /* a chip that has just begun refuses for a while */
		result =
			read_register(meter, MCP39F511N_ACTIVE_POWER, POWER_BYTES, &ignored, error);
	while (result == 0 && clock_now_ns() < deadline_ns);
	if (result < 0)
		return result;
	if (result == 0)
		return error_setf(error, ENODEV, "%s speaks no MCP39F511N protocol",
				  about->address);
	result = learn_steps(meter, about, error);
	return result ? result : learn_window(meter, about, error);
}

/* "SERIAL/1" into "SERIAL" and 1; "/1" is the first meter's. */
static int split_address(const char *address, char serial[METER_TEXT_BYTES], unsigned *channel,
			 struct error *error)
{
	size_t length = address ? strlen(address) : 0;
	const char *slash = length > 0 ? strrchr(address, '/') : NULL;

	*channel = 0;
	if (slash) {
		if ((slash[1] != '1' && slash[1] != '2') || slash[2])
			return error_setf(
				error, EINVAL,
				"\"%s\": an outlet is /1 or /2; without it both are summed",
				address);
		*channel = (unsigned)(slash[1] - '0');
		length = (size_t)(slash - address);
	}
	snprintf(serial, METER_TEXT_BYTES, "%.*s", (int)length, address ? address : "");
	return 0;
}

static void describe_opened(const struct mcp39f511n *meter, struct meter_about *about)
{
	size_t length = strlen(about->address);

	snprintf(about->model, sizeof about->model, "Microchip ADM00706 (MCP39F511N)");
	if (meter->channel == 0)
		return;
	snprintf(about->address + length, sizeof about->address - length, "/%u", meter->channel);
	snprintf(about->measures, sizeof about->measures, "wall, AC, outlet %u", meter->channel);
	about->range_w = OUTLET_W;
}

static void close_meter(void *state)
{
	struct mcp39f511n *meter = state;

	usb_close(meter->link);
	free(meter);
}

static int open_meter(void **state, const char *address, const struct meter_place *place,
		      struct meter_about *about, struct error *error)
{
	struct mcp39f511n *meter = calloc(1, sizeof *meter);
	char serial[METER_TEXT_BYTES];
	int result;

	(void)place;
	if (!meter)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	result = split_address(address, serial, &meter->channel, error);
	if (!result)
		result = usb_open(&meter->link, &kind, serial, about, error);
	if (!result)
		result = learn(meter, about, error);
	if (result) {
		close_meter(meter);
		return result;
	}
	describe_opened(meter, about);
	*state = meter;
	return 0;
}

/* --- reading ----------------------------------------------------------------------- */

static struct meter_reading reading_of(const struct mcp39f511n *meter)
{
	double power_w =
		mcp39f511n_power_w(mcp39f511n_data(&meter->parser), meter->step_w, meter->channel);

	return isnan(power_w) ? meter_reading_none(METER_OVERRANGE) : meter_reading_of(power_w);
}

static int give(struct mcp39f511n *meter, enum mcp39f511n_kind what, struct meter_reading *reading,
		struct error *error)
{
	bool is_told = meter->parser.is_damaged;

	/* Of a damaged answer a whole one may still follow: else the next question ends it. */
	meter->is_asked = what == MCP39F511N_DAMAGED;
	if (what == MCP39F511N_NONE && is_told)
		return 0;
	meter->silent =
		what == MCP39F511N_NONE && meter->parser.length == 0 ? meter->silent + 1 : 0;
	if (meter->silent >= SILENT_MAX)
		return error_setf(error, ETIMEDOUT, "the meter does not answer");
	*reading = what == MCP39F511N_DATA ? reading_of(meter) : meter_reading_none(METER_DAMAGED);
	return 1;
}

static int read_meter(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		      struct error *error)
{
	struct mcp39f511n *meter = state;
	enum mcp39f511n_kind what;
	uint64_t end_ns;
	int result;

	if (!meter->is_asked) {
		if (!meter_pace_wait(&meter->pace, deadline_ns))
			return 0;
		result = ask(meter, MCP39F511N_ACTIVE_POWER, POWER_BYTES, error);
		if (result)
			return result;
		meter->is_asked = true;
	}
	end_ns = meter->asked_ns + ANSWER_NS;
	result = listen(meter, deadline_ns < end_ns ? deadline_ns : end_ns, &what, error);
	if (result)
		return result;
	if (what == MCP39F511N_NONE && clock_now_ns() < end_ns)
		return 0;
	return give(meter, what, reading, error);
}

const struct meter_driver meter_mcp39f511n = {
	.name = "mcp39f511n",
	.sentence = "Microchip ADM00706 (MCP39F511N): AC at two outlets, three times a second",
	.address = "SERIAL NUMBER[/OUTLET]",
	.list = list,
	.open = open_meter,
	.read = read_meter,
	.close = close_meter,
};
