/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an INI file: what gets through must be printable again and read the same. */
#include "base/ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct printed {
	struct text text;
	struct text section;
};

static int print(void *context, const struct ini_entry *entry, struct error_list *errors)
{
	struct printed *printed = context;

	(void)errors;
	if (!printed->section.bytes || strcmp(printed->section.bytes, entry->section) != 0) {
		text_reset(&printed->section);
		text_add(&printed->section, entry->section);
		if (entry->section[0])
			text_addf(&printed->text, "[%s]\n", entry->section);
	}
	text_addf(&printed->text, "%s = %s\n", entry->key, entry->value);
	return 0;
}

static int parse(const char *bytes, size_t size, struct printed *printed)
{
	struct error_list errors = { 0 };
	int result = ini_parse_text("fuzz", bytes, size, print, printed, &errors);

	if ((result != 0) != (errors.count + errors.dropped > 0))
		abort();
	error_list_clear(&errors);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct printed first = { 0 }, second = { 0 };
	char *bytes = malloc(size + 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	parse(bytes, size, &first);
	/* " = " may take a line of 189 or 190 bytes over the limit: then only no crash. */
	if (first.text.bytes && !parse(first.text.bytes, first.text.length, &second) &&
	    strcmp(first.text.bytes, second.text.bytes) != 0)
		abort();
	text_free(&first.text);
	text_free(&first.section);
	text_free(&second.text);
	text_free(&second.section);
	free(bytes);
	return 0;
}
