/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { LOG_MESSAGE_BYTES = 4096 };

/* Written once by log_open(), before any thread. */
static struct {
	char program[64];
	enum log_level level;
	bool journal;
} log_state = { .level = LOG_LEVEL_INFO };

/* JOURNAL_STREAM is "DEVICE:INODE" of the stream that leads to the journal (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status))
		return false;
	snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_open(const char *program, enum log_level level)
{
	snprintf(log_state.program, sizeof log_state.program, "%s", program);
	log_state.level = level;
	log_state.journal = stderr_is_journal();
}

void log_at(enum log_level level, const char *format, ...)
{
	static const char priority[] = { '3', '4', '6', '7' }; /* syslog(3) */
	char raw[LOG_MESSAGE_BYTES], clean[LOG_MESSAGE_BYTES], line[LOG_MESSAGE_BYTES + 80];
	va_list arguments;
	int length;

	if (level > log_state.level)
		return;
	va_start(arguments, format);
	vsnprintf(raw, sizeof raw, format, arguments);
	va_end(arguments);
	text_printable(raw, clean, sizeof clean);
	if (log_state.journal)
		length = snprintf(line, sizeof line, "<%c>%s\n", priority[level], clean);
	else
		length = snprintf(line, sizeof line, "%s%s%s\n", log_state.program,
				  log_state.program[0] ? ": " : "", clean);
	/* Where stderr itself fails there is nobody left to tell. */
	if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}
