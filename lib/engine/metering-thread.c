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
	struct metering_options options;
	char *spec;
	struct meter *meter; /* NULL = not open yet */
	pthread_t thread;
	atomic_bool must_end;
	pthread_mutex_t lock; /* of what follows */
	struct metering_readings readings;
	struct error lost;
	struct meter_about about;
	bool is_open, has_ended;
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

/* --- opening ------------------------------------------------------------------------------ */

static int check_scope(const struct meter_about *about, const struct metering_options *options,
		       struct error *error)
{
	if (!about->has_scope || about->scope == options->scope)
		return 0;
	return error_setf(error, EINVAL,
			  "%s: it measures %s power, but the weights are of %s power: figures of "
			  "different scopes cannot be compared",
			  options->spec, scope_name(about->scope), scope_name(options->scope));
}

static int open_meter(struct metering_thread *thread, struct error *why)
{
	const struct metering_options *options = &thread->options;
	struct meter *meter = NULL;
	int result = meter_open(&meter, options->spec, &options->place, why);

	if (result)
		return result;
	result = check_scope(meter_about(meter), options, why);
	if (result) {
		meter_close(meter);
		return result;
	}
	thread->meter = meter;
	pthread_mutex_lock(&thread->lock);
	thread->about = *meter_about(meter);
	thread->is_open = true;
	thread->lost.text[0] = '\0';
	pthread_mutex_unlock(&thread->lock);
	return 0;
}

/* False: it must end. */
static bool open_at_last(struct metering_thread *thread)
{
	static const struct timespec pause = { .tv_nsec = PATIENCE_NS };

	while (!atomic_load(&thread->must_end)) {
		uint64_t tried_ns = clock_now_ns();
		struct error why = { "" };
		int result = open_meter(thread, &why);

		if (!result)
			return true;
		note_loss(thread, result, &why);
		while (!atomic_load(&thread->must_end) &&
		       clock_now_ns() - tried_ns < METERING_RETRY_S * UINT64_C(1000000000))
			nanosleep(&pause, NULL);
	}
	return false;
}

/* --- reading ------------------------------------------------------------------------------ */

static void *run(void *argument)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	struct metering_thread *thread = argument;
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

static void release(struct metering_thread *thread)
{
	meter_close(thread->meter);
	pthread_mutex_destroy(&thread->lock);
	free(thread->readings.items);
	free(thread->spec);
	free(thread);
}

int metering_thread_start(struct metering_thread **out, const struct metering_options *options,
			  struct error *error)
{
	struct metering_thread *thread = calloc(1, sizeof *thread);
	sigset_t all, before;
	int result;

	if (!thread)
		return error_setf(error, ENOMEM, "meter: %s", strerror(ENOMEM));
	pthread_mutex_init(&thread->lock, NULL);
	thread->options = *options;
	thread->options.spec = thread->spec = strdup(options->spec);
	if (!thread->spec) {
		release(thread);
		return error_setf(error, ENOMEM, "meter: %s", strerror(ENOMEM));
	}
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

void metering_thread_stop(struct metering_thread *thread)
{
	if (!thread)
		return;
	atomic_store(&thread->must_end, true);
	pthread_join(thread->thread, NULL);
	release(thread);
}

bool metering_thread_about(struct metering_thread *thread, struct meter_about *about)
{
	bool is_open;

	pthread_mutex_lock(&thread->lock);
	is_open = thread->is_open;
	if (is_open)
		*about = thread->about;
	pthread_mutex_unlock(&thread->lock);
	return is_open;
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
