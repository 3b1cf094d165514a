/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A domain's limit, divided between its CPU and its disks: by what they want
 * where the disks want more than they have, or have most of it. Disks that do not are left what
 * they used of late, as one figure that moves rarely, and may use a little more at any time: the
 * CPU's part follows.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

/* Of the limit: seconds that stand out from their mean so far are let pass; 5 % may. */
#define TOLERATED 0.03
#define DEADBAND 0.005 /* of the limit: what is reserved moves only beyond */

#define GROW_FACTOR 1.5

enum { CPU, DISK, PARTS };

static void narrow_both(struct row *row, double cpu_w, double disk_w)
{
	narrow(&row->cpu_w, &row->cpu_by, fmax(cpu_w, row->cpu_floor_w), row->limit_by);
	narrow(&row->disk_allot_w, &row->disk_by, fmax(disk_w, row->disk_floor_w), row->limit_by);
}

static double settled_w(double peak_w, double mean_w, double watts)
{
	return fmin(peak_w, fmax(mean_w, peak_w - TOLERATED * watts));
}

/*
 * A CPU that works for its disks wants more with every byte that these are let through: it is given
 * so much more that this ends, and not all that there is, which the disks would lose at once and
 * get back when it was not used.
 */
static double cpu_most_w(const struct row *row, double use_w, double watts)
{
	double next_w = fmax(GROW_FACTOR * use_w, use_w + 2 * ROOM * watts);

	return fmin(next_w, fmin(row->cpu_most_w, row->cpu_w));
}

static void contest(struct row *row, double watts)
{
	double peak_w = recent_peak_w(&row->slot->recent);
	double use_w = settled_w(peak_w, first_known(row->slot->cpu_mean_w, peak_w), watts);
	struct water_claim claims[PARTS] = {
		[CPU] = { .share = 1,
			  .floor = row->cpu_floor_w,
			  .use = use_w,
			  .next = use_w + ROOM * watts,
			  .most = cpu_most_w(row, use_w, watts),
			  .wants_more = recent_held(&row->slot->full) },
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
	double wanted_w = settled_w(peak_w, row->disk_mean_w, watts);

	if (row->in->fresh && fabs(wanted_w - *reserved_w) > DEADBAND * watts)
		*reserved_w = wanted_w;
	narrow_both(row, watts - *reserved_w, fmin(watts, *reserved_w + ROOM * watts));
}

/* Do they want more, or have they more than half, and leave the CPU less than it uses? */
static bool must_contest(const struct row *row, double watts)
{
	double cpu_w = recent_peak_w(&row->slot->recent);

	return row->disk_wants_more ||
	       (row->disk_peak_w > watts / 2 && watts - row->disk_peak_w < cpu_w);
}

void divide_row(struct row *row)
{
	double left_w = row->limit_w - row->outside_w - row->disk_fixed_w;
	bool has_disks = row->disk_most_w > 0;

	if (isinf(row->limit_w))
		return;
	if (row->in->cpu_controllable && has_disks)
		(must_contest(row, left_w) ? contest : reserve)(row, fmax(0, left_w));
	else if (row->in->cpu_controllable)
		narrow(&row->cpu_w, &row->cpu_by, fmax(0, left_w), row->limit_by);
	else if (has_disks)
		narrow(&row->disk_allot_w, &row->disk_by, fmax(0, left_w - row->inside_w),
		       row->limit_by);
}
