/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything comes from triangles (factor.h): one of each group's rows, one of all
 * rows but the group's. So a candidate costs as many small fits as there are groups,
 * whatever the rows. After each step forward a chosen event may be exchanged for another
 * (as in Pudil, Novovicova, Kittler 1994: what helped alone may not be needed in company).
 */
#include "calibrate/fit/select.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/factor.h"

/* Columns that a third one hardly tells apart are copies for our purpose. */
static const double copy_vif = 1e4;

/* Events of the trace, by index. */
struct set {
	bool has[TRACE_EVENTS_MAX];
};

struct search {
	const struct trace *trace;
	struct select_limits limits;
	struct factors factors;
	struct factor all;
	struct factor *without; /* of each group; owned */
	struct set open;        /* may still be chosen */
	struct set chosen;
	unsigned count;
	double rmse; /* held-out, with those chosen */
};

/* Columns of a factor: the constant, events in ascending order, the power. */
struct columns {
	unsigned items[TRACE_EVENTS_MAX + 2], count;
};

static struct columns columns_of(const struct search *search, const struct set *set)
{
	struct columns columns = { { 0 }, 1 };

	for (unsigned i = 0; i < search->trace->event_count; i++)
		if (set->has[i])
			columns.items[columns.count++] = i + 1;
	columns.items[columns.count++] = search->trace->event_count + 1;
	return columns;
}

/* Pooled held-out RMSE in W. 0 or -ENOMEM. */
static int held_out(const struct search *search, const struct columns *columns, double *rmse)
{
	struct factor kept = { 0 }, left = { 0 };
	double x[TRACE_EVENTS_MAX + 2], squares = 0, rows = 0;
	int result = 0;

	for (size_t g = 0; g < search->factors.group_count && !result; g++) {
		result = factor_pick(&search->without[g], columns->items, columns->count, &kept);
		if (!result)
			result = factor_pick(&search->factors.groups[g], columns->items,
					     columns->count, &left);
		if (!result)
			result = factor_solve(&kept, FIT_NNLS, 0, x);
		if (result)
			break;
		squares += factor_squares(&left, x);
		rows += left.rows;
	}
	factor_clear(&kept);
	factor_clear(&left);
	*rmse = sqrt(squares / rows);
	return result;
}

/* The largest variance inflation among the columns. */
static int largest_vif(const struct search *search, const struct columns *columns, double *largest)
{
	struct factor picked = { 0 };
	double vif[TRACE_EVENTS_MAX] = { 0 };
	int result = factor_pick(&search->all, columns->items, columns->count, &picked);

	*largest = 1;
	if (!result)
		result = factor_vif(&picked, vif);
	for (unsigned i = 0; i + 2 < columns->count && !result; i++)
		*largest = fmax(*largest, vif[i]);
	factor_clear(&picked);
	return result;
}

/* --- candidates that are none ------------------------------------------------------------------
 */

static void leave_out_empty(struct search *search, struct selection *selection)
{
	const struct trace *trace = search->trace;

	for (unsigned i = 0; i < trace->event_count; i++) {
		double least = INFINITY, most = -INFINITY;

		for (size_t row = 0; row < trace->row_count; row++) {
			double rate = trace->events[row * trace->event_count + i];

			least = fmin(least, rate);
			most = fmax(most, rate);
		}
		/* It stands in for events, and is never added to them. */
		if (strcmp(trace->event_names[i], CPUTIME_EVENT) == 0)
			continue;
		if (most == 0 && least == 0)
			error_list_addf(&selection->notes, "%s: never counted",
					trace->event_names[i]);
		else if (most - least <= 1e-9 * fmax(fabs(most), fabs(least)))
			error_list_addf(&selection->notes, "%s: the same rate all the time",
					trace->event_names[i]);
		else
			search->open.has[i] = true;
	}
}

