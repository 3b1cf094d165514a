/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/report/report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "calibrate/report/gnuplot.h"
#include "calibrate/report/html.h"
#include "calibrate/report/picture.h"

static const char style[] =
	"body{font:16px/1.5 sans-serif;max-width:62rem;margin:0 auto;padding:1rem 1.5rem;"
	"color:#1a1a1a;background:#fff}\n"
	"h1{line-height:1.2}h2{margin-top:2.2em;border-bottom:1px solid #ccc}\n"
	"table{border-collapse:collapse;margin:1em 0}\n"
	"td,th{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:left;"
	"vertical-align:top}\n"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
	"img{max-width:100%;height:auto}figure{margin:1.5em 0}figcaption{color:#444}\n"
	".verdict{padding:.6em 1em;border-left:.5em solid}\n"
	".good{border-color:#009e73;background:#e8f6f1}\n"
	".usable{border-color:#e69f00;background:#fdf5e3}\n"
	".poor,.emulated{border-color:#d55e00;background:#fbece4}\n"
	".emulated{padding:.6em 1em;border-left:.5em solid #d55e00}\n";

/* --- small parts --------------------------------------------------------------------------- */

/* A line of a table of two columns; nothing where nothing is known. */
static void put_fact(struct text *html, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	text_add(html, "<tr>");
	html_element(html, "th scope=\"row\"", name);
	html_element(html, "td", value);
	text_add(html, "</tr>\n");
}

/* Nothing where the figure is NaN. */
#define PUT_NUMBER(html, name, format, value)                                                      \
	put_number(html, name, isnan((double)(value)), format, (double)(value))

static void put_number(struct text *html, const char *name, bool is_unknown, const char *format,
		       ...) __attribute__((format(printf, 4, 5)));
static void put_number(struct text *html, const char *name, bool is_unknown, const char *format,
		       ...)
{
	char text[64];
	va_list arguments;

	if (is_unknown)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put_fact(html, name, text);
}

static void put_quantity(struct text *html, const char *name, enum quantity quantity, double value)
{
	char text[64];

	if (!isnan(value))
		put_fact(html, name, unit_format(quantity, value, text, sizeof text));
}

/* To four digits: a reader's figure, not the file's. */
static const char *energy(double joules, char text[64])
{
	char digits[32];
	double rounded = joules;

	snprintf(digits, sizeof digits, "%.3e", joules);
	sscanf(digits, "%lf", &rounded);
	return unit_format(QUANTITY_ENERGY, rounded, text, 64);
}

static void put_energy_cell(struct text *html, const char *before, double joules)
{
	char text[64];

	if (isnan(joules))
		html_cell(html, true, "-");
	else
		html_cell(html, true, "%s%s", before, energy(joules, text));
}

static void put_heads(struct text *html, const char *const *heads)
{
	text_add(html, "<table><thead><tr>");
	for (; *heads; heads++)
		html_element(html,
			     **heads == '>' ? "th class=\"n\" scope=\"col\"" : "th scope=\"col\"",
			     **heads == '>' ? *heads + 1 : *heads);
	text_add(html, "</tr></thead><tbody>\n");
}

static void put_list(struct text *html, const struct error_list *list)
{
	if (list->count == 0)
		return;
	text_add(html, "<ul>\n");
	for (size_t i = 0; i < list->count; i++)
		html_element(html, "li", list->texts[i]);
	text_add(html, "</ul>\n");
}

/* --- sections -------------------------------------------------------------------------------- */

static void put_verdict(const struct report *report, struct text *html)
{
	const char *word = verdict_name(report->fit->verdict);

	text_addf(html, "<p class=\"verdict %s\"><strong>", word);
	text_addf(html, "Verdict: %s.</strong> ", word);
	text_addf(
		html,
		"On workloads that the fit never saw it is %.2f %% off on average, and %.2f %% for "
		"the worst (",
		report->fit->lowo.mape_percent, report->fit->worst_mape_percent);
	html_text(html, report->fit->group_count
				? report->fit->group_names[report->fit->worst_group]
				: "none");
	text_add(html, ").</p>\n");
	put_list(html, &report->fit->warnings);
}

