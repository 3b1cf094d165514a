/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the event line of a snapshot: what gets through prints the same ever after. */
#include "wire/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const char *bytes, size_t size, struct text *line)
{
	struct snapshot snapshot = { 0 };
	struct protocol_message message;
	struct error error = { "" };
	int result = protocol_parse_message(bytes, size, &message, &snapshot, &error);

	if ((result != 0) != (error.text[0] != '\0'))
		abort();
	if (!result && message.kind == PROTOCOL_SNAPSHOT &&
	    protocol_put_snapshot(&snapshot, &message.about, line, &error))
		abort();
	if (!result)
		protocol_message_clear(&message);
	snapshot_clear(&snapshot);
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
