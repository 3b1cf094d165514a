/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of one graph: of the host, or of a domain with its parts under it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmetop/graph.h"

/* Under the graph of a domain, where there is room: who of it uses the active power now. */
enum { PART_CELLS = 26, PART_ROWS_MAX = 6, PARTS_FROM_ROWS = 22 };

struct part {
	char name[48];
	double watts;
};

static int compare_parts(const void *left, const void *right)
{
	const struct part *a = left, *b = right;

	if (isnan(a->watts) || isnan(b->watts))
		return isnan(a->watts) - isnan(b->watts);
	return (a->watts < b->watts) - (a->watts > b->watts);
}

/* NULL: no memory, so none are shown. Owned by the caller. */
static struct part *list_parts(const struct snapshot_domain *domain, size_t *count)
{
	struct part *parts = calloc(domain->vcpu_count + domain->vdisk_count + 1, sizeof *parts);
	size_t n = 0;

	for (size_t i = 0; parts && i < domain->vcpu_count; i++, n++) {
		const struct snapshot_vcpu *vcpu = &domain->vcpus[i];

		parts[n].watts = vcpu->active_w;
		if (vcpu->id == VCPU_ALL)
			strcpy(parts[n].name, "all vCPUs");
		else
			snprintf(parts[n].name, sizeof parts[n].name, "vCPU %d", vcpu->id);
	}
	for (size_t i = 0; parts && i < domain->vdisk_count; i++, n++) {
		parts[n].watts = domain->vdisks[i].active_w;
		figure_name(domain->vdisks[i].name, PART_CELLS / 2, parts[n].name,
			    sizeof parts[n].name);
	}
	*count = n;
	if (parts && n > 1)
		qsort(parts, n, sizeof *parts, compare_parts);
	return parts;
}

static void draw_parts(struct grid *grid, struct area area, const struct snapshot_domain *domain)
{
	size_t across = (size_t)(area.columns / PART_CELLS), count, room;
	struct part *parts = list_parts(domain, &count);
	char title[80] = "Active W of its parts";

	room = across * (size_t)(area.rows - 1);
	if (count > room)
		snprintf(title, sizeof title, "Active W of its parts, the highest %zu of %zu", room,
			 count);
	grid_put(grid, area.row, area.column, area.columns, STYLE_NORMAL, title);
	for (size_t i = 0; parts && i < count && i < room; i++) {
		int row = area.row + 1 + (int)(i / across);
		int column = area.column + (int)(i % across) * PART_CELLS;
		char text[FIGURE_BYTES];

		figure_power(parts[i].watts, figure_flag(domain->quality), text);
		grid_put(grid, row, column + 2, PART_CELLS / 2, STYLE_NORMAL, parts[i].name);
		grid_put_right(grid, row, column + PART_CELLS - 12, 10, STYLE_NORMAL, text);
	}
	free(parts);
}

/* Rows that its parts take; 0: there is no room, or nothing to tell apart. */
static int part_rows(const struct snapshot_domain *domain, struct area area)
{
	int across = area.columns / PART_CELLS;
	int count = (int)(domain->vcpu_count + domain->vdisk_count);
	int rows = across > 0 ? (count + across - 1) / across + 1 : 0;

	if (area.rows < PARTS_FROM_ROWS || count < 2 || across == 0)
		return 0;
	return rows < PART_ROWS_MAX ? rows : PART_ROWS_MAX;
}

/* --- the page --------------------------------------------------------------------------------- */

static size_t page_count(const struct frame *frame)
{
	(void)frame;
	return 0;
}

static void page_key(const struct frame *frame, size_t row, char key[UI_ID_BYTES])
{
	(void)frame;
	(void)row;
	*key = '\0';
}

static const char *page_name(const struct frame *frame, size_t row)
{
	(void)frame;
	(void)row;
	return NULL;
}

static void page_draw(struct grid *grid, struct area area, struct frame *frame)
{
	const char *id = frame->ui->graph_id;
	const struct snapshot_domain *domain = graph_domain(frame, id);
	struct area parts = area;

	layout_set_rows(&frame->layout, area.row, 0, 0);
	if (domain) {
		parts.rows = part_rows(domain, area);
		parts.row = area.row + area.rows - parts.rows;
		area.rows -= parts.rows;
	}
	graph_draw(grid, area, frame, id);
	if (domain && parts.rows > 0)
		draw_parts(grid, parts, domain);
}

const struct page page_graph = {
	.title = "Graph",
	.count = page_count,
	.key = page_key,
	.name = page_name,
	.draw = page_draw,
};
