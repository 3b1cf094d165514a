/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmetop/grid.h"

static struct grid grid;

static void begin(int rows, int columns)
{
	UNIT_EQUAL_I64(0, grid_resize(&grid, rows, columns));
}

/* The whole grid as text is `expected`. */
static void shows(const char *expected)
{
	struct text text = { 0 };

	grid_text(&grid, &text);
	UNIT_EQUAL_TEXT(expected, text.bytes);
	text_free(&text);
}

static int put(int column, int cells, const char *text)
{
	return grid_put(&grid, 0, column, cells, STYLE_NORMAL, text);
}

static unsigned style_at(int row, int column)
{
	return grid_cell(&grid, row, column)->style;
}

static void test_resize(void)
{
	begin(2, 4);
	shows("\n\n");
	grid_put(&grid, 1, 0, 4, STYLE_ALARM, "abcd");
	shows("\nabcd\n");
	begin(3, 2);
	shows("\n\n\n");
	UNIT_EQUAL_U64(STYLE_NORMAL, style_at(1, 0));
	begin(3, 2);
	grid_put(&grid, 0, 0, 2, STYLE_ALARM, "ab");
	begin(3, 2);
	shows("\n\n\n");
	begin(0, 0);
	shows("");
	UNIT_EQUAL_I64(-12, grid_resize(&grid, 2147483647, 2147483647));
	UNIT_EQUAL_I64(0, grid.rows);
	grid_free(&grid);
}

static void test_outside(void)
{
	begin(2, 3);
	UNIT_TRUE(!grid_cell(&grid, 2, 0) && !grid_cell(&grid, 0, 3));
	UNIT_TRUE(!grid_cell(&grid, -1, 0) && !grid_cell(&grid, 0, -1));
	UNIT_EQUAL_I64(2, grid_put(&grid, -1, 0, 3, STYLE_NORMAL, "xy"));
	UNIT_EQUAL_I64(2, grid_put(&grid, 2, 0, 3, STYLE_NORMAL, "xy"));
	UNIT_EQUAL_I64(3, put(3, 3, "xy"));
	UNIT_EQUAL_I64(9, put(9, 3, "xy"));
	UNIT_EQUAL_I64(0, put(0, 0, "xy"));
	UNIT_EQUAL_I64(0, put(0, -5, "xy"));
	shows("\n\n");
	UNIT_EQUAL_I64(1, put(-2, 3, "abcd"));
	shows("c\n\n");
	UNIT_EQUAL_I64(3, put(1, 100, "efgh"));
	shows("cef\n\n");
}

static void test_limits(void)
{
	const int far[] = { -2147483647 - 1, -2147483647, -1, 0, 1, 2147483646, 2147483647 };
	const size_t count = sizeof far / sizeof *far;

	begin(2, 3);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			struct area area = { far[i], far[i], far[k], far[k] };

			grid_put(&grid, far[i], far[k], far[i], STYLE_NORMAL, "漢e\u0301x");
			grid_put(&grid, 0, far[i], far[k], STYLE_NORMAL, "漢字x");
			grid_fill(&grid, area, STYLE_NORMAL, L'#');
			grid_style(&grid, area, STYLE_ALARM);
		}
	grid_fill(&grid, (struct area){ -5, -5, 100, 100 }, STYLE_KEY, L'#');
	shows("###\n###\n");
	UNIT_EQUAL_U64(STYLE_KEY, style_at(1, 2));
}

static void test_cut(void)
{
	begin(1, 10);
	UNIT_EQUAL_I64(3, put(1, 2, "abcdef"));
	shows(" ab\n");
	UNIT_EQUAL_I64(4, put(1, 5, "xyz"));
	shows(" xyz\n");
}

static void test_wide(void)
{
	begin(1, 6);
	UNIT_EQUAL_I64(6, put(0, 6, "漢a字b"));
	shows("漢a字b\n");
	UNIT_EQUAL_U64(0, grid_cell(&grid, 0, 1)->characters[0]);
	UNIT_EQUAL_U64(L'a', grid_cell(&grid, 0, 2)->characters[0]);
	UNIT_EQUAL_U64(0, grid_cell(&grid, 0, 4)->characters[0]);
}

static void test_wide_cut(void)
{
	begin(1, 5);
	grid_fill(&grid, (struct area){ 0, 0, 1, 5 }, STYLE_NORMAL, L'.');
	UNIT_EQUAL_I64(3, put(0, 3, "漢字"));
	shows("漢 ..\n");
	grid_fill(&grid, (struct area){ 0, 0, 1, 5 }, STYLE_NORMAL, L'.');
	UNIT_EQUAL_I64(5, put(4, 9, "漢"));
	shows("....\n");
	grid_fill(&grid, (struct area){ 0, 0, 1, 5 }, STYLE_NORMAL, L'.');
	UNIT_EQUAL_I64(3, put(-1, 9, "漢字"));
	shows(" 字..\n");
	UNIT_EQUAL_I64(5, put(4, 1, "漢"));
	shows(" 字.\n");
}

