/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/weights-make.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "calibrate/command.h"
#include "model/thermal.h"
#include "model/weights-fields.h"
#include "probe/perf-events.h"

/* More digits than any fit has, and few enough to be read. */
enum { VALUE_DIGITS = 7, ERROR_DIGITS = 3, MEASURED_DIGITS = 4 };

static const struct fit *main_fit(const struct weights_make *make)
{
	return make->events ? make->events : make->on_cpu;
}

static bool is_emulated(const struct weights_make *make)
{
	return make->about && make->about->emulated;
}

static double rounded(double value, int digits)
{
	char text[NUMBER_TEXT_BYTES];
	double back;

	if (!isfinite(value))
		return NAN;
	snprintf(text, sizeof text, "%.*e", digits - 1, value);
	return number_parse_double(text, &back) ? value : back + 0.0;
}

/* --- which events? -----------------------------------------------------------------------------
 */

static bool has_weight(const struct fit *fit, unsigned event)
{
	for (unsigned p = 0; p < fit->point_count; p++)
		if (fit->points[p].weights[event].joules != 0)
			return true;
	return false;
}

/*
 * An event that costs nothing in any point would take a counter for nothing. Where none costs
 * anything and time has no price either, the first one stays: no file is without a price.
 */
static bool is_kept(const struct weights_make *make, unsigned event)
{
	const struct fit *fit = make->events;

	if (has_weight(fit, event))
		return true;
	for (unsigned i = 0; i < fit->event_count; i++)
		if (i != event && (i < event || has_weight(fit, i)))
			return false;
	return !make->on_cpu;
}

static unsigned count_kept(const struct weights_make *make)
{
	unsigned count = 0;

	for (unsigned i = 0; make->events && i < make->events->event_count; i++)
		count += is_kept(make, i);
	return count;
}

static void note_left_out(const struct weights_make *make, struct error_list *notes)
{
	const struct fit *fit = make->events;
	struct text list = { 0 };

	for (unsigned i = 0; i < fit->event_count; i++)
		if (!is_kept(make, i))
			text_addf(&list, "%s%s", list.length ? ", " : "", fit->event_names[i]);
	if (list.length)
		error_list_addf(notes,
				"left out, as a weight of zero would take a counter for nothing%s:"
				" %s",
				fit->replicate_count ? " (and its replicates with it)" : "",
				list.bytes);
	text_free(&list);
}

/* --- may it be written? ---------------------------------------------------------------------- */

