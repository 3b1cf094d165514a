/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watts of what libsigrok's devices send; and its demo device, where it is built in.
 *
 * no valgrind: libsigrok 0.5.2 loses a list for each packet of its demo device
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "meter/driver.h"
#include "meter/sigrok-code.h"

static const uint64_t ms = 1000000;

static void test_address(void)
{
	struct sigrok_address address;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, sigrok_parse_address("demo", &address, &error));
	UNIT_EQUAL_TEXT("demo", address.driver);
	UNIT_EQUAL_TEXT("", address.connection);
	UNIT_EQUAL_I64(0, sigrok_parse_address("uni-t-ut61e:conn=/dev/ttyUSB0:"
					       "serialcomm=19200/7o1:channel=P1",
					       &address, &error));
	UNIT_EQUAL_TEXT("uni-t-ut61e", address.driver);
	UNIT_EQUAL_TEXT("/dev/ttyUSB0", address.connection);
	UNIT_EQUAL_TEXT("19200/7o1", address.serialcomm);
	UNIT_EQUAL_TEXT("P1", address.channel);
	UNIT_EQUAL_I64(-EINVAL, sigrok_parse_address("", &address, &error));
	UNIT_CONTAINS("which driver", error.text);
	UNIT_EQUAL_I64(-EINVAL, sigrok_parse_address("demo:speed=3", &address, &error));
	UNIT_CONTAINS("speed=3", error.text);
	UNIT_EQUAL_I64(-EINVAL, sigrok_parse_address("demo:conn=", &address, &error));
}

static bool collect(struct sigrok_collector *collector, enum sigrok_quantity quantity, double value,
		    uint64_t time_ns, double *power_w)
{
	return sigrok_collect(collector, quantity, false, value, time_ns, power_w);
}

static void test_watts_are_taken(void)
{
	struct sigrok_collector collector = { 0 };
	double power_w = NAN;

	UNIT_TRUE(collect(&collector, SIGROK_POWER_W, 42.5, 0, &power_w));
	UNIT_EQUAL_DOUBLE(42.5, power_w, 0);
	/* And then volts and amperes say nothing more. */
	UNIT_TRUE(!collect(&collector, SIGROK_VOLTAGE_V, 12, 1, &power_w));
	UNIT_TRUE(!collect(&collector, SIGROK_CURRENT_A, 2, 1, &power_w));
}

static void test_product_of_one_instant(void)
{
	struct sigrok_collector collector = { 0 };
	double power_w = NAN;

	UNIT_TRUE(!collect(&collector, SIGROK_VOLTAGE_V, 12, 1000 * ms, &power_w));
	UNIT_TRUE(collect(&collector, SIGROK_CURRENT_A, 2, 1020 * ms, &power_w));
	UNIT_EQUAL_DOUBLE(24, power_w, 1e-12);
	/* Each value serves once; the order is free. */
	UNIT_TRUE(!collect(&collector, SIGROK_CURRENT_A, 3, 1025 * ms, &power_w));
	UNIT_TRUE(collect(&collector, SIGROK_VOLTAGE_V, 10, 1030 * ms, &power_w));
	UNIT_EQUAL_DOUBLE(30, power_w, 1e-12);
	/* 21 ms are two instants. */
	UNIT_TRUE(!collect(&collector, SIGROK_VOLTAGE_V, 12, 2000 * ms, &power_w));
	UNIT_TRUE(!collect(&collector, SIGROK_CURRENT_A, 2, 2021 * ms, &power_w));
}

static void test_frames(void)
{
	struct sigrok_collector collector = { 0 };
	double power_w = NAN;

	sigrok_frame_begin(&collector);
	UNIT_TRUE(!collect(&collector, SIGROK_VOLTAGE_V, 12, 0, &power_w));
	UNIT_TRUE(collect(&collector, SIGROK_CURRENT_A, 2, 500 * ms, &power_w));
	UNIT_EQUAL_DOUBLE(24, power_w, 1e-12);
	UNIT_TRUE(!collect(&collector, SIGROK_VOLTAGE_V, 12, 501 * ms, &power_w));
	sigrok_frame_end(&collector);
	/* Not across the end of a frame, however close. */
	sigrok_frame_begin(&collector);
	UNIT_TRUE(!collect(&collector, SIGROK_CURRENT_A, 2, 502 * ms, &power_w));
}

static void test_alternating_is_no_product(void)
{
	struct sigrok_collector collector = { 0 };
	double power_w = NAN;

	UNIT_TRUE(!sigrok_collect(&collector, SIGROK_VOLTAGE_V, true, 230, 0, &power_w));
	UNIT_TRUE(!sigrok_collect(&collector, SIGROK_CURRENT_A, true, 1, 1, &power_w));
	UNIT_TRUE(!sigrok_collect(&collector, SIGROK_CURRENT_A, false, 1, 2, &power_w));
	UNIT_TRUE(isnan(power_w));
}

