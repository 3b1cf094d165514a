/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns of the domain list are seen, and where. */
#include "vmetop/page-parts.h"

enum {
	COLUMNS_MAX = 8 * sizeof(unsigned long),
	NAME_MANY = 24, /* cells that a wide screen gives to names before it adds columns */
	NAME_MOST = 40,
	TREND_MOST = 60,
	NOTE_MOST = 200,
	WIDE = 110
};

/* The name is not among those that give way and scroll. */
static unsigned long all_of(const struct frame *frame)
{
	unsigned long all = 0, chosen = frame->ui->view.shown_columns;

	for (size_t i = 0; i < column_count; i++)
		if (columns[i].kind != COLUMN_NAME &&
		    (chosen ? (chosen & 1UL << i) != 0
			    : column_is_had(&columns[i], frame->snapshot)))
			all |= 1UL << i;
	return all;
}

static int cells_with_gap(size_t i)
{
	return columns[i].cells + 1;
}

/* The column of lowest rank among `left`; column_count = none. */
static size_t find_first(unsigned long left)
{
	size_t first = column_count;

	for (size_t i = 0; i < column_count; i++)
		if (left & 1UL << i &&
		    (first == column_count || columns[i].rank < columns[first].rank))
			first = i;
	return first;
}

/* Those that fit into `cells`, by rank. */
static unsigned long choose(unsigned long all, int cells)
{
	unsigned long chosen = 0;
	size_t i;

	while ((i = find_first(all & ~chosen)) < column_count) {
		cells -= cells_with_gap(i);
		if (cells < 0)
			break;
		chosen |= 1UL << i;
	}
	return chosen;
}

/* The order in which scrolling leads through them: what is chosen, then the rest by rank. */
static size_t line_up(unsigned long all, unsigned long chosen, size_t order[COLUMNS_MAX])
{
	unsigned long rest = all & ~chosen;
	size_t count = 0, next;

	for (size_t i = 0; i < column_count; i++)
		if (chosen & 1UL << i)
			order[count++] = i;
	while ((next = find_first(rest)) < column_count) {
		order[count++] = next;
		rest &= ~(1UL << next);
	}
	return count;
}

/* No further than to where the last one is seen. */
static size_t furthest_scroll(const size_t *order, size_t count, int cells)
{
	size_t first = count;

	while (first > 0 && (cells -= cells_with_gap(order[first - 1])) >= 0)
		first--;
	return first < count ? first : count ? count - 1 : 0;
}

static int name_cells(int cells)
{
	int least = columns[0].cells;

	if (cells >= WIDE)
		return NAME_MANY;
	return cells < 3 * least ? cells / 3 + 1 : least;
}

static int most_cells(const struct shown_column *item)
{
	static const int most[] = {
		[COLUMN_NAME] = NAME_MOST, [COLUMN_TREND] = TREND_MOST, [COLUMN_NOTE] = NOTE_MOST
	};

	return item->column->kind == COLUMN_FIGURE ? item->cells : most[item->column->kind];
}

/* What is left over goes to names, then to trends. */
static void spread(struct shown_columns *shown, int spare)
{
	int at = 0;

	for (size_t i = 0; i < shown->count; i++) {
		struct shown_column *item = &shown->items[i];
		int most = most_cells(item);
		int more = most - item->cells < spare ? most - item->cells : spare;

		if (more > 0) {
			item->cells += more;
			spare -= more;
		}
		item->at = at;
		at += item->cells + 1;
	}
}

void columns_fit(const struct frame *frame, int cells, struct shown_columns *shown,
		 unsigned long *mask)
{
	unsigned long all = all_of(frame), chosen;
	int name = name_cells(cells), spare = cells - name;
	size_t order[COLUMNS_MAX], count, furthest;

	chosen = frame->ui->view.shown_columns ? all : choose(all, spare);
	count = line_up(all, chosen, order);
	furthest = furthest_scroll(order, count, spare);
	*mask = chosen | 1;
	*shown = (struct shown_columns){ .count = 1, .items = { { &columns[0], 0, name } } };
	shown->left = (size_t)frame->ui->scroll < furthest ? (size_t)frame->ui->scroll : furthest;
	for (size_t i = shown->left; i < count && spare >= cells_with_gap(order[i]); i++) {
		shown->items[shown->count++] =
			(struct shown_column){ &columns[order[i]], 0, columns[order[i]].cells };
		spare -= cells_with_gap(order[i]);
	}
	shown->right = count - shown->left - (shown->count - 1);
	spread(shown, spare);
}
