/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "12345 -" left of the bars, where there is room for both. */
enum { LABEL_CELLS = 7, BARS_MIN = 8, TIME_CELLS = 12, MARKS_MAX = 6 };
/* Below that all is noise, and labels would not fit. */
static const double scale_min_w = 0.1;

const struct plot_signs plot_signs[] = {
	[GRAPH_ASCII] = { "=", "#", ":", L'|', L'-', L'-', L'+' },
	[GRAPH_BLOCK] = { "▒", "█", ":", L'│', L'┤', L'─', L'┴' },
	[GRAPH_BRAILLE] = { "⡪", "⣿", ":", L'│', L'┤', L'─', L'┴' },
};

/* Steps of a cell's height, and bins beside each other in it. */
static const struct resolution {
	int steps, bins;
} resolutions[] = {
	[GRAPH_ASCII] = { 1, 1 },
	[GRAPH_BLOCK] = { 8, 1 },
	[GRAPH_BRAILLE] = { 4, 2 },
};

/* Where everything lies; made once, read by every part. */
struct frame_of_plot {
	struct grid *grid;
	const struct plot *plot;
	const struct plot_signs *signs;
	struct area bars;
	int axis, limits, times; /* rows; -1 = none */
	double top_w;
	int marks, decimals; /* labels from 0 to top_w */
	bool labels;
};

/* --- round numbers ---------------------------------------------------------------------------- */

/* The next round number from `value` up; and the decimals that it needs. */
static double round_up(double value, int *decimals)
{
	static const double mantissas[] = { 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 };
	int exponent = (int)floor(log10(value));
	double unit = pow(10, exponent);
	size_t i = 0;

	/* What is round but for its last bit is round. */
	while (mantissas[i] * unit < value * (1 - 1e-9) && mantissas[i] < 10)
		i++;
	*decimals = -exponent + (mantissas[i] > floor(mantissas[i]));
	if (*decimals < 0)
		*decimals = 0;
	return mantissas[i] * unit;
}

double plot_scale_w(double watts)
{
	int decimals;

	return round_up(fmax(watts, scale_min_w), &decimals);
}

/* So many labels that each lies on a row, and that the scale wastes least. */
static void choose_scale(struct frame_of_plot *frame, double watts)
{
	int rows = frame->bars.rows, used = rows;

	watts = fmax(watts, scale_min_w);
	frame->top_w = INFINITY;
	for (int height = rows; height >= 1 && height >= rows - 1; height--) {
		for (int marks = 1; marks <= MARKS_MAX && marks <= (height + 1) / 2; marks++) {
			int decimals;
			double step_w = round_up(watts / marks, &decimals);
			double top_w = step_w * marks;

			if (height % marks || top_w > frame->top_w * (1 + 1e-9))
				continue;
			/* Of two that reach as far: the one with more labels. */
			if (top_w >= frame->top_w * (1 - 1e-9) && marks <= frame->marks)
				continue;
			frame->top_w = top_w;
			frame->marks = marks;
			frame->decimals = decimals;
			used = height;
		}
	}
	frame->bars.row += rows - used;
	frame->bars.rows = used;
}

static double total_w(const struct bin *bin)
{
	return bin->idle_w + bin->active_w;
}

static double highest_w(const struct plot *plot, size_t count)
{
	double most = isnan(plot->cap_w) ? 0 : plot->cap_w;
	double share = isnan(plot->error_share) ? 0 : plot->error_share;

	for (size_t i = 0; i < count; i++)
		most = fmax(most, total_w(&plot->bins[i]) * (1 + share));
	return most;
}

/* --- bars ---------------------------------------------------------------------------------- */

/* Heights of one bin in steps of a cell. */
struct bar {
	int idle, total, band;
};

static int height(const struct frame_of_plot *frame, double watts)
{
	int steps = resolutions[frame->plot->style].steps;
	double most = (double)frame->bars.rows * steps;

	if (isnan(watts))
		return 0;
	return (int)fmin(fmax(round(watts / frame->top_w * most), 0), most);
}