static const struct rootfs real = { .prefix = (char[]){ "" } };
static const struct meter_place place = { .root = &real, .speed = 1 };

static int open_meter(void **state, const char *address, struct meter_about *about,
		      struct error *error)
{
	*state = NULL;
	meter_about_init(about, &meter_sigrok);
	return meter_sigrok.open(state, address, &place, about, error);
}

static void test_list(void)
{
	struct meter_list list = { 0 };

	UNIT_EQUAL_I64(0, meter_sigrok.list(&place, &list));
	UNIT_EQUAL_U64(1, list.count);
	if (list.count == 1) {
		/* Never taken without having been named. */
		UNIT_TRUE(list.items[0].missing[0] != '\0');
		UNIT_TRUE(meter_sigrok.by_choice_only);
	}
	meter_list_clear(&list);
}

#ifdef VMENERGY_SIGROK

/* The demo device's A0 is a square wave of 10: not watts, and said so. */
static void test_demo_channel(void)
{
	struct meter_about about;
	struct error error = { "" };
	struct meter_reading reading;
	void *state;

	UNIT_EQUAL_I64(0, open_meter(&state, "demo:channel=A0", &about, &error));
	UNIT_EQUAL_TEXT("", error.text);
	if (!state)
		return;
	UNIT_TRUE(about.emulated);
	UNIT_TRUE(!about.has_scope);
	UNIT_EQUAL_TEXT("sigrok:demo:channel=A0", about.address);
	UNIT_CONTAINS("A0, taken as watts", about.measures);
	for (unsigned i = 0; i < 3; i++) {
		UNIT_EQUAL_I64(1, meter_sigrok.read(state, clock_now_ns() + 20000000000u, &reading,
						    &error));
		UNIT_EQUAL_U64(0, reading.flags);
		UNIT_TRUE(fabs(reading.power_w) <= 10.001);
		UNIT_TRUE(isnan(reading.energy_j));
	}
	meter_sigrok.close(state);
}

/* It sends volts alone: without a channel that was named there are no watts. */
static void test_demo_has_no_watts(void)
{
	struct meter_about about;
	struct error error = { "" };
	struct meter_reading reading;
	void *state;

	UNIT_EQUAL_I64(0, open_meter(&state, "demo", &about, &error));
	if (!state)
		return;
	UNIT_EQUAL_I64(0, meter_sigrok.read(state, clock_now_ns() + 150 * ms, &reading, &error));
	meter_sigrok.close(state);
}

static void test_refused(void)
{
	static const struct {
		const char *address;
		int errnum;
		const char *why;
	} cases[] = {
		{ "", EINVAL, "which driver" },
		{ "no-such", EINVAL, "no driver \"no-such\"" },
		{ "demo:channel=Z9", EINVAL, "no analog channel \"Z9\"" },
		{ "demo:channel=D0", EINVAL, "no analog channel \"D0\"" },
		{ "uni-t-ut61e-ser", ENODEV, "finds no device; it may need conn=PORT" },
	};
	struct meter_about about;
	void *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error error = { "" };

		UNIT_EQUAL_I64(-cases[i].errnum,
			       open_meter(&state, cases[i].address, &about, &error));
		UNIT_CONTAINS(cases[i].why, error.text);
		UNIT_TRUE(state == NULL);
	}
}

#define WITH_LIBRARY                                                                               \
	{ "the demo's channel is read as watts, plainly", test_demo_channel },                     \
		{ "volts alone are no watts", test_demo_has_no_watts },                            \
	{                                                                                          \
		"wrong addresses are refused with a reason", test_refused                          \
	}

#else

static void test_says_what_is_missing(void)
{
	struct meter_about about;
	struct error error = { "" };
	void *state;

	UNIT_EQUAL_I64(-ENOTSUP, open_meter(&state, "demo", &about, &error));
	UNIT_CONTAINS("libsigrok", error.text);
}

#define WITH_LIBRARY                                                                               \
	{                                                                                          \
		"what is missing is said", test_says_what_is_missing                               \
	}

#endif

int main(void)
{
	return UNIT_RUN(
		"meter-sigrok", { "an address is taken apart", test_address },
		{ "watts are taken, and then nothing else", test_watts_are_taken },
		{ "volts times amperes of one instant", test_product_of_one_instant },
		{ "a frame is one instant", test_frames },
		{ "alternating volts and amperes are no watts", test_alternating_is_no_product },
		{ "listing searches nothing", test_list }, WITH_LIBRARY);
}
