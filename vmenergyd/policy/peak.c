/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mean over a billing window on the UTC wall clock: what the window has
 * left, spread over its rest, is the host's cap of now.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

double peak_cap_w(const struct decision *decision, double power_w)
{
	const struct policy_host *host = &decision->in->host;
	struct host_memory *memory = &decision->policy->host;
	double window_s = host->peak_window_s, now_s = decision->in->realtime_s;
	double start_s = floor(now_s / window_s) * window_s, passed_s = now_s - start_s, mine_s;

	if (!isfinite(host->peak_w) || !(window_s > 0) || !isfinite(start_s)) {
		memory->peak_start_s = NAN;
		return INFINITY;
	}
	mine_s = fmin(decision->dt_s, passed_s);
	if (decision->first)
		mine_s = 0;
	if (!(memory->peak_start_s == start_s) || decision->first) {
		/* What nobody accounted for of this window was spent as the contract allows. */
		double before_j = host->peak_w * (passed_s - mine_s);
		bool same = memory->peak_start_s == start_s;

		memory->peak_used_j = same ? fmax(before_j, memory->peak_used_j) : before_j;
		memory->peak_start_s = start_s;
	}
	memory->peak_used_j += power_w * mine_s;
	return fmax(0, (host->peak_w * window_s - memory->peak_used_j) /
			       fmax(window_s - passed_s, decision->dt_s));
}
