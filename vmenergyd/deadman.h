/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deadman.h - `vmenergyd deadman`: what a timer runs in case the daemon has
 * died and does not come back. Caps are in force then, but nobody adapts them:
 * a domain whose CPU time has become dearer, or which was idle and had no
 * quota, would exceed its cap. Each limited domain gets the quota that holds
 * its cap at the dearest CPU time that was seen of it.
 *
 *   vmenergyd deadman [--config FILE] [--state-directory DIR] [--heartbeat FILE] [--after 40s]
 *                     [--patience 5s] [--root DIR]
 *
 * The heartbeat is that of daemon-heartbeat.h.
 */
#ifndef VMENERGY_VMENERGYD_DEADMAN_H
#define VMENERGY_VMENERGYD_DEADMAN_H

/*
 * Longer than a watchdog and a restart take; and with its timer's period and libvirt's patience,
 * limits are there 60 s after the last sign of life.
 */
#define DEADMAN_AFTER_S 40
#define DEADMAN_PATIENCE_S 5

/* argv[0] is "deadman". Exit status: 0 done, or nothing to do; 1 failed; 2 wrong usage. */
int deadman_main(int argc, char **argv);

#endif
