/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/report/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 1500, SCATTER_MAX = 3000, BARS_MAX = 60 };

/* --- scripts ------------------------------------------------------------------------------- */

static const char *unit(const struct report *report)
{
	return report->trace->is_energy ? "J per row" : "W";
}

/* Colours that stay apart for most eyes: Okabe and Ito, 2008. */
static void begin(struct text *script, unsigned width, unsigned height)
{
	static const char *const colors[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
					      "#e69f00", "#56b4e9", "#000000", "#f0e442" };

	text_addf(script,
		  "set terminal svg size %u,%u dynamic noenhanced font 'sans-serif,13' "
		  "background '#ffffff'\n"
		  "set border 3 lc rgb '#666666'\nset tics nomirror\nset grid lc rgb '#dddddd'\n",
		  width, height);
	for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
		text_addf(script, "set linetype %zu lc rgb '%s' lw 1.5\n", i + 1, colors[i]);
	text_add(script, "set linetype cycle 8\nset datafile separator '\\t'\n");
}

/* A name inside a data block: no tabs, quotes or line ends, which would end it. */
static void put_name(struct text *script, const char *name)
{
	char printable[64];

	text_printable(name, printable, sizeof printable);
	for (char *at = printable; *at; at++)
		if (*at == '"' || *at == '\\' || *at == '\'')
			*at = '?';
	text_addf(script, "\"%s\"", printable);
}

static bool has_fit(const struct report *report)
{
	return report->fit && report->trace;
}

/* --- power over time -------------------------------------------------------------------------- */

/* Do the rows follow each other in time, without pauses that would leave no room for them? */
static bool is_one_course(const struct trace *trace)
{
	double pause_most_s = 600;

	for (size_t row = 1; trace->timestamp_s && row < trace->row_count; row++) {
		double step_s = trace->timestamp_s[row] - trace->timestamp_s[row - 1];

		if (!(step_s >= 0 && step_s < pause_most_s))
			return false;
	}
	return trace->timestamp_s;
}

/* Means of as many consecutive rows as leave few enough points. */
static void draw_course(const struct report *report, struct text *script)
{
	const struct trace *trace = report->trace;
	size_t step = trace->row_count / POINTS_MAX + 1;
	bool by_time = is_one_course(trace);

	begin(script, 960, 380);
	text_add(script, "$course << END\n");
	for (size_t row = 0; row < trace->row_count; row += step) {
		size_t end = row + step < trace->row_count ? row + step : trace->row_count;
		double measured = 0, modelled = 0;

		for (size_t i = row; i < end; i++) {
			measured += trace->power[i] / (double)(end - row);
			modelled += report->fit->predicted_lowo[i] / (double)(end - row);
		}
		text_addf(script, "%g\t%g\t%g\n",
			  by_time ? trace->timestamp_s[row] - trace->timestamp_s[0] : (double)row,
			  measured, modelled);
	}
	text_addf(script,
		  "END\nset xlabel '%s'\nset ylabel '%s'\nset key outside top center "
		  "horizontal\nset yrange [0:*]\n"
		  "plot $course using 1:2 with lines lt 1 title 'measured', "
		  "$course using 1:3 with lines lt 2 title 'modelled, workload held out'\n",
		  by_time ? "seconds" : "row", unit(report));
}

/* --- error of each workload ---------------------------------------------------------------------
 */

static int by_error(const void *a, const void *b, void *context)
{
	const struct fit_group *groups = context;
	double left = groups[*(const size_t *)a].mape_percent;
	double right = groups[*(const size_t *)b].mape_percent;

	return left < right ? 1 : left > right ? -1 : 0;
}

/* The limit of a good fit, model.md 6, is in sight whatever the errors. */
static void draw_workloads(const struct report *report, struct text *script)
{
	const struct fit *fit = report->fit;
	size_t shown = fit->group_count < BARS_MAX ? fit->group_count : BARS_MAX;
	size_t *order = calloc(fit->group_count, sizeof *order);

	if (!order) {
		script->failed = true;
		return;
	}
	for (size_t i = 0; i < fit->group_count; i++)
		order[i] = i;
	qsort_r(order, fit->group_count, sizeof *order, by_error, fit->groups);
	begin(script, 960, 90 + 20 * (unsigned)shown);
	text_add(script, "$errors << END\n");
	for (size_t i = 0; i < shown; i++) {
		put_name(script, fit->group_names[order[i]]);
		text_addf(script, "\t%g\t%zu\n", fit->groups[order[i]].mape_percent, i);
	}
	text_addf(
		script,
		"END\nset xlabel 'mean error, %% of the measured power'\nset yrange [%zu.5:-0.5]\n"
		"set xrange [0:%g]\nset style fill solid 0.8\nunset key\nset lmargin 26\n"
		"set arrow from 10,graph 0 to 10,graph 1 nohead lt 2 dt 2\n"
		"plot $errors using 2:3:(0):2:($3-0.35):($3+0.35):ytic(1) with boxxyerror lt 1\n",
		shown - 1, fmax(12, 1.05 * fit->groups[order[0]].mape_percent));
	free(order);
}

