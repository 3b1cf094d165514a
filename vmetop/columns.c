/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vmetop/rows.h"

enum { MEAN_S = 60 };

static void format_state(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	(void)view;
	snprintf(text, FIGURE_BYTES, "%c", row->state);
}

/* Running first, ended last. */
static double order_state(const struct row *row, const struct view *view)
{
	(void)view;
	return -(double)row->domain->state;
}

/* --- figures: what a column sorts by, and how it shows that ---------------------------------- */

#define ORDER(name, of_row)                                                                        \
	static double order_##name(const struct row *row, const struct view *view)                 \
	{                                                                                          \
		(void)view;                                                                        \
		return of_row;                                                                     \
	}
#define FORMAT(name, figure)                                                                       \
	static void format_##name(const struct row *row, const struct view *view,                  \
				  char text[FIGURE_BYTES])                                         \
	{                                                                                          \
		double value = order_##name(row, view);                                            \
                                                                                                   \
		figure;                                                                            \
	}
#define FLAG figure_flag(row->quality)
#define POWER_COLUMN(name, of_row)                                                                 \
	ORDER(name, of_row)                                                                        \
	FORMAT(name, figure_power(value, FLAG, text))
/* Of the past: marked as its ticks were, not as the newest is. */
#define PAST_COLUMN(name, of_row, quality)                                                         \
	ORDER(name, of_row)                                                                        \
	FORMAT(name, figure_power(value, figure_flag(quality), text))
#define WHOLE_PERCENT_COLUMN(name, of_row)                                                         \
	ORDER(name, of_row)                                                                        \
	FORMAT(name, figure_whole_percent(value, text))

POWER_COLUMN(total_w, row->total_w)
POWER_COLUMN(idle_w, row->idle_w)
POWER_COLUMN(active_w, row->active_w)
POWER_COLUMN(cpu_w, row->cpu_w)
POWER_COLUMN(disk_w, row->disk_w)
POWER_COLUMN(service_w, row->service_w)
POWER_COLUMN(service_idle_w, row->service_idle_w)
static unsigned mean_quality(const struct row *row, const struct view *view)
{
	return row->track ? track_mean(view->history, row->track, MEAN_S).quality : 0;
}
PAST_COLUMN(mean_w, row->track ? track_mean_w(view->history, row->track, MEAN_S) : NAN,
	    mean_quality(row, view))
PAST_COLUMN(max_w, track_max_w(view->history, row->track), track_quality(row->track))
WHOLE_PERCENT_COLUMN(error, row->total_w > 0 ? 100 * row->error_w / row->total_w : NAN)
ORDER(cpu_percent, row->cpu_percent)
FORMAT(cpu_percent, figure_percent(value, text))
ORDER(host_percent, row->host_percent)
FORMAT(host_percent, figure_percent(value, text))
ORDER(read_bytes, row->read_bytes_s)
FORMAT(read_bytes, figure_bytes(value, text))
ORDER(write_bytes, row->write_bytes_s)
FORMAT(write_bytes, figure_bytes(value, text))
/* Since the start, or since the person at the screen asked to count anew. */
ORDER(energy, track_energy_j(row->track, row->total_j))
FORMAT(energy, figure_energy(value, view->unit, FLAG, text))

/* --- caps ------------------------------------------------------------------------------------- */

static const struct snapshot_domain *whole_domain(const struct row *row)
{
	return row->kind == ROW_DOMAIN ? row->domain : NULL;
}

/* The lowest one. Which limit leaves the least room changes from tick to tick: what is set does
 * not.
 */
static struct row_cap tightest(const struct row *row)
{
	struct row_cap caps[ROW_CAPS], found;

	row_caps(row, caps);
	found = caps[0];
	for (size_t i = 1; i < ROW_CAPS; i++)
		if (caps[i].limit_w < found.limit_w ||
		    (isnan(found.limit_w) && !isnan(caps[i].limit_w)))
			found = caps[i];
	return found;
}

static double cap_percent(const struct row *row)
{
	struct row_cap cap = tightest(row);

	return cap.limit_w > 0 ? 100 * cap.used_w / cap.limit_w : NAN;
}

static double throttled(const struct row *row)
{
	return whole_domain(row) ? fmax(row->domain->throttle_cpu, row->domain->throttle_disk)
				 : NAN;
}

ORDER(cap_w, tightest(row).limit_w)
static void format_cap_w(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	struct row_cap cap = tightest(row);
	size_t length;

	(void)view;
	figure_power(cap.limit_w, '\0', text);
	length = strlen(text);
	snprintf(text + length, FIGURE_BYTES - length, "%s", cap.mark);
}

