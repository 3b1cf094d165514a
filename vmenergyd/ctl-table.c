/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/ctl-table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "model/known.h"

enum { CELL_BYTES = 256, TIME_BYTES = 32 };

/* --- figures and texts --------------------------------------------------------------------- */

static void add_watts(struct text *cell, double watts)
{
	if (!isfinite(watts))
		text_add(cell, "-");
	else
		text_addf(cell, "%.2f", fabs(watts) < 0.005 ? 0.0 : watts);
}

static void add_percent(struct text *cell, double fraction)
{
	if (!isfinite(fraction))
		text_add(cell, "-");
	else
		text_addf(cell, "%.0f", 100 * fraction);
}

static void add_name(struct text *cell, const char *name)
{
	char printable[CELL_BYTES];

	text_add(cell, text_printable(name, printable, sizeof printable));
}

static void add_words(struct text *cell, const struct protocol_words *words, const char *between)
{
	for (size_t i = 0; i < words->count; i++) {
		text_add(cell, i ? between : "");
		add_name(cell, words->items[i]);
	}
}

/* UTC, so that it reads the same everywhere. */
static void add_time(struct text *cell, double unix_s)
{
	char text[TIME_BYTES] = "-";
	struct tm calendar;
	time_t seconds;

	if (fabs(unix_s) < 1e11) {
		seconds = (time_t)floor(unix_s);
		if (gmtime_r(&seconds, &calendar))
			strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &calendar);
	}
	text_add(cell, text);
}

/* --- rows ---------------------------------------------------------------------------------- */

struct row {
	const char *name; /* NULL = not to be shown */
	struct snapshot_control control;
	double used_w, throttle_cpu, throttle_disk;
	const struct protocol_words *held_by; /* NULL = not known */
	const char *override_by;
};

static struct row row_of_status(const void *source, size_t index)
{
	const struct protocol_status *status = source;
	const struct protocol_status_domain *domain = &status->domains.items[index];

	return (struct row){
		.name = domain->name,
		.control = { .cap_w = domain->cap_w,
			     .cap_total_w = domain->cap_total_w,
			     .cpu_cap_w = domain->cpu_cap_w,
			     .disk_cap_w = domain->disk_cap_w,
			     .headroom_w = domain->headroom_w,
			     .infeasible_w = domain->infeasible_w },
		.used_w = domain->used_w,
		.throttle_cpu = domain->throttle_cpu,
		.throttle_disk = domain->throttle_disk,
		.held_by = &domain->held_by,
		.override_by = domain->override_by,
	};
}

static struct row row_of_snapshot(const void *source, size_t index)
{
	const struct snapshot *snapshot = source;
	const struct snapshot_domain *domain = &snapshot->domains[index];

	return (struct row){
		.name = domain->state == DOMAIN_ENDED ? NULL : domain->name,
		.control = domain->control,
		.used_w = domain->cpu.active_w + domain->disk.active_w + domain->service.active_w +
			  known(domain->net.active_w),
		.throttle_cpu = domain->throttle_cpu,
		.throttle_disk = domain->throttle_disk,
	};
}

/* --- columns ------------------------------------------------------------------------------- */

static void cell_name(const struct row *row, struct text *cell)
{
	add_name(cell, row->name);
}

static void cell_watts(const struct row *row, struct text *cell)
{
	add_watts(cell, row->used_w);
}

/* "20.00", "total 25.00, cpu 10.00". */
static void cell_cap(const struct row *row, struct text *cell)
{
	const struct {
		const char *what;
		double watts;
	} caps[] = {
		{ "", row->control.cap_w },
		{ "total ", row->control.cap_total_w },
		{ "cpu ", row->control.cpu_cap_w },
		{ "disk ", row->control.disk_cap_w },
	};

	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
		if (!isfinite(caps[i].watts))
			continue;
		text_addf(cell, "%s%s", cell->length ? ", " : "", caps[i].what);
		add_watts(cell, caps[i].watts);
	}
	if (!cell->length)
		text_add(cell, "-");
}

static void cell_headroom(const struct row *row, struct text *cell)
{
	add_watts(cell, row->control.headroom_w);
}

static void cell_throttle_cpu(const struct row *row, struct text *cell)
{
	add_percent(cell, row->throttle_cpu);
}

static void cell_throttle_disk(const struct row *row, struct text *cell)
{
	add_percent(cell, row->throttle_disk);
}

static void cell_infeasible(const struct row *row, struct text *cell)
{
	add_watts(cell, row->control.infeasible_w > 0 ? row->control.infeasible_w : NAN);
}

static void cell_held_by(const struct row *row, struct text *cell)
{
	if (row->held_by && row->held_by->count)
		add_words(cell, row->held_by, ",");
	else
		text_add(cell, "-");
}

static void cell_override(const struct row *row, struct text *cell)
{
	add_name(cell, row->override_by ? row->override_by : "-");
}

static const struct column {
	const char *title;
	void (*put)(const struct row *row, struct text *cell);
	bool is_text; /* to the left */
} columns[] = {
	{ "NAME", cell_name, true },
	{ "WATTS", cell_watts, false },
	{ "CAP", cell_cap, false },
	{ "HEADROOM", cell_headroom, false },
	{ "CPU-HELD%", cell_throttle_cpu, false },
	{ "DISK-HELD%", cell_throttle_disk, false },
	{ "INFEASIBLE", cell_infeasible, false },
	{ "HELD-BY", cell_held_by, true },
	{ "BY-HAND", cell_override, true },
};
enum { COLUMNS_OF_STATUS = sizeof columns / sizeof *columns, COLUMNS_OF_SNAPSHOT = 7 };

