/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/ui-internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const double ui_graph_spans_s[] = { 60, 300, 900, 3600, 6 * 3600, 24 * 3600 };
const size_t ui_graph_span_count = sizeof ui_graph_spans_s / sizeof *ui_graph_spans_s;

enum { ESCAPE = 27, WHEEL_ROWS = 3 };

void ui_init(struct ui *ui)
{
	*ui = (struct ui){
		.view = { .sort = "power", .unicode = true, .one_scale = true },
		.graph_span = 1,
		.graph_style = GRAPH_BLOCK,
		.pane = true,
		.color = true,
		.unicode = true,
		.interval_s = UI_INTERVAL_S,
		.speed = 1,
	};
}

void ui_clear(struct ui *ui)
{
	id_set_clear(&ui->toggled);
}

void ui_message(struct ui *ui, bool is_error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ui->message, sizeof ui->message, format, arguments);
	va_end(arguments);
	ui->message_is_error = is_error;
	ui->message_is_new = true;
}

/* Once more by the same column inverts. */
void ui_sort_by(struct ui *ui, const char *key)
{
	ui->view.invert = strcmp(ui->view.sort, key) == 0 && !ui->view.invert;
	ui->view.sort = key;
}

/* --- cursor -------------------------------------------------------------------------- */

size_t ui_row_count(const struct ui *ui, const struct frame *frame)
{
	return frame->snapshot ? pages[ui->page]->count(frame) : 0;
}

bool ui_has_rows(const struct ui *ui)
{
	return ui->page != PAGE_GRAPH;
}

static void remember_row(struct ui *ui, const struct frame *frame)
{
	ui->selected[0] = '\0';
	if (ui->cursor < ui_row_count(ui, frame))
		pages[ui->page]->key(frame, ui->cursor, ui->selected);
}

void ui_move_to(struct ui *ui, const struct frame *frame, size_t row)
{
	size_t count = ui_row_count(ui, frame);

	if (!ui_has_rows(ui))
		return;
	ui->stay = false;
	ui->cursor = row < count ? row : count ? count - 1 : 0;
	remember_row(ui, frame);
}

void ui_show_page(struct ui *ui, enum page_number page)
{
	ui->page = page;
	ui->cursor = ui->top = 0;
	ui->scroll = 0;
	ui->stay = false;
	ui->selected[0] = '\0';
}

/* Where the row that is followed stands by now; who only stays does so no more if it is gone. */
static void follow_row(struct ui *ui, const struct frame *frame)
{
	size_t count = ui_row_count(ui, frame);
	char key[UI_ID_BYTES];

	for (size_t i = 0; i < count; i++) {
		size_t row = (ui->cursor + i) % count;

		pages[ui->page]->key(frame, row, key);
		if (strcmp(key, ui->selected) == 0) {
			ui->cursor = row;
			return;
		}
	}
	ui->stay = false;
}

void ui_settle(struct ui *ui, const struct frame *frame)
{
	size_t count = ui_row_count(ui, frame), visible = frame->layout.visible;

	if (!ui_has_rows(ui))
		return;
	if ((ui->follow || ui->stay) && ui->selected[0])
		follow_row(ui, frame);
	if (ui->cursor >= count)
		ui->cursor = count ? count - 1 : 0;
	if (!(ui->follow || ui->stay) || !ui->selected[0])
		remember_row(ui, frame);
	if (ui->cursor < ui->top)
		ui->top = ui->cursor;
	/* How many rows fit is not known behind a graph, before this page is drawn again. */
	if (visible == 0)
		return;
	if (ui->top + visible > count)
		ui->top = count > visible ? count - visible : 0;
	if (ui->cursor >= ui->top + visible)
		ui->top = ui->cursor - visible + 1;
}

/* --- overlays ------------------------------------------------------------------------ */

static void choose_sort(struct ui *ui)
{
	ui_sort_by(ui, columns[ui->overlay_cursor].key);
	ui->overlay = OVERLAY_NONE;
}

static void choose_column(struct ui *ui, const struct frame *frame)
{
	unsigned long bit = 1UL << ui->overlay_cursor;

	if (!ui->view.shown_columns)
		ui->view.shown_columns = frame->layout.shown_columns;
	/* The name stays: a row without one is of no use. */
	if (ui->overlay_cursor > 0)
		ui->view.shown_columns ^= bit;
}

