/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A domain's own limits. */
#include "vmenergyd/policy/internal.h"

#include <math.h>

void narrow(double *limit_w, unsigned *by, double to_w, unsigned reason)
{
	if (!(to_w < *limit_w))
		return;
	*limit_w = to_w;
	*by = reason;
}

bool limits_hold_anything(const struct limits *limits)
{
	const double values[] = { limits->cap_w, limits->cap_total_w, limits->cpu_cap_w,
				  limits->disk_cap_w, limits->budget_j };

	for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
		if (isfinite(values[i]))
			return true;
	return false;
}

double row_used_w(const struct row *row)
{
	return row->inside_w + row->outside_w + row->disk_w;
}

void caps_row(const struct decision *decision, struct row *row)
{
	const struct limits *limits = &row->in->limits;
	double used_w = row->known ? row_used_w(row) : NAN;
	double budget_w = budget_limit_w(limits, row->slot, used_w, decision);

	narrow(&row->limit_w, &row->limit_by, limits->cap_w, HELD_BY_CAP);
	/* An idle share that was never known leaves a NaN here, which narrows nothing. */
	narrow(&row->limit_w, &row->limit_by, limits->cap_total_w - row->idle_w, HELD_BY_CAP_TOTAL);
	narrow(&row->limit_w, &row->limit_by, budget_w, HELD_BY_BUDGET);
	narrow(&row->cpu_w, &row->cpu_by, limits->cpu_cap_w, HELD_BY_CPU_CAP);
	narrow(&row->disk_allot_w, &row->disk_by, limits->disk_cap_w * row->disk_factor,
	       HELD_BY_DISK_CAP);
}
