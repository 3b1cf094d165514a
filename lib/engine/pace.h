/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pace.h - when the next tick is due. Pure: the time is an argument.
 *
 * Ticks lie on a grid (start + k * interval) so that they do not drift; a
 * tick that came due while the last one still ran is counted, not made up for, and
 * so is one that would follow a late one within half an interval.
 */
#ifndef VMENERGY_ENGINE_PACE_H
#define VMENERGY_ENGINE_PACE_H

#include <stdint.h>

struct pace {
	uint64_t interval_ns;
	uint64_t due_ns;       /* CLOCK_MONOTONIC */
	uint64_t missed_ticks; /* cumulative */
};

/* The first tick is due at now_ns. */
void pace_start(struct pace *pace, uint64_t interval_ns, uint64_t now_ns);

/* The tick at pace->due_ns was run: move on to the next grid point after now_ns. */
void pace_advance(struct pace *pace, uint64_t now_ns);

#endif
