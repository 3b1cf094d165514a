/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "model/trace-internal.h"

const struct trace_known trace_known[TRACE_KNOWN_COUNT] = {
	{ "timestamp", offsetof(struct trace, timestamp_s), -INFINITY, true },
	{ TRACE_INTERVAL_NAME, offsetof(struct trace, interval_s), 0, false },
	{ "frequency_hz", offsetof(struct trace, frequency_hz), 0, false },
	{ "voltage_v", offsetof(struct trace, voltage_v), 0, false },
	{ "temperature_c", offsetof(struct trace, temperature_c), -273.15, false },
};

bool trace_is_energy_name(const char *name)
{
	size_t length = strlen(name);

	return length >= 2 && strcmp(name + length - 2, "_j") == 0;
}

struct trace *trace_new(size_t rows, unsigned events)
{
	/* An array of nothing is there all the same. */
	size_t row_room = rows ? rows : 1, event_room = events ? events : 1;
	struct trace *trace;
	bool complete;

	if (row_room > SIZE_MAX / sizeof *trace->events / event_room)
		return NULL;
	trace = calloc(1, sizeof *trace);
	if (!trace)
		return NULL;
	trace->event_count = events;
	trace->power = calloc(row_room, sizeof *trace->power);
	trace->group = calloc(row_room, sizeof *trace->group);
	trace->event_names = calloc(event_room, sizeof *trace->event_names);
	trace->events = calloc(row_room * event_room, sizeof *trace->events);
	complete = trace->power && trace->group && trace->event_names && trace->events;
	for (size_t i = 0; i < TRACE_KNOWN_COUNT; i++) {
		double **values = trace_known_values(trace, i);

		*values = calloc(row_room, sizeof **values);
		complete = complete && *values;
	}
	if (complete)
		return trace;
	trace_free(trace);
	return NULL;
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	for (size_t i = 0; i < TRACE_KNOWN_COUNT; i++)
		free(*trace_known_values(trace, i));
	for (size_t i = 0; i < trace->group_count; i++)
		free(trace->group_names[i]);
	free(trace->group_names);
	free(trace->group);
	free(trace->events);
	free(trace->event_names);
	free(trace->power);
	free(trace);
}

/* --- printing ------------------------------------------------------------------------------ */

/* Counters count in whole numbers, which a division and a multiplication may miss by a little. */
static double whole(double count)
{
	double nearest = nearbyint(count);

	return fabs(count - nearest) <= 4e-16 * fabs(count) ? nearest : count;
}

/* A file that had joules gets joules again. */
static bool prints_energy(const struct trace *trace)
{
	return trace->is_energy || (trace->interval_s && trace_is_energy_name(trace->power_column));
}

static void print_header(struct trace *trace, struct text *out)
{
	if (trace->has_groups)
		csv_text(out, TRACE_GROUP_NAME);
	for (size_t i = 0; i < TRACE_KNOWN_COUNT; i++)
		if (*trace_known_values(trace, i))
			csv_text(out, trace_known[i].name);
	csv_text(out, prints_energy(trace) ? TRACE_ENERGY_NAME : TRACE_POWER_NAME);
	for (unsigned i = 0; i < trace->event_count; i++)
		csv_text(out, trace->event_names[i]);
	csv_end(out);
}

static void print_row(struct trace *trace, size_t row, struct text *out)
{
	double interval_s = trace->interval_s ? trace->interval_s[row] : 1;
	const double *events = trace->events + row * trace->event_count;
	bool is_scaled = trace->interval_s && prints_energy(trace);

	if (trace->has_groups)
		csv_text(out, trace->group_names[trace->group[row]]);
	for (size_t i = 0; i < TRACE_KNOWN_COUNT; i++) {
		const double *values = *trace_known_values(trace, i);

		if (values)
			csv_double(out, values[row]);
	}
	csv_double(out, is_scaled ? trace->power[row] * interval_s : trace->power[row]);
	for (unsigned i = 0; i < trace->event_count; i++)
		csv_double(out, trace->interval_s ? whole(events[i] * interval_s) : events[i]);
	csv_end(out);
}

void trace_print(const struct trace *trace, struct text *out)
{
	/* The table of known columns leads to members that can be written, too: nobody does. */
	struct trace view = *trace;

	print_header(&view, out);
	for (size_t row = 0; row < trace->row_count; row++)
		print_row(&view, row, out);
}
