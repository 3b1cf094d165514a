/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line at the foot where something is typed: find, filter, delay, cap. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/numbers.h"
#include "base/units.h"
#include "vmetop/delay.h"
#include "vmetop/ui-internal.h"

enum { ESCAPE = 27, CONTROL_U = 21, DELETE = 127, BACKSPACE = 8 };

void ui_open_prompt(struct ui *ui, enum prompt prompt)
{
	ui->prompt = prompt;
	ui->line[0] = '\0';
	if (prompt == PROMPT_FILTER)
		strcpy(ui->line, ui->filter_line);
}

static void type(struct ui *ui, wchar_t character)
{
	char bytes[MB_LEN_MAX];
	size_t length = strlen(ui->line);
	int more = wctomb(bytes, character);

	if (more <= 0 || !iswprint((wint_t)character) || length + (size_t)more >= UI_LINE_BYTES)
		return;
	memcpy(ui->line + length, bytes, (size_t)more);
	ui->line[length + (size_t)more] = '\0';
}

/* The last character goes, with all its bytes (10xxxxxx goes on in UTF-8). */
static void erase(struct ui *ui)
{
	size_t length = strlen(ui->line);

	while (length > 0 && ((unsigned char)ui->line[--length] & 0xc0) == 0x80)
		;
	ui->line[length] = '\0';
}

static void set_filter(struct ui *ui, const char *line)
{
	memmove(ui->filter_line, line, strlen(line) + 1);
	ui->view.filter = ui->filter_line[0] ? ui->filter_line : NULL;
}

static bool holds(const char *name, const char *part)
{
	return name && strcasestr(name, part) != NULL;
}

void ui_find(struct ui *ui, const struct frame *frame, bool from_next)
{
	size_t count = ui_row_count(ui, frame);

	for (size_t i = 0; i < count && ui->find_line[0]; i++) {
		size_t row = (ui->cursor + i + from_next) % count;

		if (holds(pages[ui->page]->name(frame, row), ui->find_line)) {
			ui_move_to(ui, frame, row);
			return;
		}
	}
	if (ui->find_line[0])
		ui_message(ui, true, "no row has %s in its name", ui->find_line);
}

static enum ui_request set_delay(struct ui *ui, const struct frame *frame)
{
	const struct source_daemon *daemon = frame->info->daemon;
	double seconds;
	struct error error = { "" };

	if (delay_parse(ui->line, &seconds, &error)) {
		ui_message(ui, true, "delay %s", error.text);
		return UI_NOTHING;
	}
	if (daemon && seconds < 0.99 * daemon->tick_s) {
		ui_message(ui, true,
			   "vmenergyd's ticks are %gs long: no shorter ones while attached "
			   "(--standalone)",
			   daemon->tick_s);
		return UI_NOTHING;
	}
	ui->interval_s = seconds;
	return UI_INTERVAL;
}

/* "20", "20W", "1.5kW", "none", "default". */
static enum ui_request set_cap(struct ui *ui)
{
	static const double most_w = 1e9; /* as the daemon has it */
	struct error error = { "" };
	double watts;

	ui->cap_clear = strcmp(ui->line, "default") == 0;
	ui->cap_w = INFINITY;
	if (ui->cap_clear || strcmp(ui->line, "none") == 0)
		return UI_CAP;
	if (number_parse_double(ui->line, &watts) == 0) {
		if (!(watts >= 0 && watts <= most_w))
			error_setf(&error, ERANGE, "%s: must be 0..1GW", ui->line);
	} else {
		unit_parse(QUANTITY_POWER, ui->line, 0, most_w, &watts, &error);
	}
	if (error.text[0]) {
		ui_message(ui, true, "cap %s, none or default", error.text);
		return UI_NOTHING;
	}
	ui->cap_w = watts;
	return UI_CAP;
}

static enum ui_request accept(struct ui *ui, const struct frame *frame)
{
	enum prompt prompt = ui->prompt;

	ui->prompt = PROMPT_NONE;
	if (prompt == PROMPT_DELAY)
		return ui->line[0] ? set_delay(ui, frame) : UI_NOTHING;
	if (prompt == PROMPT_CAP)
		return ui->line[0] ? set_cap(ui) : UI_NOTHING;
	if (prompt == PROMPT_FILTER)
		set_filter(ui, ui->line);
	if (prompt == PROMPT_FIND && ui->line[0]) {
		memcpy(ui->find_line, ui->line, sizeof ui->line);
		ui_find(ui, frame, false);
	}
	return UI_NOTHING;
}

static void edit(struct ui *ui, const struct input *input)
{
	bool is_character = input->kind == INPUT_CHARACTER;

	if ((input->kind == INPUT_KEY && input->key == INPUT_BACKSPACE) ||
	    (is_character && (input->character == DELETE || input->character == BACKSPACE)))
		erase(ui);
	else if (is_character && input->character == CONTROL_U)
		ui->line[0] = '\0';
	else if (is_character)
		type(ui, input->character);
}

enum ui_request ui_prompt_key(struct ui *ui, const struct input *input, const struct frame *frame)
{
	if (input->kind == INPUT_CHARACTER && input->character == ESCAPE) {
		ui->prompt = PROMPT_NONE;
		return UI_NOTHING;
	}
	if (input->kind == INPUT_CHARACTER &&
	    (input->character == '\n' || input->character == '\r'))
		return accept(ui, frame);
	edit(ui, input);
	return UI_NOTHING;
}
