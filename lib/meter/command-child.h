/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command-child.h - a shell command with pipes to what it prints. For lib/meter alone. */
#ifndef VMENERGY_METER_COMMAND_CHILD_H
#define VMENERGY_METER_COMMAND_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct command_child {
	pid_t pid;         /* 0 = none runs */
	int output, trace; /* its standard output and error, non-blocking; -1 = closed */
	/* The last line that it has written to standard error, printable. */
	char complaint[200];
};

/*
 * Run by /bin/sh -c in a process group of its own, standard input empty; it dies
 * with this program. 0 or -errno with text.
 */
int command_start(struct command_child *child, const char *command, struct error *error);
/* Read what is on standard error, and keep its last line. */
void command_listen(struct command_child *child);
/*
 * Wait a moment for the end of one that has closed its output, then end its whole process
 * group. Its wait status.
 */
int command_stop(struct command_child *child, unsigned patience_ms);

#endif
