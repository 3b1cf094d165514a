/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.h - snapshots as text, tick after tick: table, CSV, JSON. */
#ifndef VMENERGY_VMETOP_BATCH_H
#define VMENERGY_VMETOP_BATCH_H

#include "base/error.h"
#include "base/text.h"
#include "model/snapshot.h"
#include "vmetop/options.h"
#include "vmetop/source.h"

struct batch;

/* Open the outputs that `options` ask for. 0 or -errno with text. */
int batch_open(struct batch **batch, const struct options *options, const struct source_info *info,
	       struct error *error);
/* Write one tick to each. -EPIPE: the reader of standard output has gone. */
int batch_put(struct batch *batch, const struct snapshot *snapshot, struct error *error);
/* Close and say whether everything was written. */
int batch_close(struct batch *batch, struct error *error);

#endif
