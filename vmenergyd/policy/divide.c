/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A domain's limit, divided between its CPU and its disks: by what they want
 * where both want more than there is. A disk that does not is left what it used
 * recently, and may use a little more at any time: the CPU's part follows soon.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define ROOM 0.12 /* of the limit: that a disk may begin with, for a period on top of it */
#define SLACK_OF_USE 0.1
#define SLACK_OF_ALL 0.01

enum { CPU, DISK, PARTS };

/* Both want more. */
static void contest(struct row *row, double watts)
{
	struct water_claim claims[PARTS] = {
		[CPU] = { .share = 1,
			  .floor = row->cpu_floor_w,
			  .use = row->inside_w,
			  .next = row->cpu_next_w,
			  .most = fmin(row->cpu_most_w, row->cpu_w),
			  .wants_more = row->wants_more },
		[DISK] = { .share = 1,
			   .floor = row->disk_floor_w,
			   .use = fmax(0, row->disk_w - row->disk_fixed_w),
			   .most = fmin(row->disk_most_w, row->disk_allot_w),
			   .wants_more = true },
	};
	struct water scratch[PARTS];

	water_allow(claims, scratch, PARTS, watts);
	narrow(&row->cpu_w, &row->cpu_by, claims[CPU].given, row->limit_by);
	narrow(&row->disk_allot_w, &row->disk_by, claims[DISK].given, row->limit_by);
}

static void reserve(struct row *row, double watts)
{
	double recent_w = fmin(row->disk_recent_w, watts);
	double slack_w = fmin(SLACK_OF_USE * recent_w, SLACK_OF_ALL * watts);
	double cpu_w = fmax(watts - recent_w - slack_w, row->cpu_floor_w);

	narrow(&row->cpu_w, &row->cpu_by, cpu_w, row->limit_by);
	narrow(&row->disk_allot_w, &row->disk_by,
	       fmax(fmin(watts, recent_w + ROOM * watts), row->disk_floor_w), row->limit_by);
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
