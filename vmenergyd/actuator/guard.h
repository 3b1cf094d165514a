/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard.h - may a verb touch what it names? Its sender is not trusted: it might have been taken
 * over. So only QEMU processes are limited or moved here, only in cgroups that hold nobody else,
 * and only to places of ours or back; and of storage daemons their I/O threads, or throttle groups
 * on monitors that the configuration names.
 */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_GUARD_H
#define VMENERGY_VMENERGYD_ACTUATOR_GUARD_H

#include "vmenergyd/actuator/verb.h"

/*
 * 0, or -errno with text:
 * -ESRCH   the process is gone, or another one by now
 * -ESTALE  a cgroup does not hold it, or others, too
 * -EPERM   it is no QEMU (or no storage daemon), or may not be moved there, or its monitor is none
 * of room->monitors What is costly to see is looked at once per process and cgroup. Where a process
 * stood before it came below /vmenergy is remembered, for the way back; of one that was seen there
 * only, as after a restart, it is not known, and any cgroup that exists will do.
 */
int guard_check(struct actuator_room *room, const struct actuator *actuator,
		const struct verb *verb, struct error *error);
void guard_free(struct guard *guard);

#endif
