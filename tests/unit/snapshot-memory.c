/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of a snapshot that is filled again and again. */
#include "tests/unit/unit.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "model/snapshot.h"

enum { PIECES = 500 };

static struct snapshot snapshot;

/* Pieces of many sizes, each full of its own byte: true when all are there at the end. */
static bool fill(size_t most_bytes, uint64_t *seed)
{
	static unsigned char *pieces[PIECES];
	static size_t sizes[PIECES];
	bool good = true;

	for (size_t i = 0; i < PIECES; i++) {
		sizes[i] = unit_random(seed) % (most_bytes + 1);
		pieces[i] = snapshot_take(&snapshot, sizes[i]);
		good = good && pieces[i] && (uintptr_t)pieces[i] % alignof(max_align_t) == 0;
		for (size_t k = 0; k < sizes[i] && good; k++)
			good = pieces[i][k] == 0;
		if (pieces[i])
			memset(pieces[i], (int)(1 + i % 255), sizes[i]);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t k = 0; k < sizes[i] && good; k++)
			good = pieces[i][k] == 1 + i % 255;
	return good;
}

static void test_pieces(void)
{
	static const size_t most_bytes[] = { 10, 1000, 1000, 100000, 10, 0, 3000 };
	uint64_t seed = 818;

	for (size_t i = 0; i < sizeof most_bytes / sizeof *most_bytes; i++) {
		UNIT_TRUE(fill(most_bytes[i], &seed));
		snapshot.seq = 7;
		snapshot_reset(&snapshot);
		UNIT_EQUAL_U64(0, snapshot.seq);
	}
	snapshot_clear(&snapshot);
	UNIT_TRUE(snapshot.memory == NULL);
}

static void test_reuse(void)
{
	struct snapshot_block *first;

	for (unsigned i = 0; i < PIECES; i++)
		snapshot_take(&snapshot, 1000);
	snapshot_reset(&snapshot);
	first = snapshot.memory;
	for (unsigned tick = 0; tick < 5; tick++) {
		for (unsigned i = 0; i < PIECES; i++)
			snapshot_take(&snapshot, 1000);
		UNIT_TRUE(snapshot.memory == first);
		snapshot_reset(&snapshot);
		UNIT_TRUE(snapshot.memory == first);
	}
	snapshot_clear(&snapshot);
}

static void test_too_large(void)
{
	UNIT_TRUE(snapshot_take(&snapshot, SIZE_MAX) == NULL);
	UNIT_TRUE(snapshot_take(&snapshot, SIZE_MAX / 2) == NULL);
	UNIT_TRUE(snapshot_take(&snapshot, 1) != NULL);
	snapshot_clear(&snapshot);
}

int main(void)
{
	return UNIT_RUN("snapshot-memory",
			{ "pieces are clear, aligned and apart, whatever was there", test_pieces },
			{ "the same filling needs no new memory", test_reuse },
			{ "what cannot be had is refused", test_too_large });
}
