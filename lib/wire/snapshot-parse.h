/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot-parse.h - snapshots from JSON. Private to wire/. */
#ifndef VMENERGY_WIRE_SNAPSHOT_PARSE_H
#define VMENERGY_WIRE_SNAPSHOT_PARSE_H

#include "model/snapshot.h"
#include "wire/node.h"

/*
 * The object of the contract and the one with more, into an emptied snapshot and its memory
 * (snapshot_take()). 0; -EINVAL with text; -ENOMEM: the snapshot is empty then.
 */
int snapshot_parse(const struct node *contract, const struct node *more, struct snapshot *snapshot);

#endif
