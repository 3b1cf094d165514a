/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-about.h - which machine, meter and run a trace is of: the INI file beside
 * it (vmenergy.trace(5)). Kept apart, so that any CSV reader takes the trace itself.
 */
#ifndef VMENERGY_MODEL_TRACE_ABOUT_H
#define VMENERGY_MODEL_TRACE_ABOUT_H

#include "base/error.h"
#include "base/text.h"
#include "model/topology.h"
#include "model/weights.h"

struct trace_about { /* start from trace_about_init(); strings owned, NULL = not stated */
	struct cpu_identity cpu;
	bool has_cpu;
	char *pmu;   /* libpfm4's name of the counters, as weights_match.pmu */
	char *probe; /* "perf", "cputime", "emulated" */
	char *kernel, *date, *command;
	char *meter; /* a line: driver, model, serial number, what it measures */
	enum scope scope;
	bool has_scope;
	bool emulated; /* plant or meter: everything made from it says so */
	double meter_lag_s, meter_window_s, meter_resolution_w; /* NaN = not stated */
	double disks_idle_w; /* P_idle of the disks that were powered; NaN = not stated */
	char *disks_note;
};

/* Nothing is stated: numbers that may be zero are NaN. */
void trace_about_init(struct trace_about *about);

/* As weights_parse() and weights_print(): strict, every error listed; canonical. */
int trace_about_parse(const char *path, const char *text, size_t length, struct trace_about *about,
		      struct error_list *errors);
void trace_about_print(const struct trace_about *about, struct text *out);
void trace_about_clear(struct trace_about *about); /* as after trace_about_init() */

#endif
