/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/options.h"

#include <argp.h>
#include <stdlib.h>

enum { OPTION_CHECK = 256, OPTION_SOCKET, OPTION_STATE_DIRECTORY, OPTION_ROOT };

static const struct argp_option argp_options[] = {
	{ "config", 'c', "FILE", 0,
	  "configuration (default " DAEMON_CONFIG "); FILE.d/*.conf are read after it", 0 },
	{ "check", OPTION_CHECK, NULL, 0, "say all that is wrong with the configuration, and end",
	  0 },
	{ "dry-run", 'n', NULL, 0, "decide, but write no limit", 0 },
	{ "socket", OPTION_SOCKET, "PATH", 0, "control socket, over what the configuration says",
	  0 },
	{ "state-directory", OPTION_STATE_DIRECTORY, "DIR", 0,
	  "what outlives the daemon, over what the configuration says", 0 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /proc, /sys and /dev", 0 },
	{ "verbose", 'v', NULL, 0, "log each write and repetition too", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct daemon_options *options = state->input;

	switch (key) {
	case 'c':
		options->config = argument;
		return 0;
	case OPTION_CHECK:
		options->check = true;
		return 0;
	case 'n':
		options->dry_run = true;
		return 0;
	case OPTION_SOCKET:
		options->socket = argument;
		return 0;
	case OPTION_STATE_DIRECTORY:
		options->state_directory = argument;
		return 0;
	case OPTION_ROOT:
		options->root = argument;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: no such command (ctl and deadman come before options)",
			   argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void daemon_options_parse(struct daemon_options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Account the energy of the virtual machines of this host, and hold them "
		       "under their caps.\v"
		       "Commands, which come first and have options of their own (--help):\n"
		       "  vmenergyd ctl [-s|--socket PATH] COMMAND [ARGUMENT...]\n"
		       "                     ask and change a running daemon\n"
		       "  vmenergyd deadman  for its timer\n"
		       "\n"
		       "See vmenergyd(8).",
	};

	*options = (struct daemon_options){ 0 };
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, options))
		exit(2);
}

int daemon_options_load(const struct daemon_options *options, struct config *config,
			struct error_list *errors)
{
	int result = config_read(options->config ? options->config : DAEMON_CONFIG,
				 options->config != NULL, config, errors);

	if (result)
		return result;
	if (options->socket)
		result = text_replace(&config->socket, options->socket);
	if (!result && options->state_directory)
		result = text_replace(&config->state_directory, options->state_directory);
	config->dry_run = config->dry_run || options->dry_run;
	/* The running libvirtd knows nothing of another root. */
	if (options->root && !config->libvirt)
		config->without_libvirt = true;
	return result;
}
