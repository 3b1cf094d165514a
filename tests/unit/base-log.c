/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* Run `messages` with stderr in a file, and give what was written. */
static const char *captured(void (*messages)(void), int journal)
{
	static char text[8192];
	char path[256], stream[64];
	struct stat status;
	ssize_t length;
	int saved = dup(STDERR_FILENO), fd;

	snprintf(path, sizeof path, "%s/log", unit_folder());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &status) || dup2(fd, STDERR_FILENO) < 0)
		abort();
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino + (journal ? 0 : 1));
	setenv("JOURNAL_STREAM", stream, 1);
	messages();
	dup2(saved, STDERR_FILENO);
	close(saved);
	length = pread(fd, text, sizeof text - 1, 0);
	close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static void all_levels(void)
{
	log_open("prog", LOG_LEVEL_INFO);
	log_error("e %d", 1);
	log_warning("w");
	log_info("i");
	log_debug("d");
}

static void all_levels_debug(void)
{
	log_open("prog", LOG_LEVEL_DEBUG);
	log_error("e %d", 1);
	log_warning("w");
	log_info("i");
	log_debug("d");
}

static void hostile(void)
{
	log_open("prog", LOG_LEVEL_ERROR);
	log_error("domain %s", "\x1b]0;x\x07\nprog: forged");
	log_warning("not shown");
}

static void overlong(void)
{
	char big[6000];

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	log_open("prog", LOG_LEVEL_INFO);
	log_warning("%s", big);
}

static void test_terminal(void)
{
	UNIT_EQUAL_TEXT("prog: e 1\nprog: w\nprog: i\n", captured(all_levels, 0));
}

static void test_journal(void)
{
	UNIT_EQUAL_TEXT("<3>e 1\n<4>w\n<6>i\n<7>d\n", captured(all_levels_debug, 1));
}

static void test_hostile(void)
{
	UNIT_EQUAL_TEXT("prog: domain ?]0;x??prog: forged\n", captured(hostile, 0));
}

static void test_overlong(void)
{
	const char *text = captured(overlong, 0);

	UNIT_TRUE(strlen(text) > 4000 && strlen(text) < 4200);
	UNIT_TRUE(text[strlen(text) - 1] == '\n');
}

int main(void)
{
	return UNIT_RUN("base-log", { "levels above the chosen one are dropped", test_terminal },
			{ "the journal gets priorities", test_journal },
			{ "control characters do not get through", test_hostile },
			{ "overlong messages are cut and end their line", test_overlong });
}
