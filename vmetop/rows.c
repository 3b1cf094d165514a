/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/known.h"
#include "vmetop/rows-internal.h"

/* --- one row ---------------------------------------------------------------------------- */

struct row *rows_add(struct rows *rows, enum row_kind kind, const char *name,
		     const struct snapshot_domain *domain)
{
	struct row *row = MEMORY_APPEND(rows);

	if (row)
		*row = (struct row){ .kind = kind,
				     .depth = 1,
				     .name = name,
				     .domain = domain,
				     .state = ' ',
				     .fold = ' ',
				     .quality = domain ? domain->quality : 0,
				     .total_w = NAN,
				     .error_w = NAN,
				     .idle_w = NAN,
				     .active_w = NAN,
				     .cpu_w = NAN,
				     .disk_w = NAN,
				     .service_w = NAN,
				     .service_idle_w = NAN,
				     .total_j = NAN,
				     .cpu_percent = NAN,
				     .host_percent = NAN,
				     .read_bytes_s = NAN,
				     .write_bytes_s = NAN };
	return row;
}

const char *row_name(const struct row *row)
{
	return row->name ? row->name : row->label;
}

void row_caps(const struct row *row, struct row_cap caps[ROW_CAPS])
{
	static const struct snapshot_control none = {
		.cap_w = NAN, .cap_total_w = NAN, .cpu_cap_w = NAN, .disk_cap_w = NAN
	};
	const struct snapshot_control *control =
		row->kind == ROW_DOMAIN ? &row->domain->control : &none;

	caps[0] = (struct row_cap){ "", control->cap_w, row->active_w };
	caps[1] = (struct row_cap){ "t", control->cap_total_w, row->total_w };
	caps[2] = (struct row_cap){ "c", control->cpu_cap_w, row->cpu_w + known(row->service_w) };
	caps[3] = (struct row_cap){ "d", control->disk_cap_w, row->disk_w };
}

/* What all vDISKs moved, per second; NaN as long as one is not known. */
static void fill_bytes(struct row *row, const struct snapshot_domain *domain, double interval_s)
{
	double read = 0, write = 0;

	for (size_t i = 0; i < domain->vdisk_count; i++) {
		read += domain->vdisks[i].read_bytes;
		write += domain->vdisks[i].write_bytes;
	}
	row->read_bytes_s = read / interval_s;
	row->write_bytes_s = write / interval_s;
}

static bool is_open(const struct snapshot_domain *domain, const struct view *view)
{
	return view->tree != (view->toggled && id_set_has(view->toggled, domain->id));
}

/* As total_w adds them up: of disks and services that are not known a part is missing. */
static double idle_of(const struct snapshot_domain *domain)
{
	return domain->cpu.idle_w + known(domain->disk.idle_w) + known(domain->service.idle_w) +
	       known(domain->net.idle_w);
}

static double active_of(const struct snapshot_domain *domain)
{
	return domain->cpu.active_w + known(domain->disk.active_w) +
	       known(domain->service.active_w) + known(domain->net.active_w);
}

/* Domains with limits are told in the snapshot's order, and those without left out: the one that
 * is looked for stands at `hint` or before it. Where not, it is looked for all over. */
static const struct protocol_status_domain *find_limits(const struct protocol_status *status,
							const char *id, size_t hint)
{
	size_t count = status->domains.count, from = hint < count ? hint + 1 : count;

	for (size_t i = from; i > 0; i--)
		if (strcmp(status->domains.items[i - 1].id, id) == 0)
			return &status->domains.items[i - 1];
	for (size_t i = from; i < count; i++)
		if (strcmp(status->domains.items[i].id, id) == 0)
			return &status->domains.items[i];
	return NULL;
}

static void fill_domain(struct row *row, const struct snapshot_domain *domain,
			const struct snapshot *snapshot, const struct view *view)
{
	row->depth = 0;
	row->note = domain->reason;
	row->state = "RPE"[domain->state];
	if (domain->vcpu_count || domain->vdisk_count || domain->vnic_count)
		row->fold = is_open(domain, view) ? '-' : '+';
	row->total_w = domain->total_w;
	row->error_w = domain->error_w;
	row->idle_w = idle_of(domain);
	row->active_w = active_of(domain);
	row->cpu_w = domain->cpu.active_w;
	row->disk_w = domain->disk.active_w;
	row->service_w = domain->service.active_w;
	row->service_idle_w = domain->service.idle_w;
	row->total_j = domain->total_j;
	row->cpu_percent = domain->cpu_percent;
	row->host_percent = 100 * domain->total_w / snapshot->host.total_w;
	fill_bytes(row, domain, snapshot->interval_s);
	if (view->status)
		row->limits =
			find_limits(view->status, domain->id, (size_t)(domain - snapshot->domains));
	if (view->history)
		row->track = history_find(view->history, domain->id,
					  (size_t)(domain - snapshot->domains));
}

