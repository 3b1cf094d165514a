/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frequency.h - holding all CPUs at one frequency (/sys/devices/system/cpu/cpufreq), and
 * giving back what was there before, however this process ends.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_FREQUENCY_H
#define VMENERGY_CALIBRATE_WORKLOAD_FREQUENCY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rootfs.h"

enum { FREQUENCY_STEPS = 4 }; /* where the driver offers a range and no list */

struct frequencies {
	uint64_t *items; /* Hz, ascending; owned */
	size_t count, capacity;
};

/*
 * What can be set: the driver's list, or FREQUENCY_STEPS over its range; of the fastest policy,
 * where they differ. Start from {0}. 0; -ENOTSUP with text: there is no cpufreq here; -errno.
 */
int frequency_list(struct frequencies *list, const struct rootfs *root, struct error *error);
void frequency_list_clear(struct frequencies *list);

struct frequency_hold;

/*
 * Remember the limits of all policies. A child keeps them and writes them back when this process
 * lets go or ends, be it by a signal or kill -9. 0 or -errno with text.
 */
int frequency_hold_begin(struct frequency_hold **hold, const struct rootfs *root,
			 struct error *error);
/* Both limits of all policies, each within its own range; 0 Hz = as it was. 0 or -errno. */
int frequency_hold_set(struct frequency_hold *hold, uint64_t frequency_hz, struct error *error);
/* Everything as it was. NULL: nothing. 0; -EIO with text: it could not be written back. */
int frequency_hold_end(struct frequency_hold *hold, struct error *error);

#endif
