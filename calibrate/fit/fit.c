/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/fit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/fit-internal.h"

/* Each workload is held out once and has triangles of its own. */
enum { GROUPS_MAX = 4096 };

static const char *const method_names[] = {
	[FIT_NNLS] = "nnls",
	[FIT_OLS] = "ols",
	[FIT_RIDGE] = "ridge",
};
enum { METHOD_COUNT = sizeof method_names / sizeof *method_names };

const char *fit_method_name(enum fit_method method)
{
	return method_names[method];
}

int fit_method_parse(const char *word)
{
	for (int i = 0; i < METHOD_COUNT; i++)
		if (strcmp(word, method_names[i]) == 0)
			return i;
	return -1;
}

bool fit_has_negative(const struct fit *fit)
{
	for (unsigned p = 0; p < fit->point_count; p++) {
		if (fit->points[p].base < 0)
			return true;
		for (unsigned e = 0; e < fit->event_count; e++)
			if (fit->points[p].weights[e].joules < 0)
				return true;
	}
	return false;
}

static int check(const struct trace *trace, struct error *error)
{
	size_t weights = trace->event_count + 1;

	if (trace->row_count == 0 || trace->group_count == 0)
		return error_setf(error, EINVAL, "there are no rows");
	if (trace->row_count < weights)
		return error_setf(error, EINVAL, "rows: %zu, fewer than the %zu weights to find",
				  trace->row_count, weights);
	if (trace->group_count > GROUPS_MAX)
		return error_setf(error, EINVAL,
				  "%zu workloads in %zu rows: at most %d can be held out; is it the"
				  " right column?",
				  trace->group_count, trace->row_count, GROUPS_MAX);
	return 0;
}

static int copy_names(struct fit *fit, const struct trace *trace)
{
	memcpy(fit->event_names, trace->event_names, trace->event_count * sizeof *fit->event_names);
	for (size_t g = 0; g < trace->group_count; g++) {
		fit->group_names[g] = strdup(trace->group_names[g]);
		if (!fit->group_names[g])
			return -ENOMEM;
	}
	return 0;
}

static struct fit *fit_new(const struct trace *trace, const struct fit_options *options)
{
	struct fit *fit = calloc(1, sizeof *fit);

	if (!fit)
		return NULL;
	*fit = (struct fit){
		.method = options->method,
		.ridge_lambda = NAN,
		.robust = options->robust,
		.has_groups = trace->has_groups,
		.is_energy = trace->is_energy,
		.rows = trace->row_count,
		.group_count = trace->group_count,
		.group_names = calloc(trace->group_count, sizeof *fit->group_names),
		.groups = calloc(trace->group_count, sizeof *fit->groups),
		.event_count = trace->event_count,
		.event_names = calloc(trace->event_count + 1, sizeof *fit->event_names),
		.predicted = calloc(trace->row_count, sizeof *fit->predicted),
		.predicted_lowo = calloc(trace->row_count, sizeof *fit->predicted_lowo),
		.row_used = calloc(trace->row_count, sizeof *fit->row_used),
	};
	if (!fit->group_names || !fit->groups || !fit->event_names || !fit->predicted ||
	    !fit->predicted_lowo || !fit->row_used || copy_names(fit, trace)) {
		fit_free(fit);
		return NULL;
	}
	return fit;
}

void fit_free(struct fit *fit)
{
	if (!fit)
		return;
	for (unsigned p = 0; p < fit->point_count; p++) {
		for (unsigned e = 0; fit->points[p].weights && e < fit->event_count; e++)
			free(fit->points[p].weights[e].replicates);
		free(fit->points[p].weights);
		free(fit->points[p].base_replicates);
	}
	for (size_t g = 0; fit->group_names && g < fit->group_count; g++)
		free(fit->group_names[g]);
	free(fit->points);
	free(fit->group_names);
	free(fit->groups);
	free(fit->event_names);
	free(fit->predicted);
	free(fit->predicted_lowo);
	free(fit->row_used);
	error_list_clear(&fit->warnings);
	free(fit);
}

static int make(struct work *work)
{
	static int (*const steps[])(struct work *) = {
		parts_hold_out,  outliers_find,    errors_find,
		fit_points_fill, uncertainty_find, verdict_find,
	};
	int result = parts_make(work);

	for (size_t row = 0; row < work->fit->rows; row++) {
		work->fit->row_used[row] = work_part(work, row) != NULL;
		work->fit->left_aside += !work->fit->row_used[row];
	}
	if (result == 0)
		result = work->options->robust ? robust_solve(work) : parts_solve(work);
	for (size_t i = 0; result == 0 && i < sizeof steps / sizeof *steps; i++)
		result = steps[i](work);
	return result;
}

int fit_solve(const struct trace *trace, const struct fit_options *options, struct fit **fit,
	      struct error *error)
{
	struct work *work;
	int result = check(trace, error);

	*fit = NULL;
	if (result)
		return result;
	work = calloc(1, sizeof *work);
	if (!work)
		return -ENOMEM;
	work->trace = trace;
	work->options = options;
	work->influence = 1;
	work->fit = fit_new(trace, options);
	result = work->fit ? points_find(&work->points, trace, options->frequency,
					 &work->fit->warnings, error)
			   : -ENOMEM;
	if (result == 0)
		result = make(work);
	if (result == 0)
		*fit = work->fit;
	else
		fit_free(work->fit);
	parts_clear(work);
	points_clear(&work->points);
	free(work->row_weights);
	free(work);
	return result;
}