WHOLE_PERCENT_COLUMN(cap_percent, cap_percent(row))
WHOLE_PERCENT_COLUMN(throttled, 100 * throttled(row))

/* The rest up to the limit, whichever it is: of a figure, with its flag. */
POWER_COLUMN(headroom_w, whole_domain(row) ? row->domain->control.headroom_w : NAN)
#define TICKETS_COLUMN(name)                                                                       \
	ORDER(name, whole_domain(row) ? row->domain->control.name : NAN)                           \
	FORMAT(name, snprintf(text, FIGURE_BYTES, isnan(value) ? "-" : "%.0f", value))
TICKETS_COLUMN(share)
TICKETS_COLUMN(stride)

/* By what it is held back: "" = by nothing, or nobody says. */
static const char *limit_of(const struct row *row)
{
	const struct protocol_status_domain *limits = row->limits;

	return limits && limits->held_by.count ? limits->held_by.items[0] : "";
}

/* '!': a limit that cannot be met; '+': others hold it, too. */
static void format_limit(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	const struct protocol_status_domain *limits = row->limits;

	(void)view;
	if (!limits)
		strcpy(text, "-");
	else
		snprintf(text, FIGURE_BYTES, "%s%.20s%s",
			 row->domain->control.infeasible_w > 0 ? "!" : "",
			 limits->held_by.count ? limit_of(row) : "free",
			 limits->held_by.count > 1 ? "+" : "");
}

static bool has_cap(const struct snapshot_domain *domain)
{
	const struct snapshot_control *control = &domain->control;

	return !isnan(control->cap_w) || !isnan(control->cap_total_w) ||
	       !isnan(control->cpu_cap_w) || !isnan(control->disk_cap_w);
}

static bool has_share(const struct snapshot_domain *domain)
{
	return !isnan(domain->control.share);
}

/* Held ones do not lose the column when what holds them is not known for a while. */
static bool has_limit(const struct snapshot_domain *domain)
{
	return !isnan(domain->throttle_cpu) || !isnan(domain->throttle_disk) || has_cap(domain) ||
	       !isnan(domain->control.headroom_w);
}

static bool has_error(const struct snapshot_domain *domain)
{
	return !isnan(domain->error_w);
}

static bool has_service_idle(const struct snapshot_domain *domain)
{
	return domain->service.idle_w > 0;
}

static bool has_bytes(const struct snapshot_domain *domain)
{
	for (size_t i = 0; i < domain->vdisk_count; i++)
		if (!isnan(domain->vdisks[i].read_bytes))
			return true;
	return false;
}

/* --- text --------------------------------------------------------------------------------------
 */

static const char *id_of(const struct row *row)
{
	return whole_domain(row) ? row->domain->id : "";
}

static const char *note_of(const struct row *row)
{
	return row->note ? row->note : "";
}

static bool has_note(const struct snapshot_domain *domain)
{
	return domain->reason != NULL;
}

/* The beginning of a UUID tells domains apart; a process is told by its end. */
static void format_id(const struct row *row, const struct view *view, char text[FIGURE_BYTES])
{
	enum { ID_CELLS = 8 };

	(void)view;
	figure_cut(id_of(row), ID_CELLS, CUT_END, text, FIGURE_BYTES);
}

/* --- the table ---------------------------------------------------------------------------------
 */