static int check_fit(const struct weights_make *make, struct error *error)
{
	const struct fit *fit = main_fit(make);

	if (fit->is_energy)
		return error_setf(error, EINVAL,
				  "joules per row give no watts: a weights file needs a column "
				  "interval_s, or --interval");
	if (fit_has_negative(fit))
		return error_setf(error, EINVAL,
				  "%s gave a weight below zero, which no weights file holds: "
				  "--method nnls never does",
				  fit_method_name(fit->method));
	if (count_kept(make) > WEIGHTS_EVENTS_MAX)
		return error_setf(
			error, EINVAL,
			"%u events: a weights file holds at most %d; choose with --events",
			count_kept(make), WEIGHTS_EVENTS_MAX);
	if (fit->point_count > WEIGHTS_POINTS_MAX)
		return error_setf(error, EINVAL, "%u frequencies: a weights file holds at most %d",
				  fit->point_count, WEIGHTS_POINTS_MAX);
	return 0;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* A vector of the fit in the file's unit; NULL where there is none, or no memory. */
static double *scale_replicates(const double *replicates, unsigned count, double scale)
{
	double *scaled = replicates && count ? calloc(count, sizeof *scaled) : NULL;

	for (unsigned i = 0; scaled && i < count; i++)
		scaled[i] = rounded(replicates[i] * scale, VALUE_DIGITS);
	return scaled;
}

static bool are_positive(const double *replicates, unsigned count)
{
	for (unsigned i = 0; replicates && i < count; i++)
		if (!(replicates[i] >= 0))
			return false;
	return replicates != NULL;
}

/* How many replicates each vector of the file has; 0 = none are written. */
static unsigned usable_replicates(const struct fit *fit, struct error_list *notes)
{
	unsigned count = fit->replicate_count;
	bool usable = count > 0;

	if (count > WEIGHTS_REPLICATES_MAX) {
		error_list_addf(notes, "%u replicates are not written: a file holds at most %d",
				count, WEIGHTS_REPLICATES_MAX);
		return 0;
	}
	for (unsigned p = 0; usable && p < fit->point_count; p++) {
		const struct fit_point *point = &fit->points[p];

		usable = are_positive(point->base_replicates, count);
		for (unsigned i = 0; usable && i < fit->event_count; i++)
			usable = are_positive(point->weights[i].replicates, count);
	}
	if (count && !usable)
		error_list_addf(notes, "replicates are not written: some are below zero");
	return usable ? count : 0;
}

static int fill_weight(const struct fit_weight *from, const char *event, unsigned replicates,
		       double scale, struct weight *weight)
{
	strcpy(weight->event, event);
	weight->nj = rounded(from->joules * 1e9 * scale, VALUE_DIGITS);
	weight->se_nj = rounded(from->se * 1e9 * scale, ERROR_DIGITS);
	weight->replicates_nj = scale_replicates(from->replicates, replicates, 1e9 * scale);
	return replicates && !weight->replicates_nj ? -ENOMEM : 0;
}

/*
 * The stand-in was fitted with a base of its own, and the file has one base,
 * that of the events: what it is multiplied with, so that the mean power of the calibration stays
 * what it was. (base' + w' x = base + w x, with w x = base share / (1 - share).)
 */
static double stand_in_scale(const struct fit_point *events, const struct fit_point *time)
{
	double share = time->weights[0].share;
	double active_w = time->base * share / (1 - share);
	double scale = 1 + (time->base - events->base) / active_w;

	return isfinite(scale) && active_w > 0 && scale > 0 ? scale : NAN;
}

double weights_make_on_cpu_w(const struct fit *events, const struct fit *on_cpu)
{
	unsigned last = on_cpu->point_count - 1;

	if (events->point_count != on_cpu->point_count)
		return NAN;
	return on_cpu->points[last].weights[0].joules * 1e9 *
	       stand_in_scale(&events->points[last], &on_cpu->points[last]);
}

static int fill_on_cpu(const struct weights_make *make, unsigned index, unsigned replicates,
		       struct operating_point *point)
{
	const struct fit *fit = make->on_cpu;
	double scale = 1;
	bool has_replicates = fit->replicate_count == replicates &&
			      are_positive(fit->points[index].weights[0].replicates, replicates);

	if (make->events)
		scale = stand_in_scale(&make->events->points[index], &fit->points[index]);
	return fill_weight(&fit->points[index].weights[0], CPUTIME_EVENT,
			   has_replicates ? replicates : 0, scale, &point->on_cpu);
}

/* Can the stand-in go beside the events? In all points or in none. */
static bool fits_beside(const struct weights_make *make, struct error_list *notes)
{
	bool fits = make->events && make->on_cpu && !fit_has_negative(make->on_cpu) &&
		    make->on_cpu->point_count == make->events->point_count;

	if (!make->events || !make->on_cpu)
		return make->on_cpu != NULL;
	for (unsigned i = 0; fits && i < make->events->point_count; i++)
		fits = make->on_cpu->points[i].frequency_hz ==
			       make->events->points[i].frequency_hz &&
		       !isnan(stand_in_scale(&make->events->points[i], &make->on_cpu->points[i]));
	if (!fits)
		error_list_addf(notes, "no price for time on a CPU is written: what was fitted "
				       "does not go with the base of the events");
	return fits;
}

static int fill_point(const struct weights_make *make, unsigned index, struct weights *weights)
{
	const struct fit_point *from = &main_fit(make)->points[index];
	struct operating_point *point = &weights->points[index];
	unsigned replicates = weights->replicate_count;
	int result = 0;

	point->frequency_hz = rounded(from->frequency_hz, 5); /* clocks jitter */
	point->voltage_v = rounded(from->voltage_v, MEASURED_DIGITS);
	point->base_w = rounded(from->base, VALUE_DIGITS);
	point->base_se_w = rounded(from->base_se, ERROR_DIGITS);
	point->base_replicates_w = scale_replicates(from->base_replicates, replicates, 1);
	if (replicates && !point->base_replicates_w)
		return -ENOMEM;
	for (unsigned i = 0; make->events && i < make->events->event_count && !result; i++)
		if (is_kept(make, i))
			result = fill_weight(&from->weights[i], make->events->event_names[i],
					     replicates, 1, &point->weights[point->weight_count++]);
	return result;
}

static void note_many_events(const struct weights_make *make, struct error_list *notes)
{
	if (count_kept(make) > PERF_EVENTS_MAX)
		error_list_addf(
			notes,
			"%u events: vmetop counts %d at once at most, and a file is of use only "
			"where all of its events are counted; --events names fewer",
			count_kept(make), PERF_EVENTS_MAX);
}

static int fill_points(const struct weights_make *make, struct weights *weights,
		       struct error_list *notes)
{
	const struct fit *fit = main_fit(make);
	bool has_on_cpu = fits_beside(make, notes);
	int result = 0;

	if (make->events) {
		note_left_out(make, notes);
		note_many_events(make, notes);
	}
	weights->replicate_count = usable_replicates(fit, notes);
	weights->points = calloc(fit->point_count, sizeof *weights->points);
	if (!weights->points)
		return -ENOMEM;
	for (unsigned i = 0; i < fit->point_count && !result; i++) {
		point_set_defaults(&weights->points[i]);
		weights->point_count++;
		result = fill_point(make, i, weights);
		if (!result && has_on_cpu)
			result =
				fill_on_cpu(make, i, weights->replicate_count, &weights->points[i]);
	}
	return result;
}

/* --- words ----------------------------------------------------------------------------------- */

/* The model name as whole words, wherever a kernel has blanks around it. */
static char *make_pattern(const char *model_name)
{
	char *pattern = NULL;

	model_name += strspn(model_name, " ");
	return asprintf(&pattern, "* %s *", model_name) < 0 ? NULL : pattern;
}

static char *make_name(const struct weights_make *make, const struct weights *weights)
{
	const char *model = make->about && make->about->has_cpu ? make->about->cpu.model_name : "";
	const char *mark = is_emulated(make) ? "EMULATED: " : "";
	char *name = NULL;
	int length;

	if (make->name)
		length = asprintf(&name, "%s%s", mark, make->name);
	else
		length = asprintf(&name, "%s%s, %u chip%s", mark, *model ? model : "unknown CPU",
				  weights->chips, weights->chips == 1 ? "" : "s");
	return length < 0 ? NULL : name;
}

static int fill_machine(const struct weights_make *make, struct weights *weights,
			struct error *error)
{
	static const struct cpu_identity unknown;
	const struct trace_about *about = make->about;
	const struct cpu_identity *cpu = about && about->has_cpu ? &about->cpu : &unknown;

	weights->cpus = make->cpus ? make->cpus : cpu->cpus;
	weights->chips = make->chips ? make->chips : cpu->chips;
	weights->tsc_hz = (double)cpu->tsc_hz;
	if (!weights->cpus || !weights->chips)
		return error_setf(error, EINVAL,
				  "how many CPUs and chips the machine has is not known: --cpus N "
				  "--chips N, --machine here, or a FILE.about");
	if (make->assumed)
		return about ? text_replace(&weights->match.pmu, about->pmu) : 0;
	if (cpu->vendor && *cpu->vendor && text_replace(&weights->match.vendor, cpu->vendor))
		return -ENOMEM;
	if (cpu->model_name && *cpu->model_name) {
		weights->match.model_name = make_pattern(cpu->model_name);
		if (!weights->match.model_name)
			return -ENOMEM;
	}
	if (cpu->family) {
		weights->match.family = (int)cpu->family;
		weights->match.model = (int)cpu->model;
	}
	if (cpu->vendor && *cpu->vendor)
		weights->match.chips = (int)weights->chips;
	return about ? text_replace(&weights->match.pmu, about->pmu) : 0;
}

static int fill_scope(const struct weights_make *make, struct weights *weights, struct error *error)
{
	bool is_known = make->has_scope || (make->about && make->about->has_scope);

	if (!is_known)
		return error_setf(error, EINVAL,
				  "where the power was measured is not known: --scope wall, dc, "
				  "package, package+dram or rail, or a FILE.about");
	weights->scope = make->has_scope ? make->scope : make->about->scope;
	return 0;
}

static int fill_provenance(const struct weights_make *make, struct weights *weights)
{
	const struct trace_about *about = make->about;
	int result = text_replace(&weights->source, make->source);

	result = result ? result : text_replace(&weights->command, make->command);
	weights->rows = main_fit(make)->rows - main_fit(make)->left_aside;
	if (!about)
		return result;
	result = result ? result : text_replace(&weights->meter, about->meter);
	result = result ? result : text_replace(&weights->date, about->date);
	result = result ? result : text_replace(&weights->kernel, about->kernel);
	weights->meter_lag_s = rounded(about->meter_lag_s, MEASURED_DIGITS);
	weights->meter_window_s = rounded(about->meter_window_s, MEASURED_DIGITS);
	if (about->disks_idle_w > 0) {
		weights->disks_idle_w = about->disks_idle_w;
		result = result ? result : text_replace(&weights->disks_note, about->disks_note);
	}
	return result;
}

static void fill_validation(const struct weights_make *make, struct weights *weights)
{
	const struct fit *fit = main_fit(make);
	bool is_estimate = is_emulated(make) || make->assumed || fit->verdict == VERDICT_POOR;

	weights->lowo_mape_percent = rounded(fit->lowo.mape_percent, 4);
	weights->lowo_worst_percent = rounded(fit->worst_mape_percent, 4);
	weights->in_sample_mape_percent = rounded(fit->in_sample.mape_percent, 4);
	weights->energy_error_percent = rounded(fabs(fit->lowo_energy_error_percent), 4);
	weights->verdict = fit->verdict;
	weights->standing = is_estimate ? STANDING_ESTIMATE : STANDING_MODELLED;
	if (make->thermal) {
		weights->thermal_c1 = make->thermal->c1;
		weights->thermal_c2 = make->thermal->c2;
		weights->thermal_t0_c = make->thermal->t0_c;
	}
}

static int fill(const struct weights_make *make, struct weights *weights, struct error_list *notes,
		struct error *error)
{
	int result = fill_machine(make, weights, error);

	result = result ? result : fill_scope(make, weights, error);
	result = result ? result : fill_points(make, weights, notes);
	result = result ? result : fill_provenance(make, weights);
	if (result)
		return result;
	fill_validation(make, weights);
	weights->path = strdup("");
	weights->name = make_name(make, weights);
	return weights->path && weights->name ? 0 : -ENOMEM;
}

int weights_make(const struct weights_make *make, struct weights **weights,
		 struct error_list *notes, struct error *error)
{
	struct weights *made;
	int result = check_fit(make, error);

	*weights = NULL;
	if (result)
		return result;
	made = malloc(sizeof *made);
	if (!made)
		return error_setf(error, ENOMEM, "out of memory");
	weights_set_defaults(made);
	made->kind = WEIGHTS_CPU;
	result = fill(make, made, notes, error);
	if (result) {
		weights_free(made);
		return result == -ENOMEM ? error_setf(error, ENOMEM, "out of memory") : result;
	}
	*weights = made;
	return 0;
}

/* --- the text -------------------------------------------------------------------------------- */

int weights_make_text(const struct weights *weights, struct text *out, struct error *error)
{
	struct error_list errors = { 0 };
	struct text again = { 0 };
	struct weights *back = NULL;
	int result;

	weights_print(weights, out);
	if (out->failed)
		return error_setf(error, ENOMEM, "out of memory");
	result = weights_parse("weights", out->bytes, out->length, &back, &errors);
	if (result) {
		error_setf(error, -result, "no weights file can say this: %s",
			   errors.count ? errors.texts[0] : "out of memory");
	} else {
		weights_print(back, &again);
		if (again.failed || strcmp(again.bytes, out->bytes) != 0)
			result = error_setf(error, EINVAL,
					    "the weights do not read back as they "
					    "were written");
	}
	weights_free(back);
	text_free(&again);
	error_list_clear(&errors);
	return result;
}

int weights_write(const struct weights_make *make, const char *path, struct error *error)
{
	struct error_list notes = { 0 };
	struct weights *weights = NULL;
	struct text text = { 0 };
	int result = weights_make(make, &weights, &notes, error);

	if (!result)
		result = weights_make_text(weights, &text, error);
	if (result)
		error_prefixf(error, result, "%s: not written", path);
	else
		result = command_write_file(path, &text, error);
	command_print_list(&notes, "note");
	error_list_clear(&notes);
	weights_free(weights);
	text_free(&text);
	return result;
}
