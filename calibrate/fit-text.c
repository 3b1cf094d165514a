/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit-text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/weights-make.h"

enum { LINE_COLUMNS = 80, NAME_COLUMNS = 26 };

/* --- parts ----------------------------------------------------------------------------------- */

void fit_text_number(struct text *out, int width, double value, int digits)
{
	if (isnan(value))
		text_addf(out, " %*s", width - 1, "-");
	else if (isinf(value))
		text_addf(out, " %*s", width - 1, "inf");
	else
		text_addf(out, " %*.*g", width - 1, digits, value);
}

/* The same with a fixed number of decimals. */
static void add_fixed(struct text *out, int width, double value, const char *unit)
{
	if (isfinite(value))
		text_addf(out, " %*.2f%s", width - 1 - (int)strlen(unit), value, unit);
	else
		text_addf(out, " %*s", width - 1, "-");
}

/* Columns that the first `length` bytes of UTF-8 take, one for each character. */
static int count_columns(const char *text, size_t length)
{
	int columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

void fit_text_name(struct text *out, int width, const char *name)
{
	char printable[256];
	size_t length;

	text_printable(name, printable, sizeof printable);
	length = strlen(printable);
	if (count_columns(printable, length) > width) {
		while (length > 0 && (count_columns(printable, length) > width - 1 ||
				      ((unsigned char)printable[length] & 0xc0) == 0x80))
			length--;
		strcpy(printable + length, "~");
		length++;
	}
	text_addf(out, "%s%*s", printable, width - count_columns(printable, length), "");
}

void fit_text_note(struct text *out, const char *sentence)
{
	int column = 1;

	text_add(out, "*");
	while (*(sentence += strspn(sentence, " "))) {
		size_t length = strcspn(sentence, " ");
		int columns = count_columns(sentence, length);

		if (column > 2 && column + 1 + columns > LINE_COLUMNS) {
			text_add(out, "\n ");
			column = 1;
		}
		text_add(out, " ");
		text_add_bytes(out, sentence, length);
		column += 1 + columns;
		sentence += length;
	}
	text_add(out, "\n");
}

void fit_text_notes(struct text *out, const struct error_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t size = strlen(list->texts[i]) + 1;
		char *printable = malloc(size);

		fit_text_note(out, printable ? text_printable(list->texts[i], printable, size)
					     : "out of memory");
		free(printable);
	}
}

/* --- tables ---------------------------------------------------------------------------------- */

static const char *power_unit(const struct fit *fit)
{
	return fit->is_energy ? "J" : "W";
}

static void add_head(struct text *out, const struct fit_input *input, const struct fit *fit)
{
	const struct trace *trace = input->trace;

	text_addf(out, "%s: %zu rows, %zu %s, %u event%s, %s%s\n", input->path,
		  trace->row_count - fit->left_aside, trace->group_count,
		  trace->has_groups ? "workloads" : "blocks of rows", fit->event_count,
		  fit->event_count == 1 ? "" : "s", fit_method_name(fit->method),
		  fit->robust ? ", robust" : "");
	if (input->about.emulated)
		text_add(out, "EMULATED: no physical meter has seen this\n");
}

static void add_point(struct text *out, const struct fit *fit, const struct fit_point *point)
{
	text_add(out, "\n");
	if (point->frequency_hz > 0)
		text_addf(out, "at %.4g GHz (%zu rows)\n", point->frequency_hz * 1e-9, point->rows);
	text_addf(out, "%-*s %11s %9s %7s %6s  %s\n", NAME_COLUMNS - 1, "EVENT", "nJ", "+-",
		  "SHARE", "VIF", fit->is_energy ? "PER ROW" : "PER SECOND");
	fit_text_name(out, NAME_COLUMNS - 1, fit->is_energy ? "(base, J)" : "(base, W)");
	fit_text_number(out, 12, point->base, 5);
	fit_text_number(out, 10, point->base_se, 2);
	text_add(out, "\n");
	for (unsigned i = 0; i < fit->event_count; i++) {
		const struct fit_weight *weight = &point->weights[i];

		fit_text_name(out, NAME_COLUMNS - 1, fit->event_names[i]);
		fit_text_number(out, 12, weight->joules * 1e9, 5);
		fit_text_number(out, 10, weight->se * 1e9, 2);
		text_addf(out, " %6.1f%%", weight->share * 100);
		fit_text_number(out, 7, weight->vif, 3);
		text_addf(out, "  %.2g..%.2g\n", weight->min_rate, weight->max_rate);
	}
}

