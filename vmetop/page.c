/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/page-parts.h"

const struct page *const pages[PAGE_COUNT] = {
	[PAGE_DOMAINS] = &page_domains,   [PAGE_HOST] = &page_host,
	[PAGE_SERVICES] = &page_services, [PAGE_DISKS] = &page_disks,
	[PAGE_GRAPH] = &page_graph,
};

/* Of a screen's rows the head takes a third at most, or a few; a tiny one has no footer either. */
enum { HEAD_PART = 3, HEAD_FEW = 3, HEAD_FEW_FROM_ROWS = 8, FOOTER_FROM_ROWS = 3 };

void layout_add_hit(struct layout *layout, struct layout_hit hit)
{
	if (layout->hit_count < LAYOUT_HITS_MAX && hit.from < hit.to)
		layout->hits[layout->hit_count++] = hit;
}

void layout_set_rows(struct layout *layout, int first_row, size_t visible, size_t count)
{
	layout->first_row = first_row;
	layout->visible = visible;
	layout->count = count;
}

static void draw_page(struct grid *grid, struct area area, struct frame *frame)
{
	if (area.rows < 1 || area.columns < 1)
		return;
	if (frame->snapshot)
		pages[frame->ui->page]->draw(grid, area, frame);
	else
		page_say(grid, area,
			 frame->info->ended
				 ? "The recording has ended before there was a tick to show."
				 : "Waiting for the first tick: figures are differences of two "
				   "readings.");
}

void frame_draw(struct grid *grid, struct frame *frame)
{
	struct area area = { 0, 0, grid->rows, grid->columns };
	struct area head = area, footer = area;

	frame->layout = (struct layout){ 0 };
	footer.rows = grid->rows >= FOOTER_FROM_ROWS;
	footer.row = grid->rows - footer.rows;
	head.rows = (grid->rows - footer.rows) / HEAD_PART;
	if (grid->rows >= HEAD_FEW_FROM_ROWS && head.rows < HEAD_FEW)
		head.rows = HEAD_FEW;
	area.row = head_draw(grid, head, frame);
	area.rows = footer.row - area.row;
	draw_page(grid, area, frame);
	footer_draw(grid, footer, frame);
	if (frame->ui->overlay)
		overlay_draw(grid, frame);
}
