/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/points.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/points-cluster.h"
#include "calibrate/fit/points-voltage.h"

/* Rows between operating points come from seconds in which the clock changed; that many
 * may be left aside. More of them are points that were not measured well enough. */
#define STRAY_PART 0.01
#define ROWS_PER_WEIGHT 3
#define GROUPS_MIN 2
#define MIXED "frequencies are mixed: "
#define REMEDY "; --frequency %s"

static bool stated(const double *column, size_t row)
{
	return column && isfinite(column[row]) && column[row] > 0;
}

static size_t count_stated(const double *column, size_t rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows; i++)
		count += stated(column, i);
	return count;
}

/* What else may be asked for where points cannot be told apart. */
static const char *remedy(const struct trace *trace)
{
	return count_stated(trace->voltage_v, trace->row_count) > 0
		       ? "v2|ignore"
		       : "ignore, or v2 with a column voltage_v";
}

static void range_of(const double *column, size_t rows, double *low, double *high)
{
	*low = INFINITY;
	*high = 0;
	for (size_t i = 0; i < rows; i++)
		if (stated(column, i)) {
			*low = fmin(*low, column[i]);
			*high = fmax(*high, column[i]);
		}
}

/* Rows without a value cannot be placed: few are left aside, many are an error. */
static int leave_absent(struct points *points, const double *column, const char *name, size_t rows,
			struct error_list *warnings, struct error *error)
{
	size_t absent = rows - count_stated(column, rows);

	if (absent == 0)
		return 0;
	if (absent > rows / 2)
		return error_setf(error, EINVAL,
				  "%zu of %zu rows have no %s, too many to leave them aside"
				  "; --frequency ignore",
				  absent, rows, name);
	error_list_addf(warnings, "%zu of %zu rows have no %s and were left aside", absent, rows,
			name);
	for (size_t i = 0; i < rows; i++)
		if (!stated(column, i))
			points->of_row[i] = POINT_NONE;
	return 0;
}

/* Means over the rows of each point. */
static void describe(struct points *points, const struct trace *trace)
{
	double voltages[WEIGHTS_POINTS_MAX] = { 0 };
	size_t voltage_rows[WEIGHTS_POINTS_MAX] = { 0 };

	memset(points->at, 0, sizeof points->at);
	for (size_t i = 0; i < trace->row_count; i++) {
		struct point *point;

		if (points->of_row[i] == POINT_NONE)
			continue;
		point = &points->at[points->of_row[i]];
		point->rows++;
		point->frequency_hz += trace->frequency_hz ? trace->frequency_hz[i] : 0;
		if (!stated(trace->voltage_v, i))
			continue;
		voltages[points->of_row[i]] += trace->voltage_v[i];
		voltage_rows[points->of_row[i]]++;
	}
	for (unsigned p = 0; p < points->count; p++) {
		struct point *point = &points->at[p];

		if (point->rows > 0)
			point->frequency_hz /= (double)point->rows;
		point->voltage_v = voltages[p] / (double)voltage_rows[p];
		point->dynamic = 1;
	}
}

/* Distinct workloads of each point. */
static int count_groups(const struct points *points, const struct trace *trace,
			size_t groups[WEIGHTS_POINTS_MAX])
{
	unsigned char *seen = calloc(points->count, trace->group_count);

	if (!seen)
		return -ENOMEM;
	memset(groups, 0, WEIGHTS_POINTS_MAX * sizeof *groups);
	for (size_t i = 0; i < trace->row_count; i++) {
		unsigned p = points->of_row[i];
		unsigned char *mark;

		if (p == POINT_NONE)
			continue;
		mark = &seen[p * trace->group_count + trace->group[i]];
		groups[p] += !*mark;
		*mark = 1;
	}
	free(seen);
	return 0;
}

/* Take out the points that `keep` does not name. */
static void keep_points(struct points *points, const bool keep[], size_t rows)
{
	unsigned char renamed[WEIGHTS_POINTS_MAX];
	unsigned kept = 0;

	for (unsigned p = 0; p < points->count; p++)
		renamed[p] = keep[p] ? (unsigned char)kept++ : POINT_NONE;
	for (size_t i = 0; i < rows; i++)
		if (points->of_row[i] != POINT_NONE)
			points->of_row[i] = renamed[points->of_row[i]];
	points->count = kept;
}

/* Has every point enough rows for a fit of its own? A few strays are left aside. */
static int check_points(struct points *points, const struct trace *trace,
			struct error_list *warnings, struct error *error)
{
	size_t groups[WEIGHTS_POINTS_MAX], stray = 0, needed;
	bool keep[WEIGHTS_POINTS_MAX];
	unsigned weak = points->count;