/* Characters, as far as that is the same as cells. */
static int length_of(const char *text)
{
	int length = 0;

	for (; *text; text++)
		length += ((unsigned char)*text & 0xc0) != 0x80;
	return length;
}

struct table {
	const void *source;
	struct row (*row)(const void *source, size_t index);
	size_t row_count, column_count;
	int widths[COLUMNS_OF_STATUS];
	struct text cell; /* memory that is used again */
};

static const char *cell_of(struct table *table, const struct column *column, const struct row *row)
{
	text_reset(&table->cell);
	text_add(&table->cell, "");
	column->put(row, &table->cell);
	return table->cell.failed ? "?" : table->cell.bytes;
}

static void put_cell(struct text *out, const struct table *table, size_t column, const char *cell)
{
	int blanks = table->widths[column] - length_of(cell);
	bool is_last = column + 1 == table->column_count;

	if (column)
		text_add(out, "  ");
	if (!columns[column].is_text)
		text_addf(out, "%*s", blanks, "");
	text_add(out, cell);
	if (columns[column].is_text && !is_last)
		text_addf(out, "%*s", blanks, "");
}

static void widen(struct table *table, const struct row *row)
{
	for (size_t i = 0; i < table->column_count; i++) {
		int length = length_of(row ? cell_of(table, &columns[i], row) : columns[i].title);

		if (length > table->widths[i])
			table->widths[i] = length;
	}
}

static void put_row(struct text *out, struct table *table, const struct row *row)
{
	for (size_t i = 0; i < table->column_count; i++)
		put_cell(out, table, i, row ? cell_of(table, &columns[i], row) : columns[i].title);
	text_add(out, "\n");
}

/* NULL stands for the titles. */
static void put_table(struct text *out, struct table *table)
{
	widen(table, NULL);
	for (size_t i = 0; i < table->row_count; i++) {
		struct row row = table->row(table->source, i);

		if (row.name)
			widen(table, &row);
	}
	put_row(out, table, NULL);
	for (size_t i = 0; i < table->row_count; i++) {
		struct row row = table->row(table->source, i);

		if (row.name)
			put_row(out, table, &row);
	}
	text_free(&table->cell);
}

/* --- heads --------------------------------------------------------------------------------- */

static void put_daemon(struct text *out, const struct protocol_status *status)
{
	text_add(out, "vmenergyd ");
	add_name(out, status->version);
	text_add(out, " on ");
	add_name(out, status->hostname);
	text_add(out, " since ");
	add_time(out, status->since_s);
	text_addf(out, ", every %g s, decides every %g s%s\nFrom ", status->interval_s,
		  status->control_interval_s,
		  status->dry_run ? "; DRY RUN: nothing is written" : "");
	add_name(out, status->source);
	text_add(out, ", weights ");
	add_name(out, status->weights ? status->weights : "-");
	text_add(out, ", meter ");
	add_name(out, status->meter ? status->meter : "-");
	text_addf(out,
		  "\nDecisions %" PRIu64 ", %s %" PRIu64 " (unchanged, left out %" PRIu64
		  "; refused %" PRIu64 "; changed by others %" PRIu64 ")",
		  status->decisions, status->dry_run ? "would-be writes" : "writes", status->writes,
		  status->unchanged_left_out, status->refused, status->foreign_changes);
	text_addf(out, " | clients %" PRIu64 ", dropped %" PRIu64 "\n", status->clients,
		  status->dropped);
}

static void put_part(struct text *out, const char *before, double watts)
{
	if (!isfinite(watts))
		return;
	text_add(out, before);
	add_watts(out, watts);
	text_add(out, " W");
}

static void put_host(struct text *out, const struct protocol_status_host *host)
{
	text_add(out, "Host ");
	add_watts(out, host->used_w);
	text_add(out, " W");
	put_part(out, ", cap ", host->cap_w);
	put_part(out, ", limit ", host->limit_w);
	put_part(out, ", headroom ", host->headroom_w);
	put_part(out, ", INFEASIBLE by ", host->infeasible_w > 0 ? host->infeasible_w : NAN);
	if (isfinite(host->temperature_c))
		text_addf(out, ", %.1f C", host->temperature_c);
	if (host->held_by.count) {
		text_add(out, ", held by ");
		add_words(out, &host->held_by, ", ");
	}
	if (host->override_by) {
		text_add(out, ", set by ");
		add_name(out, host->override_by);
	}
	text_add(out, "\n");
}

void ctl_table_put_status(struct text *out, const struct protocol_status *status)
{
	struct table table = { .source = status,
			       .row = row_of_status,
			       .row_count = status->domains.count,
			       .column_count = COLUMNS_OF_STATUS };

	put_daemon(out, status);
	put_host(out, &status->host);
	for (size_t i = 0; i < status->trouble.count; i++) {
		text_add(out, "Trouble: ");
		add_name(out, status->trouble.items[i]);
		text_add(out, "\n");
	}
	text_add(out, "\n");
	if (status->domains.count)
		put_table(out, &table);
	else
		text_add(out, "No domain has a limit.\n");
}

void ctl_table_put_snapshot(struct text *out, const struct snapshot *snapshot)
{
	struct table table = { .source = snapshot,
			       .row = row_of_snapshot,
			       .row_count = snapshot->domain_count,
			       .column_count = COLUMNS_OF_SNAPSHOT };

	add_time(out, snapshot->time_s);
	text_addf(out, "  tick %" PRIu64 "  host ", snapshot->seq);
	add_watts(out, snapshot->host.total_w);
	text_add(out, " W");
	put_part(out, ", cap ", snapshot->host.cap_w);
	text_add(out, "\n");
	put_table(out, &table);
	text_add(out, "\n");
}
