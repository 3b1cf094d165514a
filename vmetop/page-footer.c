/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last line: a prompt, else a message, else pages and keys. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vmetop/page-parts.h"

struct hint {
	const char *key, *name;
	struct input does;
};

#define CHARACTER(c)                                                                               \
	{                                                                                          \
		.kind = INPUT_CHARACTER, .character = (c)                                          \
	}
#define LAST                                                                                       \
	{                                                                                          \
		.key = NULL                                                                        \
	}
/* The first ones matter most: a narrow screen shows no more. */
static const struct hint always[] = {
	{ "?", "Help", CHARACTER(L'?') },
	{ "q", "Quit", CHARACTER(L'q') },
	LAST,
};
static const struct hint tabs[] = {
	/* as enum page_number */
	{ "0", "VMs", CHARACTER(L'0') },
	{ "1", "Host", CHARACTER(L'1') },
	{ "2", "Services", CHARACTER(L'2') },
	{ "3", "Disks", CHARACTER(L'3') },
	LAST,
};
static const struct hint of_list[] = {
	{ "Enter", "Graph", CHARACTER(L'\n') },
	{ "c", "Cap", CHARACTER(L'c') },
	{ "t", "Tree", CHARACTER(L't') },
	{ ">", "Sort", CHARACTER(L'>') },
	{ "/", "Find", CHARACTER(L'/') },
	{ "\\", "Filter", CHARACTER(L'\\') },
	{ "z", "Pause", CHARACTER(L'z') },
	{ "f", "Columns", CHARACTER(L'f') },
	{ "u", "J/Wh", CHARACTER(L'u') },
	{ "p", "Pane", CHARACTER(L'p') },
	LAST,
};
static const struct hint of_others[] = {
	{ "/", "Find", CHARACTER(L'/') },
	{ "z", "Pause", CHARACTER(L'z') },
	{ "u", "J/Wh", CHARACTER(L'u') },
	LAST,
};
static const struct hint of_host[] = {
	{ "c", "Cap", CHARACTER(L'c') },
	{ "/", "Find", CHARACTER(L'/') },
	{ "z", "Pause", CHARACTER(L'z') },
	{ "u", "J/Wh", CHARACTER(L'u') },
	LAST,
};
static const struct hint of_graph[] = {
	{ "Esc", "Back", CHARACTER(27) },
	{ "[", "Shorter", CHARACTER(L'[') },
	{ "]", "Longer", CHARACTER(L']') },
	{ "b", "Blocks", CHARACTER(L'b') },
	{ "c", "Cap", CHARACTER(L'c') },
	{ "z", "Pause", CHARACTER(L'z') },
	LAST,
};
static const struct hint *const of_page[PAGE_COUNT] = {
	[PAGE_DOMAINS] = of_list, [PAGE_HOST] = of_host,   [PAGE_SERVICES] = of_others,
	[PAGE_DISKS] = of_others, [PAGE_GRAPH] = of_graph,
};

struct pen {
	struct grid *grid;
	struct frame *frame;
	struct area area;
	int column; /* behind what was written */
};

/* One key and its name, where both fit. */
static void put_hint(struct pen *pen, const struct hint *hint, enum style style)
{
	int key = (int)strlen(hint->key), name = (int)strlen(hint->name);
	int from = pen->column + (pen->column > pen->area.column), row = pen->area.row;
	int to = from + key + 1 + name;

	if (to > pen->area.column + pen->area.columns)
		return;
	grid_put(pen->grid, row, from, key, STYLE_KEY, hint->key);
	grid_put(pen->grid, row, from + key, 1, style, " ");
	grid_put(pen->grid, row, from + key + 1, name, style, hint->name);
	layout_add_hit(&pen->frame->layout, (struct layout_hit){ row, from, to, hint->does, NULL });
	pen->column = to;
}

/* `current` stands out; a bar before the first one sets them apart from those on the left. Caps are
 * a daemon's. */
static void put_hints(struct pen *pen, const struct hint *hints, size_t current)
{
	int bar = pen->column + 1, begin = pen->column > pen->area.column ? bar + 1 : pen->column;

	pen->column = begin;
	for (size_t i = 0; hints[i].key; i++)
		if (hints[i].does.character != L'c' || pen->frame->info->daemon)
			put_hint(pen, &hints[i], i == current ? STYLE_TITLE : STYLE_NORMAL);
	if (pen->column > begin && begin > bar)
		grid_put(pen->grid, pen->area.row, bar, 1, STYLE_FAINT, "|");
}

static void draw_keys(struct grid *grid, struct area area, struct frame *frame)
{
	struct pen pen = { grid, frame, area, area.column };
	enum page_number page = frame->ui->page;

	put_hints(&pen, always, SIZE_MAX);
	put_hints(&pen, tabs, page);
	put_hints(&pen, of_page[page], SIZE_MAX);
}

enum { QUESTION_BYTES = 256 };
static void put_question(char text[QUESTION_BYTES], int cells, const struct ui *ui)
{
	static const char *const questions[] = {
		[PROMPT_FIND] = "Find: ",
		[PROMPT_FILTER] = "Filter (* and ?): ",
		[PROMPT_DELAY] = "Delay (2, 500ms, 1min): ",
	};
	char name[QUESTION_BYTES / 2];

	if (ui->prompt != PROMPT_CAP) {
		snprintf(text, QUESTION_BYTES, "%s", questions[ui->prompt]);
		return;
	}
	figure_cut(ui->cap_name, cells / 3, ui->unicode ? CUT_MIDDLE_UNICODE : CUT_MIDDLE, name,
		   sizeof name);
	snprintf(text, QUESTION_BYTES, "Cap of %s (W, none, default): ", name);
}

/* The end of a long line is seen: there one types. */
static void draw_prompt(struct grid *grid, struct area area, const struct ui *ui)
{
	const char *line = ui->line;
	char question[QUESTION_BYTES];
	int column, left;

	put_question(question, area.columns, ui);
	column = grid_put(grid, area.row, area.column, area.columns, STYLE_STRONG, question);
	left = area.column + area.columns - column - 1;
	while (*line && figure_cells(line) > left)
		do
			line++;
		while (((unsigned char)*line & 0xc0) == 0x80);
	column = grid_put(grid, area.row, column, left, STYLE_NORMAL, line);
	grid_fill(grid, (struct area){ area.row, column, 1, 1 }, STYLE_CURSOR, L' ');
}

void footer_draw(struct grid *grid, struct area area, struct frame *frame)
{
	const struct ui *ui = frame->ui;

	if (area.rows < 1)
		return;
	if (ui->prompt)
		draw_prompt(grid, area, ui);
	else if (ui->message[0])
		page_put_name(grid, frame, area,
			      ui->message_is_error ? STYLE_WARNING : STYLE_STRONG, ui->message);
	else
		draw_keys(grid, area, frame);
}
