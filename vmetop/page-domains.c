/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of domains, or the tree; with a graph beneath where there is room. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/known.h"
#include "vmetop/page-parts.h"

enum {
	INDENT = 2,
	PLACE_CELLS = 3,
	MARKS = 2, /* cells before a name: open or closed */
	PANE_FROM_ROWS = 30,
	PANE_ROWS = 10, /* of a small screen whose rows leave them */
	TRENDS_MOST = 100
};

/* --- rows ----------------------------------------------------------------------------------- */

static size_t list_count(const struct frame *frame)
{
	return frame->rows ? frame->rows->count : 0;
}

static const char *list_name(const struct frame *frame, size_t row)
{
	return row_name(&frame->rows->items[row]);
}

/* Domains may share a name, and parts of different domains do. */
static void list_key(const struct frame *frame, size_t row, char key[UI_ID_BYTES])
{
	const struct row *item = &frame->rows->items[row];
	const char *id = item->domain ? item->domain->id : "";

	snprintf(key, UI_ID_BYTES, "%d %.120s %.120s", (int)item->kind, id,
		 item->kind == ROW_DOMAIN ? "" : row_name(item));
}

/* --- severity: a style, and a letter behind the state ------------------------------------------
 */

struct severity {
	enum style style;
	const char *letter;
};

/* What regulation needs to settle, up to a twentieth, is not yet above a limit. */
static bool is_above_any(const struct row *row)
{
	struct row_cap caps[ROW_CAPS];

	row_caps(row, caps);
	for (size_t i = 0; i < ROW_CAPS; i++)
		if (caps[i].used_w > 1.05 * caps[i].limit_w)
			return true;
	return false;
}

static struct severity severity_of(const struct row *row)
{
	static const struct severity above = { STYLE_ALARM, "!" }, held = { STYLE_WARNING, "T" },
				     none = { STYLE_NORMAL, "" };
	const struct snapshot_domain *domain = row->domain;

	if (row->kind != ROW_DOMAIN)
		return none;
	if (is_above_any(row))
		return above;
	return fmax(domain->throttle_cpu, domain->throttle_disk) > 0.005 ? held : none;
}

static enum style style_of(const struct row *row)
{
	if (row->kind == ROW_KEPT || row->kind == ROW_KEPT_HEAD)
		return STYLE_KEPT;
	return row->state == 'P' || row->state == 'E' ? STYLE_FAINT : STYLE_NORMAL;
}

/* --- one row ---------------------------------------------------------------------------------- */

struct list {
	struct grid *grid;
	struct frame *frame;
	struct area area;
	struct shown_columns shown;
	bool has_notes; /* a column of them is seen */
};

/* A part says where it lies behind its name, where that is short. */
static void draw_place(const struct list *list, struct area place, const struct row *row,
		       enum style style)
{
	int cells = figure_cells(row_name(row)) + 1;

	if ((row->kind != ROW_VDISK && row->kind != ROW_VNIC) || !row->note ||
	    place.columns - cells < PLACE_CELLS || list->has_notes)
		return;
	place.column += cells;
	place.columns -= cells;
	page_put_name(list->grid, list->frame, place, style == STYLE_NORMAL ? STYLE_FAINT : style,
		      row->note);
}

static void draw_name(const struct list *list, int line, const struct row *row, int cells,
		      enum style style)
{
	int indent = row->kind == ROW_KEPT ? 0 : MARKS + INDENT * row->depth;
	const char fold[] = { row->fold, '\0' };
	struct area place = { line, list->area.column + indent, 1, cells - indent };

	grid_put(list->grid, line, list->area.column, cells, style, fold);
	page_put_name(list->grid, list->frame, place, style, row_name(row));
	draw_place(list, place, row, style);
}

static void draw_trend(const struct list *list, struct area place, const struct row *row,
		       enum style style)
{
	const struct view *view = &list->frame->ui->view;
	double watts[TRENDS_MOST];
	size_t cells = place.columns < TRENDS_MOST ? (size_t)place.columns : TRENDS_MOST;
	char text[TREND_TEXT_BYTES];

	if (!row->track || place.columns < 1)
		return;
	track_ticks(list->frame->history, row->track, watts, cells);
	trend_text(watts, cells, view->one_scale ? list->frame->rows->scale_w : 0,
		   list->frame->ui->unicode, text);
	grid_put(list->grid, place.row, place.column, place.columns, style, text);
}

/* A figure that is too long for its cells would read as another one. */
static void draw_figure(const struct list *list, struct area place, const struct column *column,
			const struct row *row, enum style style)
{
	char text[FIGURE_BYTES];

	column->format(row, &list->frame->ui->view, text);
	if (strlen(text) > (size_t)place.columns)
		strcpy(text, "#");
	if (column->cells == 2)
		grid_put(list->grid, place.row, place.column, place.columns, style, text);
	else
		grid_put_right(list->grid, place.row, place.column, place.columns, style, text);
}

static void draw_row(const struct list *list, int line, size_t index)
{
	const struct row *row = &list->frame->rows->items[index];
	bool selected = index == list->frame->ui->cursor;
	enum style style = selected ? STYLE_CURSOR : style_of(row);
	struct severity severity = severity_of(row);

	if (selected)
		grid_fill(list->grid,
			  (struct area){ line, list->area.column, 1, list->area.columns }, style,
			  L' ');
	for (size_t i = 0; i < list->shown.count; i++) {
		const struct shown_column *item = &list->shown.items[i];
		struct area place = { line, list->area.column + item->at, 1, item->cells };

		if (item->column->kind == COLUMN_NAME)
			draw_name(list, line, row, item->cells, style);
		else if (item->column->kind == COLUMN_TREND)
			draw_trend(list, place, row, style);
		else if (item->column->kind == COLUMN_NOTE)
			page_put_name(list->grid, list->frame, place, style,
				      row->note ? row->note : "");
		else
			draw_figure(list, place, item->column, row, style);
		if (item->column->cells == 2 && severity.letter[0])
			grid_put(list->grid, line, place.column + 1, 1, severity.style,
				 severity.letter);
	}
}

