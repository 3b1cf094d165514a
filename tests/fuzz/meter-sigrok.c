/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any address, and any order of values, frames and times, as a device of libsigrok sends them. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "meter/sigrok-code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const uint8_t *data, size_t size)
{
	struct sigrok_address address;
	struct error error = { "" };
	char *text = strndup((const char *)data, size);

	if (!text)
		abort();
	if (sigrok_parse_address(text, &address, &error) == 0 && !address.driver[0])
		abort();
	free(text);
}

/* Ten bytes each: what comes, and a value with all its bits. */
static void collect(const uint8_t *data, size_t size)
{
	struct sigrok_collector collector = { 0 };
	uint64_t time_ns = 0;
	bool has_nan = false;

	for (; size >= 10; data += 10, size -= 10) {
		double value, power_w = NAN;

		memcpy(&value, data + 2, sizeof value);
		time_ns += (uint64_t)data[1] * 1000000;
		has_nan |= isnan(value);
		if (data[0] & 0x40)
			sigrok_frame_begin(&collector);
		if (data[0] & 0x80)
			sigrok_frame_end(&collector);
		if (sigrok_collect(&collector, (enum sigrok_quantity)(data[0] & 3), data[0] & 4,
				   value, time_ns, &power_w) &&
		    isnan(power_w) && !has_nan)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse(data, size);
	collect(data, size);
	return 0;
}
