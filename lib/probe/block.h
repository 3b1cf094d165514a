/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * block.h - requests and bytes of leaf disks, and of each domain on them.
 *
 * Leaves: /sys/dev/block/MAJ:MIN/stat. Domains ("issued", physical): the
 * cgroup that holds the domain alone (v1 blkio.throttle.io_service_bytes and
 * io_serviced with the _recursive form where there is one, v2 io.stat), else
 * /proc/PID/io read_bytes and write_bytes (needs CAP_SYS_PTRACE or the same
 * user), which knows no device. That also serves where v1 does not count a leaf
 * of the domain: since Linux 6.10 it counts only disks that somebody has
 * throttled. v1 counts buffered writes for the root, not for who made them.
 *
 * Flushes and discards are writes without bytes (model.md 3: a request's overhead); of what a
 * process did to any disk no requests are known.
 */
#ifndef VMENERGY_PROBE_BLOCK_H
#define VMENERGY_PROBE_BLOCK_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct block;

int block_open(struct block **block, const struct rootfs *root, struct error *error);
void block_close(struct block *block);
int block_follow(struct block *block, const struct topology *topology);

/*
 * Fill sample->issued. A domain that cannot be read has no entry; one whose
 * cgroup was read has one for each leaf that its vDISKs lead to, zeros included.
 * 0, -ENOMEM, or -EINVAL: `topology` is not the one that is followed.
 */
int block_read_issued(struct block *block, const struct topology *topology, struct sample *sample);
/* Fill sample->disks; after everything that works for them was read. */
int block_read_leaves(struct block *block, const struct topology *topology, struct sample *sample);

#endif
