/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/page-parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GAP = 2 };

/* --- words that flow over lines ------------------------------------------------------------ */

static int room(const struct flow *flow)
{
	return flow->area.columns - flow->column - (flow->column ? GAP : 0);
}

static void put_here(struct flow *flow, enum style style, const char *text)
{
	char cut[PAGE_TEXT_BYTES];
	int gap = flow->column ? GAP : 0;
	int cells = figure_name(text, room(flow), cut, sizeof cut);

	if (flow->grid && flow->line < flow->area.rows)
		grid_put(flow->grid, flow->area.row + flow->line,
			 flow->area.column + flow->column + gap, room(flow), style, cut);
	flow->column += gap + cells;
	flow->begun = true;
}

void flow_put(struct flow *flow, enum style style, const char *text)
{
	if (flow->column && figure_cells(text) > room(flow)) {
		flow->line++;
		flow->column = 0;
	}
	put_here(flow, style, text);
}

void flow_try(struct flow *flow, enum style style, const char *text)
{
	if (figure_cells(text) <= room(flow))
		put_here(flow, style, text);
}

void flow_putf(struct flow *flow, enum style style, const char *format, ...)
{
	char text[PAGE_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	flow_put(flow, style, text);
}

void flow_tryf(struct flow *flow, enum style style, const char *format, ...)
{
	char text[PAGE_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	flow_try(flow, style, text);
}

int flow_lines(const struct flow *flow)
{
	return flow->begun ? flow->line + 1 : 0;
}

/* --- figures ------------------------------------------------------------------------------- */

const char *page_power(double watts, unsigned quality, char text[FIGURE_BYTES])
{
	figure_power(watts, figure_flag(quality), text);
	return text;
}

void page_put_name(struct grid *grid, const struct frame *frame, struct area place,
		   enum style style, const char *name)
{
	char text[PAGE_TEXT_BYTES];

	if (place.columns <= 0)
		return;
	figure_cut(name, place.columns, frame->ui->unicode ? CUT_MIDDLE_UNICODE : CUT_MIDDLE, text,
		   sizeof text);
	grid_put(grid, place.row, place.column, place.columns, style, text);
}

void page_say(struct grid *grid, struct area area, const char *text)
{
	struct flow flow = { .grid = grid, .area = area };
	char sentence[PAGE_TEXT_BYTES];
	char *rest = sentence, *word;

	snprintf(sentence, sizeof sentence, "%s", text);
	while ((word = strsep(&rest, " "))) {
		/* Words of a sentence stand one blank apart. */
		if (flow.column)
			flow.column -= GAP - 1;
		flow_put(&flow, STYLE_NORMAL, word);
	}
}
