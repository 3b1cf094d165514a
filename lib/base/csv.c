/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/csv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/numbers.h"

/*
 * A row's first field is where the buffer is empty or a row just ended. An
 * empty first field is written "" (as RFC 4180 allows), so that the next one
 * is seen to be the second.
 */
static void add_field(struct text *row, const char *bytes, size_t length)
{
	bool first = row->length == 0 || row->bytes[row->length - 1] == '\n';

	if (!first)
		text_add(row, ",");
	else if (length == 0)
		text_add(row, "\"\"");
	text_add_bytes(row, bytes, length);
}

void csv_text(struct text *row, const char *field)
{
	size_t length = strcspn(field, ",\"\r\n");

	if (!field[length]) {
		add_field(row, field, length);
		return;
	}
	add_field(row, "\"", 1);
	while (*field) {
		length = strcspn(field, "\"");
		text_add_bytes(row, field, length);
		field += length;
		if (*field) {
			text_add(row, "\"\"");
			field++;
		}
	}
	text_add(row, "\"");
}

void csv_double(struct text *row, double value)
{
	char number[NUMBER_TEXT_BYTES] = "";

	if (isfinite(value))
		number_format_double(value, number);
	add_field(row, number, strlen(number));
}

void csv_u64(struct text *row, unsigned long long value)
{
	char number[24];
	int length = snprintf(number, sizeof number, "%llu", value);

	add_field(row, number, (size_t)length);
}

void csv_end(struct text *row)
{
	text_add(row, "\n");
}
