/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/delta.h"

struct counter_delta counter_delta(uint64_t prev, uint64_t now, unsigned width)
{
	uint64_t half = (uint64_t)1 << (width - 1);
	uint64_t mask = half | (half - 1);
	uint64_t difference = (now - prev) & mask;

	if (now >= prev)
		return (struct counter_delta){ .value = now - prev };
	if (width < 64 && difference < half)
		return (struct counter_delta){ .value = difference, .wrapped = true };
	return (struct counter_delta){ .reset = true };
}
