/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as reports of an FNB58, of a length that their first byte gives: watts only
 * where a frame is whole, then within what the meter is made for. */
#include "meter/fnb58-code.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum fnb58_kind kind, const double power_w[FNB58_SAMPLES])
{
	for (unsigned i = 0; i < FNB58_SAMPLES; i++)
		if (kind == FNB58_DATA ? !(power_w[i] >= 0 && power_w[i] <= 320)
				       : !isnan(power_w[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fnb58_mean mean = { 0 };
	double power_w[FNB58_SAMPLES], mean_w;

	while (size > 1) {
		size_t length = data[0] < size ? data[0] : size - 1;
		uint8_t *frame = malloc(length + 1); /* exact: what is read past it is found */
		enum fnb58_kind kind;

		if (!frame)
			return 0;
		memcpy(frame, data + 1, length);
		kind = fnb58_decode(frame, length, power_w);
		free(frame);
		check(kind, power_w);
		if (kind == FNB58_DATA && fnb58_mean_add(&mean, power_w, &mean_w) &&
		    !(mean_w >= 0 && mean_w <= 320))
			abort();
		if (mean.count >= FNB58_WINDOW_SAMPLES)
			abort();
		data += length + 1;
		size -= length + 1;
	}
	return 0;
}
