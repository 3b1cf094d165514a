/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a state file: what gets through prints the same ever after. */
#include "vmenergyd/state.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const char *bytes, size_t size, struct text *text)
{
	struct state state;
	struct error error = { "" };
	int result = state_parse(bytes, size, &state, &error);

	if ((result != 0) != (error.text[0] != '\0'))
		abort();
	if (!result && state_print(&state, text, &error))
		abort();
	state_clear(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text first = { 0 }, second = { 0 };

	print((const char *)data, size, &first);
	if (first.bytes) {
		print(first.bytes, first.length, &second);
		if (!text_equal(first.bytes, second.bytes))
			abort();
	}
	text_free(&first);
	text_free(&second);
	return 0;
}
