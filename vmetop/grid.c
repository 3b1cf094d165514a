/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/grid.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank = { .characters = { L' ' }, .style = STYLE_NORMAL };

int grid_resize(struct grid *grid, int rows, int columns)
{
	size_t count = (size_t)rows * (size_t)columns;
	struct cell *cells;

	if (rows < 0 || columns < 0 || count > INT_MAX)
		return -ENOMEM;
	if (rows != grid->rows || columns != grid->columns || !grid->cells) {
		cells = reallocarray(grid->cells, count > 0 ? count : 1, sizeof *cells);
		if (!cells)
			return -ENOMEM;
		*grid = (struct grid){ cells, rows, columns };
	}
	grid_erase(grid);
	return 0;
}

void grid_erase(struct grid *grid)
{
	size_t count = (size_t)grid->rows * (size_t)grid->columns;

	for (size_t i = 0; i < count; i++)
		grid->cells[i] = blank;
}

void grid_free(struct grid *grid)
{
	free(grid->cells);
	*grid = (struct grid){ 0 };
}

struct cell *grid_cell(const struct grid *grid, int row, int column)
{
	if (row < 0 || row >= grid->rows || column < 0 || column >= grid->columns)
		return NULL;
	return grid->cells + (size_t)row * (size_t)grid->columns + (size_t)column;
}

/* --- characters --------------------------------------------------------------- */

/*
 * Characters without a shape of their own, which wcwidth(3) gives zero cells or
 * two and terminals what they please: joiners, directions (which would turn
 * neighbours round), variation and skin-tone selectors, tags. They are left
 * out. After the Default_Ignorable_Code_Point property of Unicode's
 * DerivedCoreProperties.txt and Emoji_Modifier of emoji-data.txt.
 */
static bool is_invisible(wchar_t character)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0xad, 0xad },       { 0x34f, 0x34f },     { 0x61c, 0x61c },
		{ 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },
		{ 0x3164, 0x3164 },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0x1d173, 0x1d17a },
		{ 0x1f3fb, 0x1f3ff }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if ((unsigned)character >= ranges[i].first && (unsigned)character <= ranges[i].last)
			return true;
	return false;
}

struct glyph {
	wchar_t character;
	int width; /* 0 = joins the one before it */
};

/* The next character that is to be seen, and where the text goes on; false at its end. */
static bool next_glyph(const char **text, struct glyph *glyph)
{
	while (**text) {
		mbstate_t state = { 0 };
		size_t length = mbrtowc(&glyph->character, *text, MB_CUR_MAX, &state);

		if (length == (size_t)-1 || length == (size_t)-2) {
			*glyph = (struct glyph){ L'?', 1 };
			*text += 1;
			return true;
		}
		*text += length;
		if (is_invisible(glyph->character))
			continue;
		glyph->width = wcwidth(glyph->character);
		if (glyph->width < 0 || glyph->width > 2)
			*glyph = (struct glyph){ L'?', 1 };
		return true;
	}
	return false;
}

static int text_width(const char *text)
{
	struct glyph glyph;
	int width = 0;

	while (width < INT_MAX - 2 && next_glyph(&text, &glyph))
		width += glyph.width;
	return width;
}

/* --- writing ------------------------------------------------------------------- */

static bool is_right_half(const struct cell *cell)
{
	return cell && !cell->characters[0];
}

static void make_blank(struct cell *cell)
{
	wmemset(cell->characters, L'\0', CELL_CHARACTERS);
	cell->characters[0] = L' ';
}

/* One cell; a wide character that loses a half by it is gone altogether. */
static struct cell *set_cell(struct grid *grid, int row, int column, enum style style,
			     wchar_t character)
{
	struct cell *cell = grid_cell(grid, row, column);

	if (!cell)
		return NULL;
	if (is_right_half(cell))
		make_blank(cell - 1);
	if (is_right_half(grid_cell(grid, row, column + 1)))
		make_blank(cell + 1);
	wmemset(cell->characters, L'\0', CELL_CHARACTERS);
	cell->characters[0] = character;
	cell->style = (unsigned char)style;
	return cell;
}

static void add_mark(struct cell *cell, wchar_t mark)
{
	for (size_t i = 1; cell && i < CELL_CHARACTERS; i++) {
		if (cell->characters[i])
			continue;
		cell->characters[i] = mark;
		return;
	}
}

struct pen {
	struct grid *grid;
	struct cell *base; /* what marks join: the last character of this text; NULL */
	int row;
	enum style style;
};

