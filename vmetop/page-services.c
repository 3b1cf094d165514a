/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes that work for several domains; below, the vDISKs that the selected one works for. */
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

/* --- whom it works for ------------------------------------------------------------------------ */

static const struct snapshot_domain *find_domain(const struct snapshot *snapshot, const char *id)
{
	for (size_t i = 0; i < snapshot->domain_count; i++)
		if (strcmp(snapshot->domains[i].id, id) == 0)
			return &snapshot->domains[i];
	return NULL;
}

/*
 * Services' idle power tells vDISKs that are served from those on which a domain's own
 * threads work. Where there is none (another idle policy), those that are worked for.
 * Returns how many; without `users` it only counts.
 */
static size_t add_served(struct vdisk_users *users, const struct snapshot_domain *domain)
{
	bool has_idle = false;
	size_t count = 0;

	for (size_t i = 0; i < domain->vdisk_count; i++)
		has_idle |= domain->vdisks[i].service_idle_w > 0;
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct snapshot_vdisk *vdisk = &domain->vdisks[i];

		if (!((has_idle ? vdisk->service_idle_w : vdisk->service_active_w) > 0))
			continue;
		if (users)
			vdisk_users_add(users, domain, vdisk);
		count++;
	}
	return count;
}

/* Clients without a vDISK of it: by name, or by id where the domain is not there. */
static void draw_others(struct grid *grid, struct area area, const struct snapshot *snapshot,
			const struct snapshot_service *service)
{
	struct flow flow = { .grid = grid, .area = area };

	for (size_t i = 0; i < service->client_count; i++) {
		const struct snapshot_domain *domain = find_domain(snapshot, service->clients[i]);
		char name[PAGE_TEXT_BYTES];

		if (domain && add_served(NULL, domain))
			continue;
		figure_name(domain ? domain->name : service->clients[i], 40, name, sizeof name);
		flow_put(&flow, STYLE_NORMAL, name);
	}
}

static void draw_clients(struct grid *grid, struct area area, struct frame *frame)
{
	const struct snapshot *snapshot = frame->snapshot;
	const struct snapshot_service *service = &snapshot->services[frame->ui->cursor];
	struct vdisk_users users = { 0 };
	int lines;

	if (!service->client_count) {
		page_say(grid, area, "It works for no domain: its energy is kept by the host.");
		return;
	}
	for (size_t i = 0; i < service->client_count; i++) {
		const struct snapshot_domain *domain = find_domain(snapshot, service->clients[i]);

		if (domain)
			add_served(&users, domain);
	}
	lines = vdisk_users_draw(&users, grid, area, frame, "WORKS FOR");
	area.row += lines;
	area.rows -= lines;
	draw_others(grid, area, snapshot, service);
}

static void services_draw(struct grid *grid, struct area area, struct frame *frame)
{
	size_t count = services_count(frame);
	struct table table = { grid, frame, area, table_columns,
			       sizeof table_columns / sizeof *table_columns };
	struct area below = area;

	if (area.rows > 8)
		table.area.rows = area.rows / 2;
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
