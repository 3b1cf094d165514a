/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attachment.h - what each attachment of a service asked for.
 *
 * From /proc/PID/task/TID/io (read_bytes and write_bytes: those that went to a
 * device; needs CAP_SYS_PTRACE or the same user) of the thread that works for
 * the attachment alone. Bytes only: the kernel does not count a thread's requests.
 *
 * Who follows block requests by the thread that submits them may fill has_requests and
 * the requests of these readings afterwards: attachment.tid says whose they are.
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
 * Fill sample->attachments. One without a thread of its own is left as it is (never read), one
 * whose thread cannot be read is MISSING. 0, or -EINVAL: another topology than is followed.
 */
int attachment_probe_read(struct attachment_probe *probe, const struct topology *topology,
			  struct sample *sample);

#endif
