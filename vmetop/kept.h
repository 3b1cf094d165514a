/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.h - what is kept, by name, as many heads as one can look through. Pure. */
#ifndef VMENERGY_VMETOP_KEPT_H
#define VMENERGY_VMETOP_KEPT_H

#include "model/snapshot.h"

enum { KEPT_ROWS = 8 };

/*
 * The first (who measures), what has no name, and the largest heads, in the snapshot's order, and
 * one for all that find no room; names are the snapshot's, or live for ever. Returns how many rows
 * there are.
 */
size_t kept_rows(const struct snapshot *snapshot, struct snapshot_kept rows[KEPT_ROWS]);

#endif
