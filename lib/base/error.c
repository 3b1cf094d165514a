/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int error_setf(struct error *error, int errnum, const char *format, ...)
{
	va_list arguments;

	if (error) {
		va_start(arguments, format);
		vsnprintf(error->text, sizeof error->text, format, arguments);
		va_end(arguments);
	}
	return -errnum;
}

int error_prefixf(struct error *error, int result, const char *format, ...)
{
	char prefix[ERROR_TEXT_BYTES];
	va_list arguments;
	size_t length;

	if (!error)
		return result;
	va_start(arguments, format);
	vsnprintf(prefix, sizeof prefix - 2, format, arguments);
	va_end(arguments);
	strcat(prefix, ": ");
	length = strlen(prefix);
	memmove(error->text + length, error->text, sizeof error->text - length);
	memcpy(error->text, prefix, length);
	error->text[sizeof error->text - 1] = '\0';
	return result;
}

void error_list_addf(struct error_list *list, const char *format, ...)
{
	va_list arguments;
	char *text, **texts;

	if (list->count >= ERROR_LIST_MAX)
		goto dropped;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (!text)
		goto dropped;
	texts = reallocarray(list->texts, list->count + 1, sizeof *texts);
	if (!texts) {
		free(text);
		goto dropped;
	}
	list->texts = texts;
	list->texts[list->count++] = text;
	return;
dropped:
	list->dropped++;
}

void error_list_clear(struct error_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->texts[i]);
	free(list->texts);
	*list = (struct error_list){ 0 };
}
