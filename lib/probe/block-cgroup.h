/* SPDX-License-Identifier: GPL-3.0-or-later */
/* block-cgroup.h - what a cgroup's tasks issued to each block device. */
#ifndef VMENERGY_PROBE_BLOCK_CGROUP_H
#define VMENERGY_PROBE_BLOCK_CGROUP_H

#include <stdint.h>

#include "base/cgroupfs.h"
#include "probe/kept.h"

/* Cumulative, of one device. */
struct block_count {
	unsigned major, minor;
	uint64_t read_bytes, write_bytes, read_requests;
	uint64_t write_requests; /* flushes among them: a bio of a write without bytes */
	uint64_t discards;       /* requests */
};

struct block_counts {
	struct block_count *items;
	size_t count, capacity;
};

/* {0} = closed. */
struct block_cgroup {
	struct kept_file bytes, requests; /* v1 blkio */
	struct kept_file stat;            /* v2 io.stat */
};

/* `cgroup` begins with '/', or is "" for the root (v1 only). 0 or -errno. */
int block_cgroup_open(struct block_cgroup *group, struct kept_files *files,
		      const struct cgroup_mounts *mounts, const char *cgroup);
void block_cgroup_close(struct block_cgroup *group);

/* Replace *counts. 0 or -errno. */
int block_cgroup_read(const struct block_cgroup *group, const struct kept_files *files,
		      struct kept_buffer *buffer, struct block_counts *counts);

/* NULL: the device is not named. */
const struct block_count *block_counts_find(const struct block_counts *counts, unsigned major,
					    unsigned minor);

#endif