/* A character that may be wide at `column`, where columns from `end` on are not ours. */
static void draw_glyph(struct pen *pen, int column, int end, struct glyph glyph)
{
	bool is_cut = glyph.width == 2 && (column < 0 || column + 2 > end);

	if (glyph.width == 1 || is_cut) {
		pen->base = set_cell(pen->grid, pen->row, column, pen->style,
				     is_cut ? L' ' : glyph.character);
		if (is_cut && column + 1 < end)
			set_cell(pen->grid, pen->row, column + 1, pen->style, L' ');
		if (is_cut)
			pen->base = NULL;
		return;
	}
	/* The right half first: set_cell() would take one that stands there for a lost one. */
	set_cell(pen->grid, pen->row, column + 1, pen->style, L' ');
	pen->base = set_cell(pen->grid, pen->row, column, pen->style, glyph.character);
	if (pen->base)
		wmemset(pen->base[1].characters, L'\0', CELL_CHARACTERS);
}

int grid_put(struct grid *grid, int row, int column, int cells, enum style style, const char *text)
{
	struct pen pen = { .grid = grid, .row = row, .style = style };
	struct glyph glyph;
	int64_t at = column, end = (int64_t)column + cells;

	if (end > grid->columns)
		end = grid->columns;
	while (next_glyph(&text, &glyph)) {
		if (glyph.width == 0) {
			add_mark(pen.base, glyph.character);
			continue;
		}
		if (at >= end)
			break;
		draw_glyph(&pen, (int)at, (int)end, glyph);
		at += glyph.width;
	}
	return (int)(at > end && end > column ? end : at);
}

int grid_putf(struct grid *grid, int row, int column, enum style style, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return column;
	column = grid_put(grid, row, column, grid->columns, style, text);
	free(text);
	return column;
}

void grid_put_right(struct grid *grid, int row, int column, int cells, enum style style,
		    const char *text)
{
	int width = text_width(text), indent = width < cells ? cells - width : 0;

	grid_put(grid, row, column + indent, cells - indent, style, text);
}

/* --- areas ---------------------------------------------------------------------- */

static int later(int a, int b)
{
	return a > b ? a : b;
}

/* The part of [from, from + count) that lies below limit; sums of any numbers are safe. */
static int end_of(int from, int count, int limit)
{
	int64_t end = (int64_t)from + count;

	return (int)(end < 0 ? 0 : end < limit ? end : limit);
}

static struct area inside(const struct grid *grid, struct area area)
{
	int row = later(area.row, 0), column = later(area.column, 0);

	return (struct area){ row, column, end_of(area.row, area.rows, grid->rows) - row,
			      end_of(area.column, area.columns, grid->columns) - column };
}

void grid_fill(struct grid *grid, struct area area, enum style style, wchar_t character)
{
	struct area in = inside(grid, area);

	if (wcwidth(character) != 1)
		character = L'?';
	for (int row = in.row; row < in.row + in.rows; row++)
		for (int column = in.column; column < in.column + in.columns; column++)
			set_cell(grid, row, column, style, character);
}

void grid_style(struct grid *grid, struct area area, enum style style)
{
	struct area in = inside(grid, area);

	for (int row = in.row; row < in.row + in.rows; row++)
		for (int column = in.column; column < in.column + in.columns; column++) {
			struct cell *cell = grid_cell(grid, row, column);

			if (cell)
				cell->style = (unsigned char)style;
		}
}

/* --- as text --------------------------------------------------------------------- */

static void add_cell(struct text *out, const struct cell *cell)
{
	char bytes[MB_LEN_MAX];

	for (size_t i = 0; i < CELL_CHARACTERS && cell->characters[i]; i++) {
		mbstate_t state = { 0 };
		size_t length = wcrtomb(bytes, cell->characters[i], &state);

		if (length == (size_t)-1)
			text_add(out, "?");
		else
			text_add_bytes(out, bytes, length);
	}
}

void grid_text(const struct grid *grid, struct text *out)
{
	text_add(out, ""); /* a text also if there are no rows */
	for (int row = 0; row < grid->rows; row++) {
		size_t begin = out->length;

		for (int column = 0; column < grid->columns; column++)
			add_cell(out, grid_cell(grid, row, column));
		while (out->length > begin && out->bytes[out->length - 1] == ' ')
			out->length--;
		text_add(out, "\n");
	}
}