static void test_wide_overwritten(void)
{
	begin(1, 6);
	put(0, 6, "漢字漢");
	put(1, 1, "x");
	shows(" x字漢\n");
	put(2, 1, "y");
	shows(" xy 漢\n");
	put(0, 6, "漢字漢");
	put(1, 2, "字");
	shows(" 字 漢\n");
	put(0, 6, "漢字漢");
	grid_fill(&grid, (struct area){ 0, 3, 1, 2 }, STYLE_NORMAL, L'-');
	shows("漢 --\n");
	put(0, 6, "漢字漢");
	put(2, 2, "漢");
	shows("漢漢漢\n");
}

static void test_combining(void)
{
	begin(1, 4);
	UNIT_EQUAL_I64(2, put(0, 4, "e\u0301x"));
	shows("e\u0301x\n");
	UNIT_EQUAL_U64(0x301, grid_cell(&grid, 0, 0)->characters[1]);
	/* More of them than a cell holds. */
	UNIT_EQUAL_I64(2, put(0, 4, "a\u0300\u0301\u0302\u0303\u0304\u0305z"));
	shows("a\u0300\u0301\u0302\u0303z\n");
	/* A shorter text leaves none behind, and one without a base joins no neighbour. */
	put(0, 1, "b");
	UNIT_EQUAL_I64(2, put(1, 3, "\u0301c"));
	shows("bc\n");
	UNIT_EQUAL_I64(2, put(0, 2, "bc\u0301\u0302"));
	shows("bc\u0301\u0302\n");
	UNIT_EQUAL_I64(3, put(0, 4, "漢\u0301d"));
	shows("漢\u0301d\n");
	begin(1, 3);
	put(-1, 4, "e\u0301f");
	shows("f\n");
}

static void test_controls(void)
{
	begin(1, 20);
	UNIT_EQUAL_I64(14, put(0, 20,
			       "\033[2Jab\r\n\t\a\177\xc2\x9b"
			       "1m"));
	shows("?[2Jab??????1m\n");
	begin(1, 20);
	put(0, 20, "a\xff\xfe\xe6\xbcz\xe6\xbc");
	shows("a????z?"
	      "?\n");
	/* A surrogate, and what lies above the last character: however many marks. */
	begin(1, 20);
	put(0, 20, "\xed\xa0\x80\xf4\x90\x80\x80");
	for (int column = 0; column < grid.columns; column++) {
		wchar_t character = grid_cell(&grid, 0, column)->characters[0];

		UNIT_TRUE(character == (column == 0 ? L'?' : character == L'?' ? L'?' : L' '));
	}
	begin(1, 3);
	grid_fill(&grid, (struct area){ 0, 0, 1, 1 }, STYLE_NORMAL, L'\033');
	grid_fill(&grid, (struct area){ 0, 1, 1, 1 }, STYLE_NORMAL, L'漢');
	grid_fill(&grid, (struct area){ 0, 2, 1, 1 }, STYLE_NORMAL, L'\0');
	shows("???\n");
}

/* What has no shape takes no cell and does not reach the terminal. */
static void test_invisible(void)
{
	begin(1, 12);
	UNIT_EQUAL_I64(6, put(0, 12, "a\u202eb\u2066c\u200bd\u200fe\ufefff"));
	shows("abcdef\n");
	UNIT_EQUAL_I64(6, put(0, 12, "👨\u200d👩\u200d👧"));
	shows("👨👩👧\n");
	begin(1, 12);
	UNIT_EQUAL_I64(4, put(0, 12, "👍\U0001f3fd\u2764\ufe0f!"));
	shows("👍\u2764!\n");
	begin(1, 12);
	UNIT_EQUAL_I64(2, put(0, 12, "a\u00ad\U000e0041\u2028b"));
	shows("ab\n");
}

static void test_right(void)
{
	begin(1, 10);
	grid_put_right(&grid, 0, 1, 6, STYLE_KEY, "1.5");
	shows("    1.5\n");
	UNIT_EQUAL_U64(STYLE_NORMAL, style_at(0, 3));
	UNIT_EQUAL_U64(STYLE_KEY, style_at(0, 4));
	begin(1, 10);
	grid_put_right(&grid, 0, 0, 5, STYLE_KEY, "漢e\u0301");
	shows("  漢e\u0301\n");
	begin(1, 10);
	grid_put_right(&grid, 0, 0, 3, STYLE_KEY, "12345");
	shows("123\n");
}

