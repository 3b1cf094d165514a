/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/align-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A section reaches from before a change to where the slowest meter has followed. */
static const double before_s = 3, after_s = 10;
/* Beyond this pause what ran between two workloads is anyone's guess. */
static const double pause_max_s = 2;
static const double tuning = 1.345; /* Huber 1964: 95 % as good as squares if nothing is wrong */
static const double window_min_s = 0.02;

/* --- readings ---------------------------------------------------------------------------- */

static int gather_points(const struct session *session, struct sections *sections)
{
	for (size_t i = 0; i < session->readings.count; i++) {
		const struct meter_reading *reading = &session->readings.items[i];
		double time_s =
			(double)(int64_t)(reading->time_ns - sections->curve.origin_ns) * 1e-9;
		struct align_point *point;

		if ((reading->flags & ~(unsigned)METER_WRAPPED) || !isfinite(reading->power_w))
			continue;
		if (sections->points.count > 0 &&
		    time_s <= sections->points.items[sections->points.count - 1].time_s)
			continue;
		point = MEMORY_APPEND(&sections->points);
		if (!point)
			return -ENOMEM;
		*point = (struct align_point){ time_s, reading->power_w };
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* From second differences, which changes of load hardly touch; their median not at all. */
static int estimate_noise(const struct session *session, struct sections *sections)
{
	const struct align_point *points = sections->points.items;
	size_t count = sections->points.count < 3 ? 0 : sections->points.count - 2;
	double *differences = calloc(count + 1, sizeof *differences);
	double floor_w = session->meter.resolution_w;

	if (!differences)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		differences[i] =
			fabs(points[i].power_w - 2 * points[i + 1].power_w + points[i + 2].power_w);
	qsort(differences, count, sizeof *differences, compare);
	/* 1.4826 makes a median a standard deviation; one of 1 -2 1 has sqrt(6) times as much. */
	sections->noise_w = 1.4826 / sqrt(6) * differences[count / 2];
	free(differences);
	/* Steps of the meter are noise of 1 / sqrt(12) at least. */
	floor_w = floor_w > 0 ? floor_w / sqrt(12) : 0;
	sections->noise_w = fmax(sections->noise_w, fmax(floor_w, 1e-3));
	return 0;
}

/* Beyond both neighbours on either side by far: no change of load looks like that. */
static bool is_outlier(const struct sections *sections, size_t i)
{
	const struct align_point *p = &sections->points.items[i];
	double low = fmin(fmin(p[-2].power_w, p[-1].power_w), fmin(p[1].power_w, p[2].power_w));
	double high = fmax(fmax(p[-2].power_w, p[-1].power_w), fmax(p[1].power_w, p[2].power_w));

	return p->power_w > high + 8 * sections->noise_w ||
	       p->power_w < low - 8 * sections->noise_w;
}

static int drop_outliers(struct sections *sections)
{
	unsigned char *drop = calloc(sections->points.count + 1, 1);
	size_t kept = 0;

	if (!drop)
		return -ENOMEM;
	for (size_t i = 2; i + 2 < sections->points.count; i++)
		drop[i] = is_outlier(sections, i);
	for (size_t i = 0; i < sections->points.count; i++)
		if (!drop[i])
			sections->points.items[kept++] = sections->points.items[i];
	sections->outliers = sections->points.count - kept;
	sections->points.count = kept;
	free(drop);
	return 0;
}

/* --- sections ---------------------------------------------------------------------------- */

static double seconds_of(const struct sections *sections, uint64_t time_ns)
{
	return (double)(int64_t)(time_ns - sections->curve.origin_ns) * 1e-9;
}

/* Does another workload begin with this phase, right after the one before? */
static bool is_change(const struct session *session, size_t phase)
{
	const struct session_phase *now = &session->phases.items[phase], *last = now - 1;

	return last->complete && now->complete && now->begin_ns >= last->begin_ns &&
	       (double)now->begin_ns - (double)last->end_ns < pause_max_s * 1e9 &&
	       (strcmp(now->workload, last->workload) != 0 || now->threads != last->threads ||
		now->frequency_hz != last->frequency_hz);
}

static int add_section(const struct session *session, size_t phase, struct sections *sections)
{
	double at_s = seconds_of(sections, session->phases.items[phase].begin_ns);
	double end_s = at_s + after_s;
	struct section section = { 0 }, *added;
	size_t before = 0;

	if (phase + 1 < session->phases.count &&
	    session->phases.items[phase + 1].begin_ns > session->phases.items[phase].begin_ns)
		end_s = fmin(end_s,
			     seconds_of(sections, session->phases.items[phase + 1].begin_ns));
	for (size_t i = 0; i < sections->points.count; i++) {
		double time_s = sections->points.items[i].time_s;

		if (time_s < at_s - before_s || time_s >= end_s)
			continue;
		if (section.count++ == 0)
			section.first = i;
		before += time_s < at_s;
	}
	if (section.count < ALIGN_POINTS_MIN || before == 0 || before == section.count)
		return 0;
	/* The longest lag and window that are tried reach back so far. */
	section.knot = curve_find(&sections->curve, at_s - before_s - 10);
	added = MEMORY_APPEND(sections);
	if (!added)
		return -ENOMEM;
	*added = section;
	return 0;
}

static int make_room(struct sections *sections)
{
	size_t longest = 1;

	for (size_t i = 0; i < sections->count; i++)
		if (sections->items[i].count > longest)
			longest = sections->items[i].count;
	sections->proxy = calloc(longest, sizeof *sections->proxy);
	sections->weight = calloc(longest, sizeof *sections->weight);
	return sections->proxy && sections->weight ? 0 : -ENOMEM;
}

int sections_make(const struct session *session, struct sections *sections)
{
	int result;

	memset(sections, 0, sizeof *sections);
	result = curve_make(session, &sections->curve);
	if (result == -EINVAL)
		return 0; /* without counters there are no sections */
	if (!result)
		result = gather_points(session, sections);
	if (!result)
		result = estimate_noise(session, sections);
	if (!result)
		result = drop_outliers(sections);
	for (size_t i = 1; i < session->phases.count && !result; i++)
		if (is_change(session, i))
			result = add_section(session, i, sections);
	if (!result)
		result = make_room(sections);
	if (result)
		sections_clear(sections);
	return result;
}

void sections_clear(struct sections *sections)
{
	curve_clear(&sections->curve);
	free(sections->points.items);
	free(sections->items);
	free(sections->proxy);
	free(sections->weight);
	memset(sections, 0, sizeof *sections);
}

/* --- how well a lag and a window explain one ---------------------------------------------- */

struct line {
	double slope, mean_x, mean_y;
	double total_squares; /* weighted, of y about its mean */
};

static struct line fit_line(const double *x, const struct align_point *y, const double *weight,
			    size_t count)
{
	struct line line = { 0 };
	double sum = 0, xx = 0, xy = 0;

	for (size_t i = 0; i < count; i++) {
		sum += weight[i];
		line.mean_x += weight[i] * x[i];
		line.mean_y += weight[i] * y[i].power_w;
	}
	line.mean_x /= sum;
	line.mean_y /= sum;
	for (size_t i = 0; i < count; i++) {
		double dx = x[i] - line.mean_x, dy = y[i].power_w - line.mean_y;

		xx += weight[i] * dx * dx;
		xy += weight[i] * dx * dy;
		line.total_squares += weight[i] * dy * dy;
	}
	/* More counted work never takes less power. */
	line.slope = xx > 0 && xy > 0 ? xy / xx : 0;
	return line;
}

static void find_proxy(const struct sections *sections, const struct section *section, double lag_s,
		       double window_s)
{
	const struct align_point *points = sections->points.items + section->first;
	size_t from = section->knot, to = from;

	window_s = fmax(window_s, window_min_s);
	for (size_t i = 0; i < section->count; i++) {
		double end_s = points[i].time_s - lag_s;

		sections->proxy[i] = (curve_energy_j(&sections->curve, end_s, &to) -
				      curve_energy_j(&sections->curve, end_s - window_s, &from)) /
				     window_s;
		sections->weight[i] = 1;
	}
}

struct section_fit section_fit(const struct sections *sections, const struct section *section,
			       double lag_s, double window_s)
{
	enum { ITERATIONS = 3 };
	const struct align_point *points = sections->points.items + section->first;
	double limit = tuning * sections->noise_w,
	       unit = 1 / (sections->noise_w * sections->noise_w);
	struct section_fit fit = { 0 };

	find_proxy(sections, section, lag_s, window_s);
	for (int k = 0; k < ITERATIONS; k++) {
		struct line line =
			fit_line(sections->proxy, points, sections->weight, section->count);

		fit = (struct section_fit){ .total_squares = line.total_squares };
		for (size_t i = 0; i < section->count; i++) {
			double error = fabs(points[i].power_w - line.mean_y -
					    line.slope * (sections->proxy[i] - line.mean_x));

			fit.loss += error <= limit ? 0.5 * error * error * unit
						   : limit * (error - 0.5 * limit) * unit;
			fit.squares += sections->weight[i] * error * error;
			sections->weight[i] = error <= limit ? 1 : limit / error;
		}
	}
	return fit;
}
