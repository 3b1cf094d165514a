/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "meter/health.h"

static struct meter_about wall(void)
{
	return (struct meter_about){
		.has_scope = true,
		.scope = SCOPE_WALL,
		.range_w = 1500,
		.resolution_w = 0.1,
		.interval_s = 1,
		.speed = 1,
	};
}

static const double second_ns = 1e9;

/* One reading at `at_s`; what the check has made of it. */
static struct meter_reading check(struct meter_health *health, double at_s, double power_w,
				  unsigned flags)
{
	struct meter_reading reading = {
		.time_ns = (uint64_t)(at_s * second_ns),
		.power_w = power_w,
		.energy_j = power_w,
		.flags = flags,
	};

	meter_health_check(health, &reading);
	return reading;
}

static struct meter_reading check_one(const struct meter_about *about, double power_w)
{
	struct meter_health health;

	meter_health_init(&health, about);
	return check(&health, 5, power_w, 0);
}

static void is_none(struct meter_reading reading, unsigned flags)
{
	UNIT_EQUAL_U64(flags, reading.flags);
	UNIT_EQUAL_DOUBLE(NAN, reading.power_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, reading.energy_j, 0);
}

static void test_good(void)
{
	struct meter_about about = wall();
	struct meter_reading reading = check_one(&about, 123.4);

	UNIT_EQUAL_U64(0, reading.flags);
	UNIT_EQUAL_DOUBLE(123.4, reading.power_w, 0);
	UNIT_EQUAL_DOUBLE(123.4, reading.energy_j, 0);
}

static void test_implausible(void)
{
	struct meter_about about = wall();

	is_none(check_one(&about, -0.1), METER_IMPLAUSIBLE);
	is_none(check_one(&about, 2250.1), METER_IMPLAUSIBLE);
	is_none(check_one(&about, INFINITY), METER_IMPLAUSIBLE);
	UNIT_EQUAL_U64(0, check_one(&about, 2249.9).flags);
	about.range_w = NAN;
	UNIT_EQUAL_U64(0, check_one(&about, 1e5).flags);
	is_none(check_one(&about, -5), METER_IMPLAUSIBLE);
}

static void test_zero(void)
{
	struct meter_about about = wall();

	is_none(check_one(&about, 0.0), METER_IMPLAUSIBLE);
	is_none(check_one(&about, -0.0), METER_IMPLAUSIBLE);
	about.scope = SCOPE_PACKAGE;
	is_none(check_one(&about, 0.0), METER_IMPLAUSIBLE);
	about.has_scope = false;
	is_none(check_one(&about, 0.0), METER_IMPLAUSIBLE);
	about.has_scope = true;
	about.scope = SCOPE_RAIL;
	UNIT_EQUAL_DOUBLE(0, check_one(&about, 0.0).power_w, 0);
	about.scope = SCOPE_DC;
	UNIT_EQUAL_U64(0, check_one(&about, 0.0).flags);
}

static void test_none(void)
{
	struct meter_about about = wall();
	struct meter_health health;

	meter_health_init(&health, &about);
	is_none(check(&health, 1, 12, METER_DAMAGED), METER_DAMAGED);
	is_none(check(&health, 2, 12, METER_OVERRANGE), METER_OVERRANGE);
	is_none(check(&health, 3, NAN, 0), METER_DAMAGED);
	UNIT_EQUAL_U64(METER_WRAPPED, check(&health, 4, 12, METER_WRAPPED).flags);
}

