/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Energy per period as a token bucket: it fills at budget / period and holds the
 * burst. In any window of the period at most budget + burst is used.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

/* What is left is spread over so long: the limit then falls towards the rate instead of jumping. */
#define SPREAD_S 10.0

/*
 * What was used while nobody looked, beyond what the bucket got: at the cap, else at what its quota
 * (which stays in force when its writer dies) let through, or at what it uses now. Older than a
 * period does not matter to any window that is still to come.
 */
static double away_j(const struct limits *limits, struct slot *slot, double used_w)
{
	double seconds = fmin(slot->away_s, limits->budget_period_s), watts = used_w;

	if (isnan(used_w))
		return 0;
	slot->away_s = 0;
	if (isfinite(slot->hold.setting))
		watts = fmax(watts, slot->k * slot->hold.setting);
	watts = first_known(limits->cap_w, watts);
	return fmax(0, watts - limits->budget_j / limits->budget_period_s) * seconds;
}

double budget_limit_w(const struct limits *limits, struct slot *slot, double used_w,
		      const struct decision *decision)
{
	double rate_w = limits->budget_j / limits->budget_period_s, burst_j, bucket_j;

	if (!isfinite(rate_w)) {
		slot->bucket_j = NAN;
		slot->away_s = 0;
		return INFINITY;
	}
	burst_j = limits_burst_j(limits);
	bucket_j = fmin(burst_j, first_known(slot->bucket_j, burst_j));
	if (slot->away_s > 0)
		bucket_j -= away_j(limits, slot, used_w);
	if (!decision->first && slot->was_seen)
		bucket_j = fmin(burst_j,
				bucket_j + (rate_w - first_known(used_w, 0)) * decision->dt_s);
	/* A debt of more than a period's budget would hold back longer than any window lasts. */
	bucket_j = fmax(-limits->budget_j, bucket_j);
	slot->bucket_j = bucket_j;
	return fmax(0, rate_w + bucket_j / SPREAD_S);
}