static void put_errors(const struct report *report, struct text *html)
{
	const struct fit *fit = report->fit;

	text_add(html, "<h2>Errors</h2>\n");
	put_heads(html,
		  (const char *const[]){ "", ">mean", ">root mean square", ">R\u00b2", NULL });
	text_add(html, "<tr>");
	html_element(html, "th scope=\"row\"", "each workload held out");
	html_cell(html, true, "%.2f %%", fit->lowo.mape_percent);
	html_cell(html, true, "%.3g %s", fit->lowo.rmse, fit->is_energy ? "J" : "W");
	html_cell(html, true, "%.4f", fit->lowo.r2);
	text_add(html, "</tr>\n<tr>");
	html_element(html, "th scope=\"row\"", "the fit on its own data");
	html_cell(html, true, "%.2f %%", fit->in_sample.mape_percent);
	html_cell(html, true, "%.3g %s", fit->in_sample.rmse, fit->is_energy ? "J" : "W");
	html_cell(html, true, "%.4f", fit->in_sample.r2);
	text_add(html, "</tr>\n</tbody></table>\n<table>\n");
	PUT_NUMBER(html, "Dynamic power (above the base), held out", "%.2f %%",
		   fit->lowo_dynamic_mape_percent);
	PUT_NUMBER(html, "Total energy, held out", "%+.2f %%", fit->lowo_energy_error_percent);
	PUT_NUMBER(html, "Mean over workloads", "%.2f %%", fit->lowo_mean_group_mape_percent);
	PUT_NUMBER(html, "Rows", "%.0f", fit->rows - fit->left_aside);
	PUT_NUMBER(html, "Workloads", "%.0f", fit->group_count);
	if (fit->robust)
		PUT_NUMBER(html,
			   fit->counts_outliers ? "Outliers, which count in these errors"
						: "Outliers left aside",
			   "%.0f", fit->outliers);
	text_add(html, "</table>\n");
}

static void put_weight(const struct fit_weight *weight, const char *event, bool is_energy,
		       struct text *html)
{
	text_add(html, "<tr>");
	html_element(html, "th scope=\"row\"", event);
	put_energy_cell(html, "", weight->joules);
	if (isnan(weight->upper))
		put_energy_cell(html, "\u00b1", weight->se);
	else
		put_energy_cell(html, "below ", weight->upper);
	html_cell(html, true, "%.1f %%", 100 * weight->share);
	html_cell(html, true, isinf(weight->vif) ? "copy" : "%.1f", weight->vif);
	html_cell(html, true, "%.3g .. %.3g%s", weight->min_rate, weight->max_rate,
		  is_energy ? "" : "/s");
	text_add(html, "</tr>\n");
}

static void put_point(const struct report *report, const struct fit_point *point, struct text *html)
{
	const struct fit *fit = report->fit;
	char title[96] = "", frequency[64];

	if (point->frequency_hz > 0)
		snprintf(title, sizeof title, "At %s",
			 unit_format(QUANTITY_FREQUENCY, round(point->frequency_hz / 1e6) * 1e6,
				     frequency, sizeof frequency));
	if (*title)
		html_element(html, "h3", title);
	text_addf(html, "<p>Base: %.4g %s", point->base, fit->is_energy ? "J per row" : "W");
	if (!isnan(point->base_se))
		text_addf(html, " \u00b1%.2g", point->base_se);
	text_add(html, "</p>\n");
	put_heads(html, (const char *const[]){ "event", ">energy", ">standard error",
					       ">part of the power", ">variance inflation",
					       ">rates seen", NULL });
	for (unsigned i = 0; i < fit->event_count; i++)
		put_weight(&point->weights[i], fit->event_names[i], fit->is_energy, html);
	text_add(html, "</tbody></table>\n");
}

static void put_weights(const struct report *report, struct text *html)
{
	text_add(html, "<h2>Weights</h2>\n");
	for (unsigned i = 0; i < report->fit->point_count; i++)
		put_point(report, &report->fit->points[i], html);
	text_add(html,
		 "<p>The standard error is that of the jackknife over whole workloads. A variance "
		 "inflation beyond 10 says that other events move along with this one, so that "
		 "their "
		 "weights are known together better than one by one.</p>\n");
}

