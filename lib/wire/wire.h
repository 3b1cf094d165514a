/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wire.h - snapshots as JSON and CSV. Pure: buffers in, buffers out.
 */
#ifndef VMENERGY_WIRE_WIRE_H
#define VMENERGY_WIRE_WIRE_H

#include "base/error.h"
#include "base/text.h"
#include "model/snapshot.h"

/*
 * Append one line of JSON (the snapshot contract, format 1) and "\n".
 * NaN becomes null; names that are not UTF-8 have their bad bytes replaced by
 * U+FFFD. 0 or -ENOMEM.
 */
int snapshot_json(const struct snapshot *snapshot, struct text *out, struct error *error);

/* One header row; then, per tick, a row per domain, one for kept and one for the host. */
void snapshot_csv_header(struct text *out);
void snapshot_csv_rows(const struct snapshot *snapshot, struct text *out);

#endif
