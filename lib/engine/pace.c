/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/pace.h"

void pace_start(struct pace *pace, uint64_t interval_ns, uint64_t now_ns)
{
	*pace = (struct pace){ .interval_ns = interval_ns, .due_ns = now_ns };
}

void pace_advance(struct pace *pace, uint64_t now_ns)
{
	uint64_t behind;

	pace->due_ns += pace->interval_ns;
	if (pace->due_ns >= now_ns)
		return;
	/* Points strictly before now are gone, and one that is close makes a stub of a tick. */
	behind = (now_ns - pace->due_ns + pace->interval_ns - 1) / pace->interval_ns;
	if (pace->due_ns + behind * pace->interval_ns - now_ns < pace->interval_ns / 2)
		behind++;
	pace->missed_ticks += behind;
	pace->due_ns += behind * pace->interval_ns;
}
