/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fit.h - weights from a trace: power = base + sum over events of weight * rate.
 *
 * Pure. Uncertainty, verdict and held-out errors are those of model.md 6.
 */
#ifndef VMENERGY_CALIBRATE_FIT_FIT_H
#define VMENERGY_CALIBRATE_FIT_FIT_H

#include "base/error.h"
#include "calibrate/fit/factor.h"
#include "model/trace.h"
#include "model/weights.h"

enum fit_frequency {
	FIT_FREQUENCY_POINTS, /* an operating point for each frequency of the trace */
	/* One set, dynamic power in proportion to voltage^2 (voltage_v); points where the trace has
	 * frequencies, a few of many, with the voltage that goes with them. */
	FIT_FREQUENCY_V2,
	FIT_FREQUENCY_IGNORE, /* one set for all, with a warning if they differ */
};

struct fit_options { /* zero: NNLS, points, not robust */
	enum fit_method method;
	enum fit_frequency frequency;
	/*
	 * Tukey's biweight on held-in residuals: meters that lie now and then. Residuals count in
	 * standard deviations that grow with the prediction as the rows show; rows count the less
	 * the more a meter errs there. Held-out fits keep the rows' weights, standard errors and
	 * replicates allow for that; errors are over the rows that have one. More than a twentieth
	 * of outliers, or a workload that loses most of its rows: errors are over all rows.
	 */
	bool robust;
};

/* Errors of predictions against the rows' power; percents are of the measured power, rows of
 * no power in none. NaN: nothing was held out (one workload); r2 of a power that never changes. */
struct fit_errors {
	double mape_percent; /* pooled over rows */
	double rmse;         /* W (J per row) */
	double r2;
};

struct fit_group {   /* of one workload, when the fit did not see it */
	size_t rows; /* that the fit used */
	double mape_percent;
	double bias_percent; /* sum of (predicted - measured) / sum of measured */
};

struct fit_weight {
	double joules; /* per event */
	/* Standard error, jackknife over whole workloads; NaN = unknown. At the zero bound: of the
	 * weight if there were no bound. */
	double se;
	double upper; /* at the zero bound: 95 % upper bound; else, or never counted, NaN */
	/* Variance inflation factor (of the columns, with a constant); inf = a copy of others,
	 * or it never changes. */
	double vif;
	double min_rate, max_rate; /* that the fit saw, per second (per row) */
	double share;              /* of the mean modelled power, base included */
	double *replicates;        /* replicate_count, owned; NULL = none; differences count */
};

struct fit_point {
	double frequency_hz; /* 0 = the only one, for any frequency */
	double voltage_v;    /* NaN = not stated */
	size_t rows;
	double base, base_se; /* W (J per row) */
	double *base_replicates;
	struct fit_weight *weights; /* event_count, owned */
};

struct fit {
	enum fit_method method;
	double ridge_lambda; /* that was chosen, by held-out error; NaN = no ridge */
	bool robust, has_groups, is_energy;
	size_t rows;       /* of the trace, those left aside included */
	size_t left_aside; /* rows that no point took in */
	size_t group_count;
	char **group_names;       /* owned copies */
	struct fit_group *groups; /* group_count */
	unsigned event_count;
	char (*event_names)[EVENT_NAME_BYTES];
	unsigned point_count; /* ascending frequency */
	struct fit_point *points;
	/* One for each group that has rows; 0 = fewer than five, more than
	 * WEIGHTS_REPLICATES_MAX, or several points whose groups differ. */
	unsigned replicate_count;
	size_t outliers;      /* rows that a robust fit gave no weight */
	bool counts_outliers; /* they are too many for lies: all errors below are over all rows */
	struct fit_errors in_sample, lowo;
	/* Held out, against the rows' power above the base; rows within 5 % of the base left out.
	 */
	double lowo_dynamic_mape_percent;
	double lowo_energy_error_percent; /* of the sum: signed, predicted - measured */
	double lowo_mean_group_mape_percent;
	size_t worst_group;
	double worst_mape_percent;
	/* Part of the range of predictions that a square in the residuals spans, or a square and
	 * a cube where they stand out more. */
	double curvature;
	enum verdict verdict;
	/* Why: collinear, curved, unexplained, too few workloads, mixed frequencies, ... */
	struct error_list warnings;
	/* Rows that no point took in are NaN in both, and not used. */
	double *predicted;       /* rows; the fit itself, W (J per row) */
	double *predicted_lowo;  /* rows; by the fit that did not see the row's workload */
	unsigned char *row_used; /* rows; 0 = an outlier to the robust fit, or left aside */
};

/*
 * 0 and *fit (owned by the caller), also when it is a poor one; -EINVAL with a
 * sentence: no rows, fewer rows than weights, more than 4096 workloads, mixed frequencies
 * that cannot be told apart into points, or v2 without voltage_v; -ENOMEM.
 */
int fit_solve(const struct trace *trace, const struct fit_options *options, struct fit **fit,
	      struct error *error);
void fit_free(struct fit *fit);

/* Are there weights below zero (OLS, ridge)? Such a fit only reports. */
bool fit_has_negative(const struct fit *fit);

const char *fit_method_name(enum fit_method method); /* "nnls" "ols" "ridge" */
int fit_method_parse(const char *word);              /* or -1 */

#endif
