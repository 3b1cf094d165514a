/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wait.h - sleep until a tick is due, or until SIGINT, SIGTERM or SIGHUP.
 *
 * A signal sets a mark and ends the system call that it meets (EINTR), so that
 * a full pipe or a FIFO without a peer cannot hold us; between ticks it is
 * taken without a race. One that was ignored when we started (nohup) stays so.
 */
#ifndef VMENERGY_VMETOP_WAIT_H
#define VMENERGY_VMETOP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Call first in main(), before any thread exists. Ignores SIGPIPE: writes say EPIPE. */
void wait_open(void);
/* true: it is due; false: somebody asked us to stop. A time in the past only asks. */
bool wait_until(uint64_t due_ns);
/* Has somebody asked us to stop? */
bool wait_is_over(void);

#endif
