/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deadman-internal.h - what the files of the dead man share. For deadman*.c alone.
 *
 *   deadman.c         the command line; is it dead?
 *   deadman-limits.c  the limits of all domains
 *   deadman-ask.c     libvirt, which may not answer
 */
#ifndef VMENERGY_VMENERGYD_DEADMAN_INTERNAL_H
#define VMENERGY_VMENERGYD_DEADMAN_INTERNAL_H

#include "base/rootfs.h"
#include "vmenergyd/actuator/verb.h"
#include "vmenergyd/state.h"

struct deadman {
	const char *state_directory, *heartbeat, *root;
	double after_s, patience_s;
	struct rootfs rootfs;
	struct actuator_room room;
	struct state state;
	bool may_note; /* the state is ours to write */
	unsigned installed, failed;
};

/* --- deadman-limits.c. 0 or -errno with text; what a domain fails with is logged and counted. */
int deadman_install(struct deadman *deadman, struct error *error);

/* --- deadman-ask.c */
/*
 * Does `verbs` in a child, one after the other, until `end_ns` (CLOCK_MONOTONIC), when it is
 * killed: what it has not done by then has the result -ETIMEDOUT.
 */
void deadman_ask(struct deadman *deadman, const struct verb *verbs, struct applied *applied,
		 size_t count, uint64_t end_ns);

#endif
