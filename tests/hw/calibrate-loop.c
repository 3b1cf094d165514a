/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hw/calibrate-loop.h"

#include <stdlib.h>
#include <string.h>

#include "tests/hw/load.h"

bool calibrate_loop_is_called(const char *name)
{
	const char *base = strrchr(name, '/');

	return strcmp(base ? base + 1 : name, "loop") == 0;
}

int calibrate_loop_run(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	load_burn(strtoull(argv[1], NULL, 10));
	return 0;
}
