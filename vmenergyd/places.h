/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * places.h - where each domain can be held, and how its quota is doing: the
 * readings of enforce.h from this machine's cgroups.
 *
 * A place is looked for once, and its files are kept open: a tick costs one pread(2) each. When
 * the topology changes, a place is kept if its process is still in it. An operator may have moved
 * the process, which no topology tells: that is looked at once in half a minute, and once a second
 * where there was no place, where it vanished, or where it is doubted.
 */
#ifndef VMENERGY_VMENERGYD_PLACES_H
#define VMENERGY_VMENERGYD_PLACES_H

#include "base/rootfs.h"
#include "vmenergyd/enforce.h"

struct places;

/* `root` is borrowed. 0 or -ENOMEM with text. */
int places_open(struct places **places, const struct rootfs *root, struct error *error);
void places_close(struct places *places);

/* QMP sockets that the configuration names, by the pid of their QEMU; copied. They are in the
 * targets from the next reading on. 0 or -ENOMEM. */
int places_set_qmp(struct places *places, const struct place_socket *sockets, size_t count);

/* The next reading looks for all places anew: a process was moved. */
void places_look_again(struct places *places);
/* A write was refused (-ESTALE): the next reading looks whether processes were moved, and for the
 * places anew within half a minute. */
void places_doubt(struct places *places);

/* Can single threads be limited in their I/O (cgroup v1)? */
bool places_hold_threads(const struct places *places);

/* Readings of all running and paused domains; owned by places until the next call. 0 or -errno
 * with text. A cgroup that is gone is no error: then has_bandwidth is false. */
int places_read(struct places *places, const struct topology *topology,
		const struct enforce_reading **readings, size_t *count, struct error *error);

#endif
