/* SPDX-License-Identifier: GPL-3.0-or-later */
/* daemon-trouble.h - what is wrong while all goes on, and how often the log says so. No log, no
 * clock. */
#ifndef VMENERGY_VMENERGYD_DAEMON_TROUBLE_H
#define VMENERGY_VMENERGYD_DAEMON_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

struct daemon_trouble {     /* start from {0} */
	char *text;         /* NULL = none */
	uint64_t logged_ns; /* when it was last said; 0 = never */
	bool said;          /* this text */
	bool told;          /* that something is wrong, and not yet that it is over */
};

enum daemon_news { NEWS_NONE, NEWS_TROUBLE, NEWS_WELL };

/*
 * What is wrong now (NULL = nothing), and whether that is to be said: at once, but not within 60 s
 * of the last time, whether the text changes or the trouble comes and goes.
 */
enum daemon_news daemon_trouble_take(struct daemon_trouble *trouble, const char *text,
				     uint64_t now_ns);

/* Somebody who is asked all the time, and may be silent for a while. */
struct daemon_silence {    /* start from {0} */
	char *text;        /* what was said of it; NULL = it answers, or is not silent for long */
	uint64_t heard_ns; /* when it last answered, or was asked first */
	bool was_heard;
};

/*
 * Why it does not answer now (NULL = it does), and when it answered last (0 = never). NEWS_TROUBLE
 * once, after 2 s; NEWS_WELL when it is over, with silent_s.
 */
enum daemon_news daemon_silence_take(struct daemon_silence *silence, const char *text,
				     uint64_t heard_ns, uint64_t now_ns, double *silent_s);

#endif
