/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qmp.h - QEMU's monitor protocol, on sockets that were explicitly given to
 * us. A QMP socket serves one client: connecting to one that libvirt or
 * Proxmox owns can steal it, so nothing here ever looks for one.
 */
#ifndef VMENERGY_HOST_QMP_H
#define VMENERGY_HOST_QMP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "host/io-throttle.h"
#include "model/sample.h"

struct qmp;

struct qmp_block {
	char name[64]; /* drive id; without one the device's id, else the node's name */
	char node[64]; /* name of the block node; "" = none (an empty drive) */
	struct io_reading io;
};

/* Connect, negotiate and learn the peer: 1 s in all. 0 or -errno. */
int qmp_open(struct qmp **qmp, const char *path, struct error *error);
/* The same with another patience, which holds for each call that follows, too. */
int qmp_open_within(struct qmp **qmp, const char *path, uint64_t patience_ns, struct error *error);
/* The same as qmp_open(), where this process listens: with any other, or one that is not known, not
 * a word is exchanged, and the answer is -ESRCH. */
int qmp_open_of(struct qmp **qmp, const char *path, pid_t peer, struct error *error);
void qmp_set_patience(struct qmp *qmp, uint64_t patience_ns);
void qmp_close(struct qmp *qmp);
pid_t qmp_peer_pid(const struct qmp *qmp);   /* SO_PEERCRED; 0 = unknown */
const char *qmp_uuid(const struct qmp *qmp); /* query-uuid; NULL = none */

/*
 * query-blockstats; blocks are owned by qmp until the next call. Count or
 * -errno: -ETIMEDOUT may be tried again, after -ECONNRESET, -EPROTO and
 * -ENOTCONN the monitor is gone. Every call ends after the patience that is set.
 */
long qmp_blockstats(struct qmp *qmp, const struct qmp_block **blocks, struct error *error);

/*
 * query-block and block_set_io_throttle of the disk that is called so (its
 * drive, its device's id or its node). -ENODEV: there is none, or no medium in
 * it; -EREMOTEIO: QEMU refuses. Lengths of bursts and the throttle's group stay
 * as they are. (qmp-throttle.c)
 */
int qmp_get_throttle(struct qmp *qmp, const char *disk, struct io_throttle *throttle,
		     struct error *error);
int qmp_set_throttle(struct qmp *qmp, const char *disk, const struct io_throttle *throttle,
		     struct error *error);

/* The same of a storage daemon's throttle group, by its id. -EREMOTEIO: there is none, or QEMU
 * refuses. (qmp-group.c) */
int qmp_get_group(struct qmp *qmp, const char *group, struct io_throttle *throttle,
		  struct error *error);
int qmp_set_group(struct qmp *qmp, const char *group, const struct io_throttle *throttle,
		  struct error *error);

/* Thread ids of the vCPUs 0..count-1, from query-cpus-fast; 0 = unknown. 0 or -errno as
 * qmp_blockstats(), all of them unknown then. */
int qmp_vcpu_tids(struct qmp *qmp, pid_t *tids, size_t count, struct error *error);

#endif
