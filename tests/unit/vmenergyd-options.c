/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's command line, and what it says over the configuration. */
#include "vmenergyd/options.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

const char *argp_program_version = "vmenergyd test";

enum { WORDS_MAX = 12 };

static struct daemon_options parse(const char *const *words)
{
	char *argv[WORDS_MAX] = { unit_literal("vmenergyd") };
	struct daemon_options options;
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = unit_literal(words[argc - 1]);
	daemon_options_parse(&options, argc, argv);
	return options;
}
#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

/* In a child: its exit status, and what it said. -1 = it came back. */
static int ends_with(const char *word, const char **said)
{
	static char text[8192];
	ssize_t length, got = 0;
	int ends[2], status;
	pid_t pid;

	fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) || (pid = fork()) < 0)
		abort();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		PARSE(word);
		_exit(99);
	}
	close(ends[1]);
	while ((length = read(ends[0], text + got, sizeof text - 1 - (size_t)got)) > 0)
		got += length;
	text[got] = '\0';
	close(ends[0]);
	*said = text;
	waitpid(pid, &status, 0);
	return !WIFEXITED(status) || WEXITSTATUS(status) == 99 ? -1 : WEXITSTATUS(status);
}

static void test_defaults(void)
{
	struct daemon_options options = parse((const char *const[]){ NULL });

	UNIT_TRUE(!options.config && !options.socket && !options.state_directory && !options.root);
	UNIT_TRUE(!options.check && !options.dry_run && !options.verbose);
}

static void test_all_options(void)
{
	struct daemon_options options = PARSE("--config=/c", "--check", "--dry-run", "--socket",
					      "/s", "--state-directory=/d", "--root=/r", "-v");

	UNIT_EQUAL_TEXT("/c", options.config);
	UNIT_EQUAL_TEXT("/s", options.socket);
	UNIT_EQUAL_TEXT("/d", options.state_directory);
	UNIT_EQUAL_TEXT("/r", options.root);
	UNIT_TRUE(options.check && options.dry_run && options.verbose);
}

static void test_wrong_usage(void)
{
	static const char *const wrong[] = { "--nonsense", "status", "--socket", "-x" };
	const char *said;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		UNIT_EQUAL_I64(2, ends_with(wrong[i], &said));
		UNIT_CONTAINS("vmenergyd: ", said);
	}
	UNIT_EQUAL_I64(2, ends_with("status", &said));
	UNIT_CONTAINS("status: no such command", said);
}

static void test_help_names_the_commands(void)
{
	const char *said;

	UNIT_EQUAL_I64(0, ends_with("--help", &said));
	UNIT_CONTAINS("vmenergyd ctl [-s|--socket PATH] COMMAND", said);
	UNIT_TRUE(!strstr(said, "[OPTION...] ctl"));
	UNIT_CONTAINS("deadman", said);
	UNIT_CONTAINS(DAEMON_CONFIG, said);
	UNIT_EQUAL_I64(0, ends_with("--version", &said));
	UNIT_EQUAL_TEXT("vmenergyd test\n", said);
}

static const char *file(const char *name, const char *text)
{
	static char path[512];

	unit_write_file(name, text);
	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	return path;
}

static void test_command_line_wins_over_the_file(void)
{
	struct daemon_options options = { .socket = "/by/option", .dry_run = true };
	struct error_list errors = { 0 };
	struct config config;

	options.config = file("a.conf", "[daemon]\nsocket = /by/file\n"
					"state-directory = /state/by/file\n");
	UNIT_EQUAL_I64(0, daemon_options_load(&options, &config, &errors));
	UNIT_EQUAL_TEXT("/by/option", config.socket);
	UNIT_EQUAL_TEXT("/state/by/file", config.state_directory);
	UNIT_TRUE(config.dry_run);
	config_clear(&config);
	options.dry_run = false;
	options.state_directory = "/state/by/option";
	UNIT_EQUAL_I64(0, daemon_options_load(&options, &config, &errors));
	UNIT_EQUAL_TEXT("/state/by/option", config.state_directory);
	UNIT_TRUE(!config.dry_run);
	config_clear(&config);
	UNIT_EQUAL_U64(0, errors.count);
}

static void test_file_may_ask_for_a_dry_run(void)
{
	struct daemon_options options = { .dry_run = false };
	struct error_list errors = { 0 };
	struct config config;

	options.config = file("dry.conf", "[daemon]\ndry-run = yes\n");
	UNIT_EQUAL_I64(0, daemon_options_load(&options, &config, &errors));
	UNIT_TRUE(config.dry_run);
	config_clear(&config);
}

static void test_named_file_must_be_there(void)
{
	struct daemon_options options = { .config = "/nowhere/at.conf" };
	struct error_list errors = { 0 };
	struct config config;

	UNIT_EQUAL_I64(-ENOENT, daemon_options_load(&options, &config, &errors));
	UNIT_EQUAL_U64(1, errors.count);
	UNIT_CONTAINS("/nowhere/at.conf", errors.texts[0]);
	config_clear(&config);
	error_list_clear(&errors);
}

static void test_all_errors_are_said(void)
{
	struct daemon_options options = { 0 };
	struct error_list errors = { 0 };
	struct config config;

	options.config = file("bad.conf", "[daemon]\ninterval = 5ms\nnonsense = 3\n"
					  "[domain web*]\ncap = -3W\n");
	UNIT_EQUAL_I64(-EINVAL, daemon_options_load(&options, &config, &errors));
	UNIT_EQUAL_U64(3, errors.count);
	UNIT_CONTAINS("bad.conf:2: ", errors.texts[0]);
	UNIT_CONTAINS("bad.conf:3: ", errors.texts[1]);
	UNIT_CONTAINS("bad.conf:5: ", errors.texts[2]);
	config_clear(&config);
	error_list_clear(&errors);
}

static void test_another_root_asks_no_libvirt(void)
{
	struct daemon_options options = { .root = "/r" };
	struct error_list errors = { 0 };
	struct config config;

	options.config = file("root.conf", "[daemon]\ninterval = 2s\n");
	UNIT_EQUAL_I64(0, daemon_options_load(&options, &config, &errors));
	UNIT_TRUE(config.without_libvirt);
	config_clear(&config);
	options.config = file("uri.conf", "[daemon]\nlibvirt = test:///default\n");
	UNIT_EQUAL_I64(0, daemon_options_load(&options, &config, &errors));
	UNIT_TRUE(!config.without_libvirt);
	config_clear(&config);
}

int main(void)
{
	return UNIT_RUN(
		"vmenergyd-options", { "without options all is as the file says", test_defaults },
		{ "all options are taken", test_all_options },
		{ "wrong usage ends with 2", test_wrong_usage },
		{ "help names the commands", test_help_names_the_commands },
		{ "the command line wins over the file", test_command_line_wins_over_the_file },
		{ "the file may ask for a dry run", test_file_may_ask_for_a_dry_run },
		{ "a file that is named must be there", test_named_file_must_be_there },
		{ "all errors are said", test_all_errors_are_said },
		{ "another root asks no libvirt", test_another_root_asks_no_libvirt });
}