static void put_workloads(const struct report *report, struct text *html)
{
	const struct fit *fit = report->fit;

	if (fit->group_count < 2)
		return;
	text_add(html, "<h2>Workloads</h2>\n");
	put_heads(html, (const char *const[]){ "held out", ">rows", ">mean error", ">bias", NULL });
	for (size_t i = 0; i < fit->group_count; i++) {
		text_add(html, "<tr>");
		html_element(html, "th scope=\"row\"", fit->group_names[i]);
		html_cell(html, true, "%zu", fit->groups[i].rows);
		html_cell(html, true, "%.2f %%", fit->groups[i].mape_percent);
		html_cell(html, true, "%+.2f %%", fit->groups[i].bias_percent);
		text_add(html, "</tr>\n");
	}
	text_add(html, "</tbody></table>\n");
}

static void put_selection(const struct report *report, struct text *html)
{
	const struct selection *selection = report->selection;

	if (!selection)
		return;
	text_add(html, "<h2>Choice of events</h2>\n");
	put_heads(html,
		  (const char *const[]){ "with", ">held-out error", ">variance inflation", NULL });
	for (unsigned i = 0; i < selection->count; i++) {
		const struct select_step *step = &selection->steps[i];

		text_add(html, "<tr>");
		html_element(html, "th scope=\"row\"", report->candidate_names[step->event]);
		html_cell(html, true, "%.3g W", step->lowo_rmse);
		html_cell(html, true, "%.1f", step->vif);
		text_add(html, "</tr>\n");
	}
	text_add(html, "</tbody></table>\n");
	put_list(html, &selection->notes);
}

static void put_about(const struct report *report, struct text *html)
{
	const struct trace_about *about = report->about;

	if (!about)
		return;
	text_add(html, "<h2>What was measured, and with what</h2>\n<table>\n");
	put_fact(html, "Processor", about->has_cpu ? about->cpu.model_name : NULL);
	if (about->has_cpu) {
		PUT_NUMBER(html, "CPUs (hardware threads)", "%.0f", about->cpu.cpus);
		if (about->cpu.chips > 0)
			PUT_NUMBER(html, "Chips", "%.0f", about->cpu.chips);
	}
	put_fact(html, "Kernel", about->kernel);
	put_fact(html, "Meter", about->meter);
	put_fact(html, "What it measures", about->has_scope ? scope_name(about->scope) : NULL);
	put_quantity(html, "Its resolution", QUANTITY_POWER, about->meter_resolution_w);
	if (report->align) {
		PUT_NUMBER(html, "Its lag", "%.2f s", report->align->lag_s);
		PUT_NUMBER(html, "It averages over", "%.2f s", report->align->window_s);
		put_fact(html, "How that is known", report->align->note);
	}
	put_fact(html, "Counters", about->probe);
	put_quantity(html, "Idle power of the disks, inside the base", QUANTITY_POWER,
		     about->disks_idle_w);
	put_fact(html, "Date", about->date);
	put_fact(html, "Command", about->command);
	text_add(html, "</table>\n");
}

static void put_on_cpu(const struct report *report, struct text *html)
{
	const struct fit *fit = report->on_cpu_fit;

	if (!fit || fit->event_count != 1)
		return;
	text_add(html, "<h2>Where events cannot be counted</h2>\n<table>\n");
	PUT_NUMBER(html, "A busy CPU, beyond the base", "%.3g W",
		   fit->points[0].weights[0].joules * 1e9);
	PUT_NUMBER(html, "Error, each workload held out", "%.2f %%", fit->lowo.mape_percent);
	PUT_NUMBER(html, "The worst workload", "%.2f %%", fit->worst_mape_percent);
	text_add(html, "</table>\n");
}

