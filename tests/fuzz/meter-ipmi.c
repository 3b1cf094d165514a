/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a controller's answer: a figure only from a whole frame, else a reason. */
#include <stdint.h>
#include <stdlib.h>

#include "meter/ipmi-code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipmi_power power;
	struct error error = { "" };
	int result = ipmi_decode_power(data, size, &power, &error);

	if ((result != 0) != (error.text[0] != '\0') || result > 0)
		abort();
	if (result ? power.is_measuring || power.current_w
		   : size < IPMI_RESPONSE_BYTES || power.current_w > UINT16_MAX ||
			     power.period_s < 0)
		abort();
	return 0;
}
