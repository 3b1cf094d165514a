/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/clock.h"
#include "meter/pace.h"

#define HOUR_NS UINT64_C(3600000000000)

static void test_early(void)
{
	struct meter_pace pace;
	uint64_t next_ns;

	meter_pace_start(&pace, 1000);
	UNIT_EQUAL_U64(UINT64_C(1000000000000), pace.interval_ns);
	next_ns = pace.next_ns;
	UNIT_TRUE(!meter_pace_wait(&pace, 0));
	UNIT_TRUE(!meter_pace_wait(&pace, clock_now_ns() + 1000000));
	UNIT_EQUAL_U64(next_ns, pace.next_ns);
}

static void test_due(void)
{
	uint64_t due_ns = clock_now_ns() - 1000;
	struct meter_pace pace = { .interval_ns = HOUR_NS, .next_ns = due_ns };

	UNIT_TRUE(meter_pace_wait(&pace, 0));
	UNIT_EQUAL_U64(due_ns + HOUR_NS, pace.next_ns);
	UNIT_TRUE(!meter_pace_wait(&pace, 0));
}

static void test_no_burst(void)
{
	struct meter_pace pace = { .interval_ns = 1000, .next_ns = 1 };
	uint64_t before_ns = clock_now_ns();

	/* Many intervals late: one reading, and a whole interval until the next. */
	UNIT_TRUE(meter_pace_wait(&pace, 0));
	UNIT_TRUE(pace.next_ns >= before_ns + 1000);
}

static void test_waits(void)
{
	struct meter_pace pace;
	uint64_t before_ns = clock_now_ns();

	meter_pace_start(&pace, 0.01);
	UNIT_TRUE(meter_pace_wait(&pace, before_ns + HOUR_NS));
	UNIT_TRUE(clock_now_ns() >= before_ns + 10000000);
}

static void test_parse(void)
{
	static const struct meter_pace_bounds bounds = { 0.1, 1, 0.25 };
	struct error error = { "" };
	double interval_s = 0;
	char what[8];

	UNIT_EQUAL_I64(0, meter_pace_parse(NULL, &bounds, what, 8, &interval_s, &error));
	UNIT_EQUAL_TEXT("", what);
	UNIT_EQUAL_DOUBLE(0.25, interval_s, 0);
	UNIT_EQUAL_I64(0, meter_pace_parse("psys", &bounds, what, 8, &interval_s, &error));
	UNIT_EQUAL_TEXT("psys", what);
	UNIT_EQUAL_I64(0, meter_pace_parse("psys@500ms", &bounds, what, 8, &interval_s, &error));
	UNIT_EQUAL_TEXT("psys", what);
	UNIT_EQUAL_DOUBLE(0.5, interval_s, 0);
	UNIT_EQUAL_I64(0, meter_pace_parse("@1s", &bounds, what, 8, &interval_s, &error));
	UNIT_EQUAL_TEXT("", what);
	UNIT_EQUAL_I64(-ERANGE, meter_pace_parse("@2s", &bounds, what, 8, &interval_s, &error));
	UNIT_CONTAINS("interval: 2s: must be 100ms..1s", error.text);
	UNIT_EQUAL_I64(-EINVAL, meter_pace_parse("@", &bounds, what, 8, &interval_s, &error));
	UNIT_EQUAL_I64(-EINVAL,
		       meter_pace_parse("12345678", &bounds, what, 8, &interval_s, &error));
	UNIT_CONTAINS("too long", error.text);
}

int main(void)
{
	return UNIT_RUN("meter-pace", { "before it is due there is nothing to do", test_early },
			{ "intervals follow one another, not the readings", test_due },
			{ "a delay makes no burst", test_no_burst },
			{ "it waits as long as it must", test_waits },
			{ "an address may tell the interval", test_parse });
}
