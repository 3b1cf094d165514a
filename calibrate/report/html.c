/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/report/html.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_character(struct text *html, char character)
{
	switch (character) {
	case '<':
		text_add(html, "&lt;");
		break;
	case '>':
		text_add(html, "&gt;");
		break;
	case '&':
		text_add(html, "&amp;");
		break;
	case '"':
		text_add(html, "&quot;");
		break;
	default:
		text_add_bytes(html, &character, 1);
	}
}

void html_text(struct text *html, const char *string)
{
	size_t size = strlen(string) + 1;
	char *printable = malloc(size);

	if (!printable) {
		html->failed = true;
		return;
	}
	text_printable(string, printable, size);
	for (const char *at = printable; *at; at++)
		put_character(html, *at);
	free(printable);
}

void html_element(struct text *html, const char *tag, const char *string)
{
	text_addf(html, "<%s>", tag);
	html_text(html, string);
	text_addf(html, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void html_cell(struct text *html, bool is_number, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	html_element(html, is_number ? "td class=\"n\"" : "td", text);
}

/* RFC 4648, 4. */
void html_base64(struct text *html, const char *bytes, size_t length)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t three = (uint32_t)(unsigned char)bytes[i] << 16;
		char four[4];

		if (left > 1)
			three |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (left > 2)
			three |= (unsigned char)bytes[i + 2];
		for (unsigned k = 0; k < 4; k++)
			four[k] = k > left ? '=' : alphabet[three >> (18 - 6 * k) & 63];
		text_add_bytes(html, four, sizeof four);
	}
}
