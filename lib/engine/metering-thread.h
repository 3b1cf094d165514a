/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metering-thread.h - reads a meter all the time, in a thread of its own. For metering*.c alone. */
#ifndef VMENERGY_ENGINE_METERING_THREAD_H
#define VMENERGY_ENGINE_METERING_THREAD_H

#include <stdbool.h>

#include "meter/meter.h"

/* More than the fastest meter gives in the longest tick; of what nobody takes, the oldest go. */
enum { METERING_READINGS_MAX = 8192 };

struct metering_readings {
	struct meter_reading *items;
	size_t count, capacity;
};

struct metering_thread;

/* The meter is borrowed. Signals are for the other threads. */
int metering_thread_start(struct metering_thread **thread, struct meter *meter,
			  struct error *error);
void metering_thread_stop(struct metering_thread *thread);
/* Append what was read since the last call. *lost says why the link is broken, "" = it is not;
 * true: it is for good (a replay's end). */
bool metering_thread_take(struct metering_thread *thread, struct metering_readings *readings,
			  struct error *lost);

#endif
