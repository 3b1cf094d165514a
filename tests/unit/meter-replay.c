/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "meter/meter.h"

static int open_file(struct meter **meter, const char *text, double speed, struct error *error)
{
	const struct meter_place place = { .speed = speed };
	char spec[256];

	unit_write_file("trace.csv", text);
	snprintf(spec, sizeof spec, "replay:%s/trace.csv", unit_folder());
	return meter_open(meter, spec, &place, error);
}

static struct meter *must_open(const char *text, double speed)
{
	struct error error = { "" };
	struct meter *meter;

	if (open_file(&meter, text, speed, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return meter;
}

static struct meter_reading next(struct meter *meter)
{
	struct meter_reading reading = { .power_w = -1 };

	UNIT_EQUAL_I64(1,
		       meter_read(meter, clock_now_ns() + UINT64_C(20000000000), &reading, NULL));
	return reading;
}

static void test_timestamps(void)
{
	uint64_t before_ns = clock_now_ns();
	struct meter *meter = must_open("timestamp,power_w,x\n100,10,1\n101,20,2\n103,30,3\n", 50);
	struct meter_reading first, second, third, reading;
	struct error error = { "" };

	UNIT_TRUE(meter_about(meter)->emulated);
	UNIT_CONTAINS("replay of ", meter_about(meter)->model);
	UNIT_EQUAL_DOUBLE(50, meter_about(meter)->speed, 0);
	UNIT_EQUAL_DOUBLE(1, meter_about(meter)->interval_s, 0);
	first = next(meter);
	second = next(meter);
	third = next(meter);
	UNIT_EQUAL_DOUBLE(10, first.power_w, 0);
	UNIT_EQUAL_DOUBLE(20, second.power_w, 0);
	UNIT_EQUAL_DOUBLE(30, third.power_w, 0);
	/* Never before its time: 3 s of the trace at the speed of 50. */
	UNIT_TRUE(second.time_ns >= before_ns + UINT64_C(20000000));
	UNIT_TRUE(third.time_ns >= before_ns + UINT64_C(60000000));
	UNIT_EQUAL_I64(-ENODATA, meter_read(meter, 0, &reading, &error));
	UNIT_CONTAINS("at its end", error.text);
	UNIT_EQUAL_I64(-ENODATA, meter_read(meter, 0, &reading, &error));
	meter_close(meter);
}

static void test_deadline(void)
{
	struct meter *meter = must_open("timestamp,power_w,x\n0,10,1\n1000,20,2\n", 1);
	struct meter_reading reading;

	UNIT_EQUAL_DOUBLE(10, next(meter).power_w, 0);
	UNIT_EQUAL_I64(0, meter_read(meter, 0, &reading, NULL));
	UNIT_EQUAL_I64(0, meter_read(meter, clock_now_ns() + 1000000, &reading, NULL));
	meter_close(meter);
}

static void test_intervals(void)
{
	struct meter *meter = must_open("interval_s,energy_j,x\n2,10,1\n2,20,2\n", 1e5);

	UNIT_EQUAL_DOUBLE(2, meter_about(meter)->interval_s, 0);
	UNIT_EQUAL_DOUBLE(5, next(meter).power_w, 1e-12);
	UNIT_EQUAL_DOUBLE(10, next(meter).power_w, 1e-12);
	meter_close(meter);
	meter = must_open("power_w,x\n10,1\n20,2\n", 1e5);
	UNIT_EQUAL_DOUBLE(1, meter_about(meter)->interval_s, 0);
	UNIT_EQUAL_DOUBLE(10, next(meter).power_w, 0);
	meter_close(meter);
}

/* Events have no bearing, whether there are none or what they hold is no number. */
static void test_power_alone(void)
{
	static const char *const texts[] = { "power_w\n10\n20\n",
					     "power_w,x\n10,1\n20,none at all\n" };

	for (size_t i = 0; i < 2; i++) {
		struct meter *meter = must_open(texts[i], 1e5);

		UNIT_EQUAL_DOUBLE(10, next(meter).power_w, 0);
		UNIT_EQUAL_DOUBLE(20, next(meter).power_w, 0);
		meter_close(meter);
	}
}

static void test_refused(void)
{
	struct error error = { "" };
	struct meter *meter;

	UNIT_EQUAL_I64(-EINVAL, open_file(&meter, "energy_j,x\n10,1\n20,2\n", 1, &error));
	UNIT_CONTAINS("without interval_s", error.text);
	UNIT_EQUAL_I64(-EINVAL, open_file(&meter, "power_w,x\nten,1\n", 1, &error));
	UNIT_CONTAINS("trace.csv:2", error.text);
	UNIT_EQUAL_I64(-ENOENT, meter_open(&meter, "replay:/nonexistent", NULL, &error));
	UNIT_CONTAINS("/nonexistent: No such file", error.text);
	UNIT_EQUAL_I64(-EINVAL, meter_open(&meter, "replay", NULL, &error));
}

int main(void)
{
	return UNIT_RUN("meter-replay", { "rows come at their time, then an end", test_timestamps },
			{ "before a row's time there is none", test_deadline },
			{ "energies become watts of their interval", test_intervals },
			{ "power alone is enough", test_power_alone },
			{ "what holds no watts is refused", test_refused });
}
