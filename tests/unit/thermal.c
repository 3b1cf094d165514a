/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "model/thermal.h"

static const struct thermal example = { .c1 = 0.22 / 60, .c2 = -1.0 / 60, .t0_c = 24 };

static void test_steady(void)
{
	UNIT_EQUAL_DOUBLE(24, thermal_steady_c(&example, 0), 1e-12);
	UNIT_EQUAL_DOUBLE(46, thermal_steady_c(&example, 100), 1e-12);
	UNIT_EQUAL_DOUBLE(46, thermal_after_c(&example, 46, 100, 1000), 1e-12);
	UNIT_EQUAL_DOUBLE(46, thermal_after_c(&example, 24, 100, 1e6), 1e-12);
	UNIT_EQUAL_DOUBLE(100, thermal_power_w(&example, 46), 1e-12);
}

static void test_closed_form(void)
{
	const double seconds = 90, step = 0.001;

	for (int watts = 0; watts <= 300; watts += 60)
		for (int from = 20; from <= 80; from += 30) {
			double stepped = from, power = watts;

			/* The equation itself, by the midpoint rule. */
			for (int i = 0; i < (int)(seconds / step); i++) {
				double middle =
					stepped + 0.5 * step *
							  (example.c1 * power +
							   example.c2 * (stepped - example.t0_c));

				stepped += step * (example.c1 * power +
						   example.c2 * (middle - example.t0_c));
			}
			UNIT_EQUAL_DOUBLE(stepped, thermal_after_c(&example, from, power, seconds),
					  1e-8);
		}
}

static void test_steps_add_up(void)
{
	double split = thermal_after_c(&example, 30, 150, 7);

	split = thermal_after_c(&example, split, 150, 35);
	UNIT_EQUAL_DOUBLE(split, thermal_after_c(&example, 30, 150, 42), 1e-13);
	UNIT_EQUAL_DOUBLE(30, thermal_after_c(&example, 30, 150, 0), 0);
	/* A nanosecond is still its slope. */
	UNIT_EQUAL_DOUBLE((example.c1 * 150 - example.c2 * 24) * 1e3,
			  thermal_after_c(&example, 0, 150, 1e-9) * 1e12, 1e-9);
}

static void test_time_constant(void)
{
	double from = 40, steady = thermal_steady_c(&example, 250);

	UNIT_EQUAL_DOUBLE(exp(-1),
			  (steady - thermal_after_c(&example, from, 250, 60)) / (steady - from),
			  1e-12);
}

int main(void)
{
	return UNIT_RUN(
		"thermal",
		{ "constant power ends at its steady temperature, and back", test_steady },
		{ "the closed form equals small steps of the equation", test_closed_form },
		{ "two stretches are as one; the shortest has the right slope", test_steps_add_up },
		{ "after -1 / c2 seconds a part of 1/e is left", test_time_constant });
}
