/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/select.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/fit/align-internal.h"

/* Readings so many times as far off the others of their kind as the median one are faults. */
static const double far_off = 8;

/* Sums over what ran alike, whichever events were counted meanwhile. */
struct merged {
	size_t phase; /* the first one; names it */
	double rows, power, temperature, temperature_rows;
	double sum[TRACE_EVENTS_MAX], counted[TRACE_EVENTS_MAX];
};

struct merge {
	const struct session *session;
	unsigned event_count;
	char names[TRACE_EVENTS_MAX][EVENT_NAME_BYTES];
	/* Index in `names` of each event of each pass, busy time behind them. */
	unsigned (*columns)[SESSION_EVENTS_MAX + 1];
	struct merged *items; /* owned */
	size_t count, capacity;
};

static int find_event(struct merge *merge, const char *name, struct error *error)
{
	for (unsigned i = 0; i < merge->event_count; i++)
		if (strcmp(merge->names[i], name) == 0)
			return (int)i;
	if (merge->event_count == TRACE_EVENTS_MAX)
		return error_setf(error, E2BIG, "more than %d different events were counted",
				  TRACE_EVENTS_MAX);
	memcpy(merge->names[merge->event_count], name, strlen(name) + 1);
	return (int)merge->event_count++;
}

static int name_columns(struct merge *merge, struct error *error)
{
	const struct session *session = merge->session;

	merge->columns = calloc(session->passes.count + 1, sizeof *merge->columns);
	if (!merge->columns)
		return error_setf(error, ENOMEM, "out of memory");
	for (size_t p = 0; p < session->passes.count; p++) {
		const struct session_pass *pass = &session->passes.items[p];

		for (unsigned i = 0; i <= pass->event_count; i++) {
			int column = find_event(
				merge, i < pass->event_count ? pass->names[i] : CPUTIME_EVENT,
				error);

			if (column < 0)
				return column;
			merge->columns[p][i] = (unsigned)column;
		}
	}
	return 0;
}

static bool ran_alike(const struct session_phase *a, const struct session_phase *b)
{
	return strcmp(a->workload, b->workload) == 0 && strcmp(a->variant, b->variant) == 0 &&
	       a->frequency_hz == b->frequency_hz;
}

static struct merged *find_merged(struct merge *merge, size_t phase)
{
	const struct session_phase *phases = merge->session->phases.items;
	struct merged *merged;

	for (size_t i = 0; i < merge->count; i++)
		if (ran_alike(&phases[merge->items[i].phase], &phases[phase]))
			return &merge->items[i];
	merged = MEMORY_APPEND(merge);
	if (merged)
		merged->phase = phase;
	return merged;
}

static void add_row(struct merge *merge, const struct align_row *row, size_t item)
{
	const struct session *session = merge->session;
	unsigned pass = session->phases.items[row->phase].pass;
	unsigned events = session->passes.items[pass].event_count;
	double rates[SESSION_EVENTS_MAX + 1];
	double temperature_c = align_row_temperature_c(session, row);
	struct merged *merged = &merge->items[item];

	align_row_rates(session, row, rates);
	merged->rows++;
	merged->power += session->readings.items[row->reading].power_w;
	if (isfinite(temperature_c)) {
		merged->temperature += temperature_c;
		merged->temperature_rows++;
	}
	for (unsigned i = 0; i <= events; i++) {
		merged->sum[merge->columns[pass][i]] += rates[i];
		merged->counted[merge->columns[pass][i]]++;
	}
}

/* --- readings that are faults ------------------------------------------------------------------
 */

/* What is known of each row. */
struct member {
	size_t item; /* of merge->items */
	double off;  /* how far off the item's median power, a part of it */
	bool is_fault;
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, compare);
	return count ? (values[(count - 1) / 2] + values[count / 2]) / 2 : NAN;
}

static void find_off(const struct merge *merge, const struct align_rows *rows, size_t item,
		     struct member *members, double *space)
{
	const struct meter_reading *readings = merge->session->readings.items;
	size_t count = 0;
	double middle;

	for (size_t i = 0; i < rows->count; i++)
		if (members[i].item == item)
			space[count++] = readings[rows->items[i].reading].power_w;
	middle = median(space, count);
	for (size_t i = 0; i < rows->count; i++)
		if (members[i].item == item && middle > 0)
			members[i].off =
				fabs(readings[rows->items[i].reading].power_w / middle - 1);
}