static struct bar bar_of(const struct frame_of_plot *frame, size_t i)
{
	const struct bin *bin = &frame->plot->bins[i];

	if (isnan(total_w(bin)))
		return (struct bar){ 0 };
	return (struct bar){ height(frame, bin->idle_w), height(frame, total_w(bin)),
			     height(frame, total_w(bin) * (1 + frame->plot->error_share)) };
}

static void put(const struct frame_of_plot *frame, int row, int column, enum style style,
		const char *sign)
{
	grid_put(frame->grid, row, column, 1, style, sign);
}

/* The cell of a bar `steps` of which are filled from below, `idle` of them by idle power. */
static void put_block(const struct frame_of_plot *frame, int row, int column, int filled, int idle)
{
	static const char *const eighths[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇" };
	int steps = resolutions[frame->plot->style].steps;
	bool is_idle = 2 * idle >= filled;

	if (filled < steps)
		put(frame, row, column, is_idle ? STYLE_IDLE : STYLE_ACTIVE, eighths[filled - 1]);
	else
		put(frame, row, column, is_idle ? STYLE_IDLE : STYLE_ACTIVE,
		    is_idle ? frame->signs->idle : frame->signs->active);
}

static int within(int value, int most)
{
	return value < 0 ? 0 : value > most ? most : value;
}

static void draw_bar(const struct frame_of_plot *frame, int column, size_t i)
{
	const struct bar bar = bar_of(frame, i);
	int steps = resolutions[frame->plot->style].steps;

	for (int above = 0; above < frame->bars.rows; above++) {
		int row = frame->bars.row + frame->bars.rows - 1 - above;
		int filled = within(bar.total - above * steps, steps);

		if (filled > 0)
			put_block(frame, row, column, filled,
				  within(bar.idle - above * steps, steps));
		else if (bar.band > above * steps)
			put(frame, row, column, STYLE_FAINT, frame->signs->band);
	}
}

/* Dots of one bar in a cell, from below; idle power every other one. */
static unsigned dots(const struct bar *bar, int above, int right)
{
	/* Unicode chapter 21.1: dots 7 3 2 1 and 8 6 5 4 are bits of the code point. */
	static const unsigned char bits[2][4] = { { 0x40, 0x04, 0x02, 0x01 },
						  { 0x80, 0x20, 0x10, 0x08 } };
	unsigned set = 0;

	for (int i = 0; i < 4 && above + i < bar->total; i++)
		if (above + i >= bar->idle || (above + i + right) % 2 == 0)
			set |= bits[right][i];
	return set;
}

static void draw_braille(const struct frame_of_plot *frame, int column, size_t i)
{
	const struct bar left = bar_of(frame, i), right = bar_of(frame, i + 1);

	for (int cell = 0; cell < frame->bars.rows; cell++) {
		int above = cell * 4;
		unsigned set = dots(&left, above, 0) | dots(&right, above, 1);
		bool is_idle = above + 2 <= left.idle || above + 2 <= right.idle;
		struct area area = { frame->bars.row + frame->bars.rows - 1 - cell, column, 1, 1 };

		if (set)
			grid_fill(frame->grid, area, is_idle ? STYLE_IDLE : STYLE_ACTIVE,
				  (wchar_t)(0x2800 + set));
		else if (left.band > above || right.band > above)
			put(frame, area.row, column, STYLE_FAINT, frame->signs->band);
	}
}

static void draw_bars(const struct frame_of_plot *frame)
{
	size_t bins = (size_t)resolutions[frame->plot->style].bins;

	for (int x = 0; x < frame->bars.columns; x++) {
		if (bins > 1)
			draw_braille(frame, frame->bars.column + x, (size_t)x * bins);
		else
			draw_bar(frame, frame->bars.column + x, (size_t)x);
	}
}

/* --- what lies over and under them --------------------------------------------------------------
 */

/* Does any bin in a column have it? */
static bool any(const struct frame_of_plot *frame, int x, bool (*has)(const struct bin *))
{
	size_t bins = (size_t)resolutions[frame->plot->style].bins;

	for (size_t i = 0; i < bins; i++)
		if (has(&frame->plot->bins[(size_t)x * bins + i]))
			return true;
	return false;
}

static bool has_gap(const struct bin *bin)
{
	return isnan(total_w(bin)) || bin->quality & QUALITY_GAP;
}

static bool has_data(const struct bin *bin)
{
	return !isnan(total_w(bin));
}

static bool is_above_cap(const struct bin *bin)
{
	return total_w(bin) > bin->cap_w;
}

static bool is_throttled(const struct bin *bin)
{
	return bin->throttled > 0;
}

/* Does the row of the cap hold a bar here? */
static bool is_blank(const struct frame_of_plot *frame, int row, int column)
{
	const struct cell *cell = grid_cell(frame->grid, row, column);

	return cell && cell->characters[0] == L' ';
}

static void draw_cap(const struct frame_of_plot *frame)
{
	int rows = frame->bars.rows;
	int above = within((int)ceil(frame->plot->cap_w / frame->top_w * rows) - 1, rows - 1);
	int row = frame->bars.row + rows - 1 - above;
	struct area cell = { row, 0, 1, 1 };
	char text[48];

	for (int x = 0; x < frame->bars.columns; x++) {
		cell.column = frame->bars.column + x;
		if (any(frame, x, is_above_cap))
			put(frame, row, cell.column, STYLE_ALARM, "!");
		else if (is_blank(frame, row, cell.column))
			grid_fill(frame->grid, cell, STYLE_WARNING, frame->signs->across);
	}
	snprintf(text, sizeof text, " cap %.4g W ", frame->plot->cap_w);
	if (frame->bars.columns > 3 * TIME_CELLS)
		grid_put(frame->grid, row, frame->bars.column + 1, (int)strlen(text), STYLE_WARNING,
			 text);
}

static void draw_scale(const struct frame_of_plot *frame)
{
	int column = frame->bars.column - 1, first = frame->bars.row - 1;
	struct area cell = { frame->bars.row, column, frame->bars.rows, 1 };
	char text[48];

	if (!frame->labels)
		return;
	grid_fill(frame->grid, cell, STYLE_FAINT, frame->signs->up);
	for (int mark = 0; mark <= frame->marks; mark++) {
		/* What a row is labelled with is where it ends. */
		int row = first + frame->bars.rows - mark * (frame->bars.rows / frame->marks) + 1;

		if (mark == 0 && frame->axis < 0)
			continue;
		snprintf(text, sizeof text, "%.*f", mark ? frame->decimals : 0,
			 frame->top_w / frame->marks * mark);
		grid_put_right(frame->grid, row, column - LABEL_CELLS + 1, LABEL_CELLS - 2,
			       STYLE_NORMAL, text);
		cell = (struct area){ row, column, 1, 1 };
		grid_fill(frame->grid, cell, STYLE_FAINT, frame->signs->mark);
	}
}

static const double time_steps_s[] = { 1,   2,   5,    10,   15,   30,    60,    120,   300,
				       600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400 };

/* Between labels of the time axis. */
static double time_step_s(const struct frame_of_plot *frame)
{
	size_t last = sizeof time_steps_s / sizeof *time_steps_s - 1, i = 0;
	double cells_per_s = frame->bars.columns / frame->plot->span_s;

	while (i < last && time_steps_s[i] * cells_per_s < TIME_CELLS)
		i++;
	return time_steps_s[i];
}

const char *plot_time(double seconds, char text[PLOT_TIME_BYTES])
{
	static const struct {
		const char *unit;
		long seconds;
	} units[] = { { "h", 3600 }, { "m", 60 }, { "s", 1 } };
	long rest = lround(fmin(fmax(seconds, 0), 1e9));
	int length = 0;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		long count = rest / units[i].seconds;

		rest %= units[i].seconds;
		if (count)
			length += snprintf(text + length, PLOT_TIME_BYTES - (size_t)length, "%ld%s",
					   count, units[i].unit);
	}
	if (!length)
		strcpy(text, "0s");
	return text;
}