/* What cannot be told from a chosen event, or follows from several. */
static int tell_rest(const struct search *search, struct selection *selection, unsigned event)
{
	struct set set = search->chosen;
	struct columns columns;
	double vif;
	int result;

	set.has[event] = true;
	columns = columns_of(search, &set);
	result = largest_vif(search, &columns, &vif);
	if (result || vif <= search->limits.vif_max)
		return result;
	for (unsigned i = 0; i < search->trace->event_count; i++) {
		struct set pair = { { false } };
		double pair_vif;

		if (!search->chosen.has[i])
			continue;
		pair.has[i] = pair.has[event] = true;
		columns = columns_of(search, &pair);
		result = largest_vif(search, &columns, &pair_vif);
		if (result)
			return result;
		if (pair_vif < copy_vif)
			continue;
		error_list_addf(&selection->notes, "%s: a copy of %s",
				search->trace->event_names[event], search->trace->event_names[i]);
		return 0;
	}
	error_list_addf(&selection->notes,
			"%s: follows from those chosen (variance inflation %.0f)",
			search->trace->event_names[event], vif);
	return 0;
}

/* --- the search --------------------------------------------------------------------------------
 */

/* One set's step; lowo_rmse INFINITY where it is too collinear. `event` is the caller's. */
static int try_set(const struct search *search, const struct set *set, struct select_step *step)
{
	struct columns columns = columns_of(search, set);
	int result = largest_vif(search, &columns, &step->vif);

	step->lowo_rmse = INFINITY;
	if (!result && step->vif <= search->limits.vif_max)
		result = held_out(search, &columns, &step->lowo_rmse);
	return result;
}

/* The event of `from` that helps `base` most; of equal ones the first. lowo_rmse INFINITY: none. */
static int find_best(const struct search *search, const struct set *base, const struct set *from,
		     struct select_step *best)
{
	*best = (struct select_step){ .lowo_rmse = INFINITY };
	for (unsigned i = 0; i < search->trace->event_count; i++) {
		struct set set = *base;
		struct select_step step = { .event = i };
		int result;

		if (!from->has[i] || base->has[i])
			continue;
		set.has[i] = true;
		result = try_set(search, &set, &step);
		if (result)
			return result;
		/* Copies differ by rounding. */
		if (step.lowo_rmse < best->lowo_rmse * (1 - 1e-9) ||
		    (isinf(best->lowo_rmse) && isfinite(step.lowo_rmse)))
			*best = step;
	}
	return 0;
}

static bool helps(const struct search *search, const struct select_step *step)
{
	return step->lowo_rmse < search->rmse * (1 - search->limits.gain_min);
}

static void take(struct search *search, unsigned event, bool in, double rmse)
{
	search->chosen.has[event] = in;
	search->open.has[event] = !in;
	search->rmse = rmse;
}

/* Give up one chosen event for another while that helps: what stood in for events that came
 * later goes again. */
static int exchange(struct search *search)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (unsigned i = 0; i < search->trace->event_count && !changed; i++) {
			struct set rest = search->chosen;
			struct select_step best;
			int result;

			if (!search->chosen.has[i])
				continue;
			rest.has[i] = false;
			result = find_best(search, &rest, &search->open, &best);
			if (result)
				return result;
			changed = helps(search, &best);
			if (!changed)
				continue;
			take(search, i, false, search->rmse);
			take(search, best.event, true, best.lowo_rmse);
		}
	}
	return 0;
}

/* The chosen ones, those first that help most. */
static int put_in_order(const struct search *search, struct selection *selection)
{
	struct set done = { { false } };

	while (selection->count < search->count) {
		struct select_step best;
		int result = find_best(search, &done, &search->chosen, &best);

		if (result || isinf(best.lowo_rmse))
			return result;
		done.has[best.event] = true;
		selection->steps[selection->count++] = best;
	}
	return 0;
}

/* What was chosen of each size. */
struct path {
	struct set sets[TRACE_EVENTS_MAX + 1];
	double rmse[TRACE_EVENTS_MAX + 1];
	unsigned count; /* the largest */
};

