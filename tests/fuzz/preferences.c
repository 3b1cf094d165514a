/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as preferences: refused whole, or printed as a text that reads and prints the same. */
#include "vmetop/preferences.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(const char *bytes, size_t size, struct text *printed)
{
	struct error_list errors = { 0 };
	struct ui ui;
	int result;

	ui_init(&ui);
	result = preferences_parse("fuzz", bytes, size, &ui, &errors);
	if ((result != 0) != (errors.count + errors.dropped > 0))
		abort();
	preferences_print(&ui, printed);
	error_list_clear(&errors);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text first = { 0 }, second = { 0 }, defaults = { 0 };
	char *bytes = malloc(size + 1);
	int result;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	result = parse(bytes, size, &first);
	if (parse(first.bytes, first.length, &second) || strcmp(first.bytes, second.bytes) != 0)
		abort();
	/* What was refused has left nothing behind. */
	parse("", 0, &defaults);
	if (result && strcmp(first.bytes, defaults.bytes) != 0)
		abort();
	text_free(&first);
	text_free(&second);
	text_free(&defaults);
	free(bytes);
	return 0;
}
