/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bandwidth.h - CPUs as the kernel's bandwidth control has them: so many
 * microseconds in each period. Pure.
 */
#ifndef VMENERGY_VMENERGYD_POLICY_BANDWIDTH_H
#define VMENERGY_VMENERGYD_POLICY_BANDWIDTH_H

#include <stdint.h>

/* The kernel's bounds: quota of 1 ms at least, period 1 ms .. 1 s. */
enum { BANDWIDTH_MIN_US = 1000, BANDWIDTH_PERIOD_MAX_US = 1000000, BANDWIDTH_PERIOD_US = 20000 };
#define BANDWIDTH_UNLIMITED INT64_C(-1)

struct bandwidth {
	int64_t quota_us; /* BANDWIDTH_UNLIMITED */
	uint64_t period_us;
};

/*
 * A period of about 20 ms, longer where the quota would be less than a slice
 * of 5 ms for each of `runnable` threads that share it (the kernel hands it
 * out by slices, and the last would starve), or less than the kernel's 1 ms.
 * cpus INFINITY: unlimited.
 */
struct bandwidth bandwidth_from_cpus(double cpus, unsigned runnable);
double bandwidth_cpus(const struct bandwidth *bandwidth); /* INFINITY = unlimited */

#endif
