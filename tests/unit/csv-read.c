/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/csv-read.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/unit.h"

/* Every row as "line:[field][field]", mistakes as "line!reason", a blank between rows. */
static char *describe(const char *text, size_t length, struct text *out)
{
	struct csv_reader reader;
	struct csv_field fields[4];
	const char *reason;
	char value[64];
	size_t count;
	int result;

	csv_reader_open(&reader, text, length);
	while ((result = csv_read_row(&reader, fields, 4, &count, &reason)) != 0) {
		text_addf(out, "%s%zu", out->length ? " " : "", reader.line);
		if (result < 0)
			text_addf(out, "!%s", reason);
		else
			text_add(out, ":");
		for (size_t i = 0; result > 0 && i < count && i < 4; i++) {
			csv_field_copy(&fields[i], value, sizeof value);
			text_addf(out, "[%s]", value);
			UNIT_TRUE(csv_field_equal(&fields[i], value));
		}
		if (result > 0 && count > 4)
			text_addf(out, "+%zu", count - 4);
	}
	return out->bytes;
}

static void expect(const char *expected, const char *text)
{
	struct text out = { 0 };

	text_add(&out, "");
	UNIT_EQUAL_TEXT(expected, describe(text, strlen(text), &out));
	text_free(&out);
}

static void test_rows(void)
{
	expect("1:[a][b] 2:[1][2]", "a,b\n1,2\n");
	expect("1:[a][b] 2:[1][2]", "a,b\r\n1,2");
	expect("1:[a] 2:[] 3:[b]", "a\n\nb\n");
	expect("1:[][] 2:[][]", ",\n,");
	expect("1:[a][b][c][d]+2", "a,b,c,d,e,f");
	expect("", "");
}

static void test_quotes(void)
{
	expect("1:[a,b][c\"d]", "\"a,b\",\"c\"\"d\"\n");
	expect("1:[][x]", "\"\",x\r\n");
	expect("1:[two\nlines][x] 3:[y]", "\"two\nlines\",x\ny\n");
	expect("1:[\"\"]", "\"\"\"\"\"\"");
}

static void test_byte_order_mark(void)
{
	expect("1:[a] 2:[1]", "\xef\xbb\xbf"
			      "a\n1\n");
}

static void test_mistakes(void)
{
	expect("1!a quote inside a field that is not quoted 2:[b]", "a\"\nb\n");
	expect("1!text behind a quoted field 2:[b]", "\"a\"x\nb\n");
	expect("1!a carriage return inside a line 2:[b]", "a\rc\nb\n");
	expect("1:[a] 2!a quoted field does not end", "a\n\"b\nc,d\n");
}

static void test_nul(void)
{
	static const char text[] = "a\0b\nc\n";
	struct text out = { 0 };

	UNIT_EQUAL_TEXT("1!a NUL byte 2:[c]", describe(text, sizeof text - 1, &out));
	text_free(&out);
}

static void test_empty_lines(void)
{
	static const char text[] = "\n\r\n\nx\n";
	struct csv_reader reader;
	struct csv_field field;
	const char *reason;
	size_t count;

	csv_reader_open(&reader, text, sizeof text - 1);
	UNIT_EQUAL_U64(3, csv_skip_empty(&reader));
	UNIT_EQUAL_I64(1, csv_read_row(&reader, &field, 1, &count, &reason));
	UNIT_EQUAL_U64(4, reader.line);
	UNIT_EQUAL_U64(0, csv_skip_empty(&reader));
	UNIT_EQUAL_I64(0, csv_read_row(&reader, &field, 1, &count, &reason));
}

static void test_copy_cuts(void)
{
	const struct csv_field field = { "a\"\"bcd", 6, true };
	char value[4];

	UNIT_EQUAL_U64(5, csv_field_copy(&field, value, sizeof value));
	UNIT_EQUAL_TEXT("a\"b", value);
	UNIT_TRUE(csv_field_equal(&field, "a\"bcd"));
	UNIT_TRUE(!csv_field_equal(&field, "a\"bc"));
	UNIT_TRUE(!csv_field_equal(&field, "a\"bcde"));
}

int main(void)
{
	return UNIT_RUN(
		"csv-read", { "rows end with LF or CRLF, the last one with neither", test_rows },
		{ "quoted fields hold commas, lines and quotes", test_quotes },
		{ "a byte order mark is passed over", test_byte_order_mark },
		{ "a mistake names its line, and reading goes on behind it", test_mistakes },
		{ "a NUL byte is a mistake", test_nul },
		{ "empty lines are passed over and counted", test_empty_lines },
		{ "a value is copied as far as it fits", test_copy_cuts });
}
