/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/policy.h"

#include <math.h>

#define BURST_PART 0.1 /* of the budget */

struct limits limits_none(void)
{
	return (struct limits){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
}

static void override(double *value, double over)
{
	if (!isnan(over))
		*value = over;
}

void limits_override(struct limits *limits, const struct limits *over)
{
	override(&limits->cap_w, over->cap_w);
	override(&limits->cap_total_w, over->cap_total_w);
	override(&limits->cpu_cap_w, over->cpu_cap_w);
	override(&limits->disk_cap_w, over->disk_cap_w);
	override(&limits->floor_w, over->floor_w);
	override(&limits->share, over->share);
	override(&limits->budget_j, over->budget_j);
	override(&limits->budget_period_s, over->budget_period_s);
	override(&limits->burst_j, over->burst_j);
}

double limits_burst_j(const struct limits *limits)
{
	return isnan(limits->burst_j) ? BURST_PART * limits->budget_j : limits->burst_j;
}

const char *policy_reason_name(unsigned index)
{
	static const char *const names[HELD_BY_COUNT] = {
		"cap",   "cap-total", "cpu-cap", "disk-cap", "budget",
		"owner", "host",      "peak",    "thermal",
	};

	return index < HELD_BY_COUNT ? names[index] : "";
}
