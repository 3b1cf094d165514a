/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is to be said of single weights: never counted, constant, at the bound, negative.
 */
#include <math.h>

#include "base/text.h"
#include "calibrate/fit/fit-internal.h"

/* Rates that differ by less than this part do not change. */
#define STILL 1e-9

static bool still(const struct fit_weight *weight)
{
	return !(weight->max_rate - weight->min_rate >
		 STILL * fmax(fabs(weight->max_rate), fabs(weight->min_rate)));
}

/* Did the event change in any point? */
static bool moved(const struct fit *fit, unsigned event)
{
	for (unsigned p = 0; p < fit->point_count; p++)
		if (!still(&fit->points[p].weights[event]))
			return true;
	return false;
}

static void warn_still(struct fit *fit, unsigned event)
{
	double rate = 0;

	for (unsigned p = 0; p < fit->point_count; p++)
		rate = fmax(rate, fabs(fit->points[p].weights[event].max_rate));
	if (rate > 0)
		error_list_addf(&fit->warnings,
				"%s never changes: what it costs is part of the base",
				fit->event_names[event]);
	else
		error_list_addf(&fit->warnings, "%s was never counted: its weight is unknown",
				fit->event_names[event]);
}

/* "at 1200 MHz: " where there are several points. */
static void say_point(const struct fit *fit, const struct fit_point *point, struct text *text)
{
	if (fit->point_count > 1)
		text_addf(text, "at %.0f MHz: ", point->frequency_hz * 1e-6);
}

static void list_zero(const struct fit *fit, const struct fit_point *point, struct text *text)
{
	const char *between = "";

	for (unsigned e = 0; e < fit->event_count; e++) {
		const struct fit_weight *weight = &point->weights[e];

		if (weight->joules != 0 || still(weight))
			continue;
		text_addf(text, "%s%s", between, fit->event_names[e]);
		if (!isnan(weight->upper))
			text_addf(text, " (up to %.3g nJ)", weight->upper * 1e9);
		between = ", ";
	}
}

static void warn_zero(struct fit *fit, const struct fit_point *point)
{
	struct text start = { 0 }, list = { 0 };

	say_point(fit, point, &start);
	list_zero(fit, point, &list);
	if (list.length > 0)
		error_list_addf(&fit->warnings, "%sweights at the zero bound: %s",
				start.bytes ? start.bytes : "", list.bytes);
	if (point->base == 0)
		error_list_addf(
			&fit->warnings,
			"%sthe base is zero: a machine that does nothing would take no power",
			start.bytes ? start.bytes : "");
	text_free(&start);
	text_free(&list);
}

static void warn_negative(struct fit *fit)
{
	struct text list = { 0 };
	const char *between = "";
	bool base = false;

	for (unsigned p = 0; p < fit->point_count; p++)
		base = base || fit->points[p].base < 0;
	if (base) {
		text_add(&list, "base");
		between = ", ";
	}
	for (unsigned e = 0; e < fit->event_count; e++) {
		bool negative = false;

		for (unsigned p = 0; p < fit->point_count; p++)
			negative = negative || fit->points[p].weights[e].joules < 0;
		if (!negative)
			continue;
		text_addf(&list, "%s%s", between, fit->event_names[e]);
		between = ", ";
	}
	if (list.length > 0)
		error_list_addf(&fit->warnings, "negative weights, so that %s only reports: %s",
				fit_method_name(fit->method), list.bytes);
	text_free(&list);
}

void verdict_warn_weights(const struct work *work)
{
	struct fit *fit = work->fit;

	for (unsigned e = 0; e < fit->event_count; e++)
		if (!moved(fit, e))
			warn_still(fit, e);
	for (unsigned p = 0; p < fit->point_count && fit->method == FIT_NNLS; p++)
		warn_zero(fit, &fit->points[p]);
	warn_negative(fit);
}
