/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/record/meter-thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

#define PATIENCE_NS UINT64_C(100000000) /* so that it ends soon when told to */

struct meter_thread {
	struct meter *meter;
	pthread_t thread;
	atomic_bool must_end;
	pthread_mutex_t lock; /* of what follows */
	struct meter_readings readings;
	struct meter_state state;
};

static void keep(struct meter_thread *thread, const struct meter_reading *reading)
{
	struct meter_reading *kept;

	pthread_mutex_lock(&thread->lock);
	kept = MEMORY_APPEND(&thread->readings);
	if (kept)
		*kept = *reading;
	thread->state.is_lost = false;
	pthread_mutex_unlock(&thread->lock);
}

static void note_loss(struct meter_thread *thread, int result, const struct error *why)
{
	pthread_mutex_lock(&thread->lock);
	thread->state.losses += !thread->state.is_lost;
	thread->state.is_lost = true;
	thread->state.has_ended = result == -ENODATA;
	thread->state.why = *why;
	pthread_mutex_unlock(&thread->lock);
}

static void *run(void *argument)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	struct meter_thread *thread = argument;
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

int meter_thread_start(struct meter_thread **out, struct meter *meter, struct error *error)
{
	struct meter_thread *thread = calloc(1, sizeof *thread);
	sigset_t all, before;
	int result;

	if (!thread)
		return error_setf(error, ENOMEM, "meter: out of memory");
	thread->meter = meter;
	pthread_mutex_init(&thread->lock, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result) {
		pthread_mutex_destroy(&thread->lock);
		free(thread);
		return error_setf(error, result, "meter: no thread");
	}
	*out = thread;
	return 0;
}

void meter_thread_stop(struct meter_thread *thread)
{
	if (!thread)
		return;
	atomic_store(&thread->must_end, true);
	pthread_join(thread->thread, NULL);
	pthread_mutex_destroy(&thread->lock);
	free(thread->readings.items);
	free(thread);
}

void meter_thread_take(struct meter_thread *thread, struct meter_readings *readings,
		       struct meter_state *state)
{
	struct meter_readings empty = *readings;

	empty.count = 0;
	pthread_mutex_lock(&thread->lock);
	*readings = thread->readings;
	thread->readings = empty;
	*state = thread->state;
	pthread_mutex_unlock(&thread->lock);
}
