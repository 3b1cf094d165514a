/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/rows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static double sum3(double a, double b, double c)
{
	return a + b + c;
}

/* What all vDISKs moved, per second; NaN as long as one is not known. */
static void bytes_of(const struct snapshot_domain *domain, double interval_s, struct row *row)
{
	double read = 0, write = 0;

	for (size_t i = 0; i < domain->vdisk_count; i++) {
		read += domain->vdisks[i].read_bytes;
		write += domain->vdisks[i].write_bytes;
	}
	row->read_bytes_s = read / interval_s;
	row->write_bytes_s = write / interval_s;
}

static void fill_domain(struct row *row, const struct snapshot_domain *domain, double interval_s)
{
	*row = (struct row){
		.kind = ROW_DOMAIN,
		.name = domain->name,
		.domain = domain,
		.note = domain->reason,
		.state = "RPE"[domain->state],
		.quality = domain->quality,
		.total_w = domain->total_w,
		.error_w = domain->error_w,
		.idle_w = sum3(domain->cpu.idle_w, domain->disk.idle_w, domain->service.idle_w),
		.cpu_w = domain->cpu.active_w,
		.disk_w = domain->disk.active_w,
		.service_w = domain->service.active_w,
		.total_j = domain->total_j,
		.cpu_percent = domain->cpu_percent,
	};
	bytes_of(domain, interval_s, row);
}

static struct row *add_part(struct rows *rows, enum row_kind kind, const char *name,
			    const struct snapshot_domain *domain)
{
	struct row *row = MEMORY_APPEND(rows);

	if (row)
		*row = (struct row){ .kind = kind,
				     .depth = 1,
				     .name = name,
				     .domain = domain,
				     .state = ' ',
				     .quality = domain ? domain->quality : 0,
				     .total_w = NAN,
				     .error_w = NAN,
				     .idle_w = NAN,
				     .cpu_w = NAN,
				     .disk_w = NAN,
				     .service_w = NAN,
				     .total_j = NAN,
				     .cpu_percent = NAN,
				     .read_bytes_s = NAN,
				     .write_bytes_s = NAN };
	return row;
}

const char *row_name(const struct row *row)
{
	return row->name ? row->name : row->label;
}

static int add_vcpus(struct rows *rows, const struct snapshot_domain *domain)
{
	for (size_t i = 0; i < domain->vcpu_count; i++) {
		const struct snapshot_vcpu *vcpu = &domain->vcpus[i];
		struct row *row = add_part(rows, ROW_VCPU, NULL, domain);

		if (!row)
			return -ENOMEM;
		if (vcpu->id == VCPU_ALL)
			strcpy(row->label, "all vcpus");
		else
			snprintf(row->label, sizeof row->label, "vcpu%d", vcpu->id);
		row->total_w = row->cpu_w = vcpu->active_w;
		row->cpu_percent = vcpu->cpu_percent;
	}
	return 0;
}

static int add_vdisks(struct rows *rows, const struct snapshot_domain *domain, double interval_s)
{
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct snapshot_vdisk *vdisk = &domain->vdisks[i];
		struct row *row = add_part(rows, ROW_VDISK, vdisk->name, domain);

		if (!row)
			return -ENOMEM;
		row->note = vdisk->reason ? vdisk->reason : vdisk->disk;
		row->idle_w = vdisk->idle_w + vdisk->service_idle_w;
		row->disk_w = vdisk->active_w;
		row->service_w = vdisk->service_active_w;
		row->total_w = sum3(row->idle_w, row->disk_w, row->service_w);
		row->read_bytes_s = vdisk->read_bytes / interval_s;
		row->write_bytes_s = vdisk->write_bytes / interval_s;
	}
	return 0;
}

static bool has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?") != NULL;
}

static bool wanted(const struct snapshot_domain *domain, const struct view *view)
{
	double active_w =
		sum3(domain->cpu.active_w, domain->disk.active_w, domain->service.active_w);
	bool named = !view->names;

	if (view->hide_idle && active_w < 0.005)
		return false;
	if (view->filter &&
	    !(has_wildcard(view->filter) ? text_matches(view->filter, domain->name)
					 : strstr(domain->name, view->filter) != NULL))
		return false;
	for (size_t i = 0; i < view->name_count && !named; i++)
		named = strcmp(view->names[i], domain->name) == 0 ||
			strcmp(view->names[i], domain->id) == 0;
	return named;
}

struct order {
	const struct column *column;
	bool invert;
};

/* Unknown figures go last whichever way one sorts; equal ones by name, then by id. */
static int compare(const void *left, const void *right, void *context)
{
	const struct row *a = left, *b = right;
	const struct order *order = context;
	int result = 0;

	if (order->column->order) {
		double x = order->column->order(a), y = order->column->order(b);

		if (isnan(x) != isnan(y))
			return isnan(x) ? 1 : -1;
		result = (x < y) - (x > y);
	} else {
		result = strcmp(a->name, b->name);
	}
	if (result)
		return order->invert ? -result : result;
	result = strcmp(a->name, b->name);
	return result ? result : strcmp(a->domain->id, b->domain->id);
}

