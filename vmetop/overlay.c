/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies over a page: help, the choice of a sort column, the choice of columns. */
#include <stdio.h>
#include <string.h>

#include "vmetop/page.h"

/* One line of an overlay: a short thing and what it means. */
struct entry {
	const char *sign, *text;
	enum style style; /* of the sign */
	bool marked;
};

enum { GAP = 2, BORDER = 1, BOX_ROWS_MIN = 5, TITLE_BYTES = 128 };

struct overlay_kind {
	const char *title;
	size_t (*count)(void);
	struct entry (*entry)(const struct frame *frame, size_t i);
	/* The first of these are a group of their own, with a blank line behind it. */
	size_t (*head)(void);
	bool chooses;         /* a line, with the cursor */
	int columns_most;     /* side by side */
	const char *marks[2]; /* before a line that is not, that is marked; NULL = none */
};

/* --- help ------------------------------------------------------------------------------------- */

static const struct {
	const char *sign, *text;
} legend[] = {
	{ "~", "an estimate" },
	{ "*", "held: not read now, its change comes later" },
	{ ">", "a part of it is missing" },
	{ "-", "not known: never shown as zero" },
	{ "<.01", "more than nothing" },
	{ "+-%", "half-width of the 95 % interval" },
	{ "R P E", "running, paused, ended" },
	{ "IDLE", "share of the power drawn anyway" },
	{ "ACT", "power that its work causes, all told:" },
	{ "CPU DISK", "by its vCPUs; by its requests to disks" },
	{ "SERV", "by others' CPU time on its behalf" },
	{ "kept", "what no domain is charged with" },
	{ "= #", "idle, active in ASCII bars and graphs" },
	{ "?", "no data in a graph, or not all the time" },
	{ "! T", "above the cap by 5 %, throttled" },
};
enum { LEGEND_COUNT = sizeof legend / sizeof *legend };

static size_t help_head(void)
{
	return ui_binding_count;
}

static size_t help_count(void)
{
	return ui_binding_count + LEGEND_COUNT;
}

static struct entry help_entry(const struct frame *frame, size_t i)
{
	(void)frame;
	if (i >= ui_binding_count)
		return (struct entry){ legend[i - ui_binding_count].sign,
				       legend[i - ui_binding_count].text, STYLE_STRONG, false };
	return (struct entry){ ui_bindings[i].keys, ui_bindings[i].help, STYLE_KEY, false };
}

/* --- columns ---------------------------------------------------------------------------------- */

static size_t no_head(void)
{
	return 0;
}

static size_t all_columns(void)
{
	return column_count;
}

static struct entry sort_entry(const struct frame *frame, size_t i)
{
	const char *sort = frame->ui->view.sort;

	return (struct entry){ columns[i].key, columns[i].help, STYLE_NORMAL,
			       sort && strcmp(sort, columns[i].key) == 0 };
}

static struct entry column_entry(const struct frame *frame, size_t i)
{
	unsigned long shown = frame->ui->view.shown_columns;

	if (!shown)
		shown = frame->layout.shown_columns;
	if (!columns[i].title)
		return (struct entry){ columns[i].key, "for sorting alone", STYLE_FAINT, false };
	/* The name stays whatever was chosen. */
	return (struct entry){ columns[i].title, columns[i].help, STYLE_NORMAL,
			       i == 0 || shown & 1UL << i };
}

static const struct overlay_kind kinds[] = {
	[OVERLAY_HELP] = { "Keys and signs: c alone changes VMs; arrows move, others close",
			   help_count,
			   help_entry,
			   help_head,
			   false,
			   3,
			   { NULL, NULL } },
	[OVERLAY_SORT] = { "Sort by: Enter chooses, Esc leaves",
			   all_columns,
			   sort_entry,
			   no_head,
			   true,
			   1,
			   { "  ", "* " } },
	[OVERLAY_COLUMNS] = { "Columns: Space shows or hides, Esc leaves",
			      all_columns,
			      column_entry,
			      no_head,
			      true,
			      1,
			      { "[ ] ", "[x] " } },
};

/* --- where the lines lie -------------------------------------------------------------------------
 */

struct sheet {
	const struct overlay_kind *kind;
	const struct frame *frame;
	int sign_cells, cells; /* of the signs; of one column with its gap */
	int across;            /* columns */
	int rows;              /* of the whole sheet, seen or not */
	bool cursor;           /* is shown */
};

