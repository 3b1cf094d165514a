/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a decision says of a domain, for people. */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define DEFICIT_LEAST 0.01 /* of the limit: less is a matter of rounding */

static double beyond(double watts, double limit_w)
{
	double deficit_w = watts - limit_w;

	return deficit_w >= fmax(DEFICIT_LEAST_W, DEFICIT_LEAST * limit_w) ? deficit_w : 0;
}

/* By how much its limits cannot be met, with the mechanisms as low as they go. */
static double infeasible_w(const struct row *row)
{
	double cpu_w = row->in->cpu_controllable ? row->cpu_floor_w : row->inside_w;
	double disk_w = row->disk_fixed_w + row->disk_floor_w;
	double deficit_w = 0;

	/* That of the host's is the host's, and never below these floors. */
	if (row->limit_by < HELD_BY_HOST)
		deficit_w = beyond(cpu_w + row->outside_w + disk_w, row->limit_w);
	if (!isnan(row->in->limits.cpu_cap_w))
		deficit_w = fmax(deficit_w, beyond(cpu_w, row->in->limits.cpu_cap_w));
	if (!isnan(row->in->limits.disk_cap_w))
		deficit_w = fmax(deficit_w,
				 beyond(disk_w / row->disk_factor, row->in->limits.disk_cap_w));
	return fmax(deficit_w, row->deficit_w > DEFICIT_LEAST_W ? row->deficit_w : 0);
}

static double headroom_w(const struct row *row)
{
	double headroom = row->limit_w - row_used_w(row);

	if (isfinite(row->in->limits.cpu_cap_w))
		headroom = fmin(headroom, row->in->limits.cpu_cap_w - row->inside_w);
	if (isfinite(row->in->limits.disk_cap_w))
		headroom =
			fmin(headroom, row->in->limits.disk_cap_w - row->disk_w / row->disk_factor);
	return isinf(headroom) ? NAN : headroom;
}

/* Against what it used when it was last free; against all its vCPUs where it never was. */
static double throttle_cpu(const struct row *row)
{
	double wanted = fmax(first_known(row->slot->wanted_cpus, 0), row->slot->cpus);

	if (isinf(row->slot->hold.setting))
		return NAN;
	if (row->slot->strained == 0 || !(row->slot->cpus >= 0))
		return 0;
	if (!(wanted > row->slot->cpus))
		wanted = fmax(wanted, row->in->vcpus);
	return wanted > 0 ? fmin(1, fmax(0, 1 - row->slot->cpus / wanted)) : 0;
}

static double throttle_disk(const struct row *row)
{
	double most_w = 0, withheld_w = 0;
	bool limited = false;

	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];

		if (isinf(row->out->disks[i].active_w))
			continue;
		limited = true;
		most_w += disk->span_w;
		if (recent_held(&row->slot->disks[i].recent))
			withheld_w += fmax(0, disk->span_w - first_known(disk->active_w, 0));
	}
	return limited && most_w > 0 ? withheld_w / most_w : NAN;
}

void report_row(struct row *row)
{
	struct policy_allotment *out = row->out;
	bool cpu_held = row->slot->strained > 0 && isfinite(row->slot->hold.setting);

	out->limit_w = fmax(0, row->limit_w);
	out->cpu_w = row->cpu_w;
	out->headroom_w = headroom_w(row);
	out->infeasible_w = infeasible_w(row);
	/* Without figures yet nothing can be said of it, nor without a limit. */
	if (isnan(out->headroom_w) || !row->known)
		out->infeasible_w = NAN;
	out->held_by = (cpu_held ? row->cpu_by : 0) | (row->disk_held ? row->disk_by : 0);
	if (out->infeasible_w > 0)
		out->held_by |= isfinite(row->limit_w) ? row->limit_by : row->cpu_by | row->disk_by;
	out->throttle_cpu = throttle_cpu(row);
	out->throttle_disk = throttle_disk(row);
	out->budget_left_j = row->slot->bucket_j;
}
