/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "vmetop/figure.h"

enum { NAME_TEXT_BYTES = 1024, INDENT = 2, NOTE_CELLS_MIN = 8, NOTE_CELLS_MAX = 200 };

static const char *power(double watts, unsigned quality, char text[FIGURE_BYTES])
{
	figure_power(watts, figure_flag(quality), text);
	return text;
}

static void put_counts(struct text *out, const struct snapshot *snapshot, const struct rows *rows)
{
	size_t counts[3] = { 0 };

	for (size_t i = 0; i < snapshot->domain_count; i++)
		counts[snapshot->domains[i].state]++;
	text_addf(out, "VMs %zu: %zu running, %zu paused, %zu ended", snapshot->domain_count,
		  counts[DOMAIN_RUNNING], counts[DOMAIN_PAUSED], counts[DOMAIN_ENDED]);
	if (rows->domains_hidden)
		text_addf(out, " (%zu not shown)", rows->domains_hidden);
	text_add(out, "\n");
}

static void put_host(struct text *out, const struct snapshot *snapshot)
{
	const struct snapshot_host *host = &snapshot->host;
	char a[FIGURE_BYTES], b[FIGURE_BYTES], c[FIGURE_BYTES], d[FIGURE_BYTES], e[FIGURE_BYTES];
	unsigned q = host->quality;

	text_addf(out, "Host %s W = VMs %s + kept %s | CPU idle %s active %s",
		  power(host->total_w, q, a), power(host->total_w - host->kept_w, q, b),
		  power(host->kept_w, q, c), power(host->cpu_idle_w, q, d),
		  power(host->cpu_active_w, q, e));
	text_addf(out, " | disks idle %s active %s", power(host->disk_idle_w, q, a),
		  power(host->disk_active_w, q, b));
	if (!isnan(host->net_idle_w))
		text_addf(out, " | net idle %s active %s", power(host->net_idle_w, q, a),
			  power(host->net_active_w, q, b));
	text_add(out, "\n");
}

static void put_quality(struct text *out, unsigned quality)
{
	for (unsigned i = 0; i < QUALITY_COUNT; i++)
		if (quality & 1u << i)
			text_addf(out, " %s", quality_name(i));
}

static void put_head(struct text *out, const struct snapshot *snapshot, const struct rows *rows,
		     const struct source_info *info)
{
	char time[FIGURE_BYTES];

	text_add(out, "vmetop " VMENERGY_VERSION "  ");
	figure_time(snapshot->time_s, time);
	text_add(out, time);
	text_addf(out, "  %s  tick %" PRIu64 "  %.2f s", info->hostname, snapshot->seq,
		  snapshot->interval_s);
	if (snapshot->missed_ticks)
		text_addf(out, "  missed %" PRIu64, snapshot->missed_ticks);
	if (info->daemon)
		text_addf(out, "  attached to vmenergyd %s",
			  info->daemon->version ? info->daemon->version : "");
	text_add(out, "  ");
	put_counts(out, snapshot, rows);
	put_host(out, snapshot);
	text_addf(out, "From %s, %s, scope %s, idle by %s:", cpu_source_name(snapshot->source.cpu),
		  standing_name(snapshot->source.standing), scope_name(snapshot->source.scope),
		  idle_policy_name(snapshot->idle_policy));
	put_quality(out, snapshot->host.quality);
	text_addf(out, "\nWeights %s\n", info->weights_why);
}

static int name_cells(const struct rows *rows)
{
	int widest = TABLE_NAME_MIN;

	for (size_t i = 0; i < rows->count && widest < TABLE_NAME_MAX; i++) {
		char text[NAME_TEXT_BYTES];
		int cells =
			figure_name(row_name(&rows->items[i]), TABLE_NAME_MAX, text, sizeof text) +
			INDENT * rows->items[i].depth;

		widest = cells > widest ? cells : widest;
	}
	return widest < TABLE_NAME_MAX ? widest : TABLE_NAME_MAX;
}

/* Cells of each column; the name is as wide as is left to it. */
struct widths {
	int name, of[8 * sizeof(unsigned long)];
	int others; /* of all but the name, each with a blank before it */
};

static int column_width(const struct column *column, const struct snapshot *snapshot)
{
	if (column->width < 0)
		return column_is_had(column, snapshot) ? -column->width : 0;
	return column->width;
}

static struct widths find_widths(const struct snapshot *snapshot, const struct rows *rows,
				 int width)
{
	struct widths widths = { 0 };

	for (size_t i = 0; i < column_count; i++) {
		widths.of[i] = column_width(&columns[i], snapshot);
		widths.others += widths.of[i] ? 1 + widths.of[i] : 0;
	}
	widths.name = width ? width - widths.others : name_cells(rows);
	if (widths.name < TABLE_NAME_MIN)
		widths.name = TABLE_NAME_MIN;
	return widths;
}

static void put_titles(struct text *out, const struct widths *widths)
{
	for (size_t i = 0; i < column_count; i++) {
		const struct column *column = &columns[i];

		if (widths->of[i])
			text_addf(out, " %*s", widths->of[i], column->title);
		else if (column->kind == COLUMN_NAME)
			text_addf(out, "%-*s", widths->name, column->title);
	}
	text_add(out, "  NOTE\n");
}

static void put_name(struct text *out, const struct row *row, int name_width)
{
	char text[NAME_TEXT_BYTES];
	int indent = INDENT * row->depth;
	int cells = figure_name(row_name(row), name_width - indent, text, sizeof text);

	text_addf(out, "%*s%s%*s", indent, "", text, name_width - indent - cells, "");
}

/* Behind the columns, in what the line has left. */
static void put_note(struct text *out, const char *note, int cells)
{
	char text[NAME_TEXT_BYTES];

	if (cells < NOTE_CELLS_MIN)
		return;
	figure_name(note, cells, text, sizeof text);
	text_addf(out, "  %s", text);
}

static void put_row(struct text *out, const struct row *row, const struct view *view,
		    const struct widths *widths, int width)
{
	put_name(out, row, widths->name);
	for (size_t i = 0; i < column_count; i++) {
		char text[FIGURE_BYTES];

		if (!widths->of[i])
			continue;
		columns[i].format(row, view, text);
		text_addf(out, " %*s", widths->of[i], text);
	}
	if (row->note)
		put_note(out, row->note,
			 width ? width - widths->name - widths->others - 2 : NOTE_CELLS_MAX);
	text_add(out, "\n");
}

void table_put(struct text *out, const struct snapshot *snapshot, const struct rows *rows,
	       const struct view *view, const struct source_info *info, int width)
{
	const struct widths widths = find_widths(snapshot, rows, width);

	put_head(out, snapshot, rows, info);
	put_titles(out, &widths);
	for (size_t i = 0; i < rows->count; i++)
		put_row(out, &rows->items[i], view, &widths, width);
	text_add(out, "\n");
}
