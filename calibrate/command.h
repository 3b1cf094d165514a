/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command.h - the commands of calibrate: one file each (cmd-*.c), one table in main.c.
 */
#ifndef VMENERGY_CALIBRATE_COMMAND_H
#define VMENERGY_CALIBRATE_COMMAND_H

#include <argp.h>

#include "base/error.h"
#include "base/text.h"

struct command {
	const char *name;
	const char *sentence; /* for the list of commands */
	/* argv[0] is "calibrate NAME"; parses with argp (ARGP_IN_ORDER not set). Exit status:
	 * 0 done, 1 failed; argp itself ends with 2 on wrong usage. */
	int (*run)(int argc, char **argv);
};

extern const struct command command_run, command_record, command_fit, command_verify, command_disk,
	command_thermal, command_meters, command_events, command_report;

/* "calibrate: " + text on standard error; returns 1. */
int command_fail(const struct error *error);
/* Each entry on a line of its own on standard error; `word` ("warning") before it, or NULL. */
void command_print_list(const struct error_list *list, const char *word);
/* A whole file, NUL behind it, owned by the caller. 0 or -errno with text. "-" is standard input.
 */
int command_read_file(const char *path, char **text, size_t *length, struct error *error);
/* Written aside, flushed to disk, renamed: whole or not at all; "-" is standard output. 0 or -errno
 * with text. */
int command_write_file(const char *path, const struct text *text, struct error *error);
/* Split "a,b,c" in place; returns the number of parts or -1 if there are more than `max`. */
int command_split(char *list, const char **parts, unsigned max);
/* Everything that calibrate was started with, for provenance; main() has set it. */
const char *command_line(void);
void command_set_line(int argc, char **argv);

#endif
