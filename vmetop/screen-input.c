/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ncurses reads, as inputs. */
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "base/clock.h"
#include "vmetop/screen.h"

enum { ESCAPE = 27 };
#define DOUBLE_CLICK_NS 400000000u

bool screen_has_gone(void)
{
	struct pollfd ends[] = { { .fd = STDIN_FILENO }, { .fd = STDOUT_FILENO } };

	if (poll(ends, 2, 0) <= 0)
		return false;
	return (ends[0].revents | ends[1].revents) & (POLLHUP | POLLERR | POLLNVAL);
}

/* The last one, for the second of a pair. */
static struct input clicked;
static uint64_t clicked_ns; /* 0 = none */

/* A press at the place of the last one, soon after it, is the second of a pair. */
static void take_click(struct input *input)
{
	uint64_t now_ns = clock_now_ns();

	input->kind = INPUT_CLICK;
	if (clicked_ns && now_ns - clicked_ns < DOUBLE_CLICK_NS && clicked.row == input->row &&
	    clicked.column == input->column) {
		input->kind = INPUT_DOUBLE;
		now_ns = 0;
	}
	clicked = *input;
	clicked_ns = now_ns;
}

static bool take_mouse(struct input *input)
{
	MEVENT event;

	if (getmouse(&event) == ERR)
		return false;
	input->row = event.y;
	input->column = event.x;
	if (event.bstate & BUTTON4_PRESSED)
		input->kind = INPUT_WHEEL_UP;
	else if (event.bstate & BUTTON5_PRESSED)
		input->kind = INPUT_WHEEL_DOWN;
	else if (event.bstate & BUTTON1_PRESSED)
		take_click(input);
	else
		return false;
	return true;
}

static bool take_key(struct input *input, wint_t code)
{
	static const struct {
		int code;
		enum key key;
	} keys[] = {
		{ KEY_UP, INPUT_UP },
		{ KEY_DOWN, INPUT_DOWN },
		{ KEY_LEFT, INPUT_LEFT },
		{ KEY_RIGHT, INPUT_RIGHT },
		{ KEY_PPAGE, INPUT_PAGE_UP },
		{ KEY_NPAGE, INPUT_PAGE_DOWN },
		{ KEY_HOME, INPUT_HOME },
		{ KEY_END, INPUT_END },
		{ KEY_A1, INPUT_HOME },
		{ KEY_C1, INPUT_END },
		{ KEY_A3, INPUT_PAGE_UP },
		{ KEY_C3, INPUT_PAGE_DOWN },
		{ KEY_BACKSPACE, INPUT_BACKSPACE },
		{ KEY_DC, INPUT_DELETE },
		{ KEY_BTAB, INPUT_BACK_TAB },
	};

	input->kind = INPUT_KEY;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (code == (wint_t)keys[i].code)
			input->key = keys[i].key;
	if (code >= (wint_t)KEY_F(1) && code <= (wint_t)KEY_F(12))
		input->key = (enum key)(INPUT_F1 + (code - (wint_t)KEY_F(1)));
	if (code == KEY_RESIZE) {
		input->kind = INPUT_RESIZE;
		screen_redraw();
	} else if (code == KEY_ENTER) {
		input->kind = INPUT_CHARACTER;
		input->character = L'\n';
	} else if (code == KEY_MOUSE) {
		return take_mouse(input);
	} else if (input->key == INPUT_NO_KEY) {
		return false;
	}
	return true;
}

/*
 * Behind an Esc: a sequence that no key is known for (ECMA-48, 5.4: up to a byte
 * from 0x40 to 0x7e) is swallowed whole, lest its bytes be taken for commands.
 */
static bool swallow_sequence(void)
{
	wint_t introducer, code = 0;
	bool is_any = false;

	if (get_wch(&introducer) != OK)
		return false;
	if (introducer != L'[' && introducer != L'O') {
		unget_wch((wchar_t)introducer);
		return false;
	}
	while (get_wch(&code) == OK) {
		is_any = true;
		if (introducer == L'O' || (code >= 0x40 && code <= 0x7e && code != L'['))
			return true;
	}
	if (!is_any)
		unget_wch((wchar_t)introducer);
	return is_any;
}

/* false: it means nothing to us. */
static bool take_character(struct input *input, wint_t code)
{
	enum { DELETE_CODE = 127, BACKSPACE_CODE = 8 };

	if (code == ESCAPE && swallow_sequence())
		return false;
	if (code == DELETE_CODE || code == BACKSPACE_CODE) {
		input->kind = INPUT_KEY;
		input->key = INPUT_BACKSPACE;
		return true;
	}
	input->kind = INPUT_CHARACTER;
	input->character = code == L'\r' ? L'\n' : (wchar_t)code;
	return true;
}

bool screen_read(struct input *input)
{
	wint_t code;
	int kind;

	while ((kind = get_wch(&code)) != ERR) {
		*input = (struct input){ 0 };
		if (kind == KEY_CODE_YES ? take_key(input, code) : take_character(input, code))
			return true;
	}
	return false;
}
