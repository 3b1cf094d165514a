/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/numbers.h"
#include "model/trace-internal.h"

/* What others write where there is no value. */
static bool is_absent(const struct csv_field *field)
{
	static const char *const words[] = { "nan", "na", "n/a", "null" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (field->length == strlen(words[i]) &&
		    strncasecmp(field->bytes, words[i], field->length) == 0)
			return true;
	return field->length == 0;
}

enum value trace_read_value(const struct csv_field *field, double *value)
{
	const char *cursor = field->bytes;

	if (number_scan_double(&cursor, value) == 0 && cursor == field->bytes + field->length)
		return VALUE_NUMBER;
	*value = NAN;
	return is_absent(field) ? VALUE_ABSENT : VALUE_TEXT;
}

/* A row while it is read. */
struct row {
	double power, interval_s;
	bool lacks_value, lacks_power;
};

static const struct csv_field *field_of(const struct trace_reader *reader,
					const struct column *column)
{
	return &reader->fields[column - reader->columns];
}

/* The number of a field; NaN if absent, or when it is none, which is told. */
static double read_number(struct trace_reader *reader, const struct column *column)
{
	const struct csv_field *field = field_of(reader, column);
	char shown[TRACE_SHOWN_BYTES];
	double value;

	if (trace_read_value(field, &value) == VALUE_TEXT)
		trace_complain(reader, "column '%s': '%s' is no number", column->name,
			       trace_show_field(field, shown));
	return value;
}

static void read_event(struct trace_reader *reader, const struct column *column, double *events,
		       struct row *row)
{
	double value = read_number(reader, column);

	if (value < 0)
		trace_complain(reader, "column '%s': %g is below 0", column->name, value);
	if (isnan(value))
		row->lacks_value = true;
	events[column->index] = value + 0.0; /* -0 is 0 */
}

static void read_known(struct trace_reader *reader, const struct column *column, struct row *row)
{
	const struct trace_known *known = &trace_known[column->index];
	double value = read_number(reader, column);

	if (value <= known->above)
		trace_complain(reader, "column '%s': %g is not above %g", column->name, value,
			       known->above);
	if (reader->interval >= 0 && column == &reader->columns[reader->interval]) {
		row->interval_s = value;
		row->lacks_value |= isnan(value);
	}
	(*trace_known_values(reader->trace, column->index))[reader->trace->row_count] = value;
}

/* Is this row one that stays? Then it belongs to a group. */
static bool find_group(struct trace_reader *reader)
{
	const struct csv_field *field;
	long group;

	if (reader->group < 0)
		return true;
	field = &reader->fields[reader->group];
	if (field->length == 0) {
		trace_complain(reader, "column '%s' is empty", reader->columns[reader->group].name);
		return false;
	}
	group = trace_groups_find(&reader->groups, field);
	if (group == -E2BIG)
		trace_complain(reader, "column '%s' names more than %d groups",
			       reader->columns[reader->group].name, TRACE_GROUPS_MAX);
	reader->out_of_memory |= group == -ENOMEM;
	if (group < 0)
		return false;
	reader->trace->group[reader->trace->row_count] = (uint32_t)group;
	return true;
}

/* Counts become rates, joules become watts. */
static void divide(struct trace_reader *reader, double *events, struct row *row)
{
	struct trace *trace = reader->trace;
	bool is_good;

	if (trace_is_energy_name(trace->power_column))
		row->power /= row->interval_s;
	is_good = isfinite(row->power) && row->power > 0;
	for (unsigned i = 0; i < trace->event_count; i++) {
		events[i] /= row->interval_s;
		is_good = is_good && isfinite(events[i]);
	}
	if (!is_good)
		trace_complain(reader, "an interval of %g s gives no finite rates",
			       row->interval_s);
}

static void finish_row(struct trace_reader *reader, double *events, struct row *row)
{
	struct trace *trace = reader->trace;

	if (row->lacks_value || row->lacks_power) {
		reader->without_value += row->lacks_value;
		reader->without_power += !row->lacks_value;
		return;
	}
	if (row->interval_s > 0)
		divide(reader, events, row);
	if (reader->interval < 0 && trace->interval_s)
		trace->interval_s[trace->row_count] = row->interval_s;
	trace->power[trace->row_count] = row->power;
	trace->row_count += find_group(reader);
}

static void read_row(struct trace_reader *reader)
{
	struct trace *trace = reader->trace;
	double *events = trace->events + trace->row_count * trace->event_count;
	struct row row = { .interval_s = reader->request->interval_s };

	for (size_t i = 0; i < reader->column_count; i++) {
		const struct column *column = &reader->columns[i];

		switch (column->role) {
		case COLUMN_POWER:
			row.power = read_number(reader, column);
			row.lacks_value |= isnan(row.power);
			/* A meter that shows zero, or less, measured nothing. */
			row.lacks_power = row.power <= 0;
			break;
		case COLUMN_EVENT:
			read_event(reader, column, events, &row);
			break;
		case COLUMN_KNOWN:
			read_known(reader, column, &row);
			break;
		case COLUMN_GROUP:
		case COLUMN_ASIDE:
			break;
		}
	}
	finish_row(reader, events, &row);
}

int trace_read_rows(struct trace_reader *reader)
{
	size_t before = reader->errors->count + reader->errors->dropped, count;
	const char *reason;
	int result;

	while (!reader->out_of_memory) {
		size_t empty = csv_skip_empty(&reader->csv);

		result = csv_read_row(&reader->csv, reader->fields, reader->column_count, &count,
				      &reason);
		if (result == 0)
			break;
		if (empty)
			trace_complain(reader, "an empty line before it");
		if (result < 0)
			trace_complain(reader, "%s", reason);
		else if (count != reader->column_count)
			trace_complain(reader, "%zu field%s, where the header has %zu", count,
				       count == 1 ? "" : "s", reader->column_count);
		else
			read_row(reader);
	}
	if (reader->out_of_memory)
		return -ENOMEM;
	return reader->errors->count + reader->errors->dropped == before ? 0 : -EINVAL;
}
