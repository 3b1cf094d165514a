/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/meter-thread.h"

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

struct meter_thread {
	struct meter_thread_options options;
	struct meter *meter; /* NULL = not open yet */
	pthread_t thread;
	atomic_bool must_end;
	pthread_mutex_t lock; /* of what follows */
	struct meter_readings readings;
	struct meter_state state;
	struct meter_about about;
	bool is_open;
};

static void keep(struct meter_thread *thread, const struct meter_reading *reading)
{
	struct meter_readings *readings = &thread->readings;
	struct meter_reading *kept;

	pthread_mutex_lock(&thread->lock);
	if (thread->options.most && readings->count == thread->options.most) {
		readings->count /= 2;
		memmove(readings->items, readings->items + readings->count,
			readings->count * sizeof *readings->items);
	}
	kept = MEMORY_APPEND(readings);
	if (kept)
		*kept = *reading;
	thread->state.is_lost = false;
	pthread_mutex_unlock(&thread->lock);
}

static void note_loss(struct meter_thread *thread, int result, const struct error *why)
{
	struct meter_state *state = &thread->state;

	pthread_mutex_lock(&thread->lock);
	state->losses += !state->is_lost;
	state->is_lost = true;
	state->has_ended = result == -ENODATA;
	state->why = *why;
	if (!why->text[0])
		error_setf(&state->why, -result, "%s", strerror(-result));
	pthread_mutex_unlock(&thread->lock);
}

/* --- opening ------------------------------------------------------------------------------ */

static void note_open(struct meter_thread *thread, struct meter *meter)
{
	thread->meter = meter;
	pthread_mutex_lock(&thread->lock);
	thread->about = *meter_about(meter);
	thread->is_open = true;
	thread->state.is_lost = false;
	pthread_mutex_unlock(&thread->lock);
}

/* False: it must end. */
static bool open_at_last(struct meter_thread *thread)
{
	static const struct timespec pause = { .tv_nsec = PATIENCE_NS };

	while (!thread->meter && !atomic_load(&thread->must_end)) {
		uint64_t tried_ns = clock_now_ns();
		struct error why = { "" };
		struct meter *meter = NULL;
		int result = thread->options.open(thread->options.context, &meter, &why);

		if (!result) {
			note_open(thread, meter);
			break;
		}
		note_loss(thread, result, &why);
		while (!atomic_load(&thread->must_end) &&
		       clock_now_ns() - tried_ns < METER_THREAD_RETRY_S * UINT64_C(1000000000))
			nanosleep(&pause, NULL);
	}
	return thread->meter != NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

static void *run(void *argument)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	struct meter_thread *thread = argument;
	int result = open_at_last(thread) ? 0 : -ENODATA;

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

static void release(struct meter_thread *thread)
{
	if (!thread->options.meter)
		meter_close(thread->meter);
	pthread_mutex_destroy(&thread->lock);
	free(thread->readings.items);
	free(thread);
}

int meter_thread_start(struct meter_thread **out, const struct meter_thread_options *options,
		       struct error *error)
{
	struct meter_thread *thread = calloc(1, sizeof *thread);
	sigset_t all, before;
	int result;

	if (!thread)
		return error_setf(error, ENOMEM, "meter: out of memory");
	thread->options = *options;
	pthread_mutex_init(&thread->lock, NULL);
	if (options->meter)
		note_open(thread, options->meter);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result) {
		release(thread);
		return error_setf(error, result, "meter: no thread: %s", strerror(result));
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
	release(thread);
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

bool meter_thread_about(struct meter_thread *thread, struct meter_about *about)
{
	bool is_open;

	pthread_mutex_lock(&thread->lock);
	is_open = thread->is_open;
	if (is_open)
		*about = thread->about;
	pthread_mutex_unlock(&thread->lock);
	return is_open;
}
