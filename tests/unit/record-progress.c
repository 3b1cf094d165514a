/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "calibrate/record/progress.h"

static void check(const char *expected, unsigned columns, struct progress_news news)
{
	struct text line = { 0 };

	progress_format(&news, columns, &line);
	UNIT_EQUAL_TEXT(expected, line.bytes);
	text_free(&line);
}

static void test_lines(void)
{
	check("[########------------]  42 %  memory, 4 threads  61.25 W  7 min 20 s left", 200,
	      (struct progress_news){
		      .part = 0.42, .left_s = 440, .power_w = 61.25, .what = "memory, 4 threads" });
	check("[--------------------]   0 %  idle  1 h 1 min left", 200,
	      (struct progress_news){ .left_s = 3660, .power_w = NAN, .what = "idle" });
	/* A nearly complete one is not called complete. */
	check("[####################]  99 %  idle  0.5 W  1 s left", 200,
	      (struct progress_news){
		      .part = 0.999, .left_s = 0.1, .power_w = 0.5, .what = "idle" });
	check("[####################] 100 %  idle  0 s left", 200,
	      (struct progress_news){ .part = 1.5, .left_s = -3, .power_w = NAN, .what = "idle" });
}

static void test_narrow(void)
{
	check("[##########----------]  5", 25,
	      (struct progress_news){ .part = 0.5, .left_s = 1, .power_w = NAN, .what = "x" });
}

static void test_hostile(void)
{
	check("[--------------------]   0 %  a?[2J  0 s left", 200,
	      (struct progress_news){ .power_w = NAN, .what = "a\033[2J" });
}

int main(void)
{
	return UNIT_RUN("record-progress",
			{ "a line shows part, what runs, watts and the time left", test_lines },
			{ "a line is cut to the terminal's width", test_narrow },
			{ "names cannot drive the terminal", test_hostile });
}
