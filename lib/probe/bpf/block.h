/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block.h - what block.bpf.c shares with service-time-bpf.c: the contents of its maps. */
#ifndef VMENERGY_PROBE_BPF_BLOCK_H
#define VMENERGY_PROBE_BPF_BLOCK_H

#include "probe/bpf/leaf.h"

#ifdef __bpf__
struct bpf_spin_lock {
	uint32_t val;
};
#else
#include <linux/bpf.h>
#endif

enum { BLOCK_LEAVES_MAX = 1024, BLOCK_FLIGHTS_MAX = 4096 };

/* Map `leaves`, by dev_t: only the disks that are followed have an entry. */
struct block_leaf {
	struct bpf_spin_lock lock;
	struct leaf leaf;
};

/* Map `flights`, by the request's address: struct leaf_flight. */

#endif
