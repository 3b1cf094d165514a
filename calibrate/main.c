/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate - weights for new hardware, proved against a physical meter. */
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/command.h"

const char *argp_program_version = "calibrate " VMENERGY_VERSION;
const char *argp_program_bug_address = NULL;

static const struct command *const commands[] = {
	&command_run,    &command_meters, &command_events, &command_record,  &command_fit,
	&command_verify, &command_report, &command_disk,   &command_thermal,
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* The commands, where argp shows what follows the options. */
static char *list_commands(int key, const char *text, void *input)
{
	struct text list = { 0 };

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text; /* as it is: argp's way to say so */
	text_add(&list, "Commands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		text_addf(&list, "  %-9s %s\n", commands[i]->name, commands[i]->sentence);
	text_add(&list, "\n`calibrate COMMAND --help' shows the options of a command. See "
			"calibrate(1).");
	return list.bytes; /* argp frees it */
}

/* The first word that is no option names the command; what follows is its own. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
	const struct command **command = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		*command = find_command(argument);
		if (!*command)
			argp_error(state, "%s: no such command", argument);
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* argp knows a program by its first word: "calibrate fit" where a command is run. */
static int run_command(const struct command *command, int argc, char **argv)
{
	static char title[64];
	int at = 1;

	while (strcmp(argv[at], command->name) != 0)
		at++;
	snprintf(title, sizeof title, "calibrate %s", command->name);
	argv[at] = title;
	return command->run(argc - at, argv + at);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "COMMAND [OPTION...]",
		.doc = "Find out what events cost on this hardware, with a power meter, and "
		       "prove it.\v",
		.help_filter = list_commands,
	};
	const struct command *command = NULL;

	setlocale(LC_CTYPE, "");
	command_set_line(argc, argv);
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command))
		return 2;
	return run_command(command, argc, argv);
}
