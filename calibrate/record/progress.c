/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/record/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR = 20, COLUMNS = 80 };
#define PAUSE_NS UINT64_C(200000000)
#define ERASE_LINE "\r\033[K"

static void add_time(struct text *out, double left_s)
{
	unsigned seconds = left_s > 0 && left_s < 1e6 ? (unsigned)ceil(left_s) : 0;

	if (seconds >= 3600)
		text_addf(out, "%u h %u min", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		text_addf(out, "%u min %u s", seconds / 60, seconds % 60);
	else
		text_addf(out, "%u s", seconds);
}

void progress_format(const struct progress_news *news, unsigned columns, struct text *out)
{
	double part = news->part > 0 ? fmin(news->part, 1) : 0;
	unsigned full = (unsigned)(part * BAR + 0.5);
	char what[128];

	text_add(out, "[");
	for (unsigned i = 0; i < BAR; i++)
		text_add(out, i < full ? "#" : "-");
	text_addf(out, "] %3.0f %%  %s", floor(part * 100),
		  text_printable(news->what, what, sizeof what));
	if (!isnan(news->power_w))
		text_addf(out, "  %.4g W", news->power_w);
	text_add(out, "  ");
	add_time(out, news->left_s);
	text_add(out, " left");
	if (!out->failed && out->length > columns) {
		out->length = columns;
		out->bytes[columns] = '\0';
	}
}

void progress_begin(struct progress *progress, bool is_on)
{
	*progress =
		(struct progress){ .is_on = is_on, .is_terminal = is_on && isatty(STDERR_FILENO) };
}

/* Less one: some terminals wrap behind the last column. */
static unsigned columns_of_terminal(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u
									       : COLUMNS - 1;
}

static bool is_due(struct progress *progress, const struct progress_news *news)
{
	uint64_t now_ns = clock_now_ns();

	if (progress->is_terminal) {
		if (now_ns - progress->shown_ns < PAUSE_NS)
			return false;
		progress->shown_ns = now_ns;
		return true;
	}
	if (news->part * 10 < progress->tenths + 1)
		return false;
	progress->tenths = (unsigned)(news->part * 10);
	return true;
}

void progress_show(struct progress *progress, const struct progress_news *news)
{
	struct text line = { 0 };

	if (!progress->is_on || !is_due(progress, news))
		return;
	progress_format(news, progress->is_terminal ? columns_of_terminal() : 2 * COLUMNS, &line);
	if (!line.failed)
		fprintf(stderr, progress->is_terminal ? ERASE_LINE "%s" : "%s\n", line.bytes);
	progress->line_is_open = progress->is_terminal;
	text_free(&line);
}

static void close_line(struct progress *progress)
{
	if (progress->line_is_open)
		fputs(ERASE_LINE, stderr);
	progress->line_is_open = false;
}

void progress_say(struct progress *progress, const char *format, ...)
{
	char said[512], printable[512];
	va_list arguments;

	if (!progress->is_on)
		return;
	close_line(progress);
	va_start(arguments, format);
	vsnprintf(said, sizeof said, format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s\n", text_printable(said, printable, sizeof printable));
}

void progress_end(struct progress *progress)
{
	if (progress->is_on)
		close_line(progress);
}
