/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a request: what gets through is written and read the same ever after. */
#include "wire/protocol.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 15 digits go over the line. */
static bool same_limit(double a, double b)
{
	if (isnan(a) || isinf(a))
		return isnan(a) == isnan(b) && isinf(a) == isinf(b);
	return fabs(a - b) <= 1e-14 * fabs(a);
}

static void put_again(const struct protocol_request *request)
{
	struct protocol_request again;
	struct text line = { 0 };
	struct error error = { "" };

	if (protocol_put_request(request, &line, &error) ||
	    protocol_parse_request(line.bytes, line.length, &again, &error))
		abort();
	if (again.id != request->id || again.verb != request->verb ||
	    !text_equal(again.domain, request->domain) ||
	    !same_limit(request->cap_w, again.cap_w) ||
	    !same_limit(request->cap_total_w, again.cap_total_w) ||
	    !same_limit(request->cpu_cap_w, again.cpu_cap_w) ||
	    !same_limit(request->disk_cap_w, again.disk_cap_w))
		abort();
	protocol_request_clear(&again);
	text_free(&line);
}

static void try_answer(const char *bytes, size_t size)
{
	struct snapshot snapshot = { 0 };
	struct protocol_message message;
	struct protocol_status status;
	struct text line = { 0 };

	if (!protocol_parse_message(bytes, size, &message, &snapshot, NULL)) {
		if (message.kind == PROTOCOL_ANSWER &&
		    !protocol_parse_status(&message, &status, NULL)) {
			if (protocol_put_status(message.id, &status, &line, NULL))
				abort();
			protocol_status_clear(&status);
		}
		protocol_message_clear(&message);
	}
	text_free(&line);
	snapshot_clear(&snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct protocol_request request;
	struct error error = { "" };
	int result = protocol_parse_request(bytes, size, &request, &error);

	if ((result != 0) != (error.text[0] != '\0'))
		abort();
	if (!result) {
		put_again(&request);
		protocol_request_clear(&request);
	} else if (request.domain) {
		abort();
	}
	try_answer(bytes, size);
	return 0;
}
