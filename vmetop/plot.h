/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot.h - power over time as bars in a grid, with its axes. Pure.
 *
 *    75 -
 *       |    : :#     : error band
 *    50 -    ####     # active
 *       |   #####
 *    25 -========     = idle
 *       |========
 *     0 -+??--+---    ? no data
 *        -2m  -1m  now
 */
#ifndef VMENERGY_VMETOP_PLOT_H
#define VMENERGY_VMETOP_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "vmetop/grid.h"
#include "vmetop/history.h"
#include "vmetop/ui.h"

struct plot {
	enum graph_style style; /* ASCII where the terminal has no more */
	const struct bin *bins; /* oldest first, plot_bins() of them */
	double span_s;
	double error_share; /* half-width of the 95 % interval, of the total; NaN = unknown */
	double cap_w;       /* the newest; NaN = none */
	bool throttled;     /* has a line for throttling */
};

/* What a style draws with. */
struct plot_signs {
	const char *idle, *active, *band;
	wchar_t up, mark, across, cross;
};
extern const struct plot_signs plot_signs[];

/* How many bins a plot shows that is `width` cells wide. */
size_t plot_bins(enum graph_style style, int width);
/* The top of the scale: a round number, `watts` or more. */
double plot_scale_w(double watts);
void plot_draw(struct grid *grid, struct area area, const struct plot *plot);
/* "5m", "1h30m", "45s". */
enum { PLOT_TIME_BYTES = 40 };
const char *plot_time(double seconds, char text[PLOT_TIME_BYTES]);

#endif
