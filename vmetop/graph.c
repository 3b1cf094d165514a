/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures, graph, and what they rest on, in as many rows as there are. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/known.h"
#include "vmetop/graph.h"
#include "vmetop/plot.h"

/* Whose graph it is; watts as of the newest tick. */
struct subject {
	const struct frame *frame;
	const struct snapshot_domain *domain; /* NULL: the host */
	const struct track *track;
	struct bin now;
	double total_w, error_w, total_j;
	double cap_w; /* as it was set: of a domain it may limit active power alone; NaN = none */
	enum graph_style style;
	bool has_gaps;
	bool ever_throttled; /* in what is shown */
};

/* --- a line that is written from left to right ---------------------------------------------- */

struct pen {
	struct grid *grid;
	int row, column, end;
};

static __attribute__((format(printf, 3, 4))) void put(struct pen *pen, enum style style,
						      const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (pen->column < pen->end)
		pen->column = grid_put(pen->grid, pen->row, pen->column, pen->end - pen->column,
				       style, text);
}

static void put_power(struct pen *pen, const char *what, double watts, unsigned quality)
{
	char text[FIGURE_BYTES];

	figure_power(watts, figure_flag(quality), text);
	put(pen, STYLE_NORMAL, "   %s %s", what, text);
}

/* Of the newest tick. */
static void put_watts(struct pen *pen, const struct subject *subject, const char *what,
		      double watts)
{
	put_power(pen, what, watts, subject->now.quality);
}

/* --- lines over the graph --------------------------------------------------------------------- */

static void name_host(struct pen *pen, const struct subject *subject)
{
	const struct frame *frame = subject->frame;
	size_t domains = frame->snapshot->domain_count;

	put(pen, STYLE_STRONG, "%s", frame->info ? frame->info->hostname : "host");
	put(pen, STYLE_NORMAL, "   the host, %zu domain%s", domains, domains == 1 ? "" : "s");
}

static void draw_name(struct pen *pen, const struct subject *subject)
{
	static const char *const states[] = {
		[DOMAIN_RUNNING] = "running", [DOMAIN_PAUSED] = "paused", [DOMAIN_ENDED] = "ended"
	};
	const struct snapshot_domain *domain = subject->domain;
	char name[UI_ID_BYTES];

	if (!domain) {
		name_host(pen, subject);
		return;
	}
	figure_name(domain->name, (pen->end - pen->column) / 2, name, sizeof name);
	put(pen, STYLE_STRONG, "%s", name);
	put(pen, STYLE_NORMAL, "   %s   %zu vCPU   %zu vDISK", states[domain->state],
	    domain->vcpu_count, domain->vdisk_count);
	if (domain->owner)
		put(pen, STYLE_NORMAL, "   of %s", domain->owner);
	if (domain->reason)
		put(pen, STYLE_FAINT, "   %s", domain->reason);
}

static void draw_power(struct pen *pen, const struct subject *subject)
{
	const struct snapshot_host *host = &subject->frame->snapshot->host;
	char text[FIGURE_BYTES];

	figure_power(subject->total_w, figure_flag(subject->now.quality), text);
	put(pen, STYLE_STRONG, "Power %s W", text);
	if (subject->total_w > 0 && !isnan(subject->error_w))
		put(pen, STYLE_NORMAL, " +-%.0f%%", 100 * subject->error_w / subject->total_w);
	put_watts(pen, subject, "idle", subject->now.idle_w);
	put_watts(pen, subject, "active", subject->now.active_w);
	if (!subject->domain)
		put_watts(pen, subject, "kept", host->kept_w);
	if (!subject->domain && !isnan(host->metered_w))
		put_watts(pen, subject, "metered", host->metered_w);
	if (!subject->domain && !isnan(host->residual_w))
		put_watts(pen, subject, "residual", host->residual_w);
	if (!isnan(subject->cap_w))
		put(pen, STYLE_NORMAL, "   cap %.4g W", subject->cap_w);
	if (subject->now.throttled > 0) {
		put(pen, STYLE_NORMAL, "   ");
		put(pen, STYLE_WARNING, "THROTTLED %.0f%%", 100 * subject->now.throttled);
	}
}

/* Cells of a bar of `length` cells up to `watts`. */
static int bar_cells(double watts, double scale_w, int length)
{
	return (int)fmin(fmax(round(known(watts) / scale_w * length), 0), length);
}

static void fill(struct pen *pen, enum style style, int cells, const char *sign)
{
	for (int i = 0; i < cells; i++)
		put(pen, style, "%s", sign);
}

