/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/disk-runs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights-fields.h"

bool disk_scope_is_machine(const struct trace_about *about)
{
	return about->has_scope && about->scope != SCOPE_RAIL;
}

/* As many digits as the fit is good for. */
static double rounded(double value)
{
	char digits[40];

	if (!isfinite(value))
		return NAN;
	snprintf(digits, sizeof digits, "%.4g", value);
	return strtod(digits, NULL);
}

static struct disk_direction rounded_direction(const struct disk_direction *direction)
{
	return (struct disk_direction){ rounded(direction->overhead_s),
					rounded(direction->rate_bytes_s) };
}

static int fill_texts(const struct disk_weights *make, struct weights *weights)
{
	const struct trace_about *about = make->about;
	int result = text_replace(&weights->match.disk_model, make->model);

	if (asprintf(&weights->name, "%s%s", about->emulated ? "EMULATED: " : "",
		     make->name    ? make->name
		     : make->model ? make->model
				   : "a disk") < 0)
		weights->name = NULL;
	weights->path = strdup("");
	result = result ? result : text_replace(&weights->source, make->source);
	result = result ? result : text_replace(&weights->command, make->command);
	result = result ? result : text_replace(&weights->meter, about->meter);
	result = result ? result : text_replace(&weights->date, about->date);
	result = result ? result : text_replace(&weights->kernel, about->kernel);
	return weights->name && weights->path ? result : -ENOMEM;
}

static void fill_figures(const struct disk_weights *make, struct weights *weights)
{
	const struct disk_fit *fit = make->fit;
	const struct disk_constants *found = &fit->constants;
	bool is_sure = fit->verdict != VERDICT_POOR && !make->about->emulated;

	weights->kind = WEIGHTS_DISK;
	/* A supply of the disk's own is DC, as data sheets have it. */
	weights->scope = disk_scope_is_machine(make->about) ? make->about->scope : SCOPE_DC;
	weights->standing = is_sure ? STANDING_MODELLED : STANDING_ESTIMATE;
	weights->match.rotational = make->rotational;
	weights->disk = (struct disk_constants){
		.idle_w = rounded(found->idle_w),
		.active_w = fmax(rounded(found->active_w), rounded(found->idle_w)),
		.idle_se_w = rounded(found->idle_se_w),
		.active_se_w = rounded(found->active_se_w),
		.read = rounded_direction(&found->read),
		.write = rounded_direction(&found->write),
	};
	weights->rows = make->rows;
	weights->meter_lag_s = make->about->meter_lag_s;
	weights->meter_window_s = make->about->meter_window_s;
	weights->lowo_mape_percent = rounded(fit->lowo_mape_percent);
	weights->in_sample_mape_percent = rounded(fit->mape_percent);
	weights->verdict = fit->verdict;
}

int disk_weights_make(const struct disk_weights *make, struct weights **weights,
		      struct error *error)
{
	struct weights *made = malloc(sizeof *made);

	*weights = NULL;
	if (!made)
		return error_setf(error, ENOMEM, "out of memory");
	weights_set_defaults(made);
	fill_figures(make, made);
	if (fill_texts(make, made)) {
		weights_free(made);
		return error_setf(error, ENOMEM, "out of memory");
	}
	*weights = made;
	return 0;
}
