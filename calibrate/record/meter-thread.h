/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * meter-thread.h - a meter read all the time by a thread of its own, so that a
 * reading that is late delays nothing else.
 */
#ifndef VMENERGY_CALIBRATE_RECORD_METER_THREAD_H
#define VMENERGY_CALIBRATE_RECORD_METER_THREAD_H

#include "base/error.h"
#include "meter/meter.h"

struct meter_thread;

/* The meter is borrowed, and nobody else's meanwhile. Signals stay with the caller. */
int meter_thread_start(struct meter_thread **thread, struct meter *meter, struct error *error);
/* Ends it and waits for it; NULL: nothing. */
void meter_thread_stop(struct meter_thread *thread);

struct meter_readings {
	struct meter_reading *items; /* owned */
	size_t count, capacity;
};

struct meter_state {
	bool is_lost;    /* the last attempt to read failed, and `why` */
	bool has_ended;  /* and no other will be made: a replay is over */
	unsigned losses; /* so far */
	struct error why;
};

/* Take what came since the last time: *readings, emptied before, and the state. */
void meter_thread_take(struct meter_thread *thread, struct meter_readings *readings,
		       struct meter_state *state);

#endif