/* --- which ------------------------------------------------------------------------------- */

static bool has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?") != NULL;
}

static bool is_wanted(const struct snapshot_domain *domain, const struct view *view)
{
	double active_w = domain->cpu.active_w + domain->disk.active_w + domain->service.active_w +
			  known(domain->net.active_w);
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

static int add_wanted(struct rows *rows, const struct snapshot *snapshot, const struct view *view)
{
	rows->count = rows->domains_hidden = 0;
	rows->scale_w = 0;
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];
		struct row *row;

		if (!is_wanted(domain, view)) {
			rows->domains_hidden++;
			continue;
		}
		row = rows_add(rows, ROW_DOMAIN, domain->name, domain);
		if (!row)
			return -ENOMEM;
		fill_domain(row, domain, snapshot, view);
		if (row->track)
			rows->scale_w = fmax(rows->scale_w, track_max_w(view->history, row->track));
	}
	rows->domains_shown = rows->count;
	return 0;
}

/* --- in which order ---------------------------------------------------------------------- */

/* Rows are large: what they are compared by is made once, and sorted in their place. */
struct sort_key {
	double figure; /* larger first */
	const char *text;
	const struct row *row;
};

/* Unknown figures go last whichever way one sorts; equal ones by name, then by id. */
static int compare(const void *left, const void *right, void *context)
{
	const struct sort_key *a = left, *b = right;
	const bool *invert = context;
	int result;

	if (isnan(a->figure) != isnan(b->figure))
		return isnan(a->figure) ? 1 : -1;
	result = (a->figure < b->figure) - (a->figure > b->figure);
	if (!result)
		result = strcmp(a->text, b->text);
	if (result)
		return *invert ? -result : result;
	result = strcmp(a->row->name, b->row->name);
	return result ? result : strcmp(a->row->domain->id, b->row->domain->id);
}

static void make_keys(struct sort_key *keys, const struct rows *rows, const struct view *view)
{
	const struct column *column = view->sort ? column_find(view->sort) : NULL;
	bool invert = view->invert;

	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->items[i];

		keys[i] = (struct sort_key){ .text = "", .row = row };
		if (column && column->order)
			keys[i].figure = column->order(row, view);
		else if (column)
			keys[i].text = column->text(row);
	}
	if (column && rows->count)
		qsort_r(keys, rows->count, sizeof *keys, compare, &invert);
}

/* The sorted domains, each with its parts where it is open. */
static int lay_out(struct rows *rows, const struct sort_key *keys, const struct snapshot *snapshot,
		   const struct view *view)
{
	struct rows laid = *rows;
	int result = 0;

	laid.items = NULL;
	laid.count = laid.capacity = 0;
	for (size_t i = 0; i < rows->count && !result; i++) {
		struct row *row = MEMORY_APPEND(&laid);

		if (row)
			*row = *keys[i].row;
		else
			result = -ENOMEM;
		if (row && is_open(row->domain, view))
			result = rows_add_parts(&laid, keys[i].row, snapshot);
	}
	if (result) {
		free(laid.items);
		return result;
	}
	free(rows->items);
	*rows = laid;
	return 0;
}

static int add_domains(struct rows *rows, const struct snapshot *snapshot, const struct view *view)
{
	int result = add_wanted(rows, snapshot, view);
	struct sort_key *keys;

	if (result)
		return result;
	keys = calloc(rows->count + 1, sizeof *keys);
	if (!keys)
		return -ENOMEM;
	make_keys(keys, rows, view);
	result = lay_out(rows, keys, snapshot, view);
	free(keys);
	return result;
}

/* --- all of it --------------------------------------------------------------------------- */

int rows_build(struct rows *rows, const struct snapshot *snapshot, const struct view *view)
{
	int result = add_domains(rows, snapshot, view);

	return result ? result : rows_add_kept(rows, snapshot, view->tree);
}

int rows_select(const struct snapshot *snapshot, const struct view *view, struct snapshot *selected)
{
	struct view flat = *view;
	struct rows rows = { 0 };
	int result;

	flat.tree = false;
	flat.toggled = NULL;
	result = add_domains(&rows, snapshot, &flat);
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
