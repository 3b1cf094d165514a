/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv-read.h - rows of RFC 4180 text, read in place: nothing is copied. */
#ifndef VMENERGY_BASE_CSV_READ_H
#define VMENERGY_BASE_CSV_READ_H

#include <stdbool.h>
#include <stddef.h>

struct csv_field {
	const char *bytes; /* in the text, without its quotes; a byte that is no part follows */
	size_t length;
	bool escaped; /* holds doubled quotes: csv_field_copy() makes them single */
};

struct csv_reader {
	const char *next, *end; /* what was not read yet */
	size_t line;            /* where the row that was read last begins, from 1 */
	size_t lines_ended;
};

/* `text` has length bytes and a NUL behind them. A byte order mark is passed over. */
void csv_reader_open(struct csv_reader *reader, const char *text, size_t length);

/*
 * The next row: lines end with LF or CRLF, the last one need not. 1 and *count fields, of which
 * the first `max` are in fields; 0 at the end; -EINVAL with *reason (a constant), and
 * the row is passed over. An empty line is a row of one empty field.
 */
int csv_read_row(struct csv_reader *reader, struct csv_field *fields, size_t max, size_t *count,
		 const char **reason);

/* Pass over empty lines; how many there were. */
size_t csv_skip_empty(struct csv_reader *reader);

/* As much as fits, NUL behind it; returns the length of the whole value. */
size_t csv_field_copy(const struct csv_field *field, char *target, size_t size);

/* Is the field this text, byte for byte? */
bool csv_field_equal(const struct csv_field *field, const char *text);

#endif