/* clang-format off */
const struct column columns[] = {
	{ "name", "NAME", "domain, as its owner names it", COLUMN_NAME, 0, 16, 0, NULL,
	  NULL, NULL, row_name },
	{ "state", "S", "R running, P paused, E ended", COLUMN_FIGURE, 1, 2, 1, NULL,
	  format_state, order_state, NULL },
	{ "power", "TOTAL/W", "idle and active power of all resources", COLUMN_FIGURE, 9, 7, 2, NULL,
	  format_total_w, order_total_w, NULL },
	{ "error", "+-%", "half-width of the 95 % interval of the total", COLUMN_FIGURE, 4, 3, 8, has_error,
	  format_error, order_error, NULL },
	{ "host%", "HOST%", "share of all the host's power", COLUMN_FIGURE, 0, 5, 14, NULL,
	  format_host_percent, order_host_percent, NULL },
	{ "idle", "IDLE/W", "share of the machine's constant power", COLUMN_FIGURE, 9, 7, 4, NULL,
	  format_idle_w, order_idle_w, NULL },
	{ "active", "ACT/W", "active power of all resources", COLUMN_FIGURE, 0, 7, 11, NULL,
	  format_active_w, order_active_w, NULL },
	{ "cpu", "CPU/W", "active power of its vCPUs", COLUMN_FIGURE, 9, 7, 3, NULL,
	  format_cpu_w, order_cpu_w, NULL },
	{ "disk", "DISK/W", "active power of its requests to disks", COLUMN_FIGURE, 8, 7, 7, NULL,
	  format_disk_w, order_disk_w, NULL },
	{ "service", "SERV/W", "active CPU power of others on its behalf", COLUMN_FIGURE, 8, 7, 6, NULL,
	  format_service_w, order_service_w, NULL },
	{ "service-idle", "SIDLE/W", "of the idle power, the share of services", COLUMN_FIGURE, WHERE_HAD(8), 7, 14, has_service_idle,
	  format_service_idle_w, order_service_idle_w, NULL },
	{ "cap", "CAP/W", "lowest cap (t total, c CPU, d disk, else active)", COLUMN_FIGURE, WHERE_HAD(8), 7, 5, has_cap,
	  format_cap_w, order_cap_w, NULL },
	{ "cap%", "CAP%", "what it limits as a part of that cap", COLUMN_FIGURE, 0, 4, 7, has_cap,
	  format_cap_percent, order_cap_percent, NULL },
	{ "throttle", "THR%", "part of the time withheld from it", COLUMN_FIGURE, WHERE_HAD(4), 4, 5, has_limit,
	  format_throttled, order_throttled, NULL },
	{ "limit", "LIMIT", "what holds it back; ! cannot be met, + not alone", COLUMN_FIGURE, WHERE_HAD(10), 10, 5, has_limit,
	  format_limit, NULL, limit_of },
	{ "headroom", "ROOM/W", "power that its limits leave", COLUMN_FIGURE, 0, 7, 9, has_limit,
	  format_headroom_w, order_headroom_w, NULL },
	{ "share", "SHARE", "tickets, when power is short", COLUMN_FIGURE, 0, 6, 12, has_share,
	  format_share, order_share, NULL },
	{ "stride", "STRIDE", "a constant by the share: the less, the more often", COLUMN_FIGURE, 0, 7, 12, has_share,
	  format_stride, order_stride, NULL },
	{ "cpu%", "CPU%", "on-CPU time of all its threads, 100 = one CPU", COLUMN_FIGURE, 6, 6, 10, NULL,
	  format_cpu_percent, order_cpu_percent, NULL },
	{ "mean", "AVG1m", "mean power of the last minute", COLUMN_FIGURE, 0, 7, 12, NULL,
	  format_mean_w, order_mean_w, NULL },
	{ "max", "MAX/W", "highest power of a tick since the start", COLUMN_FIGURE, 0, 7, 13, NULL,
	  format_max_w, order_max_w, NULL },
	{ "read", "RD/s", "bytes read by the guest, where they are counted", COLUMN_FIGURE, 7, 6, 15, has_bytes,
	  format_read_bytes, order_read_bytes, NULL },
	{ "write", "WR/s", "bytes written by the guest, where they are counted", COLUMN_FIGURE, 7, 6, 15, has_bytes,
	  format_write_bytes, order_write_bytes, NULL },
	{ "energy", "ENERGY", "total since the start", COLUMN_FIGURE, 9, 9, 5, NULL,
	  format_energy, order_energy, NULL },
	{ "id", "ID", "what stays the same when it is renamed", COLUMN_FIGURE, 0, 8, 16, NULL,
	  format_id, NULL, id_of },
	{ "note", "NOTE", "what could not be read of it", COLUMN_NOTE, 0, 20, 11, has_note,
	  NULL, NULL, note_of },
	{ "trend", "TREND", "total power of the newest ticks", COLUMN_TREND, 0, 6, 9, NULL,
	  NULL, order_total_w, NULL },
};
/* clang-format on */
const size_t column_count = sizeof columns / sizeof *columns;
_Static_assert(sizeof columns / sizeof *columns <= 8 * sizeof(unsigned long),
	       "view.shown_columns has a bit for each");

const struct column *column_find(const char *key)
{
	for (size_t i = 0; i < column_count; i++)
		if (strcmp(columns[i].key, key) == 0)
			return &columns[i];
	return NULL;
}

bool column_is_had(const struct column *column, const struct snapshot *snapshot)
{
	for (size_t i = 0; column->has && i < snapshot->domain_count; i++)
		if (column->has(&snapshot->domains[i]))
			return true;
	return !column->has;
}