static void test_gap(void)
{
	struct meter_about about = wall();
	struct meter_health health;

	meter_health_init(&health, &about);
	meter_health_lost(&health);
	UNIT_EQUAL_U64(0, check(&health, 100, 10, 0).flags); /* none before it to lose */
	UNIT_EQUAL_U64(0, check(&health, 102.4, 11, 0).flags);
	UNIT_EQUAL_U64(METER_GAP, check(&health, 105, 12, 0).flags);
	UNIT_EQUAL_U64(0, check(&health, 106, 13, 0).flags);
	meter_health_lost(&health);
	UNIT_EQUAL_U64(METER_GAP, check(&health, 106.5, 14, 0).flags);
	UNIT_EQUAL_U64(0, check(&health, 107, 15, 0).flags);
	/* Its time went backwards: no gap, and no endless one. */
	UNIT_EQUAL_U64(0, check(&health, 90, 16, 0).flags);
	about.interval_s = NAN;
	meter_health_init(&health, &about);
	UNIT_EQUAL_U64(0, check(&health, 1, 10, 0).flags);
	UNIT_EQUAL_U64(0, check(&health, 1000, 10, 0).flags);
}

static void test_fast_clock(void)
{
	struct meter_about about = wall();
	struct meter_health health;

	about.speed = 100;
	meter_health_init(&health, &about);
	UNIT_EQUAL_U64(0, check(&health, 1, 10, 0).flags);
	UNIT_EQUAL_U64(0, check(&health, 1.02, 11, 0).flags);
	UNIT_EQUAL_U64(METER_GAP, check(&health, 1.05, 12, 0).flags);
}

/* Which of `count` equal readings is the first to be flagged; 0 = none. */
static unsigned first_frozen(const struct meter_about *about, double power_w, double interval_s,
			     unsigned count)
{
	struct meter_health health;

	meter_health_init(&health, about);
	for (unsigned i = 1; i <= count; i++)
		if (check(&health, 10 + i * interval_s, power_w, 0).flags & METER_FROZEN)
			return i;
	return 0;
}

static void test_frozen(void)
{
	struct meter_about about = wall();

	UNIT_EQUAL_U64(21, first_frozen(&about, 123.4, 1, 100)); /* 20 s are over */
	UNIT_EQUAL_U64(201, first_frozen(&about, 123.4, 0.1, 300));
	UNIT_EQUAL_U64(20, first_frozen(&about, 123.4, 2, 100)); /* 20 readings */
	UNIT_EQUAL_U64(0, first_frozen(&about, 20.0, 1, 1000));  /* 200 steps: no more */
	UNIT_EQUAL_U64(21, first_frozen(&about, 20.1, 1, 1000));
	about.resolution_w = 1; /* an idle machine on a coarse meter stands still in earnest */
	UNIT_EQUAL_U64(0, first_frozen(&about, 123, 1, 1000));
	UNIT_EQUAL_U64(0, first_frozen(&about, 312, 1, 1000));
}

/* Nothing but one value has ever been seen. */
static void test_unstated_digits(void)
{
	struct meter_about about = wall();

	about.resolution_w = NAN;
	UNIT_EQUAL_U64(21, first_frozen(&about, 123.456, 1, 100));
	UNIT_EQUAL_U64(21, first_frozen(&about, 123.45, 1, 100));
	UNIT_EQUAL_U64(21, first_frozen(&about, 123456 * 1e-3, 1, 100));
	UNIT_EQUAL_U64(21, first_frozen(&about, 100.0 / 3, 1, 100));
	UNIT_EQUAL_U64(0, first_frozen(&about, 1.95, 1, 1000)); /* 195 steps */
	UNIT_EQUAL_U64(0, first_frozen(&about, 123, 1, 1000));
	UNIT_EQUAL_U64(0, first_frozen(&about, 1234, 1, 1000));
	UNIT_EQUAL_U64(0, first_frozen(&about, 123.4, 1, 1000));
	UNIT_EQUAL_U64(0, first_frozen(&about, 123.125, 1, 1000)); /* eighths, as PMBus has them */
	about.emulated = true;
	UNIT_EQUAL_U64(0, first_frozen(&about, 123.456, 1, 1000));
}

