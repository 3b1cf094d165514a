/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/metering-thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

#define PATIENCE_NS UINT64_C(100000000) /* so that it ends soon when told to */

struct metering_thread {
	struct meter *meter;
	pthread_t thread;
	atomic_bool must_end;
	pthread_mutex_t lock; /* of what follows */
	struct metering_readings readings;
	struct error lost;
	bool has_ended;
};

static void keep(struct metering_thread *thread, const struct meter_reading *reading)
{
	struct metering_readings *readings = &thread->readings;
	struct meter_reading *kept;

	pthread_mutex_lock(&thread->lock);
	if (readings->count == METERING_READINGS_MAX) {
		readings->count /= 2;
		memmove(readings->items, readings->items + readings->count,
			readings->count * sizeof *readings->items);
	}
	kept = MEMORY_APPEND(readings);
	if (kept)
		*kept = *reading;
	thread->lost.text[0] = '\0';
	pthread_mutex_unlock(&thread->lock);
}

static void note_loss(struct metering_thread *thread, int result, const struct error *why)
{
	pthread_mutex_lock(&thread->lock);
	thread->lost = *why;
	if (!why->text[0])
		error_setf(&thread->lost, -result, "%s", strerror(-result));
	thread->has_ended = result == -ENODATA;
	pthread_mutex_unlock(&thread->lock);
}

static void *run(void *argument)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	struct metering_thread *thread = argument;
	int result = 0;

	while (!atomic_load(&thread->must_end) && result != -ENODATA) {
		struct error why = { "" };
		struct meter_reading reading;

		result = meter_read(thread->meter, clock_now_ns() + PATIENCE_NS, &reading, &why);
		if (result > 0)
			keep(thread, &reading);
		if (result >= 0)
			continue;
		note_loss(thread, result, &why);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int metering_thread_start(struct metering_thread **out, struct meter *meter, struct error *error)
{
	struct metering_thread *thread = calloc(1, sizeof *thread);
	sigset_t all, before;
	int result;

	if (!thread)
		return error_setf(error, ENOMEM, "meter: %s", strerror(ENOMEM));
	thread->meter = meter;
	pthread_mutex_init(&thread->lock, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result) {
		pthread_mutex_destroy(&thread->lock);
		free(thread);
		return error_setf(error, result, "meter: no thread: %s", strerror(result));
	}
	*out = thread;
	return 0;
}

void metering_thread_stop(struct metering_thread *thread)
{
	if (!thread)
		return;
	atomic_store(&thread->must_end, true);
	pthread_join(thread->thread, NULL);
	pthread_mutex_destroy(&thread->lock);
	free(thread->readings.items);
	free(thread);
}

bool metering_thread_take(struct metering_thread *thread, struct metering_readings *readings,
			  struct error *lost)
{
	bool has_ended;

	pthread_mutex_lock(&thread->lock);
	for (size_t i = 0; i < thread->readings.count; i++) {
		struct meter_reading *taken = MEMORY_APPEND(readings);

		if (taken)
			*taken = thread->readings.items[i];
	}
	thread->readings.count = 0;
	*lost = thread->lost;
	has_ended = thread->has_ended;
	pthread_mutex_unlock(&thread->lock);
	return has_ended;
}
