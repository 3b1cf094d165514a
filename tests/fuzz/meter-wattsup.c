/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes on a Watts up?'s line: the same packets however they are split, no watts of a
 * damaged one. The first byte says how the rest is split. */
#include "meter/wattsup-code.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct wattsup_event *event)
{
	bool has_value = !isnan(event->power_w);

	if (has_value &&
	    (event->kind != WATTSUP_RECORD || !(event->power_w >= 0) || isinf(event->power_w)))
		abort();
	if (event->kind != WATTSUP_VERSION && event->model[0])
		abort();
}

static struct wattsup_event next(struct wattsup_parser *parser, const uint8_t *data, size_t size,
				 size_t piece, size_t *at)
{
	struct wattsup_event event = { .kind = WATTSUP_NONE, .power_w = NAN, .model = "" };

	while (*at < size && event.kind == WATTSUP_NONE) {
		size_t end = piece ? *at - *at % piece + piece : size;
		size_t length = (end < size ? end : size) - *at;
		size_t taken = wattsup_feed(parser, data + *at, length, &event);

		if (taken > length || taken == 0)
			abort();
		*at += taken;
		check(&event);
	}
	return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wattsup_parser whole = { 0 }, split = { 0 };
	size_t at = 1, split_at = 1, piece = size > 0 ? data[0] : 0;

	while (at < size) {
		struct wattsup_event one = next(&whole, data, size, 0, &at);
		struct wattsup_event other = next(&split, data, size, piece, &split_at);

		if (one.kind != other.kind || at != split_at ||
		    memcmp(&one.power_w, &other.power_w, sizeof one.power_w) != 0)
			abort();
	}
	return 0;
}
