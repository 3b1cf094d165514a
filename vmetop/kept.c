/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/kept.h"

#include <math.h>
#include <string.h>

#include "model/known.h"

static double rank_w(const struct snapshot *snapshot, size_t index)
{
	const struct snapshot_kept *head = &snapshot->kept[index];

	if (index == 0 || strcmp(head->name, "other") == 0)
		return INFINITY;
	return known(head->idle_w) + known(head->active_w);
}

/* Is it one of the `most` first by rank? Of equal ones the first. */
static bool is_large(const struct snapshot *snapshot, size_t index, size_t most)
{
	double own_w = rank_w(snapshot, index);
	size_t before = 0;

	for (size_t i = 0; i < snapshot->kept_count; i++) {
		double other_w = rank_w(snapshot, i);

		before += other_w > own_w || (other_w == own_w && i < index);
	}
	return before < most;
}

size_t kept_rows(const struct snapshot *snapshot, struct snapshot_kept rows[KEPT_ROWS])
{
	static char smaller[] = "smaller ones";
	size_t all = snapshot->kept_count, most = all > KEPT_ROWS ? KEPT_ROWS - 1 : all, count = 0;
	struct snapshot_kept rest = { .name = smaller };

	for (size_t i = 0; i < all; i++) {
		const struct snapshot_kept *head = &snapshot->kept[i];

		if (is_large(snapshot, i, most)) {
			rows[count++] = *head;
			continue;
		}
		rest.idle_w += known(head->idle_w);
		rest.active_w += known(head->active_w);
	}
	if (count < all)
		rows[count++] = rest;
	return count;
}
