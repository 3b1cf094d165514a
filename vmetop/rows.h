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

enum row_kind { ROW_DOMAIN, ROW_VCPU, ROW_VDISK, ROW_REST, ROW_KEPT, ROW_KEPT_HEAD };

/* Watts of one row, each NaN where unknown. Made once, read by every column. */
struct row {
	enum row_kind kind;
	int depth;                            /* 0 = domain or kept, 1 = a part of it */
	const char *name;                     /* borrowed from the snapshot; NULL: see label */
	char label[24];                       /* of a vCPU */
	const struct snapshot_domain *domain; /* the row's, or its parent's; NULL for kept */
	const char *note;                     /* reason, or leaf disk; NULL */
	char state;                           /* 'R' running, 'P' paused, 'E' ended, ' ' none */
	unsigned quality;
	double total_w, error_w, idle_w, cpu_w, disk_w, service_w, total_j;
	double cpu_percent, read_bytes_s, write_bytes_s;
};

struct view {
	const char *sort; /* key of a column; NULL = as the snapshot has them */
	bool invert;
	const char *filter; /* pattern on names ('*', '?'; without them: anywhere in it); NULL */
	const char *const *names; /* exact names or ids to show; NULL = all */
	size_t name_count;
	bool tree;      /* domains expanded to vCPUs and vDISKs */
	bool hide_idle; /* leave out domains without active power */
	enum energy_unit unit;
};

struct rows {
	struct row *items;
	size_t count, capacity;
	size_t domains_shown, domains_hidden;
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

struct column {
	const char *key; /* for --sort */
	const char *title;
	const char *help;
	int width; /* cells; 0 = the rest (names) */
	void (*format)(const struct row *row, const struct view *view, char text[FIGURE_BYTES]);
	double (*order)(const struct row *row); /* larger first; NULL = by name */
};
extern const struct column columns[];
extern const size_t column_count;
const struct column *column_find(const char *key); /* NULL = none */

#endif