static void put_disk(const struct report *report, struct text *html)
{
	const struct disk_fit *disk = report->disk;
	const struct disk_constants *constants;

	if (!disk)
		return;
	constants = &disk->constants;
	text_add(html, "<h2>Disk</h2>\n<table>\n");
	put_fact(html, "Verdict", verdict_name(disk->verdict));
	PUT_NUMBER(html, "Idle", "%.3f W", constants->idle_w);
	PUT_NUMBER(html, "Active", "%.3f W", constants->active_w);
	PUT_NUMBER(html, "A read keeps it active for", "%.3g s", constants->read.overhead_s);
	PUT_NUMBER(html, "and its bytes at", "%.4g B/s", constants->read.rate_bytes_s);
	PUT_NUMBER(html, "A write keeps it active for", "%.3g s", constants->write.overhead_s);
	PUT_NUMBER(html, "and its bytes at", "%.4g B/s", constants->write.rate_bytes_s);
	PUT_NUMBER(html, "R\u00b2 above idle", "%.3f", disk->r2);
	PUT_NUMBER(html, "Error, each workload held out", "%.2f %%", disk->lowo_mape_percent);
	text_add(html, "</table>\n");
	put_list(html, &disk->warnings);
}

static void put_thermal(const struct report *report, struct text *html)
{
	const struct thermal_fit *thermal = report->thermal;

	if (!thermal)
		return;
	text_add(html, "<h2>Temperature</h2>\n<table>\n");
	PUT_NUMBER(html, "Heating by a joule", "%.3g K", thermal->constants.c1);
	PUT_NUMBER(html, "Time constant", "%.0f s", thermal->time_constant_s);
	PUT_NUMBER(html, "Without power", "%.1f \u00b0C", thermal->constants.t0_c);
	PUT_NUMBER(html, "At the highest power seen it would end at", "%.1f \u00b0C",
		   thermal->steady_c);
	PUT_NUMBER(html, "The course is off by", "%.2f K", thermal->rmse_c);
	text_add(html, "</table>\n");
	put_list(html, &thermal->warnings);
}

/* --- pictures ----------------------------------------------------------------------------------
 */

static int put_picture(const struct report *report, const struct picture *picture,
		       struct text *html, struct error *error)
{
	struct text script = { 0 }, svg = { 0 };
	int result;

	picture->draw(report, &script);
	result = script.failed ? error_setf(error, ENOMEM, "no memory for a picture")
			       : gnuplot_run(&script, &svg, error);
	if (result) {
		error_prefixf(error, result, "picture '%s'", picture->title);
	} else {
		text_add(html, "<figure><h3>");
		html_text(html, picture->title);
		text_add(html, "</h3><img alt=\"");
		html_text(html, picture->title);
		text_add(html, ". ");
		html_text(html, picture->caption);
		text_add(html, "\" src=\"data:image/svg+xml;base64,");
		html_base64(html, svg.bytes, svg.length);
		text_add(html, "\">\n");
		html_element(html, "figcaption", picture->caption);
		text_add(html, "</figure>\n");
	}
	text_free(&script);
	text_free(&svg);
	return result;
}

static int put_pictures(const struct report *report, struct text *html, struct error *error)
{
	text_add(html, "<h2>Pictures</h2>\n");
	for (size_t i = 0; i < picture_count; i++) {
		int result = pictures[i].is_wanted(report)
				     ? put_picture(report, &pictures[i], html, error)
				     : 0;

		if (result)
			return result;
	}
	return 0;
}

/* --- the page ----------------------------------------------------------------------------------
 */

static void put_head(const struct report *report, struct text *html)
{
	text_add(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<meta name=\"viewport\" content=\"width=device-width\">\n");
	html_element(html, "title", report->title);
	text_addf(html, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
	html_element(html, "h1", report->title);
	if (report->about && report->about->emulated)
		text_add(html,
			 "<p class=\"emulated\"><strong>EMULATED.</strong> No physical machine and "
			 "meter are behind these figures: they show that the method works, and "
			 "nothing about any hardware.</p>\n");
}

int report_html(const struct report *report, struct text *html, struct error *error)
{
	int result;

	put_head(report, html);
	if (report->fit) {
		put_verdict(report, html);
		put_errors(report, html);
		put_weights(report, html);
	}
	put_about(report, html);
	put_on_cpu(report, html);
	put_disk(report, html);
	put_thermal(report, html);
	result = put_pictures(report, html, error);
	if (report->fit)
		put_workloads(report, html);
	put_selection(report, html);
	text_add(html, "</main>\n</body>\n</html>\n");
	if (result)
		return result;
	return html->failed ? error_setf(error, ENOMEM, "no memory for the report") : 0;
}
