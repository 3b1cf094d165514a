/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "base/text.h"
#include "vmetop/restore.h"
#include "vmetop/screen-terminfo.h"

enum { ESCAPE_DELAY_MS = 25 };

static struct {
	SCREEN *terminal;  /* NULL: closed */
	struct grid drawn; /* what ncurses was told last; 0 rows: nothing that still holds */
	bool can_color, color;
} screen;

/* --- looks -------------------------------------------------------------------------- */

struct look {
	attr_t plain;   /* without colours */
	attr_t colored; /* with them */
	short foreground, background;
};

/* -1 is the terminal's own colour, for light and dark backgrounds are somebody's choice. Blue and
 * yellow letters are readable on one of them alone, so that colours here stay between. */
static const struct look looks[STYLE_COUNT] = {
	[STYLE_NORMAL] = { A_NORMAL, A_NORMAL, -1, -1 },
	[STYLE_STRONG] = { A_BOLD, A_BOLD, -1, -1 },
	[STYLE_FAINT] = { A_DIM, A_DIM, -1, -1 },
	[STYLE_TITLE] = { A_REVERSE, A_REVERSE, -1, -1 },
	[STYLE_SORTED] = { A_BOLD | A_UNDERLINE, A_NORMAL, COLOR_BLACK, COLOR_GREEN },
	[STYLE_CURSOR] = { A_REVERSE | A_BOLD, A_NORMAL, COLOR_BLACK, COLOR_CYAN },
	[STYLE_KEY] = { A_BOLD, A_BOLD, -1, -1 },
	[STYLE_IDLE] = { A_NORMAL, A_NORMAL, COLOR_CYAN, -1 },
	[STYLE_ACTIVE] = { A_BOLD, A_NORMAL, COLOR_GREEN, -1 },
	[STYLE_SERVICE] = { A_NORMAL, A_NORMAL, COLOR_MAGENTA, -1 },
	[STYLE_KEPT] = { A_DIM, A_NORMAL, COLOR_BLUE, -1 },
	[STYLE_WARNING] = { A_UNDERLINE, A_NORMAL, COLOR_BLACK, COLOR_YELLOW },
	[STYLE_ALARM] = { A_REVERSE | A_UNDERLINE, A_BOLD, COLOR_WHITE, COLOR_RED },
};

static bool has_own_colors(const struct look *look)
{
	return look->foreground >= 0 || look->background >= 0;
}

/* Colours once the terminal proves to have them; pair n belongs to style n. */
static void prepare_colors(void)
{
	if (screen.can_color || !has_colors())
		return;
	if (start_color() == ERR || COLORS < 8 || COLOR_PAIRS <= STYLE_COUNT ||
	    use_default_colors() == ERR)
		return;
	for (int style = 0; style < STYLE_COUNT; style++)
		if (has_own_colors(&looks[style]))
			init_pair((short)style, looks[style].foreground, looks[style].background);
	screen.can_color = true;
}

static void put_cell(int row, int column, const struct cell *cell)
{
	const struct look *look = &looks[cell->style < STYLE_COUNT ? cell->style : STYLE_NORMAL];
	attr_t attributes = screen.color ? look->colored : look->plain;
	short pair = screen.color && has_own_colors(look) ? cell->style : 0;
	wchar_t characters[CELL_CHARACTERS + 1] = { 0 };
	cchar_t complex;

	wmemcpy(characters, cell->characters, CELL_CHARACTERS);
	if (setcchar(&complex, characters, attributes, pair, NULL) == OK)
		mvadd_wch(row, column, &complex);
}

/* --- opening and closing -------------------------------------------------------------- */

bool screen_is_possible(void)
{
	const char *name = getenv("TERM");

	return name && *name && strcmp(name, "dumb") != 0 && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO) && terminfo_is_usable(name);
}

