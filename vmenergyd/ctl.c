/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/ctl.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vmenergyd/ctl-internal.h"

/* --- what the commands share --------------------------------------------------------------- */

static const struct argp_option socket_options[] = {
	{ "socket", 's', "PATH", 0,
	  "the daemon's socket (default $VMENERGY_SOCKET, or " ATTACH_SOCKET ")", 0 },
	{ 0 },
};

static error_t parse_socket(int key, char *argument, struct argp_state *state)
{
	if (key != 's')
		return ARGP_ERR_UNKNOWN;
	*(char **)state->input = argument;
	return 0;
}

static const struct argp socket_argp = { .options = socket_options, .parser = parse_socket };
const struct argp_child ctl_socket_children[] = { { &socket_argp, 0, NULL, 0 }, { 0 } };

error_t ctl_parse_nothing(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: there are no arguments", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int ctl_ask(const char *socket, struct protocol_request *request, struct protocol_message *answer,
	    struct error *error)
{
	struct attach *attach = NULL;
	int result = attach_open(&attach, socket, error);

	if (!result)
		result = attach_ask(attach, request, answer, error);
	attach_close(attach);
	return result;
}

int ctl_print(const struct text *text, struct error *error)
{
	if (text->failed)
		return error_setf(error, ENOMEM, "out of memory");
	if (text->length && fwrite(text->bytes, 1, text->length, stdout) != text->length)
		return error_setf(error, EIO, "standard output: %s", strerror(errno));
	if (fflush(stdout))
		return error_setf(error, EIO, "standard output: %s", strerror(errno));
	return 0;
}

int ctl_end(int result, const struct error *error)
{
	if (!result)
		return 0;
	log_error("%s", error->text);
	return 1;
}

/* --- choosing a command -------------------------------------------------------------------- */

static const struct ctl_command *const commands[] = { &ctl_status, &ctl_cap, &ctl_watch,
						      &ctl_reload };
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const struct ctl_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static char *list_commands(int key, const char *text, void *input)
{
	struct text list = { 0 };

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text; /* as it is: argp's way to say so */
	text_add(&list, "Commands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		text_addf(&list, "  %-7s %s\n", commands[i]->name, commands[i]->sentence);
	text_add(&list, "\n`vmenergyd ctl COMMAND --help' shows the options of a command. See "
			"vmenergyd(8).");
	return list.bytes; /* argp frees it */
}

struct choice {
	const struct ctl_command *command;
	int at;       /* of its name */
	char *socket; /* said before it; NULL */
};

/* The first word that is no option names the command; what follows is its own. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &choice->socket;
		return 0;
	case ARGP_KEY_ARG:
		choice->command = find_command(argument);
		if (!choice->command)
			argp_error(state, "%s: no such command", argument);
		choice->at = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int ctl_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.children = ctl_socket_children,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = "Ask and change a running vmenergyd.\v",
		.help_filter = list_commands,
	};
	static char name[] = "vmenergyd ctl", title[64];
	struct choice choice = { 0 };
	struct ctl_call call;

	argp_err_exit_status = 2;
	log_open(name, LOG_LEVEL_INFO);
	argv[0] = name; /* argp knows a program by its first word */
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice))
		return 2;
	snprintf(title, sizeof title, "%s %s", name, choice.command->name);
	argv[choice.at] = title;
	call = (struct ctl_call){ argc - choice.at, argv + choice.at, choice.socket };
	return choice.command->run(&call);
}
