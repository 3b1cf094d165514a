/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vDISKs in a table below another one: those on a disk, those that a service works
 * for. Each with its share of the disks and of the services behind them, idle and
 * active.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/known.h"
#include "vmetop/page-parts.h"

void vdisk_users_add(struct vdisk_users *users, const struct snapshot_domain *domain,
		     const struct snapshot_vdisk *vdisk)
{
	struct vdisk_user *user = MEMORY_APPEND(users);

	if (user)
		*user = (struct vdisk_user){ domain, vdisk };
}

/* What it causes, on disks and in services; NaN where neither is known. */
static double caused_w(const struct snapshot_vdisk *vdisk)
{
	if (isnan(vdisk->active_w) && isnan(vdisk->service_active_w))
		return NAN;
	return known(vdisk->active_w) + known(vdisk->service_active_w);
}

static int compare_users(const void *left, const void *right)
{
	const struct vdisk_user *a = left, *b = right;
	double x = caused_w(a->vdisk), y = caused_w(b->vdisk);
	int by_name = strcmp(a->domain->name, b->domain->name);

	if (isnan(x) != isnan(y))
		return isnan(x) ? 1 : -1;
	if (x < y || x > y)
		return x < y ? 1 : -1;
	return by_name ? by_name : strcmp(a->vdisk->name, b->vdisk->name);
}

enum { COLUMNS = 9 };

static void draw_user(const struct table *table, int line, const struct vdisk_user *user)
{
	const struct snapshot_vdisk *vdisk = user->vdisk;
	double interval_s = table->frame->snapshot->interval_s;
	unsigned quality = user->domain->quality;
	char name[PAGE_TEXT_BYTES], t[COLUMNS - 1][FIGURE_BYTES];

	snprintf(name, sizeof name, "%s/%s", user->domain->name, vdisk->name);
	page_power(vdisk->idle_w, quality, t[1]);
	page_power(vdisk->active_w, quality, t[2]);
	page_power(vdisk->service_idle_w, quality, t[3]);
	page_power(vdisk->service_active_w, quality, t[4]);
	figure_count(vdisk->requests / interval_s, t[5]);
	figure_bytes(vdisk->read_bytes / interval_s, t[6]);
	figure_bytes(vdisk->write_bytes / interval_s, t[7]);
	table_row(table, line, STYLE_NORMAL,
		  (const char *const[]){ name, t[1], t[2], t[3], t[4], t[5], t[6], t[7],
					 vdisk->disk ? vdisk->disk : "" });
}

int vdisk_users_draw(struct vdisk_users *users, struct grid *grid, struct area area,
		     struct frame *frame, const char *title)
{
	const struct table_column shown_columns[COLUMNS] = {
		{ title, 0, true, 0 },      { "IDLE/W", 8, false, 4 }, { "ACT/W", 8, false, 1 },
		{ "SIDLE/W", 8, false, 3 }, { "SERV/W", 8, false, 2 }, { "REQ/s", 6, false, 6 },
		{ "RD/s", 6, false, 5 },    { "WR/s", 6, false, 5 },   { "DISKS", 12, true, 7 },
	};
	const struct table table = { grid, frame, area, shown_columns, COLUMNS };
	size_t fits = area.rows > 1 ? (size_t)area.rows - 1 : 0, shown = users->count;

	if (users->count)
		qsort(users->items, users->count, sizeof *users->items, compare_users);
	table_titles(&table);
	/* The last line is for how many more there are. */
	if (shown > fits)
		shown = fits ? fits - 1 : 0;
	for (size_t i = 0; i < shown; i++)
		draw_user(&table, area.row + 1 + (int)i, &users->items[i]);
	if (shown < users->count && fits)
		grid_putf(grid, area.row + area.rows - 1, area.column, STYLE_STRONG,
			  "and %zu more vDISKs", users->count - shown);
	free(users->items);
	*users = (struct vdisk_users){ 0 };
	return 1 + (int)(shown < fits ? shown : fits);
}