static int most(int a, int b)
{
	return a > b ? a : b;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int rows_of(size_t count, int across)
{
	return ((int)count + across - 1) / across;
}

/* Rows before the group that begins behind the head: the head and a blank one. */
static int rows_before(const struct sheet *sheet)
{
	size_t head = sheet->kind->head();

	return head ? rows_of(head, sheet->across) + 1 : 0;
}

static struct sheet measure(const struct overlay_kind *kind, const struct frame *frame, int width)
{
	struct sheet sheet = { .kind = kind, .frame = frame };
	size_t count = kind->count();
	int text_cells = 0, mark_cells = kind->marks[1] ? (int)strlen(kind->marks[1]) : 0;

	for (size_t i = 0; i < count; i++) {
		struct entry entry = kind->entry(frame, i);

		sheet.sign_cells = most(sheet.sign_cells, (int)strlen(entry.sign));
		text_cells = most(text_cells, (int)strlen(entry.text));
	}
	sheet.cells = mark_cells + sheet.sign_cells + GAP + text_cells + GAP;
	sheet.across = most(1, least(kind->columns_most, (width + GAP) / sheet.cells));
	sheet.rows = rows_before(&sheet) + rows_of(count - kind->head(), sheet.across);
	return sheet;
}

/* Down the first column, then down the next. */
static void place(const struct sheet *sheet, size_t i, int *row, int *column)
{
	size_t head = sheet->kind->head();
	size_t count = i < head ? head : sheet->kind->count() - head;
	int rows = rows_of(count, sheet->across), at = (int)(i < head ? i : i - head);

	*row = at % rows + (i < head ? 0 : rows_before(sheet));
	*column = at / rows * sheet->cells;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_border(struct grid *grid, struct area box, bool unicode)
{
	static const wchar_t signs[2][6] = { L"-|++++", L"─│┌┐└┘" };
	const wchar_t *sign = signs[unicode];
	int bottom = box.row + box.rows - 1, right = box.column + box.columns - 1;
	const struct {
		struct area area;
		wchar_t sign;
	} parts[] = {
		{ { box.row, box.column, 1, box.columns }, sign[0] },
		{ { bottom, box.column, 1, box.columns }, sign[0] },
		{ { box.row, box.column, box.rows, 1 }, sign[1] },
		{ { box.row, right, box.rows, 1 }, sign[1] },
		{ { box.row, box.column, 1, 1 }, sign[2] },
		{ { box.row, right, 1, 1 }, sign[3] },
		{ { bottom, box.column, 1, 1 }, sign[4] },
		{ { bottom, right, 1, 1 }, sign[5] },
	};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		grid_fill(grid, parts[i].area, STYLE_NORMAL, parts[i].sign);
}

/* A box in the middle for so many rows and cells, as far as it fits; returns its inside. */
static struct area open_box(struct grid *grid, const struct sheet *sheet)
{
	bool bordered = grid->rows >= BOX_ROWS_MIN;
	int border = bordered ? BORDER : 0, title = (int)strlen(sheet->kind->title);
	int cells = most(sheet->cells * sheet->across - GAP, title) + 2 * border + 2;
	struct area box = { .rows = least(sheet->rows + 2 * border, grid->rows),
			    .columns = least(cells, grid->columns) };

	box.row = (grid->rows - box.rows) / 2;
	box.column = (grid->columns - box.columns) / 2;
	grid_fill(grid, box, STYLE_NORMAL, L' ');
	if (bordered) {
		draw_border(grid, box, sheet->frame->ui->unicode);
		grid_put(grid, box.row, box.column + 2, box.columns - 4, STYLE_STRONG,
			 sheet->kind->title);
	}
	return (struct area){ box.row + border, box.column + border + 1, box.rows - 2 * border,
			      box.columns - 2 * border - 2 };
}

static void draw_entry(struct grid *grid, const struct sheet *sheet, struct area line, size_t i)
{
	const struct entry entry = sheet->kind->entry(sheet->frame, i);
	const char *mark = sheet->kind->marks[entry.marked];
	int end = line.column + line.columns, column = line.column;

	if (mark)
		column = grid_put(grid, line.row, column, end - column, STYLE_NORMAL, mark);
	grid_put(grid, line.row, column, least(sheet->sign_cells, end - column), entry.style,
		 entry.sign);
	column += sheet->sign_cells + GAP;
	if (column < end)
		grid_put(grid, line.row, column, end - column, STYLE_NORMAL, entry.text);
	if (sheet->cursor && i == sheet->frame->ui->overlay_cursor)
		grid_style(grid, line, STYLE_CURSOR);
}

/* The first row that is seen: the one of the cursor is in the middle, if there are more. */
static int first_row(const struct sheet *sheet, int visible)
{
	int row, column;

	place(sheet, sheet->frame->ui->overlay_cursor, &row, &column);
	return most(0, least(row - visible / 2, sheet->rows - visible));
}

static void draw_position(struct grid *grid, struct area inside, int first, int rows)
{
	char text[TITLE_BYTES];

	if (inside.rows >= rows || inside.row + inside.rows >= grid->rows)
		return;
	snprintf(text, sizeof text, "%d-%d of %d", first + 1, first + inside.rows, rows);
	grid_put_right(grid, inside.row + inside.rows, inside.column, inside.columns, STYLE_NORMAL,
		       text);
}

void overlay_draw(struct grid *grid, struct frame *frame)
{
	const struct overlay_kind *kind = &kinds[frame->ui->overlay];
	struct sheet sheet;
	struct area inside;
	int first;

	if (frame->ui->overlay == OVERLAY_NONE || grid->rows < 1 || grid->columns < 1)
		return;
	sheet = measure(kind, frame, grid->columns - 2 * BORDER - 2);
	inside = open_box(grid, &sheet);
	/* Where there is more than can be seen, the cursor shows where one is. */
	sheet.cursor = kind->chooses || sheet.rows > inside.rows;
	first = first_row(&sheet, inside.rows);
	for (size_t i = 0; i < kind->count(); i++) {
		struct area line = { .rows = 1 };
		int row, column;

		place(&sheet, i, &row, &column);
		if (row < first || row >= first + inside.rows)
			continue;
		line.row = inside.row + row - first;
		line.column = inside.column + column;
		line.columns = least(sheet.cells - GAP, inside.columns - column);
		draw_entry(grid, &sheet, line, i);
	}
	draw_position(grid, inside, first, sheet.rows);
}

size_t overlay_count(const struct frame *frame)
{
	return frame->ui->overlay == OVERLAY_NONE ? 0 : kinds[frame->ui->overlay].count();
}
