/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ini.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* libinih uses the same name for a type of its own. */
#define ini_handler libinih_handler
#include <ini.h>
#undef ini_handler

struct reader {
	const char *next, *end; /* what was not read yet */
	bool lost;              /* below a section heading that was rejected */
	ini_handler *handler;
	void *context;
	struct error_list *errors;
	struct ini_entry entry; /* path and line are those of the current line */
};

int ini_errorf(struct error_list *errors, const struct ini_entry *entry, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	error_list_addf(errors, "%s:%u: %s", entry->path, entry->line, text);
	return -EINVAL;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* NULL, or why this "[name]" (without trailing blanks) must not reach libinih. */
static const char *judge_section(const char *line, size_t length)
{
	const char *close = memchr(line, ']', length);
	size_t name;

	if (!close)
		return "no ']' behind the section name";
	name = (size_t)(close - line) - 1;
	if (name + 2 != length)
		return "text behind ']': nothing may follow a section name, and none holds a ']'";
	if (name == 0)
		return "empty section name";
	if (name > INI_SECTION_MAX_BYTES)
		return "section name is too long: at most 48 bytes";
	if (is_blank(line[1]) || is_blank(close[-1]))
		return "blank at the edge of a section name";
	return NULL;
}

static const char *judge_pair(const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);
	const char *colon = memchr(line, ':', length);

	if (!equals)
		return "must be 'key = value', '[section]' or a comment";
	/* libinih would part the line there. */
	if (colon && colon < equals)
		return "':' before '=': a key holds no ':'";
	if (equals == line)
		return "no key before '='";
	return NULL;
}

/* Bytes that would mean something else to libinih, or nothing to anybody. */
static const char *judge_bytes(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)line[i];

		if (byte == '\0')
			return "NUL byte";
		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return "control character";
	}
	return NULL;
}

static bool starts_with_bom(const char *line, size_t length)
{
	return length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0;
}

static bool has_inline_comment(const char *line, size_t length)
{
	for (size_t i = 1; i < length; i++)
		if (line[i] == ';' && is_blank(line[i - 1]))
			return true;
	return false;
}

/* NULL, or why libinih must not see this line (without its end). */
static const char *judge_line(const char *line, size_t length)
{
	const char *reason;

	if (length > INI_LINE_MAX_BYTES)
		return "line is too long: at most 190 bytes";
	reason = judge_bytes(line, length);
	if (reason)
		return reason;
	if (starts_with_bom(line, length))
		return "byte order mark inside the file";
	while (length > 0 && is_blank(line[length - 1]))
		length--;
	if (length == 0 || line[0] == ';' || line[0] == '#')
		return NULL;
	/* libinih would take it for more of the value above. */
	if (is_blank(line[0]))
		return "leading blank";
	if (has_inline_comment(line, length))
		return "' ;' would cut the line: a comment needs a line of its own";
	return line[0] == '[' ? judge_section(line, length) : judge_pair(line, length);
}

/*
 * The next line for libinih: itself, or an empty one in place of a line that
 * was rejected and of the pairs below a section heading that was rejected
 * (nobody knows what they mean).
 */
static char *read_line(char *target, int size, void *context)
{
	struct reader *reader = context;
	const char *line = reader->next, *stop;
	size_t length;

	if (line == reader->end)
		return NULL;
	stop = memchr(line, '\n', (size_t)(reader->end - line));
	reader->next = stop ? stop + 1 : reader->end;
	length = (size_t)((stop ? stop : reader->end) - line);
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (reader->entry.line++ == 0 && starts_with_bom(line, length)) {
		line += 3;
		length -= 3;
	}
	const char *reason = judge_line(line, length);
	bool heading = length > 0 && line[0] == '[';

	if (!reason && length + 2 > (size_t)size)
		reason = "line is too long for libinih";
	if (reason)
		ini_errorf(reader->errors, &reader->entry, "%s", reason);
	if (heading)
		reader->lost = reason;
	if (reason || reader->lost)
		length = 0;
	memcpy(target, line, length);
	memcpy(target + length, "\n", 2);
	return target;
}

static size_t error_total(const struct error_list *errors)
{
	return errors->count + errors->dropped;
}

static int take_pair(void *context, const char *section, const char *key, const char *value)
{
	struct reader *reader = context;
	size_t before = error_total(reader->errors);
	int result;

	reader->entry.section = section;
	reader->entry.key = key;
	reader->entry.value = value;
	result = reader->handler(reader->context, &reader->entry, reader->errors);
	if (result < 0 && error_total(reader->errors) == before)
		ini_errorf(reader->errors, &reader->entry, "%s: %s", key, strerror(-result));
	return 1; /* libinih need not know */
}

int ini_parse_text(const char *path, const char *text, size_t length, ini_handler *handler,
		   void *context, struct error_list *errors)
{
	size_t before = error_total(errors);
	struct reader reader = {
		.next = text,
		.end = text + length,
		.handler = handler,
		.context = context,
		.errors = errors,
		.entry = { .path = path },
	};
	int result = ini_parse_stream(read_line, &reader, take_pair, &reader);

	/* Whatever libinih alone refuses must not pass in silence. */
	if (result && error_total(errors) == before)
		error_list_addf(errors, "%s:%d: libinih cannot read this", path,
				result > 0 ? result : 0);
	return error_total(errors) == before ? 0 : -EINVAL;
}