static void note_step(const struct search *search, struct path *path)
{
	path->count = search->count;
	path->sets[path->count] = search->chosen;
	path->rmse[path->count] = search->rmse;
}

/* To the limit, also where a step helps nothing: the one behind it may help in its company. */
static int go_on(struct search *search, struct path *path)
{
	struct columns none = columns_of(search, &search->chosen);
	int result = held_out(search, &none, &search->rmse);

	note_step(search, path);
	while (!result && search->count < search->limits.events) {
		struct select_step best;

		result = find_best(search, &search->chosen, &search->open, &best);
		if (result || isinf(best.lowo_rmse))
			break;
		take(search, best.event, true, best.lowo_rmse);
		search->count++;
		result = exchange(search);
		note_step(search, path);
	}
	return result;
}

/* Back to the size of the least error, and on while the last event is not worth a counter. */
static void go_back(struct search *search, const struct path *path)
{
	unsigned best = 0;

	for (unsigned i = 1; i <= path->count; i++)
		if (path->rmse[i] < path->rmse[best])
			best = i;
	for (unsigned i = best; i-- > 0;)
		if (path->rmse[i] * (1 - search->limits.gain_min) <= path->rmse[best])
			best = i;
	for (unsigned i = 0; i < search->trace->event_count; i++)
		search->open.has[i] |= search->chosen.has[i];
	search->chosen = path->sets[best];
	search->count = best;
	search->rmse = path->rmse[best];
	for (unsigned i = 0; i < search->trace->event_count; i++)
		search->open.has[i] &= !search->chosen.has[i];
}

static int choose(struct search *search, struct selection *selection)
{
	struct path path = { .count = 0 };
	int result = go_on(search, &path);

	if (result)
		return result;
	go_back(search, &path);
	selection->none_rmse = path.rmse[0];
	result = put_in_order(search, selection);
	for (unsigned i = 0; i < search->trace->event_count && !result; i++)
		if (search->open.has[i])
			result = tell_rest(search, selection, i);
	return result;
}

static int prepare(struct search *search)
{
	int result = factors_make(&search->factors, search->trace, NULL);

	if (!result)
		result = factors_without(&search->factors, FACTOR_ALL_GROUPS, &search->all);
	if (result)
		return result;
	search->without = calloc(search->factors.group_count, sizeof *search->without);
	if (!search->without)
		return -ENOMEM;
	for (size_t g = 0; g < search->factors.group_count && !result; g++)
		result = factors_without(&search->factors, (long)g, &search->without[g]);
	return result;
}

static void finish(struct search *search)
{
	for (size_t g = 0; search->without && g < search->factors.group_count; g++)
		factor_clear(&search->without[g]);
	free(search->without);
	factor_clear(&search->all);
	factors_clear(&search->factors);
}

static struct select_limits with_defaults(const struct select_limits *limits)
{
	struct select_limits all = *limits;

	all.vif_max = all.vif_max > 0 ? all.vif_max : 10;
	all.gain_min = all.gain_min > 0 ? all.gain_min : 0.002;
	return all;
}

int select_events(const struct trace *trace, const struct select_limits *limits,
		  struct selection *selection, struct error *error)
{
	struct search search = { .trace = trace, .limits = with_defaults(limits) };
	int result;

	memset(selection, 0, sizeof *selection);
	if (trace->group_count < 2)
		return error_setf(error, EINVAL,
				  "%zu workloads: to choose events by held-out error takes two or "
				  "more",
				  trace->group_count);
	if (trace->event_count == 0 || trace->event_count > TRACE_EVENTS_MAX ||
	    trace->row_count == 0)
		return error_setf(error, EINVAL, "there are no events to choose from");
	leave_out_empty(&search, selection);
	result = prepare(&search);
	if (!result)
		result = choose(&search, selection);
	finish(&search);
	if (result) {
		error_list_clear(&selection->notes);
		return error_setf(error, -result, "%s", strerror(-result));
	}
	return 0;
}