/* Keys that move in any list; false: another key. */
static bool move_in_overlay(struct ui *ui, const struct input *input, size_t count)
{
	size_t last = count ? count - 1 : 0, *cursor = &ui->overlay_cursor;
	enum { PAGE = 10 };
	enum key key = input->kind == INPUT_KEY ? input->key : INPUT_NO_KEY;
	wchar_t character = input->kind == INPUT_CHARACTER ? input->character : 0;

	if (key == INPUT_UP || character == 'k' || input->kind == INPUT_WHEEL_UP)
		*cursor -= *cursor > 0;
	else if (key == INPUT_DOWN || character == 'j' || input->kind == INPUT_WHEEL_DOWN)
		*cursor += *cursor < last;
	else if (key == INPUT_PAGE_UP)
		*cursor = *cursor > PAGE ? *cursor - PAGE : 0;
	else if (key == INPUT_PAGE_DOWN)
		*cursor = *cursor + PAGE < last ? *cursor + PAGE : last;
	else if (key == INPUT_HOME)
		*cursor = 0;
	else if (key == INPUT_END)
		*cursor = last;
	else
		return false;
	return true;
}

static enum ui_request overlay_key(struct ui *ui, const struct input *input,
				   const struct frame *frame)
{
	bool chosen = input->kind == INPUT_CHARACTER &&
		      (input->character == '\n' || input->character == ' ');

	if (move_in_overlay(ui, input, overlay_count(frame)))
		return UI_NOTHING;
	if (ui->overlay == OVERLAY_SORT && chosen)
		choose_sort(ui);
	else if (ui->overlay == OVERLAY_COLUMNS && chosen && input->character == ' ')
		choose_column(ui, frame);
	else if (input->kind == INPUT_CHARACTER || input->kind == INPUT_KEY ||
		 input->kind == INPUT_CLICK)
		ui->overlay = OVERLAY_NONE;
	return UI_NOTHING;
}

/* --- the mouse ----------------------------------------------------------------------- */

static enum ui_request click(struct ui *ui, const struct input *input, const struct frame *frame)
{
	const struct layout *layout = &frame->layout;
	int row = input->row - layout->first_row;

	for (size_t i = 0; i < layout->hit_count; i++) {
		const struct layout_hit *hit = &layout->hits[i];

		if (hit->row != input->row || input->column < hit->from || input->column >= hit->to)
			continue;
		if (!hit->sort)
			return ui_input(ui, &hit->does, frame);
		ui_sort_by(ui, hit->sort);
		return UI_NOTHING;
	}
	if (row < 0 || (size_t)row >= layout->visible ||
	    ui->top + (size_t)row >= ui_row_count(ui, frame))
		return UI_NOTHING;
	ui_move_to(ui, frame, ui->top + (size_t)row);
	if (input->kind == INPUT_DOUBLE)
		return ui_key(ui, &(struct input){ .character = '\n' }, frame);
	return UI_NOTHING;
}

static void wheel(struct ui *ui, const struct input *input, const struct frame *frame)
{
	if (input->kind == INPUT_WHEEL_DOWN)
		ui_move_to(ui, frame, ui->cursor + WHEEL_ROWS);
	else
		ui_move_to(ui, frame, ui->cursor > WHEEL_ROWS ? ui->cursor - WHEEL_ROWS : 0);
}

/* --- one input ----------------------------------------------------------------------- */

enum ui_request ui_input(struct ui *ui, const struct input *input, const struct frame *frame)
{
	if (input->kind == INPUT_RESIZE)
		return UI_NOTHING;
	ui->message[0] = '\0';
	if (ui->prompt)
		return ui_prompt_key(ui, input, frame);
	if (ui->overlay)
		return overlay_key(ui, input, frame);
	switch (input->kind) {
	case INPUT_CLICK:
	case INPUT_DOUBLE:
		return click(ui, input, frame);
	case INPUT_WHEEL_UP:
	case INPUT_WHEEL_DOWN:
		wheel(ui, input, frame);
		return UI_NOTHING;
	default:
		return ui_key(ui, input, frame);
	}
}
