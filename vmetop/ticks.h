/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ticks.h - several ticks shown as one, and the last one after its source has gone. Pure.
 *
 * Watts of joined ticks are means over all their time: of each tick's own, by its length. Bytes
 * and requests add up; joules, caps and whatever else is no mean are the newest tick's. Energy
 * that a tick learns of late is in its joules, and in no watts, as in the ticks themselves.
 */
#ifndef VMENERGY_VMETOP_TICKS_H
#define VMENERGY_VMETOP_TICKS_H

#include "model/snapshot.h"

/*
 * Make *later the two, one behind the other, of one epoch. Domains and heads of kept that only
 * the earlier one had are in it, too, or the sums of the host would not be those of its parts.
 * 0 or -ENOMEM, with *later as it was, or joined in part.
 */
int ticks_join(const struct snapshot *earlier, struct snapshot *later);

/* Every figure is one that is held. */
void ticks_hold(struct snapshot *snapshot);
/* No means are known any more; totals, caps and names stay. */
void ticks_forget(struct snapshot *snapshot);

#endif
