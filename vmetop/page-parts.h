/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page-parts.h - what the pages share: between vmetop/page*.c only. */
#ifndef VMENERGY_VMETOP_PAGE_PARTS_H
#define VMENERGY_VMETOP_PAGE_PARTS_H

#include "vmetop/page.h"

enum { PAGE_TEXT_BYTES = 1024 };

/* --- words that flow over lines ------------------------------------------------------------ */

/* Start with grid, area and zeros; without a grid it only counts lines. */
struct flow {
	struct grid *grid;
	struct area area;
	int line, column;
	bool begun;
};

/* A piece that stays together: on this line, or on the next one, or (longer than that) cut. */
void flow_put(struct flow *flow, enum style style, const char *text);
void flow_putf(struct flow *flow, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, left out where this line has no room for it. */
void flow_try(struct flow *flow, enum style style, const char *text);
void flow_tryf(struct flow *flow, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int flow_lines(const struct flow *flow); /* that it took */

/* --- figures ------------------------------------------------------------------------------- */

/* The flagged figure, for printf; `text` is what it lies in. */
const char *page_power(double watts, unsigned quality, char text[FIGURE_BYTES]);
/* A name cut to `cells`, control characters replaced. */
void page_put_name(struct grid *grid, const struct frame *frame, struct area place,
		   enum style style, const char *name);

/* --- tables -------------------------------------------------------------------------------- */

/* Columns from left to right; cells 0 once: takes what the others leave. */
struct table_column {
	const char *title;
	int cells;
	bool left;     /* text, else a figure */
	unsigned rank; /* where there is no room, the highest go first; 0 always stays */
};
struct table {
	struct grid *grid;
	struct frame *frame;
	struct area area; /* titles and rows */
	const struct table_column *columns;
	size_t count;
};
/* How columns lie: cells of each, 0 = left out. */
enum { TABLE_COLUMNS_MAX = 16 };
void table_fit(const struct table *table, int cells[TABLE_COLUMNS_MAX]);
void table_titles(const struct table *table);
/* One row: the texts of its columns. */
void table_row(const struct table *table, int row, enum style style, const char *const *texts);
/* What a page draws in row `row` of its count. */
typedef void table_draw_row(const struct table *table, int line, size_t row, enum style style);
/* Titles, and the rows from ui.top on with the cursor; sets the layout. Returns lines used. */
int table_draw(const struct table *table, size_t count, table_draw_row *draw_row);

/* A sentence or two on an empty page. */
void page_say(struct grid *grid, struct area area, const char *text);

/* --- vDISKs below another table --------------------------------------------------------------- */

struct vdisk_user {
	const struct snapshot_domain *domain;
	const struct snapshot_vdisk *vdisk;
};
struct vdisk_users { /* start from {0} */
	struct vdisk_user *items;
	size_t count, capacity;
};
/* Out of memory shows fewer. */
void vdisk_users_add(struct vdisk_users *users, const struct snapshot_domain *domain,
		     const struct snapshot_vdisk *vdisk);
/* Titles, and those that cause the most first; empties them. Returns lines used. */
int vdisk_users_draw(struct vdisk_users *users, struct grid *grid, struct area area,
		     struct frame *frame, const char *title);

/* --- columns of the domain list --------------------------------------------------------------- */

struct shown_column {
	const struct column *column;
	int at, cells; /* on the screen, from the left edge of the list */
};
struct shown_columns {
	struct shown_column items[8 * sizeof(unsigned long)];
	size_t count;
	size_t left, right; /* how many are scrolled off, or have no room */
};
void columns_fit(const struct frame *frame, int cells, struct shown_columns *shown,
		 unsigned long *mask);

/* --- above and below a page ------------------------------------------------------------------ */

/* Draw the head into at most area.rows lines; returns how many it took. */
int head_draw(struct grid *grid, struct area area, const struct frame *frame);
void footer_draw(struct grid *grid, struct area area, struct frame *frame);

#endif