/* --- residuals -----------------------------------------------------------------------------------
 */

static void draw_residuals(const struct report *report, struct text *script)
{
	const struct trace *trace = report->trace;
	size_t step = trace->row_count / SCATTER_MAX + 1;

	begin(script, 960, 360);
	text_add(script, "$residuals << END\n");
	for (size_t row = 0; row < trace->row_count; row += step)
		text_addf(script, "%g\t%g\t%u\n", report->fit->predicted_lowo[row],
			  trace->power[row] - report->fit->predicted_lowo[row], trace->group[row]);
	text_addf(script,
		  "END\nset xlabel 'modelled, workload held out [%s]'\n"
		  "set ylabel 'measured less modelled [%s]'\nunset key\nset xzeroaxis lw 2\n"
		  "plot $residuals using 1:2:(int($3)%%8+1) with points pt 7 ps 0.4 lc variable\n",
		  unit(report), unit(report));
}

/* --- what each event contributes ----------------------------------------------------------------
 */

/* The fit's weights at the point of that frequency. */
static const struct fit_point *find_point(const struct fit *fit, double frequency_hz)
{
	const struct fit_point *best = fit->points;

	for (unsigned i = 1; i < fit->point_count; i++)
		if (fabs(fit->points[i].frequency_hz - frequency_hz) <
		    fabs(best->frequency_hz - frequency_hz))
			best = &fit->points[i];
	return best;
}

unsigned picture_columns(const struct report *report, unsigned columns[TRACE_EVENTS_MAX])
{
	const struct trace *trace = report->trace;
	unsigned count = 0;

	for (unsigned i = 0; i < report->fit->event_count; i++)
		for (unsigned e = 0; e < trace->event_count; e++)
			if (strcmp(trace->event_names[e], report->fit->event_names[i]) == 0)
				columns[count++] = e;
	return count;
}

/* Divide the sums of each group by its rows. */
static bool make_means(const struct trace *trace, double *sums, unsigned count)
{
	size_t *rows = calloc(trace->group_count + 1, sizeof *rows);

	if (!rows)
		return false;
	for (size_t row = 0; row < trace->row_count; row++)
		rows[trace->group[row]]++;
	for (size_t group = 0; group < trace->group_count; group++)
		for (unsigned i = 0; i < count && rows[group]; i++)
			sums[group * count + i] /= (double)rows[group];
	free(rows);
	return true;
}

double *picture_group_rates(const struct trace *trace, const unsigned *columns, unsigned count)
{
	double *rates = calloc(trace->group_count * count + 1, sizeof *rates);

	for (size_t row = 0; rates && row < trace->row_count; row++)
		for (unsigned i = 0; i < count; i++)
			rates[trace->group[row] * count + i] +=
				trace->events[row * trace->event_count + columns[i]];
	if (rates && !make_means(trace, rates, count)) {
		free(rates);
		rates = NULL;
	}
	return rates;
}

/* Mean watts of the base and of each event in each group: the row's own operating point prices it.
 */
static double *group_watts(const struct report *report, const unsigned *columns, unsigned count)
{
	const struct trace *trace = report->trace;
	double *watts = calloc(trace->group_count * (count + 1) + 1, sizeof *watts);

	for (size_t row = 0; watts && row < trace->row_count; row++) {
		double frequency_hz = trace->frequency_hz ? trace->frequency_hz[row] : 0;
		const struct fit_point *point = find_point(report->fit, frequency_hz);
		double *line = &watts[(size_t)trace->group[row] * (count + 1)];

		line[0] += point->base;
		for (unsigned i = 0; i < count; i++)
			line[i + 1] += point->weights[i].joules *
				       trace->events[row * trace->event_count + columns[i]];
	}
	if (watts && !make_means(trace, watts, count + 1)) {
		free(watts);
		watts = NULL;
	}
	return watts;
}

static void draw_contributions(const struct report *report, struct text *script)
{
	const struct trace *trace = report->trace;
	unsigned columns[TRACE_EVENTS_MAX], count = picture_columns(report, columns);
	double *watts = group_watts(report, columns, count);

	if (!watts) {
		script->failed = true;
		return;
	}
	begin(script, 960, 520);
	text_add(script, "$parts << END\n\"workload\"\t\"base\"");
	for (unsigned i = 0; i < count; i++) {
		text_add(script, "\t");
		put_name(script, trace->event_names[columns[i]]);
	}
	text_add(script, "\n");
	for (size_t group = 0; group < trace->group_count; group++) {
		put_name(script, trace->group_names[group]);
		for (unsigned i = 0; i <= count; i++)
			text_addf(script, "\t%g", watts[group * (count + 1) + i]);
		text_add(script, "\n");
	}
	free(watts);
	text_addf(
		script,
		"END\nset style data histograms\nset style histogram rowstacked\n"
		"set style fill solid 0.85\nset boxwidth 0.8\nset ylabel '%s'\n"
		"set xtics rotate by 60 right\nset bmargin 9\nset key outside right top vertical\n"
		"plot $parts using 2:xtic(1) title columnheader(2) lc rgb '#bbbbbb', "
		"for [i=3:%u] $parts using i title columnheader(i) lt i-2\n",
		unit(report), count + 2);
}

