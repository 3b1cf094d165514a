/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/usb/scpi.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The word at *pattern against the one at *text: both are moved behind theirs. */
static bool match_word(const char **pattern, const char **text)
{
	size_t full = 0, least = 0, length = 0;

	while (isalpha((unsigned char)(*pattern)[full]))
		full++;
	while (least < full && isupper((unsigned char)(*pattern)[least]))
		least++;
	while (isalpha((unsigned char)(*text)[length]))
		length++;
	if ((length != full && length != least) || strncasecmp(*pattern, *text, length) != 0)
		return false;
	*pattern += full;
	*text += length;
	return true;
}

static bool match_node(const char **pattern, const char **text, unsigned *suffix)
{
	const char *at = *text;
	char *end;

	if (*at != ':' && **pattern == ':')
		return false;
	if (**pattern == ':' || **pattern == '*') {
		if (*at++ != *(*pattern)++)
			return false;
	}
	if (!match_word(pattern, &at))
		return false;
	if (**pattern == '#') {
		(*pattern)++;
		*suffix = 1;
		if (isdigit((unsigned char)*at)) {
			*suffix = (unsigned)strtoul(at, &end, 10);
			at = end;
		}
	}
	*text = at;
	return true;
}

const char *scpi_match(const char *pattern, const char *text, unsigned *suffix)
{
	while (*pattern && *pattern != '?') {
		bool optional = *pattern == '[';
		const char *behind = optional ? strchr(pattern, ']') + 1 : NULL;

		if (optional)
			pattern++;
		if (!match_node(&pattern, &text, suffix) && !optional)
			return NULL;
		if (optional)
			pattern = behind;
	}
	if (*pattern != (*text == '?' ? '?' : '\0'))
		return NULL;
	if (*text == '?')
		text++;
	if (*text && !isspace((unsigned char)*text))
		return NULL;
	return text + strspn(text, " \t");
}
