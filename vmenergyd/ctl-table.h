/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-table.h - limits of domains as a table of text. Pure. */
#ifndef VMENERGY_VMENERGYD_CTL_TABLE_H
#define VMENERGY_VMENERGYD_CTL_TABLE_H

#include "base/text.h"
#include "model/snapshot.h"
#include "wire/protocol.h"

/* As `ctl status` and as a tick of `ctl watch`: without who holds, which a snapshot does not say.
 * NaN is shown as "-", and infeasible_w 0, too. */
void ctl_table_put_status(struct text *out, const struct protocol_status *status);
void ctl_table_put_snapshot(struct text *out, const struct snapshot *snapshot);

#endif
