/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metering-thread.h - opens a meter and reads it all the time, in a thread of its own. For
 * metering*.c alone. */
#ifndef VMENERGY_ENGINE_METERING_THREAD_H
#define VMENERGY_ENGINE_METERING_THREAD_H

#include <stdbool.h>

#include "engine/metering.h"
#include "meter/meter.h"

/* More than the fastest meter gives in the longest tick; of what nobody takes, the oldest go. */
enum { METERING_READINGS_MAX = 8192 };

struct metering_readings {
	struct meter_reading *items;
	size_t count, capacity;
};

struct metering_thread;

enum { METERING_RETRY_S = 10 };

/* Opening takes seconds, and is tried again each METERING_RETRY_S. Signals are for the other
 * threads. What `options` points to outlives the thread, but for the spec. */
int metering_thread_start(struct metering_thread **thread, const struct metering_options *options,
			  struct error *error);
/* Waits for what it does: opening, or a tenth of a second. NULL is fine. */
void metering_thread_stop(struct metering_thread *thread);
/* What is known of the meter, which stays so; false = it is not open yet. */
bool metering_thread_about(struct metering_thread *thread, struct meter_about *about);
/* Append what was read since the last call. *lost says why the link is broken, "" = it is not;
 * true: it is for good (a replay's end). */
bool metering_thread_take(struct metering_thread *thread, struct metering_readings *readings,
			  struct error *lost);

#endif
