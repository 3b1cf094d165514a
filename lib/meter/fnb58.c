/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fnb58.c - FNIRSI FNB58 and FNB48S: DC on a USB plug, 100 samples a second over HID,
 * given here as means over 0.1 s. The meter sends as long as it is reminded each second.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/fnb58-code.h"
#include "meter/usb.h"

#define SECOND_NS UINT64_C(1000000000)
#define ANSWER_NS (2 * SECOND_NS)
#define WRITE_NS (SECOND_NS / 5)
#define SILENCE_NS (3 * SECOND_NS)

struct fnb58 {
	struct usb_link *link;
	struct fnb58_mean mean;
	uint64_t heard_ns, reminded_ns;
};

static void describe(struct meter_about *about, const struct usb_about *usb)
{
	if (!usb->name[0])
		snprintf(about->model, sizeof about->model, "FNIRSI %s",
			 usb->product == 0x0049 ? "FNB48S" : "FNB58");
	snprintf(about->measures, sizeof about->measures, "USB plug, DC");
	snprintf(about->worth, sizeof about->worth,
		 "a small machine that is fed through this plug, a mean each 0.1 s");
	about->scope = SCOPE_DC;
	about->has_scope = true;
	about->range_w = 120;
	about->resolution_w = 4e-4; /* 10 uA at 28 V and 10 uV at 7 A */
	about->interval_s = FNB58_WINDOW_SAMPLES * FNB58_SAMPLE_S;
	about->window_s = about->interval_s;
}

static const struct usb_id ids[] = { { 0x2e3c, 0x5558 }, { 0x2e3c, 0x0049 }, { 0, 0 } };
static const struct usb_kind kind = { .ids = ids, .class = 0x03, .describe = describe };

static int list(const struct meter_place *place, struct meter_list *found)
{
	(void)place;
	return usb_list(&meter_fnb58, &kind, found);
}

static int say(struct fnb58 *meter, enum fnb58_command command, struct error *error)
{
	uint8_t frame[FNB58_FRAME_BYTES];

	fnb58_command(command, frame);
	return usb_write(meter->link, frame, sizeof frame, clock_now_ns() + WRITE_NS, error);
}

/* Length of a frame, 0 = none before the deadline, -errno. */
static int next_frame(struct fnb58 *meter, uint64_t deadline_ns, uint8_t *frame,
		      struct error *error)
{
	int result;

	do {
		uint64_t now_ns = clock_now_ns(), remind_ns = meter->reminded_ns + SECOND_NS;

		if (now_ns >= remind_ns) {
			meter->reminded_ns = now_ns;
			remind_ns = now_ns + SECOND_NS;
			result = say(meter, FNB58_KEEP_ALIVE, error);
			if (result)
				return result;
		}
		result = usb_read(meter->link, frame, FNB58_FRAME_BYTES,
				  deadline_ns < remind_ns ? deadline_ns : remind_ns, error);
	} while (result == 0 && clock_now_ns() < deadline_ns);
	return result;
}

static int start(struct fnb58 *meter, struct error *error)
{
	static const enum fnb58_command commands[] = { FNB58_HELLO, FNB58_START, FNB58_START };
	int result = 0;

	for (unsigned i = 0; i < sizeof commands / sizeof commands[0] && !result; i++)
		result = say(meter, commands[i], error);
	meter->reminded_ns = clock_now_ns();
	return result;
}

/* The first measurement after the start is not one yet: it is taken for the proof only. */
static int verify(struct fnb58 *meter, const struct meter_about *about, struct error *error)
{
	uint64_t deadline_ns = clock_now_ns() + ANSWER_NS;
	uint8_t frame[FNB58_FRAME_BYTES];
	double power_w[FNB58_SAMPLES];
	int result;

	do {
		result = next_frame(meter, deadline_ns, frame, error);
		if (result < 0)
			return result;
		if (result == 0)
			return error_setf(error, ENODEV, "%s sends no measurements",
					  about->address);
	} while (fnb58_decode(frame, (size_t)result, power_w) != FNB58_DATA);
	meter->heard_ns = clock_now_ns();
	return 0;
}

static void close_meter(void *state)
{
	struct fnb58 *meter = state;

	/* Unread reports in its buffer can freeze the meter's screen. */
	usb_drain(meter->link, NULL);
	usb_close(meter->link);
	free(meter);
}

static int begin(void *state, struct meter_about *about, struct error *error)
{
	int result = start(state, error);

	return result ? result : verify(state, about, error);
}

static int open_meter(void **state, const char *address, const struct meter_place *place,
		      struct meter_about *about, struct error *error)
{
	static const struct usb_state what = { &kind, sizeof(struct fnb58), begin };

	(void)place;
	return usb_open_state(state, &what, address, about, error);
}

/* true: a reading came of it. What was gathered before a loss makes no mean any more. */
static bool take(struct fnb58 *meter, const uint8_t *frame, size_t length,
		 struct meter_reading *reading)
{
	double power_w[FNB58_SAMPLES], mean_w;
	enum fnb58_kind what = fnb58_decode(frame, length, power_w);

	if (what == FNB58_OTHER)
		return false;
	meter->heard_ns = clock_now_ns();
	if (what != FNB58_DATA) {
		meter->mean = (struct fnb58_mean){ 0 };
		*reading = meter_reading_none(what == FNB58_OVERRANGE ? METER_OVERRANGE
								      : METER_DAMAGED);
		return true;
	}
	if (!fnb58_mean_add(&meter->mean, power_w, &mean_w))
		return false;
	*reading = meter_reading_of(mean_w);
	return true;
}

static int read_meter(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		      struct error *error)
{
	struct fnb58 *meter = state;
	uint8_t frame[FNB58_FRAME_BYTES];
	int result;

	do {
		result = next_frame(meter, deadline_ns, frame, error);
		if (result < 0)
			return result;
		if (result == 0 && clock_now_ns() - meter->heard_ns > SILENCE_NS)
			return error_setf(error, ETIMEDOUT, "the meter sends no measurements");
	} while (result > 0 && !take(meter, frame, (size_t)result, reading));
	return result > 0;
}

const struct meter_driver meter_fnb58 = {
	.name = "fnb58",
	.sentence = "FNIRSI FNB58 or FNB48S: DC on a USB plug, ten times a second",
	.address = "SERIAL NUMBER",
	.list = list,
	.open = open_meter,
	.read = read_meter,
	.close = close_meter,
};
