/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no domain was charged with. */
#include <errno.h>
#include <math.h>

#include "model/known.h"
#include "vmetop/kept.h"
#include "vmetop/rows-internal.h"

double rows_settled(double watts, double of_w)
{
	return fabs(watts) < 1e-9 * fabs(of_w) ? 0 : watts;
}

/* By resource, kept is what the host used and no domain was charged with. */
static void fill_kept(struct row *row, const struct snapshot *snapshot)
{
	const struct snapshot_host *host = &snapshot->host;
	double net_w;

	row->depth = 0;
	row->total_w = host->kept_w;
	row->total_j = host->kept_j;
	row->idle_w = host->cpu_idle_w + known(host->disk_idle_w) + known(host->net_idle_w);
	net_w = known(host->net_active_w);
	row->cpu_w = host->cpu_active_w;
	row->disk_w = host->disk_active_w;
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];

		row->idle_w -= known(domain->cpu.idle_w) + known(domain->disk.idle_w) +
			       known(domain->service.idle_w) + known(domain->net.idle_w);
		net_w -= known(domain->net.active_w);
		row->cpu_w -= known(domain->cpu.active_w) + known(domain->service.active_w);
		row->disk_w -= known(domain->disk.active_w);
	}
	row->idle_w = rows_settled(row->idle_w, host->total_w);
	row->cpu_w = rows_settled(row->cpu_w, host->total_w);
	row->disk_w = rows_settled(row->disk_w, host->total_w);
	row->active_w = row->cpu_w + known(row->disk_w) + rows_settled(net_w, host->total_w);
}

static int add_heads(struct rows *rows, const struct snapshot *snapshot)
{
	struct snapshot_kept heads[KEPT_ROWS];
	size_t count = kept_rows(snapshot, heads);

	for (size_t i = 0; i < count; i++) {
		const struct snapshot_kept *kept = &heads[i];
		struct row *row = rows_add(rows, ROW_KEPT_HEAD, kept->name, NULL);

		if (!row)
			return -ENOMEM;
		row->idle_w = kept->idle_w;
		row->active_w = kept->active_w;
		row->total_w = kept->idle_w + kept->active_w;
	}
	return 0;
}

int rows_add_kept(struct rows *rows, const struct snapshot *snapshot, bool heads)
{
	size_t first = rows->count;
	struct row *row = rows_add(rows, ROW_KEPT, "(kept by the host)", NULL);
	int result;

	if (!row)
		return -ENOMEM;
	fill_kept(row, snapshot);
	result = heads ? add_heads(rows, snapshot) : 0;
	for (size_t i = first; i < rows->count; i++) {
		rows->items[i].quality = snapshot->host.quality;
		rows->items[i].host_percent = 100 * rows->items[i].total_w / snapshot->host.total_w;
	}
	return result;
}
