/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * daemon-heartbeat.h - the daemon's sign of life, which the dead man reads: the file `alive` beside
 * the control socket. One line: CLOCK_MONOTONIC in nanoseconds, which stands still while the
 * machine sleeps, as its VMs do; and the kernel's boot id, as that clock begins anew.
 */
#ifndef VMENERGY_VMENERGYD_DAEMON_HEARTBEAT_H
#define VMENERGY_VMENERGYD_DAEMON_HEARTBEAT_H

char *heartbeat_path(const char *socket); /* to be freed; NULL = no memory */

/* That it lives now. 0 or -errno. */
int heartbeat_write(const char *path);

/*
 * How long ago it was written; INFINITY: in an earlier boot; NaN: there is none. Where the line
 * does not say, by the file's time, which is of the wall clock.
 */
double heartbeat_age_s(const char *path);

#endif
