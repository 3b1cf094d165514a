/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heads.h - on-CPU time of the host's own processes and kernel threads, by name,
 * where no log of switches has it (switch.h).
 *
 * Each one's CPU clock (clock_getcpuclockid(3): all threads, ended ones too) is
 * read in each tick, which takes no file and no rights; files only when a process
 * is new, and to see whether a name has changed. Who belongs to a domain or a
 * service, and we ourselves, are left out. Of those that end, what they had used
 * since the last reading is told by the kernel where that is allowed
 * (heads-exits.h); else it is under no name. So is what a hidden process used
 * (hidepid of proc(5)). Interrupts are in what they hit.
 */
#ifndef VMENERGY_PROBE_HEADS_H
#define VMENERGY_PROBE_HEADS_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"
#include "probe/heads-exits.h"

struct heads;

/*
 * `by_time`: the samples have events, and so these readings say that they are time,
 * and sample->on_cpu is read beside them. `root` is borrowed. `exits` was opened
 * before rights were given up, and is empty afterwards; NULL or closed: it is tried here.
 * 0 or -errno with text (-EOPNOTSUPP: another root, whose processes this machine does not run).
 */
int heads_open(struct heads **heads, const struct rootfs *root, bool by_time, struct exits *exits,
	       struct error *error);
void heads_close(struct heads *heads);

/* What has no name here, a sentence; NULL = nothing to speak of. */
const char *heads_note(const struct heads *heads);

/* Who is of a domain or a service from now on. 0 or -ENOMEM. */
int heads_follow(struct heads *heads, const struct topology *topology);

/* Fill sample->heads: after the parts, before the total. 0 or -errno. */
int heads_read(struct heads *heads, struct sample *sample);

#endif
