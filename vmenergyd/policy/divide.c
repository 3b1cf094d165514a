/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A domain's limit, divided between its CPU and its disks: by what they want
 * where the disks want more than they have. Disks that do not are left what they
 * used of late, as one figure that moves rarely, and may use a little more at any
 * time: the CPU's part follows.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

/* Of the limit: seconds of disks that stand out from their mean so far are let pass; 5 % may. */
#define TOLERATED 0.03
#define DEADBAND 0.005 /* of the limit: what is reserved moves only beyond */

enum { CPU, DISK, PARTS };

static void narrow_both(struct row *row, double cpu_w, double disk_w)
{
	narrow(&row->cpu_w, &row->cpu_by, fmax(cpu_w, row->cpu_floor_w), row->limit_by);
	narrow(&row->disk_allot_w, &row->disk_by, fmax(disk_w, row->disk_floor_w), row->limit_by);
}

static void contest(struct row *row, double watts)
{
	double use_w = recent_peak_w(&row->slot->recent);
	struct water_claim claims[PARTS] = {
		[CPU] = { .share = 1,
			  .floor = row->cpu_floor_w,
			  .use = use_w,
			  .next = use_w + ROOM * watts,
			  .most = fmin(row->cpu_most_w, row->cpu_w),
			  .wants_more = recent_held(&row->slot->recent) },
		[DISK] = { .share = 1,
			   .floor = row->disk_floor_w,
			   .use = fmax(0, row->disk_w - row->disk_fixed_w),
			   .most = fmin(row->disk_most_w, row->disk_allot_w),
			   .wants_more = true },
	};
	struct water scratch[PARTS];

	water_allow(claims, scratch, PARTS, watts);
	row->slot->reserved_w = claims[DISK].given;
	narrow_both(row, claims[CPU].given, claims[DISK].given);
}

static void reserve(struct row *row, double watts)
{
	double *reserved_w = &row->slot->reserved_w;
	double peak_w = fmin(row->disk_peak_w, watts);
	double wanted_w = fmin(peak_w, fmax(row->disk_mean_w, peak_w - TOLERATED * watts));

	if (row->in->fresh && fabs(wanted_w - *reserved_w) > DEADBAND * watts)
		*reserved_w = wanted_w;
	narrow_both(row, watts - *reserved_w, fmin(watts, *reserved_w + ROOM * watts));
}

void divide_row(struct row *row)
{
	double left_w = row->limit_w - row->outside_w - row->disk_fixed_w;
	bool has_disks = row->disk_most_w > 0;

	if (isinf(row->limit_w))
		return;
	if (row->in->cpu_controllable && has_disks)
		(row->disk_wants_more ? contest : reserve)(row, fmax(0, left_w));
	else if (row->in->cpu_controllable)
		narrow(&row->cpu_w, &row->cpu_by, fmax(0, left_w), row->limit_by);
	else if (has_disks)
		narrow(&row->disk_allot_w, &row->disk_by, fmax(0, left_w - row->inside_w),
		       row->limit_by);
}
