/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wait.h - sleep until a tick is due, something can be read, or SIGINT, SIGTERM
 * or SIGHUP comes.
 *
 * A signal sets a mark and ends the system call that it meets (EINTR), so that
 * a full pipe or a FIFO without a peer cannot hold us; between ticks it is
 * taken without a race. One that was ignored when we started (nohup) stays so.
 */
#ifndef VMENERGY_VMETOP_WAIT_H
#define VMENERGY_VMETOP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

enum wait_end {
	WAIT_DUE,   /* it is time */
	WAIT_INPUT, /* `input` can be read or has hung up, or some other signal came (a resize) */
	WAIT_READY, /* `source` can be read or has hung up */
	WAIT_OVER,  /* somebody asked us to stop */
};
enum { WAIT_NO_FD = -1 };
#define WAIT_FOR_EVER UINT64_MAX

/* Call first in main(), before any thread exists. Ignores SIGPIPE: writes say EPIPE. */
void wait_open(void);
/* A time in the past only looks. Either descriptor may be WAIT_NO_FD. */
enum wait_end wait_until(uint64_t due_ns, int input, int source);
/* Has somebody asked us to stop? */
bool wait_is_over(void);

#endif
