/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report.h - how good a calibration is, to be read: text for a terminal, or one HTML file with
 * its pictures (SVG by gnuplot) inside, which needs nothing else and no network.
 */
#ifndef VMENERGY_CALIBRATE_REPORT_REPORT_H
#define VMENERGY_CALIBRATE_REPORT_REPORT_H

#include "base/error.h"
#include "base/text.h"
#include "calibrate/fit/align.h"
#include "calibrate/fit/disk.h"
#include "calibrate/fit/fit.h"
#include "calibrate/fit/select.h"
#include "calibrate/fit/thermal.h"
#include "model/trace-about.h"
#include "model/trace.h"

struct report { /* all borrowed; what is NULL was not done, and the report says nothing of it */
	const char *title;
	struct trace *trace;
	const struct trace_about *about;
	struct fit *fit;
	struct fit *on_cpu_fit; /* the stand-in where events cannot be counted */
	const struct align *align;
	const struct selection *selection;
	char (*candidate_names)[EVENT_NAME_BYTES]; /* that selection's indexes mean */
	const struct disk_fit *disk;
	const struct thermal_fit *thermal;
	const struct thermal_row *thermal_rows;
	size_t thermal_row_count;
};

void report_text(const struct report *report, struct text *out);
/* 0; -ENOENT: gnuplot is missing (text says so); another -errno. */
int report_html(const struct report *report, struct text *html, struct error *error);

#endif