	if (points->count < 2)
		return 0;
	if (count_groups(points, trace, groups))
		return -ENOMEM;
	needed = (size_t)ROWS_PER_WEIGHT * (trace->event_count + 1);
	for (unsigned p = 0; p < points->count; p++) {
		keep[p] = points->at[p].rows >= needed && groups[p] >= GROUPS_MIN;
		if (keep[p])
			continue;
		stray += points->at[p].rows;
		if (weak == points->count || points->at[p].rows > points->at[weak].rows)
			weak = p;
	}
	if (stray == 0)
		return 0;
	if ((double)stray > STRAY_PART * (double)trace->row_count)
		return error_setf(error, EINVAL,
				  MIXED "the point at %.0f MHz has %zu rows of %zu workloads, where"
					" %zu rows of %d are needed, so that the points cannot be"
					" told apart" REMEDY,
				  points->at[weak].frequency_hz * 1e-6, points->at[weak].rows,
				  groups[weak], needed, GROUPS_MIN, remedy(trace));
	error_list_addf(warnings,
			"%zu of %zu rows lie between the operating points and were left aside",
			stray, trace->row_count);
	keep_points(points, keep, trace->row_count);
	describe(points, trace);
	return 0;
}

/* Rows to frequencies. */
static int cluster(struct points *points, const struct trace *trace, struct error_list *warnings,
		   struct error *error)
{
	double low, high;
	int result = leave_absent(points, trace->frequency_hz, "frequency_hz", trace->row_count,
				  warnings, error);

	if (result)
		return result;
	result = points_cluster(trace->frequency_hz, trace->row_count, points->of_row,
				&points->count);
	if (result == -ERANGE) {
		range_of(trace->frequency_hz, trace->row_count, &low, &high);
		return error_setf(error, EINVAL,
				  MIXED "more than %d values from %.0f to %.0f MHz cannot be told"
					" apart" REMEDY,
				  WEIGHTS_POINTS_MAX, low * 1e-6, high * 1e-6, remedy(trace));
	}
	if (result == 0)
		describe(points, trace);
	return result;
}

static int scale_by_voltage(struct points *points, const struct trace *trace,
			    struct error_list *warnings, struct error *error)
{
	double low;
	int result;

	if (count_stated(trace->voltage_v, trace->row_count) == 0)
		return error_setf(error, EINVAL, "--frequency v2 needs the column voltage_v");
	result = leave_absent(points, trace->voltage_v, "voltage_v", trace->row_count, warnings,
			      error);
	if (result)
		return result;
	range_of(trace->voltage_v, trace->row_count, &low, &points->voltage_max);
	if (count_stated(trace->frequency_hz, trace->row_count) > 0)
		return points_by_voltage(points, trace);
	points->count = 1;
	describe(points, trace);
	points->at[0].voltage_v = points->voltage_max;
	error_list_addf(warnings,
			"no row has a frequency_hz: the weights are those at %.4g V, the highest"
			" voltage, and hold there alone",
			points->voltage_max);
	return 0;
}

/* One point at whatever frequency. */
static void ignore(struct points *points, const struct trace *trace, struct error_list *warnings)
{
	double low, high;

	points->count = 1;
	describe(points, trace);
	points->at[0].frequency_hz = 0;
	points->at[0].voltage_v = NAN;
	range_of(trace->frequency_hz, trace->row_count, &low, &high);
	if (high > low * (1 + WEIGHTS_FREQUENCY_TOLERANCE))
		error_list_addf(warnings,
				"frequencies from %.0f to %.0f MHz are mixed and were ignored: one"
				" set of weights stands for all",
				low * 1e-6, high * 1e-6);
}

int points_find(struct points *points, const struct trace *trace, enum fit_frequency frequency,
		struct error_list *warnings, struct error *error)
{
	int result;

	*points = (struct points){ .voltage_max = NAN };
	points->of_row = calloc(trace->row_count + 1, sizeof *points->of_row);
	if (!points->of_row)
		return -ENOMEM;
	if (frequency == FIT_FREQUENCY_V2)
		return scale_by_voltage(points, trace, warnings, error);
	if (frequency == FIT_FREQUENCY_IGNORE ||
	    count_stated(trace->frequency_hz, trace->row_count) == 0) {
		ignore(points, trace, warnings);
		return 0;
	}
	points->separate = true;
	result = cluster(points, trace, warnings, error);
	return result ? result : check_points(points, trace, warnings, error);
}

void points_clear(struct points *points)
{
	free(points->of_row);
	*points = (struct points){ 0 };
}
