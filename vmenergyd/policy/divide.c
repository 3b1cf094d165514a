/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A domain's limit, divided between its CPU and its disks by what they want. */
#include "vmenergyd/policy/internal.h"

#include <math.h>

enum { CPU, DISK, PARTS };

static void divide(struct row *row, double watts)
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
			   .next = row->disk_next_w,
			   .most = fmin(row->disk_most_w, row->disk_allot_w),
			   .wants_more = row->disk_held },
	};
	struct water scratch[PARTS];

	water_allow(claims, scratch, PARTS, watts);
	narrow(&row->cpu_w, &row->cpu_by, claims[CPU].given, row->limit_by);
	narrow(&row->disk_allot_w, &row->disk_by, claims[DISK].given, row->limit_by);
}

void divide_row(struct row *row)
{
	double left_w = row->limit_w - row->outside_w - row->disk_fixed_w;
	bool has_disks = row->disk_most_w > 0;

	if (isinf(row->limit_w))
		return;
	if (row->in->cpu_controllable && has_disks)
		divide(row, fmax(0, left_w));
	else if (row->in->cpu_controllable)
		narrow(&row->cpu_w, &row->cpu_by, fmax(0, left_w), row->limit_by);
	else if (has_disks)
		narrow(&row->disk_allot_w, &row->disk_by, fmax(0, left_w - row->inside_w),
		       row->limit_by);
}