/* The mark and the label of a moment `ago`. */
/* What was missed is a gap; what was before anyone looked is none. */
static bool is_gap(const struct frame_of_plot *frame, int x)
{
	int first = 0;

	while (first < x && !any(frame, first, has_data))
		first++;
	return any(frame, x, has_gap) && any(frame, first, has_data);
}

static void put_time(const struct frame_of_plot *frame, double ago_s)
{
	const struct area *bars = &frame->bars;
	int x = bars->columns - (int)lround(ago_s / frame->plot->span_s * bars->columns);
	struct area cell = { frame->axis, bars->column + x, 1, 1 };
	char time[PLOT_TIME_BYTES], text[PLOT_TIME_BYTES + 1];

	if (x < 0)
		return;
	if (!is_gap(frame, x))
		grid_fill(frame->grid, cell, STYLE_FAINT, frame->signs->cross);
	snprintf(text, sizeof text, "-%s", plot_time(ago_s, time));
	if (frame->times >= 0)
		grid_put(frame->grid, frame->times, cell.column, bars->columns - x - 4, STYLE_FAINT,
			 text);
}

static void draw_axis(const struct frame_of_plot *frame)
{
	const struct area *bars = &frame->bars;
	double step_s = time_step_s(frame);

	for (int x = 0; x < bars->columns; x++) {
		struct area cell = { frame->axis, bars->column + x, 1, 1 };

		grid_fill(frame->grid, cell, STYLE_FAINT,
			  is_gap(frame, x) ? L'?' : frame->signs->across);
	}
	for (int i = 1; i * step_s <= frame->plot->span_s; i++)
		put_time(frame, i * step_s);
	if (frame->times >= 0)
		grid_put_right(frame->grid, frame->times, bars->column, bars->columns, STYLE_FAINT,
			       "now");
}

