/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * water.h - work-conserving weighted water-filling: who may have how much of a
 * total, by shares, with guarantees and bounds.
 */
#ifndef VMENERGY_VMENERGYD_POLICY_WATER_H
#define VMENERGY_VMENERGYD_POLICY_WATER_H

#include <stdbool.h>
#include <stddef.h>

struct water {
	double share;  /* > 0 */
	double floor;  /* given in any case, as far as it is wanted */
	double demand; /* the most that it would take; may be INFINITY */
	double given;  /* result */
};

/*
 * given_i = clamp(lambda share_i, floor_i, demand_i) such that their sum is
 * min(total, sum of demands); where the floors alone are more, the floors.
 * Returns by how much those exceed the total (0 = they do not).
 */
double water_fill(struct water *parts, size_t count, double total);

/* A party whose consumption follows its wishes with a delay. */
struct water_claim {
	double share, floor;
	double use;  /* what it is expected to use, if not held */
	double next; /* what it may grow to at once */
	double most; /* what it could ever use */
	bool wants_more;
	double given;
};

/*
 * Upper bounds for all: what is not expected to be used is handed out to those
 * that want more; where nobody wants it, it is spread over all by share, so that the
 * bounds together are the total and a burst of anybody stays below it. Those that use less
 * than their part may always grow a little. `scratch` has room for count.
 * Returns as water_fill() does.
 */
double water_allow(struct water_claim *claims, struct water *scratch, size_t count, double total);

#endif
