/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/align-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

long align_group(struct trace *trace, const char *name)
{
	char **names;

	for (size_t i = 0; i < trace->group_count; i++)
		if (strcmp(trace->group_names[i], name) == 0)
			return (long)i;
	names = reallocarray(trace->group_names, trace->group_count + 1, sizeof *names);
	if (!names)
		return -ENOMEM;
	trace->group_names = names;
	names[trace->group_count] = strdup(name);
	if (!names[trace->group_count])
		return -ENOMEM;
	return (long)trace->group_count++;
}

static void drop_unknown(double **column, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		if (*column && isfinite((*column)[i]))
			return;
	free(*column);
	*column = NULL;
}

void align_drop_unknown(struct trace *trace)
{
	double **columns[] = { &trace->timestamp_s, &trace->interval_s, &trace->frequency_hz,
			       &trace->voltage_v, &trace->temperature_c };

	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		drop_unknown(columns[i], trace->row_count);
}

static void name_events(struct trace *trace, const struct session_pass *pass)
{
	for (unsigned i = 0; i < pass->event_count; i++)
		memcpy(trace->event_names[i], pass->names[i], EVENT_NAME_BYTES);
	strcpy(trace->event_names[pass->event_count], CPUTIME_EVENT);
	strcpy(trace->power_column, "power_w");
	trace->has_groups = true;
}

static int fill_row(const struct session *session, const struct align_row *from,
		    struct trace *trace, size_t row)
{
	const struct session_phase *phase = &session->phases.items[from->phase];
	const struct meter_reading *reading = &session->readings.items[from->reading];
	long group = align_group(trace, phase->workload);

	if (group < 0)
		return -ENOMEM;
	trace->group[row] = (uint32_t)group;
	trace->power[row] = reading->power_w;
	trace->timestamp_s[row] = (double)reading->time_ns * 1e-9;
	trace->interval_s[row] = (double)(from->to_ns - from->from_ns) * 1e-9;
	/* What was set: under a governor's hand each row would have a frequency of its own. */
	trace->frequency_hz[row] = phase->frequency_hz ? (double)phase->frequency_hz : NAN;
	trace->voltage_v[row] = NAN;
	trace->temperature_c[row] = align_row_temperature_c(session, from);
	align_row_rates(session, from, trace->events + row * trace->event_count);
	return 0;
}

static void describe(const struct session *session, const struct align_rows *rows,
		     struct text *note)
{
	if (!note)
		return;
	text_addf(note, "%zu of %zu readings give rows", rows->count, session->readings.count);
	if (rows->unsettled)
		text_addf(note, "; %zu lie about the begin or the end of a workload",
			  rows->unsettled);
	if (rows->flagged)
		text_addf(note, "; %zu were flagged by the meter", rows->flagged);
	if (rows->unsampled)
		text_addf(note, "; %zu lack good samples of the counters", rows->unsampled);
}

int align_trace(const struct session *session, size_t pass, const struct align *align,
		double settle_s, struct trace **out, struct text *note, struct error *error)
{
	const struct session_pass *events;
	struct align_rows rows = { 0 };
	struct trace *trace = NULL;
	int result;

	*out = NULL;
	if (pass >= session->passes.count)
		return error_setf(error, EINVAL, "the recording has no pass %zu", pass);
	events = &session->passes.items[pass];
	result = align_rows_find(session, (long)pass, align, settle_s, &rows);
	if (result)
		goto out;
	describe(session, &rows, note);
	trace = trace_new(rows.count, events->event_count + 1);
	result = trace ? 0 : -ENOMEM;
	if (result)
		goto out;
	name_events(trace, events);
	trace->row_count = rows.count;
	for (size_t i = 0; i < rows.count && !result; i++)
		result = fill_row(session, &rows.items[i], trace, i);
	align_drop_unknown(trace);
out:
	align_rows_clear(&rows);
	if (result) {
		trace_free(trace);
		return error_setf(error, -result, "%s", strerror(-result));
	}
	*out = trace;
	return 0;
}
