/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/trace-internal.h"

void trace_complain(struct trace_reader *reader, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	error_list_addf(reader->errors, "%s:%zu: %s", reader->path, reader->csv.line, text);
}

const char *trace_show_field(const struct csv_field *field, char target[TRACE_SHOWN_BYTES])
{
	char raw[TRACE_SHOWN_BYTES];

	if (csv_field_copy(field, raw, sizeof raw - 3) >= sizeof raw - 3)
		strcat(raw, "...");
	return text_printable(raw, target, TRACE_SHOWN_BYTES);
}

/* Room for as many rows as the text has lines left. */
static size_t count_lines(const struct csv_reader *csv)
{
	size_t lines = 1;

	for (const char *at = csv->next; at < csv->end; lines++) {
		at = memchr(at, '\n', (size_t)(csv->end - at));
		if (!at)
			break;
		at++;
	}
	return lines;
}

/* Only the known columns that are there stay. */
static void free_unknown(struct trace_reader *reader)
{
	bool is_there[TRACE_KNOWN_COUNT] = { false };

	for (size_t i = 0; i < reader->column_count; i++)
		if (reader->columns[i].role == COLUMN_KNOWN)
			is_there[reader->columns[i].index] = true;
	for (size_t i = 0; i < TRACE_KNOWN_COUNT; i++) {
		double **values = trace_known_values(reader->trace, i);
		bool is_given = strcmp(trace_known[i].name, TRACE_INTERVAL_NAME) == 0 &&
				reader->request->interval_s > 0;

		if (is_there[i] || is_given)
			continue;
		free(*values);
		*values = NULL;
	}
}

static int make_trace(struct trace_reader *reader)
{
	unsigned events = 0;
	struct trace *trace;

	for (size_t i = 0; i < reader->column_count; i++)
		events += reader->columns[i].role == COLUMN_EVENT;
	trace = reader->trace = trace_new(count_lines(&reader->csv), events);
	if (!trace)
		return -ENOMEM;
	free_unknown(reader);
	for (size_t i = 0; i < reader->column_count; i++)
		if (reader->columns[i].role == COLUMN_EVENT)
			strcpy(trace->event_names[reader->columns[i].index],
			       reader->columns[i].name);
	strcpy(trace->power_column, reader->columns[reader->power].name);
	trace->is_energy = trace_is_energy_name(trace->power_column) && !trace->interval_s;
	trace->has_groups = reader->group >= 0;
	return 0;
}

/* Consecutive rows stand in for workloads: a block has much the same load. */
static int make_blocks(struct trace *trace)
{
	size_t count = trace->row_count < TRACE_BLOCKS ? trace->row_count : TRACE_BLOCKS;

	trace->group_names = calloc(count ? count : 1, sizeof *trace->group_names);
	if (!trace->group_names)
		return -ENOMEM;
	for (size_t i = 0, row = 0; i < count; i++) {
		size_t begin = row;

		for (; row < trace->row_count && row * count / trace->row_count == i; row++)
			trace->group[row] = (uint32_t)i;
		if (asprintf(&trace->group_names[i], "rows %zu-%zu", begin + 1, row) < 0) {
			trace->group_names[i] = NULL;
			return -ENOMEM;
		}
		trace->group_count++;
	}
	return 0;
}

static int finish_groups(struct trace_reader *reader)
{
	struct trace *trace = reader->trace;

	if (!trace->has_groups)
		return make_blocks(trace);
	trace->group_names = reader->groups.names;
	trace->group_count = reader->groups.count;
	reader->groups.names = NULL;
	reader->groups.count = 0;
	return 0;
}

static void tell_dropped(struct trace_reader *reader)
{
	reader->trace->dropped_rows = reader->without_value + reader->without_power;
	if (reader->without_value)
		error_list_addf(reader->warnings,
				"%s: rows left out because a value is missing: %zu", reader->path,
				reader->without_value);
	if (reader->without_power)
		error_list_addf(reader->warnings,
				"%s: rows left out because a power of zero or less is no "
				"measurement: %zu",
				reader->path, reader->without_power);
}

static int parse_all(struct trace_reader *reader)
{
	int result = trace_read_header(reader);

	if (!result)
		result = make_trace(reader);
	if (!result)
		result = trace_read_rows(reader);
	if (result)
		return result;
	if (reader->trace->row_count == 0) {
		error_list_addf(reader->errors, "%s: no rows%s", reader->path,
				reader->without_value + reader->without_power
					? " that have all values"
					: "");
		return -EINVAL;
	}
	tell_dropped(reader);
	return finish_groups(reader);
}

int trace_parse(const char *path, const char *text, size_t length,
		const struct trace_request *request, struct trace **trace,
		struct error_list *errors, struct error_list *warnings)
{
	struct trace_reader reader = { .path = path,
				       .request = request,
				       .power = -1,
				       .group = -1,
				       .interval = -1,
				       .errors = errors,
				       .warnings = warnings };
	int result;

	*trace = NULL;
	csv_reader_open(&reader.csv, text, length);
	result = parse_all(&reader);
	if (result == -ENOMEM)
		error_list_addf(errors, "%s: out of memory", path);
	if (result == 0)
		*trace = reader.trace;
	else
		trace_free(reader.trace);
	trace_groups_clear(&reader.groups);
	free(reader.columns);
	free(reader.fields);
	return result;
}
