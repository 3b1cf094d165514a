/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes that work for several domains; below, whom the selected one works for. */
#include <stdio.h>
#include <string.h>

#include "vmetop/page-parts.h"

static size_t services_count(const struct frame *frame)
{
	return frame->snapshot->service_count;
}

static const char *services_name(const struct frame *frame, size_t row)
{
	return frame->snapshot->services[row].name;
}

static void services_key(const struct frame *frame, size_t row, char key[UI_ID_BYTES])
{
	const struct snapshot_service *service = &frame->snapshot->services[row];

	snprintf(key, UI_ID_BYTES, "%ld %.200s", (long)service->pid, service->name);
}

static const struct table_column table_columns[] = {
	{ "SERVICE", 0, true, 0 }, { "PID", 7, false, 4 },   { "TOTAL/W", 8, false, 1 },
	{ "IDLE/W", 8, false, 3 }, { "ACT/W", 8, false, 2 }, { "CLIENTS", 7, false, 5 },
};

static void draw_service(const struct table *table, int line, size_t row, enum style style)
{
	const struct snapshot *snapshot = table->frame->snapshot;
	const struct snapshot_service *service = &snapshot->services[row];
	char pid[FIGURE_BYTES], total[FIGURE_BYTES], idle[FIGURE_BYTES], active[FIGURE_BYTES];
	char clients[FIGURE_BYTES];
	unsigned quality = snapshot->host.quality;

	snprintf(pid, sizeof pid, "%ld", (long)service->pid);
	snprintf(clients, sizeof clients, "%zu", service->client_count);
	table_row(table, line, style,
		  (const char *const[]){
			  service->name, pid,
			  page_power(service->idle_w + service->active_w, quality, total),
			  page_power(service->idle_w, quality, idle),
			  page_power(service->active_w, quality, active), clients });
}

static const char *domain_name(const struct snapshot *snapshot, const char *id)
{
	for (size_t i = 0; i < snapshot->domain_count; i++)
		if (strcmp(snapshot->domains[i].id, id) == 0)
			return snapshot->domains[i].name;
	return id;
}

static void draw_clients(struct grid *grid, struct area area, const struct frame *frame)
{
	const struct snapshot_service *service = &frame->snapshot->services[frame->ui->cursor];
	struct flow flow = { .grid = grid, .area = area };
	char name[PAGE_TEXT_BYTES];
	size_t i;

	figure_name(service->name, 30, name, sizeof name);
	flow_putf(&flow, STYLE_STRONG, "%s works for:", name);
	if (!service->client_count)
		flow_put(&flow, STYLE_NORMAL, "no domain: its energy is kept by the host");
	/* The last line is for how many more there are. */
	for (i = 0; i < service->client_count && flow.line < area.rows - 1; i++) {
		figure_name(domain_name(frame->snapshot, service->clients[i]), 40, name,
			    sizeof name);
		flow_put(&flow, STYLE_NORMAL, name);
	}
	if (i < service->client_count)
		flow_putf(&flow, STYLE_STRONG, "and %zu more", service->client_count - i);
}

static void services_draw(struct grid *grid, struct area area, struct frame *frame)
{
	size_t count = services_count(frame);
	struct table table = { grid, frame, area, table_columns,
			       sizeof table_columns / sizeof *table_columns };
	struct area below = area;

	if (area.rows > 8)
		table.area.rows = area.rows * 2 / 3;
	below.row += table_draw(&table, count, draw_service) + 1;
	below.rows = area.row + area.rows - below.row;
	if (count == 0)
		page_say(grid, below,
			 "No services: each process that works for a domain works for that one "
			 "alone, and is charged to it.");
	else if (frame->ui->cursor < count && below.rows > 0)
		draw_clients(grid, below, frame);
}

const struct page page_services = {
	.title = "Services",
	.count = services_count,
	.key = services_key,
	.name = services_name,
	.draw = services_draw,
};
