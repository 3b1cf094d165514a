/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "tests/unit/unit.h"
#include "vmetop/id-set.h"

static void test_empty(void)
{
	struct id_set set = { 0 };

	UNIT_TRUE(!id_set_has(&set, ""));
	id_set_remove(&set, "a");
	UNIT_EQUAL_U64(0, set.count);
	id_set_clear(&set);
}

static void test_once(void)
{
	struct id_set set = { 0 };

	UNIT_EQUAL_I64(0, id_set_add(&set, "a"));
	UNIT_EQUAL_I64(0, id_set_add(&set, "a"));
	UNIT_EQUAL_U64(1, set.count);
	UNIT_TRUE(id_set_has(&set, "a"));
	UNIT_TRUE(!id_set_has(&set, "A"));
	id_set_clear(&set);
	UNIT_TRUE(!id_set_has(&set, "a"));
}

static void test_copies(void)
{
	struct id_set set = { 0 };
	char id[] = "first";

	UNIT_EQUAL_I64(0, id_set_add(&set, id));
	id[0] = 'F';
	UNIT_TRUE(id_set_has(&set, "first"));
	id_set_clear(&set);
}

/* Against a table of marks, in random order. */
static void test_random(void)
{
	enum { IDS = 50 };
	uint64_t seed = 7, state = seed;
	bool marks[IDS] = { false };
	struct id_set set = { 0 };
	size_t count = 0;

	for (int step = 0; step < 5000; step++) {
		unsigned number = (unsigned)(unit_random(&state) % IDS);
		char id[16];

		snprintf(id, sizeof id, "vm-%u", number);
		if (unit_random(&state) % 2) {
			count += !marks[number];
			UNIT_EQUAL_I64(0, id_set_add(&set, id));
			marks[number] = true;
		} else {
			count -= marks[number];
			id_set_remove(&set, id);
			marks[number] = false;
		}
		if (set.count != count || id_set_has(&set, id) != marks[number])
			printf("seed %llu, step %d, %s\n", (unsigned long long)seed, step, id);
		UNIT_EQUAL_U64(count, set.count);
		UNIT_EQUAL_U64(marks[number], id_set_has(&set, id));
	}
	id_set_clear(&set);
}

int main(void)
{
	return UNIT_RUN("vmetop-id-set", { "an empty set has nothing", test_empty },
			{ "an id is held once, and compared whole", test_once },
			{ "the set keeps its own copy", test_copies },
			{ "random additions and removals agree with a table", test_random });
}