/* What endwin() would send, for a crash, which cannot call it. */
static void arm_restore(void)
{
	struct text sequence = { 0 };

	terminfo_add_restore(&sequence);
	restore_arm(sequence.bytes ? sequence.bytes : "");
	text_free(&sequence);
}

static void set_modes(void)
{
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_DELAY_MS);
	terminfo_define_keys();
	typeahead(-1); /* never leave a frame half drawn because a key has come */
	mouseinterval(0);
	/* Where the cursor cannot be hidden it rests in the corner, not at the last change. */
	leaveok(stdscr, curs_set(0) != ERR);
}

int screen_open(const struct screen_options *options, struct error *error)
{
	static bool is_registered;
	const char *name = getenv("TERM");
	int result;

	if (!screen_is_possible())
		return error_setf(error, ENOTTY, "TERM=%s: no terminal that a screen fits",
				  name ? name : "");
	result = restore_keep();
	if (result)
		return error_setf(error, -result, "terminal: %s", strerror(-result));
	use_tioctl(TRUE); /* LINES and COLUMNS follow the terminal, not the environment */
	screen.terminal = newterm(NULL, stdout, stdin);
	if (!screen.terminal)
		return error_setf(error, ENOTTY, "TERM=%s: cannot be opened", name);
	if (!is_registered)
		is_registered = atexit(screen_close) == 0;
	set_modes();
	arm_restore();
	screen_set_options(options);
	return 0;
}

void screen_close(void)
{
	if (!screen.terminal)
		return;
	mousemask(0, NULL);
	/* Where there is no second screen the shell goes on in the last line. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	restore_disarm();
	delscreen(screen.terminal);
	grid_free(&screen.drawn);
	memset(&screen, 0, sizeof screen);
}

void screen_set_options(const struct screen_options *options)
{
	if (options->color)
		prepare_colors();
	screen.color = options->color && screen.can_color;
	mousemask(options->mouse ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
	grid_free(&screen.drawn);
}

/* --- drawing -------------------------------------------------------------------------- */

void screen_size(int *rows, int *columns)
{
	struct winsize size;

	/* While we were stopped nobody told us of changes. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
	    (size.ws_row != LINES || size.ws_col != COLS)) {
		resizeterm(size.ws_row, size.ws_col);
		grid_free(&screen.drawn);
	}
	getmaxyx(stdscr, *rows, *columns);
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return a->style == b->style && wmemcmp(a->characters, b->characters, CELL_CHARACTERS) == 0;
}

/* Right halves come with their left ones, and ncurses blanks what a new character cuts in two. */
static void put_changes(const struct grid *grid, const struct grid *before, int rows, int columns)
{
	for (int row = 0; row < rows; row++)
		for (int column = 0; column < columns; column++) {
			const struct cell *cell = grid_cell(grid, row, column);
			const struct cell *old = grid_cell(before, row, column);

			if (cell->characters[0] && (!old || !same_cell(cell, old)))
				put_cell(row, column, cell);
		}
}

/* Nothing remembered is no failure: the next draw tells all. */
static void remember(const struct grid *grid)
{
	if (grid_resize(&screen.drawn, grid->rows, grid->columns)) {
		grid_free(&screen.drawn);
		return;
	}
	memcpy(screen.drawn.cells, grid->cells,
	       (size_t)grid->rows * (size_t)grid->columns * sizeof *grid->cells);
}

void screen_draw(const struct grid *grid)
{
	int rows, columns;

	if (!screen.terminal)
		return;
	getmaxyx(stdscr, rows, columns);
	if (grid->rows != rows || grid->columns != columns)
		return; /* drawn for another size: a resize is on its way, and another draw */
	if (screen.drawn.rows != rows || screen.drawn.columns != columns)
		grid_free(&screen.drawn);
	put_changes(grid, &screen.drawn, rows, columns);
	remember(grid);
	move(rows - 1, 0);
	wnoutrefresh(stdscr);
	doupdate();
}

void screen_redraw(void)
{
	clearok(curscr, TRUE);
	grid_free(&screen.drawn);
}
