/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows-internal.h - between rows.c, rows-parts.c and rows-kept.c only. */
#ifndef VMENERGY_VMETOP_ROWS_INTERNAL_H
#define VMENERGY_VMETOP_ROWS_INTERNAL_H

#include "vmetop/rows.h"

/* A row about which nothing is known yet; NULL: out of memory. */
struct row *rows_add(struct rows *rows, enum row_kind kind, const char *name,
		     const struct snapshot_domain *domain);

/* A difference that is nothing but rounding of figures as large as `of_w` is zero. */
double rows_settled(double watts, double of_w);

/* vCPUs, vDISKs and what they leave of it, behind its own row. 0 or -ENOMEM. */
int rows_add_parts(struct rows *rows, const struct row *domain, const struct snapshot *snapshot);

/* What stays with the host; with its heads where `heads`. 0 or -ENOMEM. */
int rows_add_kept(struct rows *rows, const struct snapshot *snapshot, bool heads);

#endif
