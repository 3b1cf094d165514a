/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/delta.h"

#include <stdbool.h>

#include "tests/unit/unit.h"

static void check(uint64_t prev, uint64_t now, unsigned width, struct counter_delta expected)
{
	struct counter_delta delta = counter_delta(prev, now, width);

	UNIT_EQUAL_U64(expected.value, delta.value);
	UNIT_EQUAL_U64(expected.wrapped, delta.wrapped);
	UNIT_EQUAL_U64(expected.reset, delta.reset);
}

static void test_forward(void)
{
	check(0, 0, 64, (struct counter_delta){ 0 });
	check(5, 12, 64, (struct counter_delta){ .value = 7 });
	check(5, 12, 8, (struct counter_delta){ .value = 7 });
	check(0, UINT64_MAX, 64, (struct counter_delta){ .value = UINT64_MAX });
	/* More than half of the range is no reason for doubt while it goes forward. */
	check(1, 255, 8, (struct counter_delta){ .value = 254 });
}

static void test_wrap(void)
{
	check(0xfffffff0u, 0x10, 32, (struct counter_delta){ .value = 0x20, .wrapped = true });
	check(((uint64_t)1 << 48) - 1, 0, 48,
	      (struct counter_delta){ .value = 1, .wrapped = true });
	check(200, 71, 8, (struct counter_delta){ .value = 127, .wrapped = true });
	check(1, 0, 1, (struct counter_delta){ .reset = true });
}

static void test_reset(void)
{
	check(200, 72, 8, (struct counter_delta){ .reset = true }); /* 128: half of the range */
	check(1000, 3, 32, (struct counter_delta){ .reset = true });
	check(UINT64_MAX, 0, 64, (struct counter_delta){ .reset = true });
	check(1, 0, 64, (struct counter_delta){ .reset = true });
}

static void test_random_wraps(void)
{
	const uint64_t seed = 99;
	uint64_t state = seed;

	for (int i = 0; i < 10000; i++) {
		unsigned width = 2 + (unsigned)(unit_random(&state) % 62);
		uint64_t mask = ((uint64_t)1 << width) - 1;
		uint64_t step = unit_random(&state) & (mask >> 1),
			 prev = unit_random(&state) & mask;
		struct counter_delta delta = counter_delta(prev, (prev + step) & mask, width);

		if (delta.value != step || delta.reset || delta.wrapped != (prev + step > mask)) {
			fprintf(stderr, "\nseed %llu: width %u prev %llx step %llx gave %llx\n",
				(unsigned long long)seed, width, (unsigned long long)prev,
				(unsigned long long)step, (unsigned long long)delta.value);
			UNIT_TRUE(0);
			return;
		}
	}
}

int main(void)
{
	return UNIT_RUN("base-delta", { "forward differences are exact", test_forward },
			{ "a wrapped counter gives the right value", test_wrap },
			{ "a counter that cannot have wrapped was reset", test_reset },
			{ "random steps under half of the range are exact", test_random_wraps });
}