static void draw_limits(const struct frame_of_plot *frame)
{
	int column = frame->bars.column;
	struct area up = { frame->limits, column - 1, 1, 1 };

	if (frame->labels) {
		grid_put(frame->grid, frame->limits, column - LABEL_CELLS, LABEL_CELLS,
			 STYLE_NORMAL, "limit");
		grid_fill(frame->grid, up, STYLE_FAINT, frame->signs->up);
	}
	for (int x = 0; x < frame->bars.columns; x++)
		if (any(frame, x, is_throttled))
			put(frame, frame->limits, column + x, STYLE_WARNING, "T");
}

/* --- all of it
 * ------------------------------------------------------------------------------------ */

/* Columns left of the bars. */
static int label_cells(int width)
{
	return width >= LABEL_CELLS + BARS_MIN ? LABEL_CELLS : 0;
}

size_t plot_bins(enum graph_style style, int width)
{
	int bars = width - label_cells(width);

	return bars > 0 ? (size_t)bars * (size_t)resolutions[style].bins : 0;
}

/* Bars first; then the axis, the times, and what was throttled, as rows allow. */
static void lay_out(struct frame_of_plot *frame, struct area area)
{
	int cells = label_cells(area.columns), rows = area.rows, below = area.row + area.rows;
	bool axis = rows >= 3, times = rows >= 5, limits = rows >= 7 && frame->plot->throttled;

	frame->labels = cells > 0;
	frame->times = times ? --below : -1;
	frame->limits = limits ? --below : -1;
	frame->axis = axis ? --below : -1;
	frame->bars = (struct area){ area.row, area.column + cells, below - area.row,
				     area.columns - cells };
}

void plot_draw(struct grid *grid, struct area area, const struct plot *plot)
{
	struct frame_of_plot frame = { .grid = grid,
				       .plot = plot,
				       .signs = &plot_signs[plot->style] };

	if (area.rows < 1 || area.columns < 1)
		return;
	lay_out(&frame, area);
	choose_scale(&frame, highest_w(plot, plot_bins(plot->style, area.columns)));
	draw_bars(&frame);
	if (!isnan(plot->cap_w))
		draw_cap(&frame);
	draw_scale(&frame);
	if (frame.axis >= 0)
		draw_axis(&frame);
	if (frame.limits >= 0)
		draw_limits(&frame);
}
