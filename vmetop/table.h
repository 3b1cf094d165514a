/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - one tick as a table of text. Pure. */
#ifndef VMENERGY_VMETOP_TABLE_H
#define VMENERGY_VMETOP_TABLE_H

#include "base/text.h"
#include "model/snapshot.h"
#include "vmetop/rows.h"
#include "vmetop/source.h"

/*
 * Append head and rows. `width` cells, 0 = as wide as the longest name (up to
 * TABLE_NAME_MAX cells) needs.
 */
enum { TABLE_NAME_MIN = 16, TABLE_NAME_MAX = 48 };
void table_put(struct text *out, const struct snapshot *snapshot, const struct rows *rows,
	       const struct view *view, const struct source_info *info, int width);

#endif
