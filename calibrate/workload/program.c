/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int program_find(const char *name, char path[PROGRAM_PATH_BYTES])
{
	const char *folder = getenv("PATH");

	if (!folder)
		folder = "/usr/local/bin:/usr/bin:/bin";
	while (*folder) {
		size_t length = strcspn(folder, ":");
		int written =
			snprintf(path, PROGRAM_PATH_BYTES, "%.*s/%s", (int)length, folder, name);

		if (length > 0 && written < PROGRAM_PATH_BYTES && access(path, X_OK) == 0)
			return 0;
		folder += length + (folder[length] == ':');
	}
	return -ENOENT;
}

/* Takes the word over. */
static void take(struct program_arguments *arguments, char *word)
{
	if (!word || arguments->count == PROGRAM_ARGUMENTS_MAX) {
		arguments->failed = true;
		free(word);
		return;
	}
	arguments->words[arguments->count++] = word;
}

void program_add(struct program_arguments *arguments, const char *word)
{
	take(arguments, strdup(word));
}

void program_addf(struct program_arguments *arguments, const char *format, ...)
{
	va_list list;
	char *word = NULL;

	va_start(list, format);
	if (vasprintf(&word, format, list) < 0)
		word = NULL;
	va_end(list);
	take(arguments, word);
}

void program_add_words(struct program_arguments *arguments, const char *words)
{
	for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
		size_t length = strcspn(words, " ");

		take(arguments, strndup(words, length));
		words += length;
	}
}

void program_clear(struct program_arguments *arguments)
{
	for (unsigned i = 0; i < arguments->count; i++)
		free(arguments->words[i]);
	*arguments = (struct program_arguments){ 0 };
}
