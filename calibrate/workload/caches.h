/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * caches.h - how large caches and memory are (/sys/devices/system/cpu/cpu0/cache,
 * /proc/meminfo), and what a thread has to work on to stay in one of them.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_CACHES_H
#define VMENERGY_CALIBRATE_WORKLOAD_CACHES_H

#include <stddef.h>

#include "base/rootfs.h"

enum { CACHE_LEVELS = 3, CACHE_MEMORY = CACHE_LEVELS + 1 };

struct cache {
	size_t bytes;       /* 0 = there is none */
	unsigned shared_by; /* CPUs, at least 1 */
};

struct caches {
	struct cache levels[CACHE_LEVELS]; /* [0] is level 1, of data */
	size_t free_bytes;                 /* of memory */
};

/* What the machine does not tell (most ARM guests) is taken as of a small server. */
void caches_read(struct caches *caches, const struct rootfs *root);

/*
 * Bytes for one of `threads` threads: more than the level below holds, less than this one; of
 * CACHE_MEMORY more than all caches hold, as far as memory is free. Level 0: 0.
 */
size_t caches_share(const struct caches *caches, unsigned level, unsigned threads);

#endif
