/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picture.h - the report's pictures, as scripts for gnuplot. Pure; for calibrate/report alone. */
#ifndef VMENERGY_CALIBRATE_REPORT_PICTURE_H
#define VMENERGY_CALIBRATE_REPORT_PICTURE_H

#include "calibrate/report/report.h"

struct picture {
	const char *title;
	const char *caption; /* what to look for */
	bool (*is_wanted)(const struct report *report);
	void (*draw)(const struct report *report, struct text *script);
};

extern const struct picture pictures[];
extern const size_t picture_count;

/*
 * The trace's column of each event that was fitted: time on CPUs, which stands in for all, lies
 * among them. Returns how many (a column that the trace lacks is left out).
 */
unsigned picture_columns(const struct report *report, unsigned columns[TRACE_EVENTS_MAX]);
/* Mean rates in each group: group_count x count, owned; NULL: no memory. */
double *picture_group_rates(const struct trace *trace, const unsigned *columns, unsigned count);

#endif
