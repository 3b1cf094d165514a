/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen.h - the terminal: ncurses lives in screen*.c and nowhere else.
 *
 * Opened, it belongs to us; closed, killed by a signal (also SIGSEGV, SIGABRT,
 * ...), stopped by ^Z or left by exit(), it is as it was before.
 */
#ifndef VMENERGY_VMETOP_SCREEN_H
#define VMENERGY_VMETOP_SCREEN_H

#include <stdbool.h>

#include "base/error.h"
#include "vmetop/grid.h"
#include "vmetop/input.h"

struct screen_options {
	bool color; /* false: monochrome, by bold and reverse; NO_COLOR was looked at before */
	bool mouse;
};

/* Can a screen be had: both ends a terminal, TERM known and not "dumb"? */
bool screen_is_possible(void);

/* 0 or -errno with text (TERM unknown, no terminal). */
int screen_open(const struct screen_options *options, struct error *error);
void screen_close(void);
void screen_set_options(const struct screen_options *options); /* 'x': colour on or off */

/* The size of now, in cells; grid_resize() to it before drawing. */
void screen_size(int *rows, int *columns);
/* Bring the terminal to what the grid says: only cells that changed are written. */
void screen_draw(const struct grid *grid);
void screen_redraw(void); /* ^L: the next draw writes everything */

/* The next key, click or change of size that has come, without waiting; false: none. */
bool screen_read(struct input *input);
/* Has the terminal hung up? Its end can be read for ever and nothing comes: time to leave. */
bool screen_has_gone(void);

#endif