static void test_format(void)
{
	begin(2, 8);
	UNIT_EQUAL_I64(7, grid_putf(&grid, 1, 2, STYLE_STRONG, "%d%s", 42, "abc"));
	UNIT_EQUAL_I64(8, grid_putf(&grid, 0, 0, STYLE_STRONG, "%0100d", 0));
	shows("00000000\n  42abc\n");
}

static void test_style(void)
{
	begin(2, 3);
	grid_put(&grid, 0, 0, 3, STYLE_TITLE, "abc");
	grid_style(&grid, (struct area){ 0, 1, 2, 1 }, STYLE_CURSOR);
	shows("abc\n\n");
	UNIT_EQUAL_U64(STYLE_TITLE, style_at(0, 0));
	UNIT_EQUAL_U64(STYLE_CURSOR, style_at(0, 1));
	UNIT_EQUAL_U64(STYLE_CURSOR, style_at(1, 1));
	UNIT_EQUAL_U64(STYLE_TITLE, style_at(0, 2));
	UNIT_EQUAL_U64(STYLE_NORMAL, style_at(1, 2));
}

/* A wide character has both halves, and a row is as wide as its cells say. */
static bool is_whole(void)
{
	for (int row = 0; row < grid.rows; row++)
		for (int column = 0, width; column < grid.columns; column += width) {
			const struct cell *cell = grid_cell(&grid, row, column);

			width = wcwidth(cell->characters[0]);
			if (width < 1 || column + width > grid.columns ||
			    (width == 2 && cell[1].characters[0]))
				return false;
		}
	return true;
}

static void random_text(uint64_t *state, char *text, size_t length)
{
	static const char *const pieces[] = {
		"a",      "Z9",    "漢", "字",   "\u0301",   "👍",
		"\u200d", "\033[", "\n", "\xff", "\xe6\xbc", "\u202e",
	};

	*text = '\0';
	for (size_t i = 0; i < length; i++)
		strcat(text, pieces[unit_random(state) % (sizeof pieces / sizeof *pieces)]);
}

/* The sanitizers watch the edges. */
static void test_random(void)
{
	uint64_t seed = 11, state = seed;
	char text[200];

	for (int round = 0; round < 200; round++) {
		begin((int)(unit_random(&state) % 4), (int)(unit_random(&state) % 12));
		for (int step = 0; step < 40; step++) {
			int row = (int)(unit_random(&state) % 6) - 1;
			int column = (int)(unit_random(&state) % 20) - 5;
			int cells = (int)(unit_random(&state) % 20) - 2;
			int end;

			random_text(&state, text, unit_random(&state) % 20);
			if (step % 4 == 0)
				grid_put_right(&grid, row, column, cells, STYLE_KEY, text);
			end = grid_put(&grid, row, column, cells, STYLE_KEY, text);
			if (end < column || (cells > 0 && end > column + cells) || !is_whole()) {
				printf("seed %llu, round %d, step %d: %d..%d\n",
				       (unsigned long long)seed, round, step, column, end);
				CU_FAIL("a character was cut, or lies outside");
				return;
			}
		}
	}
}

/* Bytes that the locale does not know become one mark each. */
static void test_plain_locale(void)
{
	setlocale(LC_CTYPE, "C");
	begin(1, 10);
	put(0, 10, "a\xe6\xbc\xa2z");
	setlocale(LC_CTYPE, "C.UTF-8");
	shows("a???z\n");
}

int main(void)
{
	int status;

	setlocale(LC_CTYPE, "C.UTF-8");
	status = UNIT_RUN(
		"vmetop-grid", { "a new size keeps nothing", test_resize },
		{ "what lies outside is cut", test_outside },
		{ "numbers at the limits of int are harmless", test_limits },
		{ "text is cut at its cells", test_cut },
		{ "a wide character takes two cells", test_wide },
		{ "half a wide character becomes a blank at each edge", test_wide_cut },
		{ "a wide character that loses a half goes", test_wide_overwritten },
		{ "combining marks join the cell before them, none other", test_combining },
		{ "controls and what is no character become question marks", test_controls },
		{ "what has no shape is left out", test_invisible },
		{ "numbers stand right", test_right }, { "format", test_format },
		{ "a style changes without its text", test_style },
		{ "random text leaves whole characters inside", test_random },
		{ "a locale without UTF-8 shows ASCII", test_plain_locale });
	grid_free(&grid);
	return status;
}