/* Put the parts behind each of the `domains` sorted rows. */
static int expand(struct rows *rows, double interval_s)
{
	struct rows tree = { 0 };
	int result = 0;

	for (size_t i = 0; i < rows->count && !result; i++) {
		struct row *row = MEMORY_APPEND(&tree);

		if (!row) {
			result = -ENOMEM;
			break;
		}
		*row = rows->items[i];
		result = add_vcpus(&tree, row->domain);
		if (!result)
			result = add_vdisks(&tree, rows->items[i].domain, interval_s);
	}
	if (result) {
		free(tree.items);
		return result;
	}
	free(rows->items);
	rows->items = tree.items;
	rows->count = tree.count;
	rows->capacity = tree.capacity;
	return 0;
}

static double or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

/* A difference that is nothing but rounding is zero. */
static double settled(double watts, double host_w)
{
	return fabs(watts) < 1e-9 * host_w ? 0 : watts;
}

/* By resource, kept is what the host used and no domain was charged with. */
static void fill_kept(struct row *row, const struct snapshot *snapshot)
{
	const struct snapshot_host *host = &snapshot->host;

	row->depth = 0;
	row->total_w = host->kept_w;
	row->total_j = host->kept_j;
	row->idle_w = host->cpu_idle_w + or_zero(host->disk_idle_w);
	row->cpu_w = host->cpu_active_w;
	row->disk_w = host->disk_active_w;
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];

		row->idle_w -= or_zero(domain->cpu.idle_w) + or_zero(domain->disk.idle_w) +
			       or_zero(domain->service.idle_w);
		row->cpu_w -= or_zero(domain->cpu.active_w) + or_zero(domain->service.active_w);
		row->disk_w -= or_zero(domain->disk.active_w);
	}
	row->idle_w = settled(row->idle_w, host->total_w);
	row->cpu_w = settled(row->cpu_w, host->total_w);
	row->disk_w = settled(row->disk_w, host->total_w);
}

static int add_kept(struct rows *rows, const struct snapshot *snapshot, bool heads)
{
	struct row *row = add_part(rows, ROW_KEPT, "(kept by the host)", NULL);

	if (!row)
		return -ENOMEM;
	row->quality = snapshot->host.quality;
	fill_kept(row, snapshot);
	for (size_t i = 0; i < snapshot->kept_count && heads; i++) {
		const struct snapshot_kept *kept = &snapshot->kept[i];

		row = add_part(rows, ROW_KEPT_HEAD, kept->name, NULL);
		if (!row)
			return -ENOMEM;
		row->quality = snapshot->host.quality;
		row->idle_w = kept->idle_w;
		row->total_w = kept->idle_w + kept->active_w;
	}
	return 0;
}

/* The domains that are wanted, in order. */
static int add_domains(struct rows *rows, const struct snapshot *snapshot, const struct view *view)
{
	struct order order = { view->sort ? column_find(view->sort) : NULL, view->invert };

	rows->count = rows->domains_hidden = 0;
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];
		struct row *row;

		if (!wanted(domain, view)) {
			rows->domains_hidden++;
			continue;
		}
		row = MEMORY_APPEND(rows);
		if (!row)
			return -ENOMEM;
		fill_domain(row, domain, snapshot->interval_s);
	}
	rows->domains_shown = rows->count;
	if (rows->count && order.column)
		qsort_r(rows->items, rows->count, sizeof *rows->items, compare, &order);
	return 0;
}

int rows_build(struct rows *rows, const struct snapshot *snapshot, const struct view *view)
{
	int result = add_domains(rows, snapshot, view);

	if (!result && view->tree)
		result = expand(rows, snapshot->interval_s);
	return result ? result : add_kept(rows, snapshot, view->tree);
}

int rows_select(const struct snapshot *snapshot, const struct view *view, struct snapshot *selected)
{
	struct rows rows = { 0 };
	int result = add_domains(&rows, snapshot, view);

	*selected = *snapshot;
	selected->domains = calloc(rows.count + 1, sizeof *selected->domains);
	selected->domain_count = rows.count;
	if (!selected->domains)
		result = -ENOMEM;
	for (size_t i = 0; i < rows.count && !result; i++)
		selected->domains[i] = *rows.items[i].domain;
	if (result) {
		free(selected->domains);
		selected->domains = NULL;
	}
	rows_clear(&rows);
	return result;
}

void rows_clear(struct rows *rows)
{
	free(rows->items);
	*rows = (struct rows){ 0 };
}
