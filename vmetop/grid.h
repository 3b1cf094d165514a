/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grid.h - a screen as cells: what every page draws into. Pure.
 *
 * Two back ends read it: vmetop/screen.c (the terminal) and grid_text() (tests).
 * Text is multibyte in the current locale; wide characters take two cells,
 * combining ones join the cell before them, control characters and what is no
 * character become '?', and all that lies outside is cut (half a wide character
 * becomes a blank), so that no name can reach the terminal or move its neighbours.
 */
#ifndef VMENERGY_VMETOP_GRID_H
#define VMENERGY_VMETOP_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "base/text.h"

/* What a cell means; the terminal decides how that looks (16 colours, 8, none). */
enum style {
	STYLE_NORMAL,
	STYLE_STRONG, /* bold */
	STYLE_FAINT,  /* dim: of no account now */
	STYLE_TITLE,  /* line of column titles, footer: reverse */
	STYLE_SORTED, /* title of the column that rows are sorted by */
	STYLE_CURSOR, /* the selected row */
	STYLE_KEY,    /* a key in the footer and in help */
	STYLE_IDLE,   /* parts of bars and graphs */
	STYLE_ACTIVE,
	STYLE_SERVICE,
	STYLE_KEPT,
	STYLE_WARNING, /* black on yellow, and a letter */
	STYLE_ALARM,   /* white on red, and a letter */
	STYLE_COUNT
};

enum { CELL_CHARACTERS = 5 }; /* one and its combining marks; as CCHARW_MAX of ncursesw */

struct cell {
	wchar_t characters[CELL_CHARACTERS]; /* all zero: right half of a wide character */
	unsigned char style;
};

struct grid {
	struct cell *cells; /* row by row; owned */
	int rows, columns;
};

struct area {
	int row, column, rows, columns;
};

/* Start from {0}. Blank cells of STYLE_NORMAL. 0 or -ENOMEM. */
int grid_resize(struct grid *grid, int rows, int columns);
void grid_erase(struct grid *grid);
void grid_free(struct grid *grid);
struct cell *grid_cell(const struct grid *grid, int row, int column); /* NULL: outside */

/* Write `text` from `column`, at most `cells` of them; returns the column behind it. */
int grid_put(struct grid *grid, int row, int column, int cells, enum style style, const char *text);
int grid_putf(struct grid *grid, int row, int column, enum style style, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Right-aligned in `cells` cells that begin at `column`. */
void grid_put_right(struct grid *grid, int row, int column, int cells, enum style style,
		    const char *text);
/* Fill an area with one character (and style), or change the style alone. */
void grid_fill(struct grid *grid, struct area area, enum style style, wchar_t character);
void grid_style(struct grid *grid, struct area area, enum style style);

/* As text, a line per row, trailing blanks cut. */
void grid_text(const struct grid *grid, struct text *out);

#endif