/* --- titles -------------------------------------------------------------------------------------
 */

static void title_text(const struct list *list, const struct shown_column *item,
		       char text[FIGURE_BYTES])
{
	const struct snapshot *snapshot = list->frame->snapshot;

	snprintf(text, FIGURE_BYTES, "%s", item->column->title);
	if (item->column->kind == COLUMN_TREND && item->cells >= 10)
		snprintf(text, FIGURE_BYTES, "TREND %.3gs", snapshot->interval_s * item->cells);
}

static void draw_title(const struct list *list, const struct shown_column *item)
{
	const struct ui *ui = list->frame->ui;
	bool sorted = ui->view.sort && strcmp(ui->view.sort, item->column->key) == 0;
	enum style style = sorted ? STYLE_SORTED : STYLE_TITLE;
	int row = list->area.row, at = list->area.column + item->at;
	char text[FIGURE_BYTES];

	title_text(list, item, text);
	if (item->column->kind == COLUMN_NAME)
		grid_put(list->grid, row, at + MARKS, item->cells - MARKS, style, text);
	else if (item->column->kind != COLUMN_FIGURE || item->column->cells == 2)
		grid_put(list->grid, row, at, item->cells, style, text);
	else
		grid_put_right(list->grid, row, at, item->cells, style, text);
	layout_add_hit(&list->frame->layout, (struct layout_hit){ .row = row,
								  .from = at,
								  .to = at + item->cells,
								  .sort = item->column->key });
}

/* Columns that are not seen are told of beside NAME: how many, and to which side. */
static void draw_titles(const struct list *list)
{
	char text[FIGURE_BYTES];
	struct area line = { list->area.row, list->area.column, 1, list->area.columns };

	grid_fill(list->grid, line, STYLE_TITLE, L' ');
	for (size_t i = 0; i < list->shown.count; i++)
		draw_title(list, &list->shown.items[i]);
	if (list->shown.left || list->shown.right) {
		snprintf(text, sizeof text, "<%zu %zu>", list->shown.left, list->shown.right);
		if (!list->shown.left)
			snprintf(text, sizeof text, "%zu>", list->shown.right);
		if (!list->shown.right)
			snprintf(text, sizeof text, "<%zu", list->shown.left);
		grid_put_right(list->grid, line.row, line.column, list->shown.items[0].cells,
			       STYLE_TITLE, text);
	}
}

/* --- the page ------------------------------------------------------------------------------------
 */

static void say_why_empty(struct grid *grid, struct area area, const struct frame *frame)
{
	if (frame->rows->domains_shown || area.rows < 1)
		return;
	if (frame->snapshot->domain_count == 0)
		page_say(grid, area,
			 frame->info->note_count
				 ? "No domains found; page 1 lists what could not be seen."
				 : "No domains found: neither libvirt nor a process of QEMU has "
				   "one.");
	else if (frame->ui->view.filter)
		page_say(grid, area, "The filter hides all domains (Esc clears it).");
	else
		page_say(grid, area,
			 "All domains are hidden: they use no active power (i shows them), or "
			 "were not asked for by name.");
}

/* Fixed sizes, so that a domain that comes or goes does not move the graph. */
static int pane_rows(const struct frame *frame, struct area area)
{
	size_t needed = frame->rows->count + 1 + PANE_ROWS;

	if (!frame->ui->pane)
		return 0;
	if (area.rows >= PANE_FROM_ROWS)
		return area.rows * 2 / 5;
	return (size_t)area.rows >= needed ? PANE_ROWS : 0;
}

static void draw_pane(struct grid *grid, struct area area, const struct frame *frame)
{
	size_t cursor = frame->ui->cursor;
	const struct row *row = cursor < frame->rows->count ? &frame->rows->items[cursor] : NULL;

	graph_draw(grid, area, frame, row && row->domain ? row->domain->id : "");
}

static void list_draw(struct grid *grid, struct area area, struct frame *frame)
{
	struct list list = { .grid = grid, .frame = frame, .area = area };
	size_t count = list_count(frame), top = frame->ui->top, visible;
	struct area pane = area, below = area;

	pane.rows = pane_rows(frame, area);
	list.area.rows -= pane.rows;
	pane.row = area.row + list.area.rows;
	visible = list.area.rows > 1 ? (size_t)list.area.rows - 1 : 0;
	columns_fit(frame, area.columns, &list.shown, &frame->layout.shown_columns);
	frame->layout.scrolled = (int)list.shown.left;
	for (size_t i = 0; i < list.shown.count; i++)
		list.has_notes |= list.shown.items[i].column->kind == COLUMN_NOTE;
	draw_titles(&list);
	layout_set_rows(&frame->layout, area.row + 1, visible, count);
	for (size_t i = 0; i < visible && top + i < count; i++)
		draw_row(&list, area.row + 1 + (int)i, top + i);
	below.row += 2 + (int)count;
	below.rows = pane.row - below.row;
	say_why_empty(grid, below, frame);
	if (pane.rows)
		draw_pane(grid, pane, frame);
}

const struct page page_domains = {
	.title = "VMs",
	.count = list_count,
	.key = list_key,
	.name = list_name,
	.draw = list_draw,
};
