/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - the command line of the daemon itself (not of `ctl` and `deadman`). */
#ifndef VMENERGY_VMENERGYD_OPTIONS_H
#define VMENERGY_VMENERGYD_OPTIONS_H

#include <stdbool.h>

#include "base/error.h"
#include "vmenergyd/config.h"

#define DAEMON_CONFIG "/etc/vmenergyd.conf"

struct daemon_options {
	const char *config;          /* FILE; NULL = DAEMON_CONFIG, which need not be there */
	const char *socket;          /* over what the file says; NULL = as the file says */
	const char *state_directory; /* the same */
	const char *root;            /* folder before /proc, /sys and /dev; NULL = the real ones */
	bool check;                  /* read the configuration, say what is wrong, end */
	bool dry_run;                /* write no limit, whatever the file says */
	bool verbose;
};

/* Ends the program with status 2 on wrong usage, 0 after --help and --version. */
void daemon_options_parse(struct daemon_options *options, int argc, char **argv);

/*
 * The configuration as these options have it: its file with its drop-ins, and
 * what the command line says over it. As config_read(): to be cleared after a failure, too.
 */
int daemon_options_load(const struct daemon_options *options, struct config *config,
			struct error_list *errors);

#endif