static void draw_bar(struct pen *pen, const struct subject *subject)
{
	const struct plot_signs *signs = &plot_signs[subject->style];
	double scale_w = plot_scale_w(
		fmax(known(subject->now.cap_w), known(subject->total_w) + known(subject->error_w)));
	int length, from, idle, total, band;
	char note[64];

	snprintf(note, sizeof note, "] scale %.4g W", scale_w);
	if (!isnan(subject->now.cap_w))
		snprintf(note, sizeof note, "] %.0f%% of cap, scale %.4g W",
			 100 * subject->total_w / subject->now.cap_w, scale_w);
	length = pen->end - pen->column - 6 - (int)strlen(note);
	if (length < 4)
		return;
	idle = bar_cells(subject->now.idle_w, scale_w, length);
	total = bar_cells(subject->total_w, scale_w, length);
	band = bar_cells(subject->total_w + known(subject->error_w), scale_w, length);
	put(pen, STYLE_NORMAL, "Now  [");
	from = pen->column;
	fill(pen, STYLE_IDLE, idle, signs->idle);
	fill(pen, STYLE_ACTIVE, total - idle, signs->active);
	fill(pen, STYLE_FAINT, band - total, signs->band);
	pen->column = from + length;
	if (!isnan(subject->now.cap_w))
		grid_put(pen->grid, pen->row,
			 from + bar_cells(subject->now.cap_w, scale_w, length - 1), 1,
			 STYLE_WARNING, "|");
	put(pen, STYLE_NORMAL, "%s", note);
}

static void draw_legend(struct pen *pen, const struct subject *subject)
{
	const struct plot_signs *signs = &plot_signs[subject->style];
	double span_s = ui_graph_spans_s[subject->frame->ui->graph_span];
	char time[PLOT_TIME_BYTES];

	put(pen, STYLE_NORMAL, "  W    ");
	put(pen, STYLE_IDLE, "%s", signs->idle);
	put(pen, STYLE_NORMAL, " idle  ");
	put(pen, STYLE_ACTIVE, "%s", signs->active);
	put(pen, STYLE_NORMAL, " active  ");
	if (!isnan(subject->error_w))
		put(pen, STYLE_NORMAL, "%s +- as now  ", signs->band);
	if (subject->has_gaps)
		put(pen, STYLE_NORMAL, "? no data  ");
	if (!isnan(subject->cap_w))
		put(pen, STYLE_NORMAL, "! above cap  ");
	if (subject->ever_throttled)
		put(pen, STYLE_NORMAL, "T throttled  ");
	put(pen, STYLE_NORMAL, "%s", plot_time(span_s, time));
}

/* --- lines under it --------------------------------------------------------------------------- */

static void put_mean(struct pen *pen, const struct subject *subject, double span_s)
{
	struct bin mean;
	char time[PLOT_TIME_BYTES], what[PLOT_TIME_BYTES + 8];

	snprintf(what, sizeof what, "mean %s", plot_time(span_s, time));
	mean = track_mean(subject->frame->history, subject->track, span_s);
	put_power(pen, what, mean.idle_w + mean.active_w, mean.quality);
}

static void draw_energy(struct pen *pen, const struct subject *subject)
{
	const struct frame *frame = subject->frame;
	double watched_s = history_span_s(frame->history);
	double span_s = fmin(ui_graph_spans_s[frame->ui->graph_span], watched_s);
	double minute_s = fmin(60, watched_s);
	char text[FIGURE_BYTES];

	figure_energy(track_energy_j(subject->track, subject->total_j), frame->ui->view.unit,
		      figure_flag(subject->now.quality), text);
	put(pen, STYLE_NORMAL, "Energy %s session", text);
	put_mean(pen, subject, minute_s);
	if (span_s > minute_s)
		put_mean(pen, subject, span_s);
	put_power(pen, "max", track_max_w(frame->history, subject->track),
		  track_quality(subject->track));
	put(pen, STYLE_NORMAL, " W");
}

static void draw_rests(struct pen *pen, const struct subject *subject)
{
	const struct snapshot_source *source = &subject->frame->snapshot->source;
	const struct source_info *info = subject->frame->info;

	put(pen, STYLE_FAINT, "From %s, %s, scope %s", cpu_source_name(source->cpu),
	    standing_name(source->standing), scope_name(source->scope));
	if (source->weights && *source->weights)
		put(pen, STYLE_FAINT, ", weights %s", source->weights);
	if (info && info->verdict != VERDICT_NONE)
		put(pen, STYLE_FAINT, " (%s)", verdict_name(info->verdict));
	if (subject->now.quality)
		put(pen, STYLE_FAINT, ":");
	for (unsigned i = 0; i < QUALITY_COUNT; i++)
		if (subject->now.quality & 1u << i)
			put(pen, STYLE_FAINT, " %s", quality_name(i));
}

/* --- the graph -------------------------------------------------------------------------------- */

