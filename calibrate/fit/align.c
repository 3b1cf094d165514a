/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What readings tell best is the middle of their window (lag + window / 2); its
 * length is told only by readings that straddle a change. So the search is over
 * middle and length, which hardly disturb each other.
 */
#include "calibrate/fit/align.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/align-internal.h"

static const double lag_max_s = 5, window_max_s = 4;
enum { CHANGES_MIN = 4 };
static const double explained_min = 0.2;
static const double golden = 0.6180339887498949;

/* Around zero lag, so that a mean over what is possible is not pushed away from it. */
static const double lag_min_s = -0.3;

/* --- where nothing can be estimated ---------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Median distance of readings; NaN: there is none. */
static double reading_interval_s(const struct session *session)
{
	size_t count = session->readings.count;
	double *intervals = count > 1 ? calloc(count, sizeof *intervals) : NULL, median;

	if (!intervals)
		return NAN;
	for (size_t i = 0; i + 1 < count; i++)
		intervals[i] = ((double)session->readings.items[i + 1].time_ns -
				(double)session->readings.items[i].time_ns) *
			       1e-9;
	qsort(intervals, count - 1, sizeof *intervals, compare);
	median = intervals[(count - 1) / 2];
	free(intervals);
	return median > 0 ? median : NAN;
}

static double or_else(double first, double second)
{
	return isfinite(first) && first >= 0 ? first : second;
}

struct align align_documented(const struct session *session)
{
	double interval_s = or_else(session->meter.interval_s, reading_interval_s(session));

	interval_s = or_else(interval_s, 1);
	return (struct align){
		.lag_s = interval_s / 2,
		.window_s = or_else(session->meter.window_s, interval_s),
		.lag_se_s = NAN,
		.explained = NAN,
	};
}

/* --- the search ------------------------------------------------------------------------------- */

struct place {
	double middle_s, window_s;
	double loss;
};

static double loss_at(const struct sections *sections, double middle_s, double window_s)
{
	double loss = 0;

	for (size_t i = 0; i < sections->count; i++)
		loss += section_fit(sections, &sections->items[i], middle_s - window_s / 2,
				    window_s)
				.loss;
	return loss;
}

/* Golden section (Kiefer 1953) between two middles. */
static struct place refine(const struct sections *sections, double window_s, double low,
			   double high)
{
	double a = high - golden * (high - low), b = low + golden * (high - low);
	double loss_a = loss_at(sections, a, window_s), loss_b = loss_at(sections, b, window_s);

	while (high - low > 0.005) {
		if (loss_a <= loss_b) {
			high = b;
			b = a;
			loss_b = loss_a;
			a = high - golden * (high - low);
			loss_a = loss_at(sections, a, window_s);
		} else {
			low = a;
			a = b;
			loss_a = loss_b;
			b = low + golden * (high - low);
			loss_b = loss_at(sections, b, window_s);
		}
	}
	return loss_a <= loss_b ? (struct place){ a, window_s, loss_a }
				: (struct place){ b, window_s, loss_b };
}

/* The best middle for a window: a scan of what lies between two middles, then closer. */
static struct place best_between(const struct sections *sections, double window_s, double from_s,
				 double to_s)
{
	const double step = 0.2, least_s = lag_min_s + window_s / 2;
	double at = fmax(from_s, window_s / 2), least = INFINITY;

	for (int i = 0; fmax(from_s, window_s / 2) + i * step <= to_s; i++) {
		double middle = fmax(from_s, window_s / 2) + i * step;
		double loss = loss_at(sections, middle, window_s);

		if (loss < least) {
			least = loss;
			at = middle;
		}
	}
	return refine(sections, window_s, fmax(at - step, least_s), at + step);
}

/* Anywhere; and near the middle of another window, which is nearly its own. */
static struct place best_middle(const struct sections *sections, double window_s)
{
	return best_between(sections, window_s, 0, lag_max_s + window_s / 2);
}

static struct place best_near(const struct sections *sections, double window_s,
			      const struct place *near)
{
	return best_between(sections, window_s, near->middle_s - 0.6, near->middle_s + 0.6);
}

static const double windows_s[] = { 0, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.4, 2, 2.8, 4 };
enum { WINDOWS = sizeof windows_s / sizeof *windows_s, FIRST_WINDOW = 6 };

