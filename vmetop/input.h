/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input.h - what a person did: a key, a click, a change of the terminal's size. */
#ifndef VMENERGY_VMETOP_INPUT_H
#define VMENERGY_VMETOP_INPUT_H

#include <wchar.h>

enum input_kind {
	INPUT_CHARACTER, /* character: also control characters ('\t', '\n', 27 = Esc, ^L = 12) */
	INPUT_KEY,       /* key */
	INPUT_CLICK,     /* row, column: left button */
	INPUT_DOUBLE,    /* the same, twice */
	INPUT_WHEEL_UP,
	INPUT_WHEEL_DOWN,
	INPUT_RESIZE,
};

enum key {
	INPUT_NO_KEY,
	INPUT_UP,
	INPUT_DOWN,
	INPUT_LEFT,
	INPUT_RIGHT,
	INPUT_PAGE_UP,
	INPUT_PAGE_DOWN,
	INPUT_HOME,
	INPUT_END,
	INPUT_BACKSPACE,
	INPUT_DELETE,
	INPUT_BACK_TAB,
	INPUT_F1, /* F1..F12 follow each other */
	INPUT_F12 = INPUT_F1 + 11,
};

struct input {
	enum input_kind kind;
	wchar_t character;
	enum key key;
	int row, column;
};

#endif
