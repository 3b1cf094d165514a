/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host.h - which domains run here: libvirt's and plain QEMU processes,
 * together, each once. The one door of this room.
 */
#ifndef VMENERGY_HOST_HOST_H
#define VMENERGY_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

/* A service that the configuration names: `[service NAME]`. Texts are borrowed. */
struct host_service_rule {
	const char *name;
	/* A pattern ('*' and '?') on the name of its first thread or on its whole command line,
	 * blanks between the arguments. */
	const char *match;
	double idle_units;
};

struct host_options {
	const struct rootfs *root; /* borrowed */
	const char *uri;           /* libvirt URI; NULL: qemu:///system, then qemu:///session */
	bool without_libvirt;
	const char *const *qmp_sockets; /* monitors that we may use: nobody else's */
	size_t qmp_count;
	const struct host_service_rule
		*services; /* besides those that are known by their program */
	size_t service_count;
};

struct host;

/* 0 or -errno with text. A libvirt that does not answer is no error: it is a note. */
int host_open(struct host **host, const struct host_options *options, struct error *error);
void host_close(struct host *host);

/*
 * Cheap, each tick: has anything happened since the last discovery (lifecycle
 * event, process or thread count changed, a pid reused, a medium changed)?
 */
bool host_changed(struct host *host);

/*
 * Look again. *topology gets one reference; its generation differs from the
 * previous one's exactly when its content does. Never blocks on libvirtd: what
 * it last published is used, and its age is a note and a reason. A domain that
 * ended since the previous call is in the result once, as DOMAIN_ENDED.
 */
int host_discover(struct host *host, struct topology **topology, struct error *error);

/* Ask libvirt for statistics in its own thread (returns at once). Begin of a tick. */
void host_request_stats(struct host *host);

/*
 * Fill sample->domains[].vdisks from the latest libvirt and QMP statistics;
 * waits at most `patience_ns` for those requested in this tick, then marks
 * what is old STALE (with the time it was true) and what never came MISSING.
 * All monitors together may hold up the tick, its discovery included, for as long; one that
 * does not answer is left alone for 10 s, then twice as long each time, up to 5 min. (0: 2 s.)
 */
int host_read_vdisks(struct host *host, const struct topology *topology, struct sample *sample,
		     uint64_t patience_ns);

/* When the latest statistics of libvirt came (CLOCK_MONOTONIC); 0 = none yet. */
uint64_t host_libvirt_heard_ns(const struct host *host);

/* Of several monitors of one QEMU one is kept connected; the others are free for other uses, and so
 * is that of a storage daemon. */
struct host_spare {
	pid_t pid;        /* of the QEMU, or of the storage daemon */
	const char *path; /* the host's */
};
/* How many there are; at most `most` of them go to `spares`. */
size_t host_spare_monitors(const struct host *host, struct host_spare *spares, size_t most);

#endif