static struct place best_window(const struct sections *sections)
{
	struct place first = best_middle(sections, windows_s[FIRST_WINDOW]), best = first;
	int index = FIRST_WINDOW;
	double low, high;

	for (int i = 0; i < WINDOWS; i++) {
		struct place place = best_near(sections, windows_s[i], &first);

		if (place.loss >= best.loss)
			continue;
		best = place;
		index = i;
	}
	low = windows_s[index > 0 ? index - 1 : 0];
	high = windows_s[index + 1 < WINDOWS ? index + 1 : index];
	while (high - low > 0.02 + 0.02 * high) {
		struct place a = best_near(sections, high - golden * (high - low), &best);
		struct place b = best_near(sections, low + golden * (high - low), &best);

		if (a.loss <= b.loss)
			high = b.window_s;
		else
			low = a.window_s;
		if (fmin(a.loss, b.loss) < best.loss)
			best = a.loss <= b.loss ? a : b;
	}
	return best;
}

/* --- how sure ----------------------------------------------------------------------------------
 */

/* Degrees of freedom that are left when each change has its own level and scale. */
static double freedom(const struct sections *sections)
{
	double points = 0;

	for (size_t i = 0; i < sections->count; i++)
		points += (double)sections->items[i].count;
	return fmax(points - 2 * (double)sections->count - 2, 1);
}

/* Loss per degree of freedom, above what noise alone gives: the model's own fault. */
static double dispersion(const struct sections *sections, double loss)
{
	return fmax(2 * loss / freedom(sections), 1);
}

static double explained_part(const struct sections *sections, const struct place *place)
{
	double left = 0, total = 0, points = freedom(sections) + (double)sections->count + 2;

	for (size_t i = 0; i < sections->count; i++) {
		struct section_fit fit =
			section_fit(sections, &sections->items[i],
				    place->middle_s - place->window_s / 2, place->window_s);

		left += fit.squares;
		total += fit.total_squares;
	}
	if (!(total > 0))
		return 0;
	return fmax(1 - left / freedom(sections) / (total / points), 0);
}

/* Losses along one direction about a place, of each change: profile[step * count + change]. */
struct profile {
	const struct sections *sections;
	double first, step;
	size_t steps;
	double dispersion;
	double *losses;
};

struct moments {
	double mean, sd;
};

/* Mean over what is possible, as likely as the losses say; all changes but one, or all. */
static struct moments weigh(const struct profile *profile, size_t without)
{
	size_t changes = profile->sections->count;
	double least = INFINITY, sum = 0, first = 0, second = 0;

	for (int round = 0; round < 2; round++)
		for (size_t k = 0; k < profile->steps; k++) {
			const double *losses = profile->losses + k * changes;
			double loss = 0, at = profile->first + (double)k * profile->step, weight;

			for (size_t i = 0; i < changes; i++)
				loss += i == without ? 0 : losses[i];
			if (round == 0) {
				least = fmin(least, loss);
				continue;
			}
			weight = exp((least - loss) / profile->dispersion);
			sum += weight;
			first += weight * at;
			second += weight * at * at;
		}
	first /= sum;
	return (struct moments){ first, sqrt(fmax(second / sum - first * first, 0)) };
}

/* The larger of what the losses' curvature says and a jackknife over changes. */
static struct moments judge(const struct profile *profile)
{
	size_t changes = profile->sections->count;
	struct moments all = weigh(profile, changes);
	double mean = 0, squares = 0;

	for (size_t i = 0; i < changes; i++) {
		double estimate = weigh(profile, i).mean;
		double delta = estimate - mean;

		mean += delta / (double)(i + 1);
		squares += delta * (estimate - mean);
	}
	all.sd = fmax(all.sd, sqrt(squares * (double)(changes - 1) / (double)changes));
	all.sd = hypot(all.sd, profile->step); /* between steps nothing was tried */
	return all;
}

enum direction { ALONG_MIDDLE, ALONG_WINDOW };

