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
/* Rounds that only events ask for. */
#define BOARD_EVENT_INTERVAL_NS UINT64_C(100000000)

/*
 * The hold of one calling thread. A QEMU that hangs holds the call that asks
 * for its statistics, while libvirtd is well; another connection then gets all
 * but that domain (NOWAIT). So a calling thread that does not come back is
 * relieved: the next shift begins, and what the old one says is ignored.
 */
struct board_hand {
	struct libvirt *board; /* one reference */
	unsigned shift;
};
enum { BOARD_LEFT_BEHIND_MAX = 4 }; /* relieved threads that have not ended */

struct board_options {
	const char *uri; /* as asked for; NULL = the defaults */
	/* Start a thread that owns `hand`: it ends with board_finish(hand). 0 or -errno. */
	int (*start)(struct board_hand *hand, pthread_t *thread);
	uint64_t opening_limit_ns; /* connecting for longer is trouble */
	uint64_t round_limit_ns;   /* and so is any other call */
	uint64_t relief_ns;        /* after which its thread is relieved */
};

/* One reference each: the caller, each calling thread, each of libvirt's callbacks. */
struct libvirt *board_new(const struct board_options *options, struct error *error);
struct libvirt *board_ref(struct libvirt *board);
void board_unref(struct libvirt *board);
const char *board_uri(const struct libvirt *board); /* as asked for */

/* --- for the calling thread ------------------------------------------------ */

struct board_dirty { /* domains whose definition may have changed */
	bool all;
	unsigned count;
	char uuids[BOARD_DIRTY_MAX][BOARD_UUID_BYTES];
};

struct board_work {
	bool stop;          /* end the thread: the room is closed, or it was relieved */
	const char *closed; /* why a callback says that the connection ended; NULL */
	uint64_t seq;       /* the latest request */
	struct board_dirty dirty;
};

/*
 * Wait for something to do. Not connected: until `wake_ns`. Connected: until a
 * request, a closed connection or, at least BOARD_EVENT_INTERVAL_NS after the
 * last round, an event.
 */
void board_next(struct board_hand *hand, bool connected, uint64_t wake_ns, struct board_work *work);

/* A call that may block begins; opening: a connection to `uri`. */
void board_call_begin(struct board_hand *hand, const char *uri, bool opening);
void board_call_end(struct board_hand *hand);

/* Take over `view` (one reference) as the answer to request `seq`. */
void board_publish(struct board_hand *hand, struct libvirt_view *view, uint64_t seq);
/* Publish the last domains again, with why nothing newer is known. */
void board_trouble(struct board_hand *hand, const char *uri, bool lost, const char *text);
/* Before a new connection is used: what the old one's callbacks said is void. */
void board_reset_events(struct board_hand *hand);
/* The calling thread's last act: gives `hand` and its reference back. */
void board_finish(struct board_hand *hand);

/* --- for libvirt's callbacks ----------------------------------------------- */

void board_mark_dirty(struct libvirt *board, const char *uuid);
void board_mark_closed(struct libvirt *board, const char *why); /* why: static */

/* --- for open and close ---------------------------------------------------- */

int board_start(struct libvirt *board); /* the first shift. 0 or -errno */
/* End the calling thread: true when it has ended within patience_ns, else it is left behind. */
bool board_stop(struct libvirt *board, uint64_t patience_ns);

#endif
