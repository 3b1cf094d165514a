/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * page.h - what stands on the screen: pure drawing of a frame into a grid.
 *
 * From the top: the head (host, what the figures rest on), the page, the footer
 * (message or prompt, keys). One file per page, a table of them.
 */
#ifndef VMENERGY_VMETOP_PAGE_H
#define VMENERGY_VMETOP_PAGE_H

#include <stddef.h>

#include "vmetop/grid.h"
#include "vmetop/history.h"
#include "vmetop/rows.h"
#include "vmetop/source.h"
#include "vmetop/ui.h"

/* All that a page may look at; borrowed. */
struct frame {
	const struct snapshot *snapshot; /* NULL: nothing yet */
	const struct history *history;
	const struct source_info *info;
	const struct rows *rows; /* of the domain list */
	const struct ui *ui;
	struct layout layout; /* of the last draw */
};

struct page {
	const char *title; /* of its tab */
	/* Rows that the cursor moves over; 0 = none. */
	size_t (*count)(const struct frame *frame);
	/* What tells a row from others, from tick to tick, for following and finding; "" = none. */
	void (*key)(const struct frame *frame, size_t row, char key[UI_ID_BYTES]);
	const char *(*name)(const struct frame *frame, size_t row); /* for find; NULL = none */
	void (*draw)(struct grid *grid, struct area area, struct frame *frame);
};
extern const struct page *const pages[PAGE_COUNT]; /* page.c; each in vmetop/page-*.c */

/* Draw everything into the whole grid and fill frame->layout. */
void frame_draw(struct grid *grid, struct frame *frame);

/* For the pages: */
void layout_add_hit(struct layout *layout, struct layout_hit hit);
/* The part of a table that is seen: sets layout.first_row, visible and count. */
void layout_set_rows(struct layout *layout, int first_row, size_t visible, size_t count);

/* What lies over a page: help, choice of a sort column, choice of columns (overlay.c). */
void overlay_draw(struct grid *grid, struct frame *frame);
size_t overlay_count(const struct frame *frame); /* lines that its cursor moves over */

extern const struct page page_domains, page_host, page_services, page_disks, page_graph;
/* The graph of one track, as the graph page and the pane under the list show it. */
void graph_draw(struct grid *grid, struct area area, const struct frame *frame, const char *id);
/* A trend in `cells` cells, oldest first: blocks, or ASCII without unicode. */
enum { TREND_TEXT_BYTES = 256 };
void trend_text(const double *watts, size_t cells, double scale_w, bool unicode,
		char text[TREND_TEXT_BYTES]);

#endif
