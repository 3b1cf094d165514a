/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "meter/list.h"

enum { NEVER = 100 };

static bool is_by_choice(const struct meter_about *about, const struct meter_place *place)
{
	const struct meter_driver *driver;

	for (unsigned i = 0; (driver = meter_driver_at(place, i)); i++)
		if (strcmp(driver->name, about->driver) == 0)
			return driver->by_choice_only;
	return true;
}

/*
 * How well "auto" ranks it: the lowest comes first, among equals what was listed first.
 *
 * By what is measured, as a wall figure holds everything that a package's leaves out. An
 * instrument that cannot know what it is wired to was most likely put there for this.
 */
static unsigned rank_of(const struct meter_about *about, const struct meter_place *place)
{
	static const unsigned ranks[] = {
		[SCOPE_WALL] = 0,    [SCOPE_DC] = 1,       [SCOPE_PACKAGE_DRAM] = 2,
		[SCOPE_PACKAGE] = 3, [SCOPE_RAIL] = NEVER,
	};

	if (about->missing[0] || about->emulated || is_by_choice(about, place))
		return NEVER;
	return about->has_scope ? ranks[about->scope] : 0;
}

const struct meter_about *meter_list_best(const struct meter_list *list,
					  const struct meter_place *place)
{
	const struct meter_about *best = NULL;
	unsigned best_rank = NEVER;

	for (size_t i = 0; i < list->count; i++) {
		unsigned rank = rank_of(&list->items[i], place);

		if (rank < best_rank) {
			best = &list->items[i];
			best_rank = rank;
		}
	}
	return best;
}
