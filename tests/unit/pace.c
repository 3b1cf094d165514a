/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/pace.h"

#include "tests/unit/unit.h"

static void test_first_tick_is_due_at_once(void)
{
	struct pace pace;

	pace_start(&pace, 100, 1000);
	UNIT_EQUAL_U64(1000, pace.due_ns);
	UNIT_EQUAL_U64(0, pace.missed_ticks);
}

static void test_ticks_stay_on_the_grid(void)
{
	struct pace pace;

	pace_start(&pace, 100, 1000);
	pace_advance(&pace, 1007);
	UNIT_EQUAL_U64(1100, pace.due_ns);
	pace_advance(&pace, 1199);
	UNIT_EQUAL_U64(1200, pace.due_ns);
	UNIT_EQUAL_U64(0, pace.missed_ticks);
}

static void test_a_tick_due_exactly_now_is_run(void)
{
	struct pace pace;

	pace_start(&pace, 100, 1000);
	pace_advance(&pace, 1100);
	UNIT_EQUAL_U64(1100, pace.due_ns);
	UNIT_EQUAL_U64(0, pace.missed_ticks);
}

static void test_missed_ticks_are_counted_not_made_up_for(void)
{
	struct pace pace;

	pace_start(&pace, 100, 1000);
	pace_advance(&pace, 1101);
	UNIT_EQUAL_U64(1200, pace.due_ns);
	UNIT_EQUAL_U64(1, pace.missed_ticks);
	pace_advance(&pace, 1650);
	UNIT_EQUAL_U64(1700, pace.due_ns);
	UNIT_EQUAL_U64(5, pace.missed_ticks);
}

static void test_no_stub_of_a_tick_follows_a_late_one(void)
{
	struct pace pace;

	pace_start(&pace, 100, 1000);
	pace_advance(&pace, 1160);
	UNIT_EQUAL_U64(1300, pace.due_ns);
	UNIT_EQUAL_U64(2, pace.missed_ticks);
}

/* Ticks run plus ticks missed are the grid points passed, whatever the delays. */
static void test_every_grid_point_is_run_or_missed(void)
{
	uint64_t seed = 20061011, now = 5000;
	struct pace pace;

	pace_start(&pace, 1000, now);
	for (uint64_t run = 1; run <= 2000; run++) {
		now = pace.due_ns + unit_random(&seed) % 3500;
		pace_advance(&pace, now);
		UNIT_TRUE(pace.due_ns >= now && pace.due_ns < now + 1500);
		UNIT_EQUAL_U64((pace.due_ns - 5000) / 1000, run + pace.missed_ticks);
	}
}

int main(void)
{
	return UNIT_RUN(
		"pace", { "the first tick is due at once", test_first_tick_is_due_at_once },
		{ "ticks stay on the grid", test_ticks_stay_on_the_grid },
		{ "a tick due exactly now is run", test_a_tick_due_exactly_now_is_run },
		{ "missed ticks are counted, not made up for",
		  test_missed_ticks_are_counted_not_made_up_for },
		{ "no stub of a tick follows a late one",
		  test_no_stub_of_a_tick_follows_a_late_one },
		{ "every grid point is run or missed", test_every_grid_point_is_run_or_missed });
}
