/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * meter-thread.h - a meter read all the time by a thread of its own, so that a
 * reading that is late, or an opening that takes seconds, delays nothing else.
 */
#ifndef VMENERGY_METER_METER_THREAD_H
#define VMENERGY_METER_METER_THREAD_H

#include <stdbool.h>

#include "base/error.h"
#include "meter/meter.h"

struct meter_thread;

enum { METER_THREAD_RETRY_S = 10 };

struct meter_thread_options {
	/* An open one, borrowed, and nobody else's meanwhile. Else NULL, and `open` gives one to
	 * the thread to keep: called there, and again each METER_THREAD_RETRY_S until it does.
	 * 0 or -errno. */
	struct meter *meter;
	int (*open)(void *context, struct meter **meter, struct error *why);
	void *context;
	size_t most; /* readings to keep for the one who takes them; the oldest go. 0 = all */
};

/* Signals stay with the caller. */
int meter_thread_start(struct meter_thread **thread, const struct meter_thread_options *options,
		       struct error *error);
/* Ends it and waits for what it does: opening, or a tenth of a second. NULL: nothing. */
void meter_thread_stop(struct meter_thread *thread);

struct meter_readings {
	struct meter_reading *items; /* owned */
	size_t count, capacity;
};

struct meter_state {
	bool is_lost;    /* the last attempt to open or read failed, and `why` */
	bool has_ended;  /* and no other will be made: a replay is over */
	unsigned losses; /* so far */
	struct error why;
};

/* Take what came since the last time: *readings, emptied before, and the state. */
void meter_thread_take(struct meter_thread *thread, struct meter_readings *readings,
		       struct meter_state *state);
/* What is known of the meter, which stays so; false = it is not open yet. */
bool meter_thread_about(struct meter_thread *thread, struct meter_about *about);

#endif
