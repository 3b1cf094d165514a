/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.h - how far a recording is: one line on standard error, rewritten in place. */
#ifndef VMENERGY_CALIBRATE_RECORD_PROGRESS_H
#define VMENERGY_CALIBRATE_RECORD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct progress { /* {0} = silent */
	bool is_on, is_terminal, line_is_open;
	unsigned tenths; /* told so far, where it is no terminal */
	uint64_t shown_ns;
};

struct progress_news {
	double part;      /* done, 0 .. 1 */
	double left_s;    /* of real time */
	double power_w;   /* the newest; NaN = none */
	const char *what; /* "memory-latency, 4 threads, spread" */
};

void progress_begin(struct progress *progress, bool is_on);
/* At most a few times a second, however often it is called. */
void progress_show(struct progress *progress, const struct progress_news *news);
/* A line of its own, that stays. */
void progress_say(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void progress_end(struct progress *progress);

/* "[#####-----]  42 %  WHAT  61.2 W  7 min 20 s left", cut to `columns`. Pure. */
void progress_format(const struct progress_news *news, unsigned columns, struct text *out);

#endif
