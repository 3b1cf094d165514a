/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any datagram as a word of the kernel on who has ended: at most one, with a name that ends. */
#include "probe/heads-exits.h"

#include <stdlib.h>
#include <string.h>

enum { FAMILY = 31 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *context, const struct process_exit *exit)
{
	unsigned *count = context;

	if (++*count > 1 || strnlen(exit->comm, sizeof exit->comm) == sizeof exit->comm)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned count = 0;

	exits_parse(data, size, FAMILY, hear, &count);
	return 0;
}
