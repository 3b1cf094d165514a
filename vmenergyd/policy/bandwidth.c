/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/bandwidth.h"

#include <math.h>

/* The kernel hands a quota out by slices (sched_cfs_bandwidth_slice_us). */
enum { SLICE_US = 5000 };

struct bandwidth bandwidth_from_cpus(double cpus, unsigned runnable)
{
	struct bandwidth bandwidth = { BANDWIDTH_UNLIMITED, BANDWIDTH_PERIOD_US };
	double least_us = fmax(BANDWIDTH_MIN_US, (double)runnable * SLICE_US);

	if (!isfinite(cpus))
		return bandwidth;
	/* By doubling, so that a quota that moves a little keeps its period. */
	while (cpus * (double)bandwidth.period_us < least_us &&
	       bandwidth.period_us < BANDWIDTH_PERIOD_MAX_US)
		bandwidth.period_us *= 2;
	if (bandwidth.period_us > BANDWIDTH_PERIOD_MAX_US)
		bandwidth.period_us = BANDWIDTH_PERIOD_MAX_US;
	bandwidth.quota_us = (int64_t)fmin(floor(cpus * (double)bandwidth.period_us + 0.5), 1e15);
	if (bandwidth.quota_us < BANDWIDTH_MIN_US)
		bandwidth.quota_us = BANDWIDTH_MIN_US;
	return bandwidth;
}

double bandwidth_cpus(const struct bandwidth *bandwidth)
{
	if (bandwidth->quota_us < 0)
		return INFINITY;
	return (double)bandwidth->quota_us / (double)bandwidth->period_us;
}
