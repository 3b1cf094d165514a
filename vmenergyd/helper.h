/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * helper.h - the privileged child: it alone writes limits.
 *
 * Forked before any thread exists. Verbs go to it and results come back, each
 * one packet of a SOCK_SEQPACKET pair. It checks knob and range, that the pid is
 * still the process that was meant, and that it may be touched (actuator/guard.h).
 * Each mechanism that may block (libvirt, QMP) has a thread of its own, so that a
 * libvirtd that hangs delays nothing else; what it does not answer for 10 s is
 * answered with -ETIMEDOUT, but the CPU of libvirt's domains, which is written in
 * their cgroup, and through libvirt once it answers again. Verbs of one domain and
 * mechanism are done in the order in which they were sent; a SET that still waits
 * is replaced by a newer one (-ECANCELED). 8192 may wait for one mechanism; more
 * are answered with -EAGAIN: later, when some answers have come, they are taken.
 * What is in force already is not written again. It ends when the other end of the
 * pair is closed, and leaves every limit as it is; it ends at once if it cannot
 * give up the rights that it does not need.
 */
#ifndef VMENERGY_VMENERGYD_HELPER_H
#define VMENERGY_VMENERGYD_HELPER_H

#include "base/error.h"
#include "base/rootfs.h"
#include "vmenergyd/actuator/verb.h"

struct helper;

struct helper_options {
	const char *root; /* NULL = the real one */
	bool dry_run;
	double libvirt_patience_s; /* 0 = 10 */
	/* QMP sockets that are opened for limits: no other is, whatever a verb says. Borrowed until
	 * helper_start() returns. */
	struct monitor_list monitors;
};

/* Fork. 0 or -errno with text. */
int helper_start(struct helper **helper, const struct helper_options *options, struct error *error);
int helper_fd(const struct helper *helper); /* readable: results; hung up: it died */
/* Never blocks. 0; -EAGAIN: it has not taken the earlier ones yet; -EPIPE: it is dead. */
int helper_send(struct helper *helper, const struct verb *verb);
/* 1 = *applied is set; 0 = none yet; -EPIPE = it is dead. */
int helper_receive(struct helper *helper, struct applied *applied);
/* Close our end, wait at most 2 s for what it still does, then kill it. */
void helper_stop(struct helper *helper);

/* For what needs no daemon (stop, dead man): do it here and now. */
void verb_perform(struct actuator_room *room, const struct verb *verb, struct applied *applied);

#endif
