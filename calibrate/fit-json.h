/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit-json.h - a fit as one JSON object on one line; what is missing is null. */
#ifndef VMENERGY_CALIBRATE_FIT_JSON_H
#define VMENERGY_CALIBRATE_FIT_JSON_H

#include "base/error.h"
#include "base/text.h"
#include "calibrate/fit-input.h"
#include "wire/build.h"

/* 0 or -errno with text; appended to `out`. */
int fit_json(const struct fit_input *input, const struct fits *fits, struct text *out,
	     struct error *error);
/* The same object where nothing could be fitted: weights null, the reason among the warnings. */
int fit_json_refused(const struct fit_input *input, const struct fit_options *options,
		     const char *reason, struct text *out, struct error *error);

/* Significant digits of numbers. */
enum { FIT_JSON_DIGITS = 10 };
void fit_json_append_texts(struct build *build, json_t *array, const struct error_list *list);
void fit_json_put_errors(struct build *build, json_t *object, const char *key,
			 const struct fit_errors *errors);

#endif