/* --- coverage: which workload moves which event -------------------------------------------------
 */

static double largest(const double *rates, size_t groups, unsigned count, unsigned i)
{
	double most = 0;

	for (size_t group = 0; group < groups; group++)
		most = fmax(most, rates[group * count + i]);
	return most;
}

static void draw_coverage(const struct report *report, struct text *script)
{
	const struct trace *trace = report->trace;
	unsigned columns[TRACE_EVENTS_MAX], count = picture_columns(report, columns);
	double *rates = picture_group_rates(trace, columns, count);

	if (!rates) {
		script->failed = true;
		return;
	}
	begin(script, 960, 230 + 22 * count);
	text_add(script, "$coverage << END\n");
	for (unsigned i = 0; i < count; i++) {
		double most = largest(rates, trace->group_count, count, i);

		for (size_t group = 0; group < trace->group_count; group++) {
			text_addf(script, "%zu\t%u\t%g\t", group, i,
				  most > 0 ? rates[group * count + i] / most : 0);
			put_name(script, trace->group_names[group]);
			text_add(script, "\t");
			put_name(script, trace->event_names[columns[i]]);
			text_add(script, "\n");
		}
	}
	free(rates);
	text_addf(script,
		  "END\nset palette defined (0 '#ffffff', 1 '#0072b2')\nset cbrange [0:1]\n"
		  "set cblabel 'of the largest mean rate'\nunset grid\nunset key\n"
		  "set xrange [-0.5:%zu.5]\nset yrange [-0.5:%u.5]\nset xtics rotate by 60 right\n"
		  "set lmargin 34\nset bmargin 9\n"
		  "plot $coverage using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3:xtic(4):ytic(5) "
		  "with boxxyerror lc palette fill solid noborder\n",
		  trace->group_count - 1, count - 1);
}

/* --- temperature
 * ---------------------------------------------------------------------------------- */

static bool has_thermal(const struct report *report)
{
	return report->thermal && report->thermal_row_count > 1;
}

static void draw_thermal(const struct report *report, struct text *script)
{
	const struct thermal_row *rows = report->thermal_rows;
	double modelled_c = rows[0].temperature_c;

	begin(script, 960, 360);
	text_add(script, "$heat << END\n");
	for (size_t i = 0; i < report->thermal_row_count; i++) {
		if (i > 0)
			modelled_c = thermal_after_c(&report->thermal->constants, modelled_c,
						     rows[i].power_w,
						     rows[i].time_s - rows[i - 1].time_s);
		text_addf(script, "%g\t%g\t%g\t%g\n", rows[i].time_s - rows[0].time_s,
			  rows[i].temperature_c, modelled_c, rows[i].power_w);
	}
	text_add(script,
		 "END\nset xlabel 'seconds'\nset ylabel 'degrees C'\nset y2label 'W'\n"
		 "set y2tics\nset key outside top center horizontal\n"
		 "plot $heat using 1:4 axes x1y2 with lines lc rgb '#bbbbbb' title 'power', "
		 "$heat using 1:2 with points pt 7 ps 0.4 lt 1 title 'measured', "
		 "$heat using 1:3 with lines lt 2 title 'modelled'\n");
}

/* --- the table
 * ------------------------------------------------------------------------------------ */

static bool has_events(const struct report *report)
{
	unsigned columns[TRACE_EVENTS_MAX];

	return has_fit(report) && picture_columns(report, columns) > 0 &&
	       report->trace->group_count > 1;
}

static bool has_workloads(const struct report *report)
{
	return has_fit(report) && report->fit->group_count > 1;
}

const struct picture pictures[] = {
	{ "Power over time",
	  "Modelled power is that of a fit which did not see the workload. Where the lines part, "
	  "the model is wrong for it.",
	  has_fit, draw_course },
	{ "Error of each workload",
	  "Each was held out. Beyond the dashed line (10 %) a fit is no longer called good.",
	  has_workloads, draw_workloads },
	{ "Residuals",
	  "What the model leaves over, against what it says; points of a workload "
	  "have one colour, of eight in turn. A bow means that power is not linear in the events; "
	  "a wedge, that errors grow with load.",
	  has_fit, draw_residuals },
	{ "What each event contributes", "Mean power of each workload, as the model explains it.",
	  has_events, draw_contributions },
	{ "Coverage",
	  "Which workload moves which event. A row with a single dark field rests on one workload "
	  "alone.",
	  has_events, draw_coverage },
	{ "Temperature", "A heating and a cooling run, and the fitted course.", has_thermal,
	  draw_thermal },
};
const size_t picture_count = sizeof pictures / sizeof *pictures;