static struct plot plot_of(const struct subject *subject, const struct bin *bins)
{
	return (struct plot){
		.style = subject->style,
		.bins = bins,
		.span_s = ui_graph_spans_s[subject->frame->ui->graph_span],
		.error_share = subject->total_w > 0 ? subject->error_w / subject->total_w : NAN,
		.cap_w = subject->now.cap_w,
		.throttled = subject->ever_throttled,
	};
}

static void draw_plot(struct grid *grid, struct area area, const struct subject *subject,
		      const struct bin *bins)
{
	const struct plot plot = plot_of(subject, bins);

	plot_draw(grid, area, &plot);
}

/* Lines come as rows allow: the figure first, then the graph, then what explains it. */
static const struct line {
	int rows; /* that the area must have */
	bool below;
	void (*draw)(struct pen *pen, const struct subject *subject);
} lines[] = {
	{ 2, false, draw_name },    { 1, false, draw_power }, { 13, false, draw_bar },
	{ 11, false, draw_legend }, { 9, true, draw_energy }, { 15, true, draw_rests },
};
enum { LINE_COUNT = sizeof lines / sizeof *lines };

static void draw_lines(struct grid *grid, struct area *area, const struct subject *subject)
{
	const int rows = area->rows;
	int below = 0, at;

	for (size_t i = 0; i < LINE_COUNT; i++)
		below += lines[i].below && rows >= lines[i].rows;
	area->rows -= below;
	at = area->row + area->rows;
	for (size_t i = 0; i < LINE_COUNT; i++) {
		struct pen pen = { grid, area->row, area->column, area->column + area->columns };

		if (rows < lines[i].rows)
			continue;
		if (lines[i].below) {
			pen.row = at++;
		} else {
			area->row++;
			area->rows--;
		}
		lines[i].draw(&pen, subject);
	}
}

const struct snapshot_domain *graph_domain(const struct frame *frame, const char *id)
{
	for (size_t i = 0; frame->snapshot && *id && i < frame->snapshot->domain_count; i++)
		if (strcmp(frame->snapshot->domains[i].id, id) == 0)
			return &frame->snapshot->domains[i];
	return NULL;
}

static void take_domain(struct subject *subject, const struct snapshot_domain *domain)
{
	const struct snapshot_control *control = &domain->control;

	subject->domain = domain;
	subject->now = bin_of_domain(domain);
	subject->total_w = domain->total_w;
	subject->total_j = domain->total_j;
	subject->error_w = domain->error_w;
	subject->cap_w = isnan(control->cap_w) ? control->cap_total_w : control->cap_w;
}

static void take_host(struct subject *subject)
{
	const struct snapshot_host *host = &subject->frame->snapshot->host;

	subject->now = bin_of_host(host);
	subject->total_w = host->total_w;
	subject->total_j = host->total_j;
	subject->error_w = NAN;
	subject->cap_w = host->cap_w;
}

static bool take_subject(struct subject *subject, const struct frame *frame, const char *id)
{
	const struct snapshot_domain *domain = graph_domain(frame, id);
	size_t hint = domain ? (size_t)(domain - frame->snapshot->domains) : 0;

	*subject = (struct subject){
		.frame = frame,
		.track = history_find(frame->history, id, hint),
		.style = frame->ui->unicode ? frame->ui->graph_style : GRAPH_ASCII,
	};
	if (domain)
		take_domain(subject, domain);
	else if (!*id)
		take_host(subject);
	return domain || !*id;
}

/* What the legend must explain. What was before anyone looked is no gap. */
static void look_at_bins(struct subject *subject, const struct bin *bins, size_t count)
{
	bool begun = false;

	for (size_t i = 0; i < count; i++) {
		bool known = !isnan(bins[i].idle_w + bins[i].active_w);

		begun |= known;
		subject->has_gaps |= begun && (!known || bins[i].quality & QUALITY_GAP);
		subject->ever_throttled |= bins[i].throttled > 0;
	}
}

void graph_draw(struct grid *grid, struct area area, const struct frame *frame, const char *id)
{
	struct pen pen = { grid, area.row, area.column, area.column + area.columns };
	struct subject subject;
	struct bin *bins;
	size_t count;

	if (area.rows < 1 || area.columns < 1)
		return;
	if (!frame->snapshot || !take_subject(&subject, frame, id)) {
		put(&pen, STYLE_FAINT, "%s",
		    frame->snapshot ? "this domain is gone" : "the first figures come soon");
		return;
	}
	count = plot_bins(subject.style, area.columns);
	bins = calloc(count + 1, sizeof *bins);
	if (!bins || !subject.track) {
		put(&pen, STYLE_FAINT, "no memory for its history");
	} else {
		track_bins(frame->history, subject.track, ui_graph_spans_s[frame->ui->graph_span],
			   bins, count);
		look_at_bins(&subject, bins, count);
		draw_lines(grid, &area, &subject);
		if (count > 0)
			draw_plot(grid, area, &subject, bins);
	}
	free(bins);
}
