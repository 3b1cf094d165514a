/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vmetop/rows.h"

static void format_state(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	(void)view;
	snprintf(text, FIGURE_BYTES, "%c", row->state);
}

/* Running first, ended last. */
static double order_state(const struct row *row)
{
	return -(double)row->domain->state;
}

/* A column that shows and sorts by one field of the row. */
#define FIELD_COLUMN(field, figure)                                                                \
	static void format_##field(const struct row *row, const struct view *view,                 \
				   char text[FIGURE_BYTES])                                        \
	{                                                                                          \
		(void)view;                                                                        \
		figure;                                                                            \
	}                                                                                          \
	static double order_##field(const struct row *row)                                         \
	{                                                                                          \
		return row->field;                                                                 \
	}
#define POWER_COLUMN(field)                                                                        \
	FIELD_COLUMN(field, figure_power(row->field, figure_flag(row->quality), text))
POWER_COLUMN(total_w)
POWER_COLUMN(idle_w)
POWER_COLUMN(cpu_w)
POWER_COLUMN(disk_w)
POWER_COLUMN(service_w)
FIELD_COLUMN(cpu_percent, figure_percent(row->cpu_percent, text))
FIELD_COLUMN(read_bytes_s, figure_bytes(row->read_bytes_s, text))
FIELD_COLUMN(write_bytes_s, figure_bytes(row->write_bytes_s, text))

/* The 95 % half-width as a share of the total. */
static double order_error(const struct row *row)
{
	return row->total_w > 0 ? 100 * row->error_w / row->total_w : NAN;
}

static void format_error(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	double percent = order_error(row);

	(void)view;
	if (isfinite(percent))
		snprintf(text, FIGURE_BYTES, "%.0f", percent);
	else
		strcpy(text, "-");
}

static double order_active(const struct row *row)
{
	return row->cpu_w + row->disk_w + row->service_w;
}

static double order_energy(const struct row *row)
{
	return row->total_j;
}

static void format_energy(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	figure_energy(row->total_j, view->unit, figure_flag(row->quality), text);
}

const struct column columns[] = {
	{ "name", "NAME", "domain, as its owner names it", 0, NULL, NULL },
	{ "state", "S", "R running, P paused, E ended", 1, format_state, order_state },
	{ "power", "TOTAL/W", "idle and active power of all resources", 9, format_total_w,
	  order_total_w },
	{ "error", "+-%", "half-width of the 95 % interval of the total", 4, format_error,
	  order_error },
	{ "idle", "IDLE/W", "share of the machine's constant power", 9, format_idle_w,
	  order_idle_w },
	{ "cpu", "CPU/W", "active power of its vCPUs", 9, format_cpu_w, order_cpu_w },
	{ "disk", "DISK/W", "active power of its requests to disks", 8, format_disk_w,
	  order_disk_w },
	{ "service", "SERV/W", "active CPU power of others on its behalf", 8, format_service_w,
	  order_service_w },
	{ "cpu%", "CPU%", "on-CPU time of all its threads, 100 = one CPU", 6, format_cpu_percent,
	  order_cpu_percent },
	{ "read", "RD/s", "bytes read by the guest, where they are counted", 7, format_read_bytes_s,
	  order_read_bytes_s },
	{ "write", "WR/s", "bytes written by the guest, where they are counted", 7,
	  format_write_bytes_s, order_write_bytes_s },
	{ "energy", "ENERGY", "total since the start", 9, format_energy, order_energy },
	/* For sorting alone: the active parts have columns of their own. */
	{ "active", NULL, "active power of all resources", 0, NULL, order_active },
};
const size_t column_count = sizeof columns / sizeof *columns;

const struct column *column_find(const char *key)
{
	for (size_t i = 0; i < column_count; i++)
		if (strcmp(columns[i].key, key) == 0)
			return &columns[i];
	return NULL;
}