/* Of `count` values in turn, then `last_w` again and again: the first one flagged; 0 = none. */
static unsigned frozen_after(const double *values_w, unsigned count, double last_w)
{
	struct meter_about about = wall();
	struct meter_health health;

	about.resolution_w = NAN;
	meter_health_init(&health, &about);
	for (unsigned i = 1; i <= count; i++)
		UNIT_EQUAL_U64(0, check(&health, i, values_w[i - 1], 0).flags);
	for (unsigned i = 1; i <= 100; i++)
		if (check(&health, count + i, last_w, 0).flags & METER_FROZEN)
			return i;
	return 0;
}

static void test_unstated_steps(void)
{
	static const double fine_w[] = { 123.1, 125.4, 125.3, 124 };
	static const double whole_w[] = { 310, 312, 311, 315 };
	static const double halves_w[] = { 90.5, 92, 91.5, 95 };
	static const double far_w[] = { 100.01, 150.02, 100.01, 150.02 };

	UNIT_EQUAL_U64(21, frozen_after(fine_w, 4, 123)); /* whole watts, on a meter of tenths */
	UNIT_EQUAL_U64(21, frozen_after(fine_w, 4, 123.4));
	UNIT_EQUAL_U64(0, frozen_after(fine_w, 4, 20));   /* 200 steps of 0.1 W: no more */
	UNIT_EQUAL_U64(0, frozen_after(whole_w, 4, 312)); /* idle, resolved to 1 W */
	UNIT_EQUAL_U64(0, frozen_after(halves_w, 4, 95.5));
	UNIT_EQUAL_U64(0, frozen_after(far_w, 4, 100.01));  /* no small step was seen */
	UNIT_EQUAL_U64(21, frozen_after(far_w, 2, 100.01)); /* too few to know: its digits */
}

static void test_frozen_begins_anew(void)
{
	struct meter_about about = wall();
	struct meter_health health;

	meter_health_init(&health, &about);
	for (unsigned i = 1; i <= 20; i++)
		UNIT_EQUAL_U64(0, check(&health, i, 123.4, 0).flags);
	/* What is damaged says nothing of the value. */
	is_none(check(&health, 21, NAN, METER_DAMAGED), METER_DAMAGED);
	UNIT_EQUAL_U64(METER_FROZEN, check(&health, 22, 123.4, 0).flags);
	UNIT_EQUAL_DOUBLE(123.4, check(&health, 23, 123.4, 0).power_w, 0);
	UNIT_EQUAL_U64(0, check(&health, 24, 123.5, 0).flags);
	UNIT_EQUAL_U64(0, check(&health, 25, 123.4, 0).flags);
	meter_health_lost(&health);
	UNIT_EQUAL_U64(METER_GAP, check(&health, 26, 123.4, 0).flags);
	for (unsigned i = 27; i < 46; i++)
		UNIT_EQUAL_U64(0, check(&health, i, 123.4, 0).flags);
	UNIT_EQUAL_U64(METER_FROZEN, check(&health, 46, 123.4, 0).flags);
}

static void test_flag_names(void)
{
	UNIT_EQUAL_TEXT("damaged", meter_flag_name(0));
	UNIT_EQUAL_TEXT("implausible", meter_flag_name(METER_FLAGS - 1));
	UNIT_EQUAL_U64(METER_IMPLAUSIBLE, 1u << (METER_FLAGS - 1));
	UNIT_EQUAL_TEXT("?", meter_flag_name(METER_FLAGS));
}

int main(void)
{
	return UNIT_RUN(
		"meter-health", { "a good reading stays as it is", test_good },
		{ "negative, endless or beyond 1.5 ranges is no figure", test_implausible },
		{ "zero is a figure of rails and DC branches alone", test_zero },
		{ "a damaged reading has no figure", test_none },
		{ "what comes after a loss or late is marked", test_gap },
		{ "intervals are those of the meter's clock", test_fast_clock },
		{ "a value that stands still is marked if steps are fine", test_frozen },
		{ "without a stated resolution the digits of a constant value tell",
		  test_unstated_digits },
		{ "without a stated resolution the smallest step tells", test_unstated_steps },
		{ "a loss or another value ends a frozen run", test_frozen_begins_anew },
		{ "flags have names", test_flag_names });
}
