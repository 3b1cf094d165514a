/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables with few columns, which need no choice: disks, services. */
#include <limits.h>

#include "vmetop/page-parts.h"

enum { ELASTIC_MIN = 12 };

static int width_of(const struct table *table, const int cells[TABLE_COLUMNS_MAX])
{
	int width = 0;

	for (size_t i = 0; i < table->count; i++)
		width += cells[i] ? cells[i] + 1 : 0;
	return width;
}

/* The one of the highest rank that is still there; count = none may go. */
static size_t find_least(const struct table *table, const int cells[TABLE_COLUMNS_MAX])
{
	size_t least = table->count;

	for (size_t i = 0; i < table->count; i++)
		if (cells[i] && table->columns[i].rank > 0 &&
		    (least == table->count || table->columns[i].rank > table->columns[least].rank))
			least = i;
	return least;
}

void table_fit(const struct table *table, int cells[TABLE_COLUMNS_MAX])
{
	size_t least, elastic = table->count;

	for (size_t i = 0; i < table->count; i++) {
		cells[i] = table->columns[i].cells;
		if (cells[i] == 0) {
			cells[i] = ELASTIC_MIN;
			elastic = i;
		}
	}
	while (width_of(table, cells) > table->area.columns &&
	       (least = find_least(table, cells)) < table->count)
		cells[least] = 0;
	if (elastic < table->count && cells[elastic])
		cells[elastic] += table->area.columns - width_of(table, cells);
}

void table_row(const struct table *table, int row, enum style style, const char *const *texts)
{
	int cells[TABLE_COLUMNS_MAX], at = table->area.column;
	int end = table->area.column + table->area.columns;

	table_fit(table, cells);
	for (size_t i = 0; i < table->count; i++) {
		int left = end - at < cells[i] ? end - at : cells[i];

		if (cells[i] <= 0)
			continue;
		if (table->columns[i].left)
			page_put_name(table->grid, table->frame, (struct area){ row, at, 1, left },
				      style, texts[i]);
		else if (left > 0)
			grid_put_right(table->grid, row, at, left, style, texts[i]);
		at += cells[i] + 1;
	}
}

void table_titles(const struct table *table)
{
	const char *titles[TABLE_COLUMNS_MAX];
	struct area line = { table->area.row, table->area.column, table->area.rows > 0,
			     table->area.columns };

	for (size_t i = 0; i < table->count; i++)
		titles[i] = table->columns[i].title;
	grid_fill(table->grid, line, STYLE_TITLE, L' ');
	if (line.rows)
		table_row(table, line.row, STYLE_TITLE, titles);
}

int table_draw(const struct table *table, size_t count, table_draw_row *draw_row)
{
	const struct ui *ui = table->frame->ui;
	size_t fits = table->area.rows > 1 ? (size_t)table->area.rows - 1 : 0;
	size_t visible = count < fits ? count : fits;

	table_titles(table);
	layout_set_rows(&table->frame->layout, table->area.row + 1, fits, count);
	for (size_t i = 0; i < visible && ui->top + i < count; i++) {
		int line = table->area.row + 1 + (int)i;
		bool selected = ui->top + i == ui->cursor;

		if (selected)
			grid_fill(table->grid,
				  (struct area){ line, table->area.column, 1, table->area.columns },
				  STYLE_CURSOR, L' ');
		draw_row(table, line, ui->top + i, selected ? STYLE_CURSOR : STYLE_NORMAL);
	}
	return 1 + (int)visible;
}
