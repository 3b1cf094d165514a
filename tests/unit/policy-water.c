/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "vmenergyd/policy/water.h"

enum { PARTS_MAX = 40 };

struct fill {
	struct water parts[PARTS_MAX];
	size_t count;
	double total, deficit;
};

static struct fill random_fill(uint64_t *seed)
{
	struct fill fill = { .count = 1 + unit_random(seed) % PARTS_MAX };

	fill.total = unit_random_double(seed, 0, 300);
	for (size_t i = 0; i < fill.count; i++)
		fill.parts[i] = (struct water){
			.share = unit_random_double(seed, 1, 1000),
			.floor = unit_random(seed) % 2 ? unit_random_double(seed, 0, 5) : 0,
			.demand =
				unit_random(seed) % 8 ? unit_random_double(seed, 0, 30) : INFINITY,
		};
	fill.deficit = water_fill(fill.parts, fill.count, fill.total);
	return fill;
}

static void check_sums(const struct fill *fill)
{
	double given = 0, floors = 0, demands = 0;

	for (size_t i = 0; i < fill->count; i++) {
		const struct water *part = &fill->parts[i];
		double least = fmin(part->floor, part->demand);

		UNIT_TRUE(part->given >= least && part->given <= part->demand);
		given += part->given;
		floors += least;
		demands += part->demand;
	}
	UNIT_EQUAL_DOUBLE(fmax(floors, fmin(fill->total, demands)), given, 1e-9);
	UNIT_EQUAL_DOUBLE(fmax(0, floors - fill->total), fill->deficit, 1e-9);
}

/* Who is neither at its floor nor at its demand has the same per share as all of them. */
static void check_fair(const struct fill *fill)
{
	double sum = 0, squares = 0;
	size_t count = 0;

	for (size_t i = 0; i < fill->count; i++) {
		const struct water *part = &fill->parts[i];
		double level = part->given / part->share;

		if (part->given <= part->floor * (1 + 1e-9) || part->given >= part->demand)
			continue;
		sum += level;
		squares += level * level;
		count++;
	}
	if (count > 1)
		UNIT_EQUAL_DOUBLE(1, sum * sum / ((double)count * squares), 1e-9);
}

static void test_properties(void)
{
	uint64_t seed = 20061, before;

	for (unsigned round = 0; round < unit_rounds(2000); round++) {
		unsigned failures = CU_get_number_of_failures();
		struct fill fill;

		before = seed;
		fill = random_fill(&seed);
		check_sums(&fill);
		check_fair(&fill);
		if (CU_get_number_of_failures() != failures) {
			fprintf(stderr, "seed %llu\n", (unsigned long long)before);
			return;
		}
	}
}

static void test_monotone(void)
{
	uint64_t seed = 77;

	for (unsigned round = 0; round < unit_rounds(500); round++) {
		struct fill less = random_fill(&seed), more = less;

		water_fill(more.parts, more.count, less.total * 1.1);
		for (size_t i = 0; i < less.count; i++)
			UNIT_TRUE(more.parts[i].given >= less.parts[i].given * (1 - 1e-9));
	}
}

static void test_by_hand(void)
{
	struct water parts[] = { { .share = 1, .floor = 0, .demand = INFINITY },
				 { .share = 1, .floor = 0, .demand = 4 },
				 { .share = 2, .floor = 0, .demand = INFINITY },
				 { .share = 1, .floor = 9, .demand = 20 } };

	/* 4 and the floor of 9 are settled; 27 - 13 = 14 are left, 14 / 3 per share. */
	UNIT_EQUAL_DOUBLE(0, water_fill(parts, 4, 27), 0);
	UNIT_EQUAL_DOUBLE(14.0 / 3, parts[0].given, 1e-12);
	UNIT_EQUAL_DOUBLE(4, parts[1].given, 1e-12);
	UNIT_EQUAL_DOUBLE(28.0 / 3, parts[2].given, 1e-12);
	UNIT_EQUAL_DOUBLE(9, parts[3].given, 1e-12);
	UNIT_EQUAL_DOUBLE(2, water_fill(parts, 4, 7), 1e-12);
	UNIT_EQUAL_DOUBLE(9, parts[3].given, 0);
	UNIT_EQUAL_DOUBLE(0, parts[0].given, 0);
}

static void test_unlimited_total(void)
{
	struct water parts[] = { { .share = 1, .demand = INFINITY }, { .share = 1, .demand = 3 } };

	UNIT_EQUAL_DOUBLE(0, water_fill(parts, 2, INFINITY), 0);
	UNIT_TRUE(isinf(parts[0].given));
	UNIT_EQUAL_DOUBLE(3, parts[1].given, 0);
}

static void test_allow_conserves_work(void)
{
	/* One that wants all gets what the other does not use; that may still grow a little. */
	struct water_claim claims[] = {
		{ .share = 1, .use = 4, .next = 6, .most = 20 },
		{ .share = 1, .use = 18, .next = 40, .most = 40, .wants_more = true },
	};
	struct water scratch[2];

	UNIT_EQUAL_DOUBLE(0, water_allow(claims, scratch, 2, 30), 0);
	UNIT_EQUAL_DOUBLE(6, claims[0].given, 1e-12);
	UNIT_EQUAL_DOUBLE(26, claims[1].given, 1e-9);
}

static void test_allow_spreads_what_nobody_wants(void)
{
	struct water_claim claims[] = {
		{ .share = 1, .use = 4, .next = 6, .most = 40 },
		{ .share = 1, .use = 2, .next = 3, .most = 40 },
		{ .share = 1, .use = 1, .next = 2, .most = 5 },
	};
	struct water scratch[3];

	water_allow(claims, scratch, 3, 45);
	UNIT_EQUAL_DOUBLE(20, claims[0].given, 1e-9);
	UNIT_EQUAL_DOUBLE(20, claims[1].given, 1e-9);
	UNIT_EQUAL_DOUBLE(5, claims[2].given, 1e-9);
}

int main(void)
{
	return UNIT_RUN(
		"policy-water",
		{ "sums, floors and demands hold, and shares are fair (Jain 1), whatever comes",
		  test_properties },
		{ "nobody gets less of a larger total", test_monotone },
		{ "a case by hand, and one whose floors exceed the total", test_by_hand },
		{ "without a total all get what they want", test_unlimited_total },
		{ "what one does not use another may", test_allow_conserves_work },
		{ "what nobody wants bounds the bursts of all",
		  test_allow_spreads_what_nobody_wants });
}
