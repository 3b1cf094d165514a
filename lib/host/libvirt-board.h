/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-board.h - inside this room: what the callers of libvirt.h, the
 * thread that makes libvirt's calls and libvirt's callbacks share. Every
 * function takes the lock for a moment only; none calls libvirt.
 */
#ifndef VMENERGY_HOST_LIBVIRT_BOARD_H
#define VMENERGY_HOST_LIBVIRT_BOARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt-view.h"

enum { BOARD_DIRTY_MAX = 64, BOARD_UUID_BYTES = 37 };
/* A call to connect that takes longer is trouble, and any other call. */
#define BOARD_OPENING_LIMIT_NS UINT64_C(2000000000)
#define BOARD_ROUND_LIMIT_NS UINT64_C(5000000000)
/* Rounds that only events ask for. */
#define BOARD_EVENT_INTERVAL_NS UINT64_C(100000000)

uint64_t board_now_ns(void); /* CLOCK_MONOTONIC */

/* One reference each: the caller, the calling thread, each of libvirt's callbacks. */
struct libvirt *board_new(const char *uri, struct error *error);
struct libvirt *board_ref(struct libvirt *board);
void board_unref(struct libvirt *board);
const char *board_uri(const struct libvirt *board); /* as asked for; NULL = the defaults */

/* --- for the calling thread ------------------------------------------------ */

struct board_dirty { /* domains whose definition may have changed */
	bool all;
	unsigned count;
	char uuids[BOARD_DIRTY_MAX][BOARD_UUID_BYTES];
};

struct board_work {
	bool stop;
	const char *closed; /* why a callback says that the connection ended; NULL */
	uint64_t seq;       /* the latest request */
	struct board_dirty dirty;
};

/*
 * Wait for something to do. Not connected: until `wake_ns`. Connected: until a
 * request, a closed connection or, at least BOARD_EVENT_INTERVAL_NS after the
 * last round, an event.
 */
void board_next(struct libvirt *board, bool connected, uint64_t wake_ns, struct board_work *work);

/* A call that may block begins; opening: a connection to `uri`. */
void board_call_begin(struct libvirt *board, const char *uri, bool opening);
void board_call_end(struct libvirt *board);

/* Take over `view` (one reference) as the answer to request `seq`. */
void board_publish(struct libvirt *board, struct libvirt_view *view, uint64_t seq);
/* Publish the last domains again, with why nothing newer is known. */
void board_trouble(struct libvirt *board, const char *uri, bool lost, const char *text);
/* Before a new connection is used: what the old one's callbacks said is void. */
void board_reset_events(struct libvirt *board);
/* The calling thread's last act but giving back its reference. */
void board_finish(struct libvirt *board);

/* --- for libvirt's callbacks ----------------------------------------------- */

void board_mark_dirty(struct libvirt *board, const char *uuid);
void board_mark_closed(struct libvirt *board, const char *why); /* why: static */

/* --- for open and close ---------------------------------------------------- */

pthread_t *board_thread(struct libvirt *board); /* where open keeps the calling thread's name */
/* Ask the calling thread to stop; true when it has finished within patience_ns. */
bool board_stop(struct libvirt *board, uint64_t patience_ns);

#endif
