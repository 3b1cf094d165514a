/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a session: what gets through prints the same ever after. */
#include "calibrate/record/session.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const char *bytes, size_t size, struct text *text)
{
	struct session session;
	struct error error = { "" };
	int result = session_parse("fuzz", bytes, size, &session, &error);

	if ((result != 0) != (error.text[0] != '\0'))
		abort();
	if (result)
		return;
	session_print(&session, text);
	session_clear(&session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text first = { 0 }, second = { 0 };
	char *bytes = malloc(size + 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	print(bytes, size, &first);
	if (first.bytes) {
		print(first.bytes, first.length, &second);
		if (!text_equal(first.bytes, second.bytes))
			abort();
	}
	text_free(&first);
	text_free(&second);
	free(bytes);
	return 0;
}
