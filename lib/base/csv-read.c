/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/csv-read.h"

#include <errno.h>
#include <string.h>

void csv_reader_open(struct csv_reader *reader, const char *text, size_t length)
{
	*reader = (struct csv_reader){ .next = text, .end = text + length };
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		reader->next += 3;
}

static bool ends_field(const struct csv_reader *reader, const char *at)
{
	return at == reader->end || *at == ',' || *at == '\n' ||
	       (*at == '\r' && at + 1 < reader->end && at[1] == '\n');
}

/* Up to what ends it; NULL or what is wrong. */
static const char *read_plain(struct csv_reader *reader, struct csv_field *field)
{
	const char *at = reader->next;

	/* Everything below a comma is rare: one comparison passes nearly every byte. */
	while (at < reader->end && (*at > ',' || !ends_field(reader, at))) {
		if (*at == '"')
			return "a quote inside a field that is not quoted";
		if (*at == '\r')
			return "a carriage return inside a line";
		if (*at == '\0')
			return "a NUL byte";
		at++;
	}
	*field = (struct csv_field){ reader->next, (size_t)(at - reader->next), false };
	reader->next = at;
	return NULL;
}

static const char *read_quoted(struct csv_reader *reader, struct csv_field *field)
{
	const char *begin = reader->next + 1, *at = begin;
	bool escaped = false;

	for (;; at++) {
		if (at == reader->end) {
			reader->next = at;
			return "a quoted field does not end";
		}
		if (*at == '\0')
			return "a NUL byte";
		if (*at == '\n')
			reader->lines_ended++;
		if (*at != '"')
			continue;
		if (at + 1 == reader->end || at[1] != '"')
			break;
		escaped = true;
		at++;
	}
	*field = (struct csv_field){ begin, (size_t)(at - begin), escaped };
	reader->next = at + 1;
	return ends_field(reader, reader->next) ? NULL : "text behind a quoted field";
}

/* A row that has a mistake ends where its line does. */
static int pass_over(struct csv_reader *reader)
{
	const char *stop = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));

	reader->next = stop ? stop + 1 : reader->end;
	reader->lines_ended++;
	return -EINVAL;
}

int csv_read_row(struct csv_reader *reader, struct csv_field *fields, size_t max, size_t *count,
		 const char **reason)
{
	struct csv_field field;
	bool more = true;

	if (reader->next == reader->end)
		return 0;
	reader->line = reader->lines_ended + 1;
	for (*count = 0; more; ++*count) {
		bool quoted = reader->next < reader->end && *reader->next == '"';

		*reason = quoted ? read_quoted(reader, &field) : read_plain(reader, &field);
		if (*reason)
			return pass_over(reader);
		if (*count < max)
			fields[*count] = field;
		more = reader->next < reader->end && *reader->next == ',';
		reader->next += more;
	}
	if (reader->next < reader->end)
		reader->next += *reader->next == '\r' ? 2 : 1;
	reader->lines_ended++;
	return 1;
}

size_t csv_skip_empty(struct csv_reader *reader)
{
	size_t before = reader->lines_ended;

	while (reader->next < reader->end) {
		const char *at = reader->next;

		at += *at == '\r' && at + 1 < reader->end;
		if (*at != '\n')
			break;
		reader->next = at + 1;
		reader->lines_ended++;
	}
	return reader->lines_ended - before;
}

size_t csv_field_copy(const struct csv_field *field, char *target, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < field->length; i++) {
		if (length + 1 < size)
			target[length] = field->bytes[i];
		length++;
		i += field->escaped && field->bytes[i] == '"';
	}
	if (size > 0)
		target[length < size ? length : size - 1] = '\0';
	return length;
}

bool csv_field_equal(const struct csv_field *field, const char *text)
{
	for (size_t i = 0; i < field->length; i++, text++) {
		if (*text != field->bytes[i])
			return false;
		i += field->escaped && field->bytes[i] == '"';
	}
	return *text == '\0';
}