/* What is far off in a third of its time is a workload that changes, not a meter that lies. */
static void find_faults(size_t item, double limit, size_t count, struct member *members)
{
	size_t all = 0, far = 0;

	for (size_t i = 0; i < count; i++) {
		all += members[i].item == item;
		far += members[i].item == item && members[i].off > limit;
	}
	for (size_t i = 0; i < count && far * 3 < all; i++)
		members[i].is_fault |= members[i].item == item && members[i].off > limit;
}

/* A mean over few readings has no room for one that is a fault. */
static int judge_rows(struct merge *merge, const struct align_rows *rows, struct member *members)
{
	double *space = calloc(rows->count + 1, sizeof *space), limit;

	if (!space)
		return -ENOMEM;
	for (size_t i = 0; i < merge->count; i++)
		find_off(merge, rows, i, members, space);
	for (size_t i = 0; i < rows->count; i++)
		space[i] = members[i].off;
	limit = far_off * median(space, rows->count);
	for (size_t i = 0; i < merge->count && limit > 0; i++)
		find_faults(i, limit, rows->count, members);
	free(space);
	return 0;
}

static int add_rows(struct merge *merge, const struct align_rows *rows)
{
	struct member *members = calloc(rows->count + 1, sizeof *members);
	int result = members ? 0 : -ENOMEM;

	for (size_t i = 0; i < rows->count && !result; i++) {
		struct merged *merged = find_merged(merge, rows->items[i].phase);

		if (merged)
			members[i].item = (size_t)(merged - merge->items);
		else
			result = -ENOMEM;
	}
	if (!result)
		result = judge_rows(merge, rows, members);
	for (size_t i = 0; i < rows->count && !result; i++)
		if (!members[i].is_fault)
			add_row(merge, &rows->items[i], members[i].item);
	free(members);
	return result;
}

/* --- the trace ---------------------------------------------------------------------------------
 */

static bool is_whole(const struct merge *merge, const struct merged *merged)
{
	for (unsigned i = 0; i < merge->event_count; i++)
		if (merged->counted[i] == 0)
			return false;
	return true;
}

static int put_row(const struct merge *merge, const struct merged *merged, struct trace *trace)
{
	const struct session_phase *phase = &merge->session->phases.items[merged->phase];
	size_t row = trace->row_count++;
	long group = align_group(trace, phase->workload);

	if (group < 0)
		return -ENOMEM;
	trace->group[row] = (uint32_t)group;
	trace->power[row] = merged->power / merged->rows;
	trace->timestamp_s[row] = trace->interval_s[row] = trace->voltage_v[row] = NAN;
	trace->frequency_hz[row] = phase->frequency_hz ? (double)phase->frequency_hz : NAN;
	trace->temperature_c[row] = merged->temperature / merged->temperature_rows;
	for (unsigned i = 0; i < merge->event_count; i++)
		trace->events[row * merge->event_count + i] = merged->sum[i] / merged->counted[i];
	return 0;
}

static int make_trace(const struct merge *merge, struct trace **out)
{
	struct trace *trace = trace_new(merge->count, merge->event_count);
	int result = 0;

	if (!trace)
		return -ENOMEM;
	strcpy(trace->power_column, "power_w");
	trace->has_groups = true;
	for (unsigned i = 0; i < merge->event_count; i++)
		strcpy(trace->event_names[i], merge->names[i]);
	for (size_t i = 0; i < merge->count && !result; i++) {
		if (is_whole(merge, &merge->items[i]))
			result = put_row(merge, &merge->items[i], trace);
		else
			trace->dropped_rows++;
	}
	align_drop_unknown(trace);
	if (result)
		trace_free(trace);
	else
		*out = trace;
	return result;
}

int select_merge(const struct session *session, const struct align *align, double settle_s,
		 struct trace **trace, struct error *error)
{
	struct merge merge = { .session = session };
	struct align_rows rows = { 0 };
	int result = name_columns(&merge, error);

	*trace = NULL;
	if (result)
		goto out;
	result = align_rows_find(session, ALIGN_ANY_PASS, align, settle_s, &rows);
	if (!result)
		result = add_rows(&merge, &rows);
	if (!result)
		result = make_trace(&merge, trace);
	if (result)
		error_setf(error, -result, "%s", strerror(-result));
out:
	align_rows_clear(&rows);
	free(merge.columns);
	free(merge.items);
	return result;
}
