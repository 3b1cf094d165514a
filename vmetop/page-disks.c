/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The physical disks; below, the vDISKs on the selected one. */
#include <stdio.h>
#include <string.h>

#include "vmetop/page-parts.h"

static size_t disks_count(const struct frame *frame)
{
	return frame->snapshot->disk_count;
}

static const char *disks_name(const struct frame *frame, size_t row)
{
	return frame->snapshot->disks[row].name;
}

static void disks_key(const struct frame *frame, size_t row, char key[UI_ID_BYTES])
{
	snprintf(key, UI_ID_BYTES, "%.200s", disks_name(frame, row));
}

/* --- disks ---------------------------------------------------------------------------------- */

static const struct table_column disk_columns[] = {
	{ "DISK", 12, true, 0 },  { "TOTAL/W", 8, false, 1 },       { "IDLE/W", 8, false, 4 },
	{ "ACT/W", 8, false, 2 }, { "BUSY%", 5, false, 6 },         { "REQ/s", 6, false, 7 },
	{ "RD/s", 6, false, 5 },  { "WR/s", 6, false, 5 },          { "ENERGY", 9, false, 3 },
	{ "VMs'", 4, false, 8 },  { "MODEL, WEIGHTS", 0, true, 9 },
};
enum { DISK_COLUMNS = sizeof disk_columns / sizeof *disk_columns };

static void say_what_it_is(const struct snapshot_disk *disk, char text[PAGE_TEXT_BYTES])
{
	const char *model = disk->model ? disk->model : "";

	snprintf(text, PAGE_TEXT_BYTES, "%s%s%s", model, *model ? ", " : "",
		 disk->weights ? disk->weights : "no weights: its power is not known");
}

static void draw_disk(const struct table *table, int line, size_t row, enum style style)
{
	const struct snapshot *snapshot = table->frame->snapshot;
	const struct snapshot_disk *disk = &snapshot->disks[row];
	char t[DISK_COLUMNS - 1][FIGURE_BYTES], what[PAGE_TEXT_BYTES];
	double interval_s = snapshot->interval_s;

	page_power(disk->idle_w + disk->active_w, disk->quality, t[1]);
	page_power(disk->idle_w, disk->quality, t[2]);
	page_power(disk->active_w, disk->quality, t[3]);
	figure_percent(disk->busy_percent, t[4]);
	figure_count(disk->requests / interval_s, t[5]);
	figure_bytes(disk->read_bytes / interval_s, t[6]);
	figure_bytes(disk->write_bytes / interval_s, t[7]);
	figure_energy(disk->idle_j + disk->active_j, table->frame->ui->view.unit,
		      figure_flag(disk->quality), t[8]);
	snprintf(t[9], sizeof t[9], "%zu", disk->vdisks);
	say_what_it_is(disk, what);
	table_row(table, line, style,
		  (const char *const[]){ disk->name, t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8],
					 t[9], what });
}

/* --- vDISKs on one ---------------------------------------------------------------------------- */

/* Is `name` one of the names in `list`, which are joined by ','? */
static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

/* Those that lead to it. */
static void find_users(const struct snapshot *snapshot, const char *disk, struct vdisk_users *users)
{
	for (size_t i = 0; i < snapshot->domain_count; i++)
		for (size_t j = 0; j < snapshot->domains[i].vdisk_count; j++)
			if (is_listed(snapshot->domains[i].vdisks[j].disk, disk))
				vdisk_users_add(users, &snapshot->domains[i],
						&snapshot->domains[i].vdisks[j]);
}

static void draw_users(struct grid *grid, struct area area, struct frame *frame)
{
	const struct snapshot_disk *disk = &frame->snapshot->disks[frame->ui->cursor];
	struct vdisk_users users = { 0 };
	size_t count;

	find_users(frame->snapshot, disk->name, &users);
	count = users.count;
	vdisk_users_draw(&users, grid, area, frame, "ON IT");
	if (!count)
		page_put_name(grid, frame,
			      (struct area){ area.row + 1, area.column, 1, area.columns },
			      STYLE_NORMAL, "no vDISK: its power is kept by the host");
}

/* --- the page -----------------------------------------------------------------------------------
 */

/* In full, since columns may have had no room for it. */
static void draw_description(struct grid *grid, struct area line, struct frame *frame)
{
	const struct snapshot_disk *disk = &frame->snapshot->disks[frame->ui->cursor];
	char what[PAGE_TEXT_BYTES];
	struct flow flow = { .grid = grid, .area = line };

	say_what_it_is(disk, what);
	flow_put(&flow, STYLE_STRONG, disk->name);
	flow_put(&flow, STYLE_NORMAL, what);
}

static void disks_draw(struct grid *grid, struct area area, struct frame *frame)
{
	size_t count = disks_count(frame);
	struct table table = { grid, frame, area, disk_columns, DISK_COLUMNS };
	struct area below = area;

	if (area.rows > 8)
		table.area.rows = area.rows / 2;
	below.row += table_draw(&table, count, draw_disk) + 1;
	below.rows = area.row + area.rows - below.row;
	if (count == 0) {
		page_say(grid, below, "No physical disks were found.");
	} else if (frame->ui->cursor < count && below.rows > 3) {
		draw_description(grid, (struct area){ below.row, below.column, 1, below.columns },
				 frame);
		below.row++;
		below.rows--;
		draw_users(grid, below, frame);
	}
}

const struct page page_disks = {
	.title = "Disks",
	.count = disks_count,
	.key = disks_key,
	.name = disks_name,
	.draw = disks_draw,
};
