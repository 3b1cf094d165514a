/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes from the line: no crash, and values only from a frame whose sum is right. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "meter/pzem-code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sum is repaired in one pass of two, or the fuzzer would seldom get beyond it. */
static void decode(uint8_t *bytes, size_t length, uint8_t address)
{
	struct pzem_values values;
	uint8_t refusal = 0;
	enum pzem_result result = pzem_decode(bytes, length, address, &values, &refusal);

	if (result == PZEM_VALUES &&
	    !(values.power_w >= 0 && values.power_w <= UINT32_MAX / 10.0 &&
	      pzem_crc(bytes + length - PZEM_REPLY_BYTES, PZEM_REPLY_BYTES) == 0))
		abort();
	if (result == PZEM_REFUSED && !*pzem_refusal_text(refusal))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes;
	uint16_t crc;

	if (size < 1)
		return 0;
	bytes = malloc(size); /* of this size: a read beyond it is seen */
	if (!bytes)
		return 0;
	for (size_t i = 1; i < size; i++)
		bytes[i - 1] = data[i];
	decode(bytes, size - 1, data[0]);
	if (size > 3) {
		crc = pzem_crc(bytes, size - 3);
		bytes[size - 3] = (uint8_t)crc;
		bytes[size - 2] = (uint8_t)(crc >> 8);
		decode(bytes, size - 1, data[0]);
	}
	free(bytes);
	return 0;
}
