/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace without events: time, power and temperature are all that is wanted of it. */
#include "calibrate/thermal-rows.h"

#include <errno.h>
#include <math.h>

#include "base/csv-read.h"
#include "base/memory.h"
#include "base/numbers.h"

enum { FIELDS_MAX = 512, NUMBER_BYTES = 64 };
enum wanted { TIME, POWER, TEMPERATURE, WANTED };

static const char *const names[WANTED] = {
	[TIME] = "timestamp",
	[POWER] = "power_w",
	[TEMPERATURE] = "temperature_c",
};

struct reader {
	const char *path;
	struct csv_reader csv;
	struct csv_field fields[FIELDS_MAX];
	size_t count;
	size_t columns[WANTED];
};

/* 1, 0 at the end, or -EINVAL with text. */
static int next_row(struct reader *reader, struct error *error)
{
	const char *reason = "";
	int result;

	csv_skip_empty(&reader->csv);
	result = csv_read_row(&reader->csv, reader->fields, FIELDS_MAX, &reader->count, &reason);
	if (result < 0)
		return error_setf(error, EINVAL, "%s:%zu: %s", reader->path, reader->csv.line,
				  reason);
	if (reader->count > FIELDS_MAX)
		reader->count = FIELDS_MAX;
	return result;
}

static int find_columns(struct reader *reader, struct error *error)
{
	for (int k = 0; k < WANTED; k++) {
		size_t column = 0;

		while (column < reader->count &&
		       !csv_field_equal(&reader->fields[column], names[k]))
			column++;
		if (column == reader->count)
			return error_setf(error, EINVAL, "%s:%zu: there is no column %s",
					  reader->path, reader->csv.line, names[k]);
		reader->columns[k] = column;
	}
	return 0;
}

/* An empty field is an absent figure; anything else must be a number. */
static int read_number(const struct reader *reader, enum wanted which, double *value,
		       struct error *error)
{
	size_t column = reader->columns[which];
	char text[NUMBER_BYTES] = "";

	*value = NAN;
	if (column >= reader->count)
		return error_setf(error, EINVAL, "%s:%zu: has %zu fields: %s is missing",
				  reader->path, reader->csv.line, reader->count, names[which]);
	if (reader->fields[column].length == 0)
		return 0;
	if (csv_field_copy(&reader->fields[column], text, sizeof text) >= sizeof text ||
	    number_parse_double(text, value))
		return error_setf(error, EINVAL, "%s:%zu: %s %s: must be a number", reader->path,
				  reader->csv.line, names[which], text);
	return 0;
}

static int read_rows(struct reader *reader, struct thermal_rows *rows, struct error *error)
{
	int result = next_row(reader, error);

	if (result > 0)
		result = find_columns(reader, error);
	while (!result) {
		struct thermal_row row, *added;

		result = next_row(reader, error);
		if (result <= 0)
			break;
		result = read_number(reader, TIME, &row.time_s, error);
		if (!result)
			result = read_number(reader, POWER, &row.power_w, error);
		if (!result)
			result = read_number(reader, TEMPERATURE, &row.temperature_c, error);
		if (result || isnan(row.time_s))
			continue;
		added = MEMORY_APPEND(rows);
		if (!added)
			return error_setf(error, ENOMEM, "out of memory");
		*added = row;
	}
	return result;
}

int thermal_rows_parse(const char *path, const char *text, size_t length, struct thermal_rows *rows,
		       struct error *error)
{
	struct reader reader = { .path = path };

	csv_reader_open(&reader.csv, text, length);
	return read_rows(&reader, rows, error);
}
