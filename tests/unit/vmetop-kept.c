/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept by name, as many heads as one can look through. */
#include <math.h>

#include "tests/unit/unit.h"
#include "vmetop/kept.h"

enum { MANY = 40 };

static struct snapshot_kept heads[MANY];

/* Of 1 W, 2 W, ... and the idle power of all in one. */
static struct snapshot kept_of(size_t count)
{
	static char names[MANY][32];

	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof names[i], "head %zu", i);
		heads[i] = (struct snapshot_kept){ names[i], 0, (double)(i + 1) };
	}
	return (struct snapshot){ .kept = heads, .kept_count = count };
}

static double sum_w(const struct snapshot_kept *rows, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += rows[i].idle_w + rows[i].active_w;
	return sum;
}

static void test_few_are_all_shown(void)
{
	struct snapshot snapshot = kept_of(KEPT_ROWS);
	struct snapshot_kept rows[KEPT_ROWS];

	UNIT_EQUAL_U64(KEPT_ROWS, kept_rows(&snapshot, rows));
	for (size_t i = 0; i < KEPT_ROWS; i++)
		UNIT_EQUAL_TEXT(heads[i].name, rows[i].name);
	snapshot.kept_count = 0;
	UNIT_EQUAL_U64(0, kept_rows(&snapshot, rows));
}

static void test_of_many_the_largest_are_shown(void)
{
	struct snapshot snapshot = kept_of(MANY);
	struct snapshot_kept rows[KEPT_ROWS];
	double all_w;

	heads[3].idle_w = 100; /* the idle power makes it large */
	heads[5].active_w = NAN;
	heads[7].name = unit_literal("other");
	all_w = sum_w(heads, 5) + sum_w(heads + 6, MANY - 6);
	UNIT_EQUAL_U64(KEPT_ROWS, kept_rows(&snapshot, rows));
	UNIT_EQUAL_TEXT("head 0", rows[0].name); /* who measures is the first */
	UNIT_EQUAL_TEXT("head 3", rows[1].name);
	UNIT_EQUAL_TEXT("other", rows[2].name);
	UNIT_EQUAL_TEXT("head 36", rows[3].name);
	UNIT_EQUAL_TEXT("head 39", rows[KEPT_ROWS - 2].name);
	UNIT_EQUAL_TEXT("smaller ones", rows[KEPT_ROWS - 1].name);
	UNIT_EQUAL_DOUBLE(all_w, sum_w(rows, KEPT_ROWS), 1e-12);
}

static void test_equal_ones_are_told_apart(void)
{
	struct snapshot snapshot = kept_of(MANY);
	struct snapshot_kept rows[KEPT_ROWS];

	for (size_t i = 0; i < MANY; i++)
		heads[i].active_w = 0;
	UNIT_EQUAL_U64(KEPT_ROWS, kept_rows(&snapshot, rows));
	UNIT_EQUAL_TEXT("head 0", rows[0].name);
	UNIT_EQUAL_TEXT("head 6", rows[KEPT_ROWS - 2].name);
}

int main(void)
{
	return UNIT_RUN("vmetop kept", { "a few heads are all shown", test_few_are_all_shown },
			{ "of many the largest are, who measures and what has no name",
			  test_of_many_the_largest_are_shown },
			{ "of equal ones the first are", test_equal_ones_are_told_apart });
}
