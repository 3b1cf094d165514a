/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source.h - where snapshots come from: this machine's counters, a recording
 * (and, later in this table, a daemon). The views do not know which.
 */
#ifndef VMENERGY_VMETOP_SOURCE_H
#define VMENERGY_VMETOP_SOURCE_H

#include "base/error.h"
#include "model/snapshot.h"
#include "vmetop/options.h"

/* What the head of each view says of the account. Strings belong to the source. */
struct source_info {
	const char *hostname;
	const char *weights_why; /* the sentence of the choice of weights */
	double interval_s;
};

enum { SOURCE_END = 1 };

struct source {
	/* The next tick. 0; SOURCE_END: no more, or asked to stop; else -errno with text. */
	int (*next)(void *state, struct snapshot *snapshot, struct error *error);
	/* Release all; 0, or -errno with text if a recording could not be finished. */
	int (*close)(void *state, struct error *error);
	void *state;
	struct source_info info;
};

int source_local_open(struct source *source, const struct options *options, struct error *error);
int source_replay_open(struct source *source, const struct options *options, struct error *error);

#endif
