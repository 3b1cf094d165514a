/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-heads.h - the host's own tasks in the books of the switch log, by name.
 *
 * To the unit: what the CPUs did = domains, services, ourselves, heads, idle, and
 * what the log itself has no name for.
 */
#ifndef VMENERGY_PROBE_SWITCH_HEADS_H
#define VMENERGY_PROBE_SWITCH_HEADS_H

#include "base/rootfs.h"
#include "probe/switch-follow.h"

/* Charge what was booked since the last call; `followed` are those that are no heads. */
void switch_heads_charge(struct switch_books *books, const struct switch_followed *followed,
			 const struct rootfs *root);

/* The CPUs' idle tasks have events (interrupts that hit them), and no time: index `time`. */
int switch_heads_put(const struct switch_books *books, unsigned quality, unsigned time,
		     struct sample *sample);

#endif
