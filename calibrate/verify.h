/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.h - a weights file against a trace that it was not made from. */
#ifndef VMENERGY_CALIBRATE_VERIFY_H
#define VMENERGY_CALIBRATE_VERIFY_H

#include "base/error.h"
#include "calibrate/fit/fit.h"
#include "model/trace.h"
#include "model/weights.h"

struct verify_request {
	enum cpu_source source; /* CPUTIME: the price of time on a CPU; PERF: the weights */
	double disks_idle_w;    /* of the disks that were powered; NaN: as in the file's base */
	unsigned cpus;          /* for files per CPU; 0 = unknown */
};

struct verify_group {
	size_t rows;
	double mape_percent, bias_percent;
	double measured_w, predicted_w; /* means */
	double se_w;                    /* of predicted_w; NaN = unknown */
};

struct verification {
	struct fit_errors errors;
	double energy_error_percent; /* of the sum: predicted - measured */
	struct verify_group *groups; /* of the trace; owned */
	size_t group_count, worst_group;
	double worst_percent;
	/* Part of the workloads whose measured mean lies within two standard errors of the
	 * predicted one; NaN where the file does not say its errors. */
	double coverage;
	size_t extrapolated;        /* rows outside the calibrated frequencies */
	enum verdict verdict;       /* by the limits of model.md 6, as a fit is judged */
	struct error_list warnings; /* what else speaks against the weights */
};

/* 0; -ENOENT: the file cannot price what the trace counts; -EINVAL: no watts; -ENOMEM; with text.
 */
int verify(const struct weights *weights, const struct trace *trace,
	   const struct verify_request *request, struct verification *verification,
	   struct error *error);
void verification_clear(struct verification *verification);

#endif