static int explore(const struct sections *sections, const struct place *place,
		   enum direction direction, struct moments *moments)
{
	enum { STEPS = 81 };
	double low = direction == ALONG_MIDDLE
			     ? fmax(place->middle_s - 0.4, place->window_s / 2 + lag_min_s)
			     : fmax(place->window_s - 0.75, 0);
	double high = direction == ALONG_MIDDLE ? place->middle_s + 0.4 : place->window_s + 0.75;
	struct profile profile = {
		.sections = sections,
		.first = low,
		.step = (high - low) / (STEPS - 1),
		.steps = STEPS,
		.dispersion = dispersion(sections, place->loss),
		.losses = calloc(STEPS * sections->count, sizeof *profile.losses),
	};

	if (!profile.losses)
		return -ENOMEM;
	for (size_t k = 0; k < STEPS; k++) {
		double at = low + (double)k * profile.step;
		double middle = direction == ALONG_MIDDLE ? at : place->middle_s;
		double window = direction == ALONG_MIDDLE ? place->window_s : at;

		for (size_t i = 0; i < sections->count; i++)
			profile.losses[k * sections->count + i] =
				section_fit(sections, &sections->items[i], middle - window / 2,
					    window)
					.loss;
	}
	*moments = judge(&profile);
	free(profile.losses);
	return 0;
}

/* The documented window unless the data speak against it clearly (chi-square, 99.5 %) and for one
 * that is another in practice. */
static struct place choose_window(const struct session *session, const struct sections *sections,
				  bool *documented, double *free_window_s)
{
	struct place best = best_window(sections), stated;

	*free_window_s = best.window_s;
	*documented = false;
	if (!isfinite(session->meter.window_s) || session->meter.window_s < 0 ||
	    session->meter.window_s > window_max_s)
		return best;
	stated = best_middle(sections, session->meter.window_s);
	*documented = stated.loss - best.loss <= 4 * dispersion(sections, best.loss) ||
		      fabs(best.window_s - stated.window_s) <= fmax(0.05, 0.05 * best.window_s);
	return *documented ? stated : best;
}

static int estimate(const struct session *session, const struct sections *sections,
		    struct align *align)
{
	struct moments middle, window = { 0 };
	bool documented;
	double free_window_s;
	struct place place = choose_window(session, sections, &documented, &free_window_s);
	int result;

	align->explained = explained_part(sections, &place);
	if (align->explained < explained_min)
		return 0;
	result = explore(sections, &place, ALONG_MIDDLE, &middle);
	if (!result && !documented)
		result = explore(sections, &place, ALONG_WINDOW, &window);
	if (result)
		return result;
	align->window_s = place.window_s;
	align->lag_s = fmin(fmax(middle.mean - place.window_s / 2, 0), lag_max_s);
	align->lag_se_s = hypot(middle.sd, window.sd / 2);
	snprintf(align->note, sizeof align->note,
		 "lag %.2f s +-%.2f s from %zu changes of workload; window %.2f s, %s; "
		 "%zu readings far off their neighbours were left out",
		 align->lag_s, align->lag_se_s, align->changes, align->window_s,
		 documented ? "as documented" : "from the data", sections->outliers);
	if (!documented && isfinite(session->meter.window_s))
		snprintf(align->note + strlen(align->note),
			 sizeof align->note - strlen(align->note), "; %.2f s was documented",
			 session->meter.window_s);
	return 0;
}

int align_estimate(const struct session *session, struct align *align, struct error *error)
{
	struct sections sections;
	int result;

	*align = align_documented(session);
	if (session->readings.count == 0)
		return error_setf(error, EINVAL, "the recording has no readings of a meter");
	result = sections_make(session, &sections);
	if (result)
		return error_setf(error, -result, "%s", strerror(-result));
	align->changes = sections.count;
	if (sections.count >= CHANGES_MIN)
		result = estimate(session, &sections, align);
	if (!result && !align->note[0])
		snprintf(align->note, sizeof align->note,
			 sections.count < CHANGES_MIN
				 ? "%zu changes of workload are too few to find the lag: half of "
				   "the meter's interval and its documented window were taken"
				 : "%zu changes of workload are not to be seen in the power: half "
				   "of the meter's interval and its documented window were taken",
			 sections.count);
	sections_clear(&sections);
	return result ? error_setf(error, -result, "%s", strerror(-result)) : 0;
}
