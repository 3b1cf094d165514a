/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt.h - what libvirt says, without ever waiting for it.
 *
 * Owns two threads: one runs libvirt's event loop (virEventRunDefaultImpl;
 * one for the process), one makes the calls. Keepalive 1 s x 3 ends a call to
 * a stopped libvirtd in about 4 s. Each finished round is published as an
 * immutable `struct libvirt_view` with generation and time, announced over an
 * eventfd. When the connection is lost the last view stays, with `lost_ns`
 * set, and connecting is tried again for ever (1 s, doubling to 30 s).
 *
 * Connecting to a stopped libvirtd blocks for as long as it stays stopped
 * (keepalive begins after it), and a QEMU that hangs blocks the call that asks
 * for its statistics. The callers' own functions below notice: they publish a
 * view whose `trouble` says so, and in the second case put another thread in
 * the place of the one that hangs, which gets the other domains' figures. So
 * somebody must call them: the eventfd alone stays silent meanwhile.
 *
 * Nothing but libvirt.c and libvirt-round.c includes libvirt's headers; the
 * rest of the room is plain C: -board (what the threads share), -known, -view,
 * -xml, -socket. Connections are read-only (virConnectOpenReadOnly) as long as
 * nothing is written.
 */
#ifndef VMENERGY_HOST_LIBVIRT_H
#define VMENERGY_HOST_LIBVIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sample.h"
#include "model/topology.h"

struct libvirt_disk {
	char *target; /* "vda" */
	char *type;   /* "file" "block" "network" "volume" "vhostuser" ... */
	char *source; /* path, or URL-like text where there is none; "" = empty drive */
	bool direct;  /* cache = none or directsync */
	int iothread; /* number; 0 = none, or several */
	/* at_ns 0: never read; QUALITY_STALE: not in the latest statistics (the domain was busy) */
	struct io_reading io;
	char *path_seen; /* inside this room: the path that statistics told; NULL in a view */
};

struct libvirt_domain {
	char *uuid, *name;
	char *owner;        /* metadata: <vmenergy:owner>, OpenStack's project, or its user; NULL */
	char *display_name; /* OpenStack's (nova:name); NULL */
	enum domain_state state;
	bool transient;
	unsigned vcpus;           /* current */
	unsigned long cpu_shares; /* scheduler share; 0 = unknown */
	struct libvirt_disk *disks;
	size_t disk_count;
	char *reason; /* what libvirt would not tell; NULL */
};

struct libvirt_view { /* immutable, reference-counted */
	char *uri;    /* as connected */
	/* Changes when a domain, a disk or a state does (not the statistics). */
	uint64_t generation;
	uint64_t published_ns;
	uint64_t stats_seq;             /* of the request that the statistics answer */
	uint64_t lost_ns;               /* when the connection was lost; 0 = connected */
	char *trouble;                  /* why nothing (newer) is known; NULL = all well */
	struct libvirt_domain *domains; /* active domains, ascending by UUID */
	size_t domain_count;
	unsigned references;
};

struct libvirt;

/*
 * Starts the threads and returns at once. `uri` NULL: qemu:///system, then
 * qemu:///session if a daemon of this user runs already; view->uri says which
 * one answered. Silences libvirt's own messages on stderr for the process.
 */
int libvirt_open(struct libvirt **libvirt, const char *uri, struct error *error);
/* Waits for running calls at most 1 s, then leaves the threads behind: they end, and free
 * what they share, once libvirt lets go of them. */
void libvirt_close(struct libvirt *libvirt);

/* Readable when a view was published since the last libvirt_view(), which drains it. */
int libvirt_event_fd(const struct libvirt *libvirt);

/* Ask for a fresh round; returns its number. Never blocks. */
uint64_t libvirt_request(struct libvirt *libvirt);
/*
 * Wait until the round `seq` is published (seq 0: any view), at most
 * patience_ns; false at once while the connection is known to be lost.
 */
bool libvirt_wait(struct libvirt *libvirt, uint64_t seq, uint64_t patience_ns);

/* The latest view, one reference; NULL before the first (nothing has answered yet). */
const struct libvirt_view *libvirt_view(struct libvirt *libvirt);
void libvirt_view_unref(const struct libvirt_view *view);

/*
 * Pure: replace a domain's disks, owner and display name by what its XML says
 * (a disk that keeps its target keeps its readings). 0, -EINVAL (not a
 * domain's XML; the domain stays as it was) or -ENOMEM.
 * Sources without a path: "PROTOCOL://HOST:PORT/NAME", "rbd:POOL/IMAGE",
 * "nbd+unix:///NAME?socket=PATH", "nvme://DDDD:BB:SS.F/NAMESPACE",
 * "volume:POOL/NAME" (libvirt.c puts the path there once statistics tell it).
 * Of type vhostuser the source is the socket's path.
 */
int libvirt_domain_xml(struct libvirt_domain *domain, const char *xml, struct error *error);

#endif
