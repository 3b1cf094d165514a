/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the columns of a trace are: by their names, by what was asked for, by their first value. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/trace-internal.h"

static struct column *column_at(const struct trace_reader *reader, long index)
{
	return &reader->columns[index];
}

/* Index of the column with this name, or -1. */
static long find_column(const struct trace_reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->column_count; i++)
		if (csv_field_equal(&reader->fields[i], name))
			return (long)i;
	return -1;
}

static void list_columns(const struct trace_reader *reader, struct text *list)
{
	char shown[TRACE_SHOWN_BYTES];

	for (size_t i = 0; i < reader->column_count && list->length < 300; i++)
		text_addf(list, "%s%s", i ? ", " : "", trace_show_field(&reader->fields[i], shown));
}

/* That what was asked for is not there; and what is. */
static void complain_missing(struct trace_reader *reader, const char *what)
{
	struct text list = { 0 };

	list_columns(reader, &list);
	trace_complain(reader, "no column '%s'; there are: %s", what, list.bytes ? list.bytes : "");
	text_free(&list);
}

/* --- the header ------------------------------------------------------------------------------ */

static void name_columns(struct trace_reader *reader)
{
	for (size_t i = 0; i < reader->column_count; i++) {
		struct column *column = &reader->columns[i];

		column->name_length =
			csv_field_copy(&reader->fields[i], column->name, sizeof column->name);
		column->role = column->name_length ? COLUMN_EVENT : COLUMN_ASIDE;
		if (!column->name_length)
			error_list_addf(reader->warnings, "%s: column %zu has no name: left aside",
					reader->path, i + 1);
	}
}

static int compare_columns(const void *a, const void *b, void *context)
{
	const struct trace_reader *reader = context;
	const struct csv_field *first = &reader->fields[*(const size_t *)a];
	const struct csv_field *second = &reader->fields[*(const size_t *)b];
	size_t least = first->length < second->length ? first->length : second->length;
	int order = memcmp(first->bytes, second->bytes, least);

	return order ? order : (first->length > second->length) - (first->length < second->length);
}

/* Names in order: the same ones stand together. */
static int check_duplicates(struct trace_reader *reader)
{
	size_t *order = calloc(reader->column_count, sizeof *order);
	char shown[TRACE_SHOWN_BYTES];

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < reader->column_count; i++)
		order[i] = i;
	qsort_r(order, reader->column_count, sizeof *order, compare_columns, reader);
	for (size_t i = 1; i < reader->column_count; i++)
		if (reader->fields[order[i]].length &&
		    compare_columns(&order[i - 1], &order[i], reader) == 0)
			trace_complain(reader, "column '%s' is there twice",
				       trace_show_field(&reader->fields[order[i]], shown));
	free(order);
	return 0;
}

static int read_names(struct trace_reader *reader)
{
	const struct csv_reader begin = reader->csv;
	const char *reason = "";
	int result = csv_read_row(&reader->csv, NULL, 0, &reader->column_count, &reason);

	if (result <= 0) {
		reader->csv.line = reader->csv.line ? reader->csv.line : 1;
		trace_complain(reader, "%s", result ? reason : "the file is empty");
		return -EINVAL;
	}
	if (reader->column_count > TRACE_COLUMNS_MAX) {
		trace_complain(reader, "%zu columns: at most %d", reader->column_count,
			       TRACE_COLUMNS_MAX);
		return -EINVAL;
	}
	reader->fields = calloc(reader->column_count, sizeof *reader->fields);
	reader->columns = calloc(reader->column_count, sizeof *reader->columns);
	if (!reader->fields || !reader->columns)
		return -ENOMEM;
	reader->csv = begin;
	csv_read_row(&reader->csv, reader->fields, reader->column_count, &reader->column_count,
		     &reason);
	return check_duplicates(reader);
}

/* --- roles ----------------------------------------------------------------------------------- */

static void leave_aside(struct trace_reader *reader, long index, const char *why)
{
	column_at(reader, index)->role = COLUMN_ASIDE;
	error_list_addf(reader->warnings, "%s: column '%s' is left aside: %s", reader->path,
			column_at(reader, index)->name, why);
}

static void choose_power(struct trace_reader *reader)
{
	static const char *const names[] = { TRACE_POWER_NAME, TRACE_ENERGY_NAME };
	const char *asked = reader->request->power_column;
	char why[EVENT_NAME_BYTES + 32];

	reader->power = asked ? find_column(reader, asked) : -1;
	for (size_t i = 0; i < 2 && !asked && reader->power < 0; i++)
		reader->power = find_column(reader, names[i]);
	if (reader->power < 0) {
		complain_missing(reader, asked ? asked : "power_w' or 'energy_j");
		return;
	}
	column_at(reader, reader->power)->role = COLUMN_POWER;
	snprintf(why, sizeof why, "'%s' is the power", column_at(reader, reader->power)->name);
	for (size_t i = 0; i < 2; i++) {
		long other = find_column(reader, names[i]);

		if (other >= 0 && other != reader->power)
			leave_aside(reader, other, why);
	}
}

static void choose_known(struct trace_reader *reader)
{
	for (unsigned i = 0; i < TRACE_KNOWN_COUNT; i++) {
		long index = find_column(reader, trace_known[i].name);

		if (index < 0 || index == reader->power)
			continue;
		column_at(reader, index)->role = COLUMN_KNOWN;
		column_at(reader, index)->index = i;
		if (strcmp(trace_known[i].name, TRACE_INTERVAL_NAME) == 0)
			reader->interval = index;
	}
	if (reader->interval >= 0 && reader->request->interval_s > 0)
		trace_complain(reader,
			       "an interval of %g s was asked for, and there is a column '%s': one "
			       "of both",
			       reader->request->interval_s, TRACE_INTERVAL_NAME);
}

