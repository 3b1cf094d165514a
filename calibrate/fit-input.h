/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit-input.h - a trace and what is known of it, from their files; and the fits of it. */
#ifndef VMENERGY_CALIBRATE_FIT_INPUT_H
#define VMENERGY_CALIBRATE_FIT_INPUT_H

#include "base/error.h"
#include "calibrate/fit/fit.h"
#include "model/trace-about.h"
#include "model/trace.h"

struct fit_input {
	const char *path; /* as it stands in messages; borrowed */
	struct trace *trace;
	struct trace_about about; /* nothing stated unless has_about */
	bool has_about;           /* there is a FILE.about */
	struct error_list warnings;
};

/* What is wrong with the files is printed. 0 or -errno; fit_input_clear() in any case. */
int fit_input_load(struct fit_input *input, const char *path, const struct trace_request *request);
void fit_input_clear(struct fit_input *input);

/*
 * Time on a CPU is a stand-in for all events and is never fitted beside them
 * (weights.h): its column gives a fit of its own.
 */
struct fits {
	struct fit *events, *on_cpu; /* NULL: no such columns */
};
/* 0; as fit_solve() of the events, or where there are none of the stand-in. What keeps a
 * stand-in from being made goes to `warnings`. */
int fits_solve(const struct trace *trace, const struct fit_options *options, struct fits *fits,
	       struct error_list *warnings, struct error *error);
void fits_clear(struct fits *fits);
/* The one that the command is about. */
struct fit *fits_main(const struct fits *fits);

#endif
