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
#include "engine/cpu-counter.h"
#include "host/host.h"
#include "model/sample.h"
#include "model/topology.h"

struct live_options {
	const char *root; /* folder that stands before /proc, /sys, /dev; NULL = the real ones */
	const char *uri;  /* libvirt; NULL = system, then session */
	bool without_libvirt;
	const char *const *qmp_sockets;
	size_t qmp_count;
	const struct host_service_rule *services;
	size_t service_count;
	uint64_t interval_ns; /* bounds how long a tick waits for libvirt's statistics */
	struct exits *exits;  /* as in cpu-counter.h; borrowed until live_close() */
};

struct live;

int live_open(struct live **live, const struct live_options *options, struct error *error);
void live_close(struct live *live);

struct live_counting {
	struct cpu_counter_request cpu;
	/* Are there prices for several frequencies? Reading it interrupts every CPU in each tick,
	 * and is left out where nothing depends on it. */
	bool with_frequency;
};

/*
 * Count so from now on. Once, after the first live_discover() and before the
 * first live_sample(); may be tried again otherwise if it fails. 0 or -errno
 * with a sentence.
 */
int live_count(struct live *live, const struct live_counting *counting, struct error *error);
/* Is it the machine that we run on, and not another root? */
bool live_is_here(const struct live *live);
void live_set_interval(struct live *live, uint64_t interval_ns);

/* What the samples count, and how machine totals are read (a phrase). */
void live_events(const struct live *live, struct event_set *events);
const char *live_total_source(const struct live *live);
/* Where frequency is read, and how disk requests are followed, phrases; NULL = not at all. */
const char *live_frequency_source(const struct live *live);
const char *live_service_time_source(const struct live *live);
/*
 * What the counters cannot see here, sentences for the reader, `index` from 0;
 * NULL = none under this index (there may be one under the next), below LIVE_NOTES.
 */
enum { LIVE_NOTES = 3 };
const char *live_note(const struct live *live, unsigned index);

/* The topology of now; borrowed until the next call. 0 or -errno with text. */
int live_discover(struct live *live, const struct topology **topology, struct error *error);

/* Read all counters for `topology` (the one live_discover() gave). 0 or -errno with text. */
int live_sample(struct live *live, const struct topology *topology, struct sample *sample,
		struct error *error);

/* host_libvirt_heard_ns() */
uint64_t live_libvirt_heard_ns(const struct live *live);

/* host_spare_monitors() */
size_t live_spare_monitors(const struct live *live, struct host_spare *spares, size_t most);

#endif
