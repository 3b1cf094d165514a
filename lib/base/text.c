/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Room for `more` bytes and the NUL behind them. */
static bool text_reserve(struct text *text, size_t more)
{
	char *bytes;

	if (text->failed)
		return false;
	bytes = more < SIZE_MAX - text->length - 1
			? memory_grow(text->bytes, &text->capacity, text->length + more + 1, 1)
			: NULL;
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	return true;
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	if (!text_reserve(text, length))
		return;
	if (length > 0)
		memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text->failed = true;
		return;
	}
	if (!text_reserve(text, (size_t)length))
		return;
	va_start(arguments, format);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	text->length += (size_t)length;
}

void text_reset(struct text *text)
{
	text->length = 0;
	text->failed = false;
	if (text->bytes)
		text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

int text_replace(char **target, const char *source)
{
	char *copy = source ? strdup(source) : NULL;

	if (source && !copy)
		return -ENOMEM;
	free(*target);
	*target = copy;
	return 0;
}

bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_matches(const char *pattern, const char *string)
{
	const char *star = NULL, *resume = NULL;

	while (*string) {
		if (*pattern == '*') {
			star = pattern++;
			resume = string;
		} else if (*pattern == '?' || *pattern == *string) {
			pattern++;
			string++;
		} else if (star) {
			/* Let the last star take one byte more. */
			pattern = star + 1;
			string = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/*
 * Length of the well-formed UTF-8 sequence at bytes (RFC 3629, section 4: no
 * overlong form, no surrogate, nothing above U+10FFFF); 0 = ill-formed. The
 * NUL that ends the string is no continuation byte, so nothing behind it is
 * looked at.
 */
static size_t utf8_length(const unsigned char *bytes)
{
	static const struct {
		unsigned char first, last, second_low, second_high, length;
	} forms[] = {
		{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
			continue;
		if (forms[i].length > 1 &&
		    (bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((bytes[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

static bool is_control(const unsigned char *bytes)
{
	return bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

char *text_printable(const char *source, char *target, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)source;
	size_t used = 0, length;

	if (size == 0)
		return target;
	while (*bytes) {
		bool replace;

		length = utf8_length(bytes);
		replace = length == 0 || is_control(bytes);
		/* A sequence that does not fit whole is left out. */
		if (used + (replace ? 1 : length) >= size)
			break;
		if (replace) {
			target[used++] = '?';
		} else {
			memcpy(target + used, bytes, length);
			used += length;
		}
		bytes += length == 0 ? 1 : length;
	}
	target[used] = '\0';
	return target;
}
