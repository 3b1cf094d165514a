/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/utf8.h"

#include <stddef.h>
#include <stdint.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static bool in_range(uint32_t code, size_t length)
{
	static const uint32_t shortest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	return code >= shortest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* Bytes of the valid sequence at `s` (NUL-terminated), or 0. */
static size_t sequence_length(const unsigned char *s)
{
	size_t length;
	uint32_t code;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	code = s[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	return in_range(code, length) ? length : 0;
}

bool utf8_valid(const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
	size_t length;

	for (; *s; s += length) {
		length = sequence_length(s);
		if (length == 0)
			return false;
	}
	return true;
}

void utf8_add(struct text *out, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
	size_t length;

	for (; *s; s += length) {
		length = sequence_length(s);
		if (length > 0) {
			text_add_bytes(out, (const char *)s, length);
		} else {
			text_add(out, replacement);
			length = 1;
		}
	}
}
