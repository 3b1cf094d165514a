/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attachment.h - what each attachment of a service asked for.
 *
 * Of the thread that works for the attachment alone, or of the process if that does:
 *
 *   bytes     /proc/PID/task/TID/io or /proc/PID/io, read_bytes and write_bytes: those that went
 *             to a device; where the page cache is between, those that were made dirty (needs
 *             CAP_SYS_PTRACE or the same user). To a thread's own are added those of the workers
 *             that io_uring makes for it; of a worker that ends what it wrote since the last
 *             reading is lost.
 *   requests  block tracepoints (submit.h), from when the attachment is followed. A client's
 *             request that the file system or the page cache cuts or joins counts as what comes
 *             of it; where a thread cannot be followed only bytes are known. So it is in a tick
 *             in which a throttle of the block layer (a cgroup's) held all of them back: a worker
 *             of its own hands those in. Where it let some pass, only these are counted.
 *
 * Seen with QEMU 7.2 (1000 requests of 16 KiB in 64 MiB of ext4):
 *
 *   aio=native    all by the thread itself; flushes by workers of its pool
 *   aio=io_uring  reads by the thread itself; writes into holes all by iou-wrk workers, others
 *                 up to an eighth
 *   aio=threads   all by workers of the pool, which work for any export of the process
 *
 * Where nobody works for the attachment alone, as with several exports in one thread or with
 * workers of a pool:
 *
 *   both      what the process asks of the export's own file, which is no other one's
 *             (file-requests.h). These are the bytes that were asked for: through the page cache
 *             some never come to a disk, and of an image with a format some are the format's own
 *             and none those of the files behind it. Such a reading is an estimate.
 */
#ifndef VMENERGY_PROBE_ATTACHMENT_H
#define VMENERGY_PROBE_ATTACHMENT_H

#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct attachment_probe;

/* `root` is borrowed and outlives the probe. 0 or -ENOMEM. */
int attachment_probe_open(struct attachment_probe **probe, const struct rootfs *root);
void attachment_probe_close(struct attachment_probe *probe);

/* Follow a new topology: open what is new, close what is gone. 0 or -ENOMEM. */
int attachment_probe_follow(struct attachment_probe *probe, const struct topology *topology);

/*
 * Fill sample->attachments. One of which nobody knows who works for it, nor its file, is left as it
 * is (never read), one whose thread or process cannot be read is MISSING. 0, or -EINVAL: another
 * topology than is followed.
 */
int attachment_probe_read(struct attachment_probe *probe, const struct topology *topology,
			  struct sample *sample);

/* Why requests are not counted, or NULL: nothing is missing. */
const char *attachment_probe_note(const struct attachment_probe *probe);

#endif
