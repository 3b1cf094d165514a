/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rows.h - a snapshot as rows and columns: filtered, sorted, expanded. Pure;
 * screen and batch draw what stands here.
 */
#ifndef VMENERGY_VMETOP_ROWS_H
#define VMENERGY_VMETOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/snapshot.h"
#include "vmetop/figure.h"
#include "vmetop/history.h"
#include "vmetop/id-set.h"
#include "wire/protocol.h"

/* ROW_REST: what a domain's vCPUs, vDISKs and vNICs leave of it: its helpers, and idle shares.
 * Parts and rest add up to the domain in every column that both know. */
enum row_kind { ROW_DOMAIN, ROW_VCPU, ROW_VDISK, ROW_VNIC, ROW_REST, ROW_KEPT, ROW_KEPT_HEAD };

/* Watts of one row, each NaN where unknown. Made once, read by every column. */
struct row {
	enum row_kind kind;
	int depth;                            /* 0 = domain or kept, 1 = a part of it */
	const char *name;                     /* borrowed from the snapshot; NULL: see label */
	char label[24];                       /* of a vCPU */
	const struct snapshot_domain *domain; /* the row's, or its parent's; NULL for kept */
	const struct track *track;            /* NULL = none */
	const char *note;                     /* reason, or leaf disk or network card; NULL */
	const struct protocol_status_domain *limits; /* what a daemon says of them; NULL */
	char state; /* 'R' running, 'P' paused, 'E' ended, ' ' none */
	char fold;  /* of a domain: '-' its parts follow, '+' they do not; ' ' has none */
	unsigned quality;
	double total_w, error_w, idle_w, active_w, cpu_w, disk_w, service_w, total_j;
	double service_idle_w; /* inside idle_w */
	double cpu_percent, host_percent, read_bytes_s, write_bytes_s;
};

struct view {
	const char *sort; /* key of a column; NULL = as the snapshot has them */
	bool invert;
	const char *filter; /* pattern on names ('*', '?'; without them: anywhere in it); NULL */
	const char *const *names; /* exact names or ids to show; NULL = all */
	size_t name_count;
	bool tree;                    /* all domains expanded to vCPUs and vDISKs */
	const struct id_set *toggled; /* the other way round than `tree` says; NULL = none */
	bool hide_idle;               /* leave out domains without active power */
	enum energy_unit unit;
	const struct protocol_status *status; /* who is held by what; NULL = not told */
	/* Of the screen: */
	const struct history *history; /* trends and means; NULL = none */
	unsigned long shown_columns;   /* bit i: columns[i], 0 = those that fit, by their rank */
	bool unicode, one_scale;       /* trends: in blocks; all rows on one scale */
};

struct rows {
	struct row *items;
	size_t count, capacity;
	size_t domains_shown, domains_hidden;
	double scale_w; /* highest watts among the tracks of its domains: for trends on one scale */
};

/* Rebuild from `snapshot` (borrowed: rows point into it). 0 or -ENOMEM. Start from {0}. */
int rows_build(struct rows *rows, const struct snapshot *snapshot, const struct view *view);
/*
 * The same choice and order of domains as a snapshot of its own: a shallow
 * copy, whose `domains` the caller frees, and nothing else of it. 0 or -ENOMEM.
 */
int rows_select(const struct snapshot *snapshot, const struct view *view,
		struct snapshot *selected);
void rows_clear(struct rows *rows);
const char *row_name(const struct row *row);

/* One upper limit of a domain, and the power that it holds. */
struct row_cap {
	const char *mark; /* "" = of active power, "t" total, "c" CPU and services, "d" disk */
	double limit_w;   /* NaN = there is none */
	double used_w;
};
enum { ROW_CAPS = 4 };
/* All NaN for a row that is no domain. */
void row_caps(const struct row *row, struct row_cap caps[ROW_CAPS]);

enum column_kind { COLUMN_FIGURE, COLUMN_NAME, COLUMN_TREND, COLUMN_NOTE };

struct column {
	const char *key; /* for --sort */
	const char *title;
	const char *help;
	enum column_kind kind;
	int width;     /* cells in the batch table; 0 = not there (the name: the rest);
			  WHERE_HAD(cells) = only where some domain has it */
	int cells;     /* on the screen; of names and trends the fewest */
	unsigned rank; /* on the screen those that fit are shown, lower ones first */
	/* Unless chosen, it is shown where some domain has it; NULL = always. */
	bool (*has)(const struct snapshot_domain *domain);
	/* NULL: see kind. */
	void (*format)(const struct row *row, const struct view *view, char text[FIGURE_BYTES]);
	/* Larger first. NULL: by text(), as strcmp(3). */
	double (*order)(const struct row *row, const struct view *view);
	const char *(*text)(const struct row *row);
};
#define WHERE_HAD(cells) (-(cells))
extern const struct column columns[];
extern const size_t column_count;
const struct column *column_find(const char *key); /* NULL = none */
bool column_is_had(const struct column *column, const struct snapshot *snapshot);

#endif
