/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *memory_grow(void *items, size_t *capacity, size_t need, size_t item_bytes)
{
	size_t grown = *capacity < 8 ? 8 : *capacity;
	char *bytes;

	if (items && need <= *capacity)
		return items;
	if (need > PTRDIFF_MAX / 2 / item_bytes)
		return NULL;
	while (grown < need)
		grown *= 2;
	bytes = reallocarray(items, grown, item_bytes);
	if (!bytes)
		return NULL;
	memset(bytes + *capacity * item_bytes, 0, (grown - *capacity) * item_bytes);
	*capacity = grown;
	return bytes;
}
