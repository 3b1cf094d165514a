/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot-shape.h - the members of the snapshot contract, and of "more". Private to wire/. */
#ifndef VMENERGY_WIRE_SNAPSHOT_SHAPE_H
#define VMENERGY_WIRE_SNAPSHOT_SHAPE_H

#include "wire/shape.h"

enum {
	SNAPSHOT_FORMAT = 1,
	/*
	 * Significant digits of a real: all that a double holds for every decimal (so
	 * 0.1 prints as 0.1, and a line that is read prints the same again); sums over 1000
	 * domains still agree to 1e-12.
	 */
	SNAPSHOT_DIGITS = 15,
};

/* Of a struct snapshot. All but "format", which comes first. */
extern const struct shape snapshot_shape;
/* What vmetop shows besides; its lists run beside those of the contract, which is read first. */
extern const struct shape snapshot_more_shape;

#endif
