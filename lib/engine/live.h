/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * live.h - discover() and sample() of the machine that we run on.
 *
 * Discovery does not run in each tick: the topology is kept until something
 * says that the host has changed. Sampling reads parts before totals.
 */
#ifndef VMENERGY_ENGINE_LIVE_H
#define VMENERGY_ENGINE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sample.h"
#include "model/topology.h"

struct live_options {
	const char *root; /* folder that stands before /proc, /sys, /dev; NULL = the real ones */
	const char *uri;  /* libvirt; NULL = system, then session */
	bool without_libvirt;
	const char *const *qmp_sockets;
	size_t qmp_count;
	uint64_t interval_ns; /* bounds how long a tick waits for libvirt's statistics */
};

struct live;

int live_open(struct live **live, const struct live_options *options, struct error *error);
void live_close(struct live *live);

/* What the samples count, and how machine totals are read (a phrase). */
void live_events(const struct live *live, struct event_set *events);
const char *live_total_source(const struct live *live);
/* What the counters cannot see here, a sentence for the reader; NULL = nothing. Borrowed. */
const char *live_note(const struct live *live);

/* The topology of now; borrowed until the next call. 0 or -errno with text. */
int live_discover(struct live *live, const struct topology **topology, struct error *error);

/* Read all counters for `topology` (the one live_discover() gave). 0 or -errno with text. */
int live_sample(struct live *live, const struct topology *topology, struct sample *sample,
		struct error *error);

#endif
