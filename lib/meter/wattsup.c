/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wattsup.c - Watts up? PRO / .Net meters: an FT232 chip on USB, a record each second.
 *
 * The chip's numbers are those of any FTDI cable. So such a device is listed as what it
 * may be, "auto" leaves it alone unless it calls itself a Watts up?, and only one that
 * was named is written to; one that does not answer in the meter's language is refused.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "meter/ftdi.h"
#include "meter/usb.h"
#include "meter/wattsup-code.h"

#define SECOND_NS UINT64_C(1000000000)
#define ANSWER_NS (3 * SECOND_NS)
#define VERSION_NS (SECOND_NS / 2)
#define WRITE_NS (SECOND_NS / 5)
#define NUDGE_NS (3 * SECOND_NS) /* without a record: it may have been told to stop */
#define SILENCE_NS (8 * SECOND_NS)

struct wattsup {
	struct usb_link *link;
	struct wattsup_parser parser;
	uint8_t bytes[512];
	size_t at, length;
	uint64_t heard_ns, nudged_ns;
};

static void describe(struct meter_about *about, const struct usb_about *usb)
{
	char name[sizeof usb->name];

	for (size_t i = 0; i < sizeof name; i++)
		name[i] = (char)tolower((unsigned char)usb->name[i]);
	if (!text_matches("*watts*up*", name)) {
		snprintf(about->model, sizeof about->model,
			 "an FT232 chip, perhaps a Watts up?%s%.48s%s", usb->name[0] ? " (" : "",
			 usb->name, usb->name[0] ? ")" : "");
		snprintf(about->missing, sizeof about->missing,
			 "not asked, as other devices have this chip too: "
			 "name it to have it asked, -m %.100s",
			 about->address);
	}
	snprintf(about->measures, sizeof about->measures, "wall, AC");
	snprintf(about->worth, sizeof about->worth,
		 "the whole machine at the wall, a mean each second in steps of 0.1 W");
	about->scope = SCOPE_WALL;
	about->has_scope = true;
	about->range_w = 3600; /* 15 A at 240 V */
	about->resolution_w = 0.1;
	about->accuracy_percent = 1.5;
	about->interval_s = 1;
	about->window_s = 1;
}

static const struct usb_id ids[] = { { 0x0403, 0x6001 }, { 0, 0 } };
static const struct usb_kind kind = { .ids = ids, .class = 0xff, .describe = describe };

static int list(const struct meter_place *place, struct meter_list *found)
{
	(void)place;
	return usb_list(&meter_wattsup, &kind, found);
}

static int say(struct wattsup *meter, const char *message, struct error *error)
{
	return usb_write(meter->link, (const uint8_t *)message, strlen(message),
			 clock_now_ns() + WRITE_NS, error);
}

/* 1 = an event, 0 = none before the deadline, -errno. */
static int next_event(struct wattsup *meter, uint64_t deadline_ns, struct wattsup_event *event,
		      struct error *error)
{
	size_t packet = usb_packet_bytes(meter->link);
	size_t size = sizeof meter->bytes - sizeof meter->bytes % packet;
	int result;

	for (;;) {
		meter->at += wattsup_feed(&meter->parser, meter->bytes + meter->at,
					  meter->length - meter->at, event);
		if (event->kind != WATTSUP_NONE)
			return 1;
		result = usb_read(meter->link, meter->bytes, size, deadline_ns, error);
		meter->at = meter->length = 0;
		if (result < 0)
			return result;
		meter->length = ftdi_strip(meter->bytes, (size_t)result, packet);
		if (meter->length == 0 && clock_now_ns() >= deadline_ns)
			return 0;
	}
}

static void take_version(const struct wattsup_event *event, struct meter_about *about)
{
	snprintf(about->model, sizeof about->model, "Watts up? %s, firmware %u.%u", event->model,
		 event->firmware_major, event->firmware_minor);
}

/* Wait for one packet that only such a meter sends. */
static int verify(struct wattsup *meter, struct meter_about *about, struct error *error)
{
	struct wattsup_event event = { 0 };
	uint64_t deadline_ns = clock_now_ns() + ANSWER_NS;
	int result;

	do {
		result = next_event(meter, deadline_ns, &event, error);
		if (result < 0)
			return result;
	} while (result > 0 && event.kind != WATTSUP_VERSION && event.kind != WATTSUP_RECORD);
	if (result == 0)
		return error_setf(error, ENODEV, "%s speaks no Watts up? protocol", about->address);
	/* It may still stream from a run before: the version comes between the records. */
	deadline_ns = clock_now_ns() + VERSION_NS;
	while (result > 0 && event.kind != WATTSUP_VERSION)
		result = next_event(meter, deadline_ns, &event, error);
	if (result > 0)
		take_version(&event, about);
	else
		snprintf(about->model, sizeof about->model, "Watts up?");
	return result < 0 ? result : 0;
}

static void close_meter(void *state)
{
	struct wattsup *meter = state;

	say(meter, WATTSUP_STOP, NULL);
	usb_close(meter->link);
	free(meter);
}

static int begin(void *state, struct meter_about *about, struct error *error)
{
	struct wattsup *meter = state;
	int result;

	if (usb_packet_bytes(meter->link) > sizeof meter->bytes)
		return error_setf(error, ENODEV, "%s is no FT232 chip", about->address);
	result = ftdi_open_line(meter->link, error);
	if (!result)
		result = say(meter, WATTSUP_ASK_VERSION WATTSUP_START, error);
	if (!result)
		result = verify(meter, about, error);
	meter->heard_ns = meter->nudged_ns = clock_now_ns();
	return result;
}

static int open_meter(void **state, const char *address, const struct meter_place *place,
		      struct meter_about *about, struct error *error)
{
	static const struct usb_state what = { &kind, sizeof(struct wattsup), begin };

	(void)place;
	return usb_open_state(state, &what, address, about, error);
}

static int watch_silence(struct wattsup *meter, struct error *error)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns - meter->heard_ns > SILENCE_NS)
		return error_setf(error, ETIMEDOUT, "the meter has been silent for %d s",
				  (int)((now_ns - meter->heard_ns) / SECOND_NS));
	if (now_ns - meter->heard_ns < NUDGE_NS || now_ns - meter->nudged_ns < NUDGE_NS)
		return 0;
	meter->nudged_ns = now_ns;
	return say(meter, WATTSUP_START, error);
}

static int read_meter(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		      struct error *error)
{
	struct wattsup *meter = state;
	struct wattsup_event event;
	int result;

	do {
		result = next_event(meter, deadline_ns, &event, error);
		if (result < 0)
			return result;
		if (result == 0)
			return watch_silence(meter, error);
	} while (event.kind == WATTSUP_VERSION || event.kind == WATTSUP_OTHER);
	meter->heard_ns = clock_now_ns();
	if (event.kind == WATTSUP_OVERRANGE)
		*reading = meter_reading_none(METER_OVERRANGE);
	else
		*reading = isnan(event.power_w) ? meter_reading_none(METER_DAMAGED)
						: meter_reading_of(event.power_w);
	return 1;
}

const struct meter_driver meter_wattsup = {
	.name = "wattsup",
	.sentence = "Watts up? PRO or .Net: AC at the wall, each second",
	.address = "SERIAL NUMBER",
	.list = list,
	.open = open_meter,
	.read = read_meter,
	.close = close_meter,
};