static void add_errors_row(struct text *out, const char *name, const struct fit_errors *errors)
{
	text_addf(out, "%-20s", name);
	add_fixed(out, 9, errors->mape_percent, "%");
	fit_text_number(out, 12, errors->rmse, 4);
	fit_text_number(out, 9, errors->r2, 4);
	text_add(out, "\n");
}

static void add_errors(struct text *out, const struct fit *fit)
{
	text_addf(out, "\n%-20s %8s %9s %s %8s\n", "ERROR", "MAPE", "RMSE", power_unit(fit), "R2");
	add_errors_row(out, "in sample", &fit->in_sample);
	add_errors_row(out, "workload held out", &fit->lowo);
	text_addf(out, "%-20s", "  of dynamic power");
	add_fixed(out, 9, fit->lowo_dynamic_mape_percent, "%");
	text_addf(out, "\n%-20s", "  of the sum");
	add_fixed(out, 9, fit->lowo_energy_error_percent, "%");
	text_addf(out, "\n%-20s", "  worst workload");
	add_fixed(out, 9, fit->worst_mape_percent, "%");
	text_add(out, "\n");
}

static int compare_groups(const void *a, const void *b, void *context)
{
	const struct fit *fit = context;
	size_t first = *(const size_t *)a, second = *(const size_t *)b;
	double left = fit->groups[first].mape_percent, right = fit->groups[second].mape_percent;

	if (left != right && !isnan(left) && !isnan(right))
		return left < right ? 1 : -1;
	return (first > second) - (first < second);
}

/* The worst first. */
static void add_workloads(struct text *out, const struct fit *fit)
{
	size_t *order = calloc(fit->group_count ? fit->group_count : 1, sizeof *order);
	struct fit view = *fit;

	if (!order) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < fit->group_count; i++)
		order[i] = i;
	qsort_r(order, fit->group_count, sizeof *order, compare_groups, &view);
	text_addf(out, "\n%-*s %8s %8s %9s\n", NAME_COLUMNS + 10, "HELD OUT", "ROWS", "MAPE",
		  "BIAS");
	for (size_t i = 0; i < fit->group_count; i++) {
		const struct fit_group *group = &fit->groups[order[i]];

		fit_text_name(out, NAME_COLUMNS + 10, fit->group_names[order[i]]);
		text_addf(out, " %8zu", group->rows);
		add_fixed(out, 9, group->mape_percent, "%");
		add_fixed(out, 10, group->bias_percent, "%");
		text_add(out, "\n");
	}
	free(order);
}

/* The file has one base, that of the events: with it the price of time is another. */
static void add_written(struct text *out, double written_w, double fitted_w)
{
	char written[32], fitted[32];

	snprintf(written, sizeof written, "%.4g", written_w);
	snprintf(fitted, sizeof fitted, "%.4g", fitted_w);
	if (isfinite(written_w) && strcmp(written, fitted) != 0)
		text_addf(out, "\n  %s W in a weights file, whose base is that of the events",
			  written);
}

static void add_stand_in(struct text *out, const struct fits *fits)
{
	const struct fit *fit = fits->on_cpu;
	const struct fit_point *point = &fit->points[fit->point_count - 1];

	text_addf(out, "\nTime on CPUs, where events cannot be counted: %.4g W per busy CPU",
		  point->weights[0].joules * 1e9);
	if (isfinite(point->weights[0].se))
		text_addf(out, " +-%.2g", point->weights[0].se * 1e9);
	add_written(out, weights_make_on_cpu_w(fits->events, fit), point->weights[0].joules * 1e9);
	text_addf(out, "\n  held out %.2f%%, %s\n", fit->lowo.mape_percent,
		  verdict_name(fit->verdict));
}

void fit_text(const struct fit_input *input, const struct fits *fits, struct text *out)
{
	const struct fit *fit = fits_main(fits);

	add_head(out, input, fit);
	for (unsigned i = 0; i < fit->point_count; i++)
		add_point(out, fit, &fit->points[i]);
	add_errors(out, fit);
	add_workloads(out, fit);
	if (fits->events && fits->on_cpu)
		add_stand_in(out, fits);
	text_addf(out, "\nVerdict: %s\n", verdict_name(fit->verdict));
	fit_text_notes(out, &fit->warnings);
	fit_text_notes(out, &input->warnings);
}