/* The group's column may have a meaning of its own (a frequency). */
static void choose_group(struct trace_reader *reader)
{
	const char *asked = reader->request->group_column;
	long usual = find_column(reader, TRACE_GROUP_NAME);

	reader->group = asked ? find_column(reader, asked) : usual;
	if (asked && reader->group < 0)
		complain_missing(reader, asked);
	if (reader->group < 0)
		return;
	if (reader->group == reader->power) {
		trace_complain(reader, "column '%s' cannot be both the power and the group",
			       column_at(reader, reader->group)->name);
		return;
	}
	if (column_at(reader, reader->group)->role == COLUMN_EVENT)
		column_at(reader, reader->group)->role = COLUMN_GROUP;
	if (usual >= 0 && usual != reader->group && usual != reader->power)
		leave_aside(reader, usual, "another column is the group");
}

/* --- events ---------------------------------------------------------------------------------- */

/* Only those that were named, and all of them. */
static void choose_named_events(struct trace_reader *reader)
{
	const struct trace_request *request = reader->request;
	bool *is_named = calloc(reader->column_count, sizeof *is_named);

	if (!is_named) {
		reader->out_of_memory = true;
		return;
	}
	for (unsigned i = 0; i < request->event_count; i++) {
		long index = find_column(reader, request->events[i]);

		if (index < 0)
			complain_missing(reader, request->events[i]);
		else if (column_at(reader, index)->role != COLUMN_EVENT)
			trace_complain(reader, "column '%s' is no event: it has another meaning",
				       request->events[i]);
		else
			is_named[index] = true;
	}
	for (size_t i = 0; i < reader->column_count; i++)
		if (reader->columns[i].role == COLUMN_EVENT && !is_named[i])
			reader->columns[i].role = COLUMN_ASIDE;
	free(is_named);
}

static void choose_events(struct trace_reader *reader)
{
	if (reader->request->event_count)
		choose_named_events(reader);
	for (size_t i = 0; reader->request->without_events && i < reader->column_count; i++)
		if (reader->columns[i].role == COLUMN_EVENT)
			reader->columns[i].role = COLUMN_ASIDE;
}

/* Is nothing known yet of what this column holds? */
static bool is_open(const struct trace_reader *reader, size_t index)
{
	const struct column *column = &reader->columns[index];

	if (column->role == COLUMN_KNOWN)
		return trace_known[column->index].may_be_text;
	return column->role == COLUMN_EVENT && reader->request->event_count == 0;
}

/*
 * A column is text if its first value is none that a number could be. Rows are
 * looked at until each column had one: nearly always the first suffices.
 */
static int set_texts_aside(struct trace_reader *reader)
{
	struct trace_reader ahead = *reader;
	bool *is_decided = calloc(reader->column_count, sizeof *is_decided);
	size_t open = 0, count;
	const char *reason;
	double ignored;
	int result = 1;

	if (!is_decided)
		return -ENOMEM;
	for (size_t i = 0; i < reader->column_count; i++) {
		is_decided[i] = !is_open(reader, i);
		open += !is_decided[i];
	}
	while (open > 0 && result != 0) {
		result =
			csv_read_row(&ahead.csv, ahead.fields, ahead.column_count, &count, &reason);
		for (size_t i = 0; result > 0 && i < ahead.column_count && i < count; i++) {
			enum value value = trace_read_value(&ahead.fields[i], &ignored);

			if (is_decided[i] || value == VALUE_ABSENT)
				continue;
			is_decided[i] = true;
			open--;
			if (value == VALUE_TEXT)
				leave_aside(reader, (long)i, "it holds text");
		}
	}
	for (size_t i = 0; i < reader->column_count; i++)
		if (!is_decided[i] && ahead.csv.next != reader->csv.next)
			leave_aside(reader, (long)i, "it holds nothing");
	free(is_decided);
	return 0;
}

static void number_events(struct trace_reader *reader)
{
	unsigned count = 0;

	for (size_t i = 0; i < reader->column_count; i++) {
		struct column *column = &reader->columns[i];

		if (column->role != COLUMN_EVENT)
			continue;
		column->index = count++;
		if (column->name_length >= sizeof column->name)
			trace_complain(reader,
				       "column '%.40s...': a name of an event has at most %d bytes",
				       column->name, EVENT_NAME_BYTES - 1);
	}
	if (count == 0 && !reader->request->without_events)
		trace_complain(reader, "no column is an event");
	if (count > TRACE_EVENTS_MAX)
		trace_complain(reader, "%u columns are events: at most %d; name those that count",
			       count, TRACE_EVENTS_MAX);
}

int trace_read_header(struct trace_reader *reader)
{
	size_t before = reader->errors->count + reader->errors->dropped;
	int result = read_names(reader);

	if (result)
		return result;
	name_columns(reader);
	choose_power(reader);
	choose_known(reader);
	choose_group(reader);
	choose_events(reader);
	result = set_texts_aside(reader);
	if (result || reader->out_of_memory)
		return -ENOMEM;
	number_events(reader);
	return reader->errors->count + reader->errors->dropped == before ? 0 : -EINVAL;
}
