/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/points-voltage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/points-cluster.h"

/* Of a clock that goes everywhere: interpolation between so many is exact enough. */
enum { SPREAD_POINTS = 16 };

struct clock { /* of a row with frequency and voltage */
	double hz, volts;
};

static bool is_clocked(const struct points *points, const struct trace *trace, size_t row)
{
	return points->of_row[row] != POINT_NONE && isfinite(trace->frequency_hz[row]) &&
	       trace->frequency_hz[row] > 0;
}

static int compare(const void *left, const void *right)
{
	const struct clock *a = left, *b = right;

	return (a->hz > b->hz) - (a->hz < b->hz);
}

/* Ascending frequency. */
static size_t collect(const struct points *points, const struct trace *trace, struct clock *clocks)
{
	size_t count = 0;

	for (size_t row = 0; row < trace->row_count; row++)
		if (is_clocked(points, trace, row))
			clocks[count++] =
				(struct clock){ trace->frequency_hz[row], trace->voltage_v[row] };
	qsort(clocks, count, sizeof *clocks, compare);
	return count;
}

/* By a line through these rows; their mean where the clock does not change. */
static double voltage_at(const struct clock *clocks, size_t count, double hz)
{
	double mean_hz = 0, mean_v = 0, squares = 0, products = 0;

	for (size_t i = 0; i < count; i++) {
		mean_hz += clocks[i].hz / (double)count;
		mean_v += clocks[i].volts / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		squares += (clocks[i].hz - mean_hz) * (clocks[i].hz - mean_hz);
		products += (clocks[i].hz - mean_hz) * (clocks[i].volts - mean_v);
	}
	if (!(squares > 0))
		return mean_v;
	return mean_v + products / squares * (hz - mean_hz);
}

static void set_point(struct points *points, unsigned p, double hz, double volts)
{
	double part = volts / points->voltage_max;

	points->at[p].frequency_hz = hz;
	points->at[p].voltage_v = volts;
	points->at[p].dynamic = part * part;
}

/* Means of each operating point; false: they cannot be told apart. */
static int use_clusters(struct points *points, const struct trace *trace, bool *told)
{
	unsigned char *of_row = malloc(trace->row_count);
	double hz[WEIGHTS_POINTS_MAX] = { 0 }, volts[WEIGHTS_POINTS_MAX] = { 0 };
	size_t rows[WEIGHTS_POINTS_MAX] = { 0 };
	int result;

	if (!of_row)
		return -ENOMEM;
	for (size_t row = 0; row < trace->row_count; row++)
		of_row[row] = is_clocked(points, trace, row) ? 0 : POINT_NONE;
	result = points_cluster(trace->frequency_hz, trace->row_count, of_row, &points->count);
	for (size_t row = 0; result == 0 && row < trace->row_count; row++) {
		if (of_row[row] == POINT_NONE)
			continue;
		rows[of_row[row]]++;
		hz[of_row[row]] += trace->frequency_hz[row];
		volts[of_row[row]] += trace->voltage_v[row];
	}
	free(of_row);
	*told = result == 0;
	for (unsigned p = 0; *told && p < points->count; p++)
		set_point(points, p, hz[p] / (double)rows[p], volts[p] / (double)rows[p]);
	return result == -ERANGE ? 0 : result;
}

/* Lowest, highest and quantiles between. Points closer than one holds are one. */
static int use_quantiles(struct points *points, const struct trace *trace)
{
	struct clock *clocks = calloc(trace->row_count, sizeof *clocks);
	size_t count, reach;

	if (!clocks)
		return -ENOMEM;
	count = collect(points, trace, clocks);
	reach = count / ((size_t)SPREAD_POINTS * 2) + 1;
	points->count = 0;
	for (size_t k = SPREAD_POINTS; k-- > 0;) {
		size_t at = k * (count - 1) / (SPREAD_POINTS - 1);
		size_t begin = at > reach ? at - reach : 0;
		size_t end = at + reach < count ? at + reach + 1 : count;
		double hz = clocks[at].hz;

		if (points->count > 0 && hz * (1 + WEIGHTS_FREQUENCY_TOLERANCE) >
						 points->at[points->count - 1].frequency_hz)
			continue;
		set_point(points, points->count++, hz, voltage_at(clocks + begin, end - begin, hz));
	}
	free(clocks);
	for (unsigned p = 0; p < points->count / 2; p++) {
		struct point other = points->at[p];

		points->at[p] = points->at[points->count - 1 - p];
		points->at[points->count - 1 - p] = other;
	}
	return 0;
}

/* The point whose clock is nearest; of a row without one whose voltage is. */
static unsigned nearest(const struct points *points, const struct trace *trace, size_t row)
{
	bool clocked = is_clocked(points, trace, row);
	double distance, least = INFINITY;
	unsigned best = 0;

	for (unsigned p = 0; p < points->count; p++) {
		distance = clocked ? fabs(points->at[p].frequency_hz - trace->frequency_hz[row])
				   : fabs(points->at[p].voltage_v - trace->voltage_v[row]);
		if (distance < least) {
			least = distance;
			best = p;
		}
	}
	return best;
}

int points_by_voltage(struct points *points, const struct trace *trace)
{
	bool told;
	int result;

	memset(points->at, 0, sizeof points->at);
	result = use_clusters(points, trace, &told);
	if (result == 0 && !told)
		result = use_quantiles(points, trace);
	for (size_t row = 0; result == 0 && row < trace->row_count; row++) {
		if (points->of_row[row] == POINT_NONE)
			continue;
		points->of_row[row] = (unsigned char)nearest(points, trace, row);
		points->at[points->of_row[row]].rows++;
	}
	return result;
}
