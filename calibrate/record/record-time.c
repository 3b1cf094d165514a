/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "calibrate/record/recorder.h"
#include "meter/plant.h"

static volatile sig_atomic_t was_signalled;

static void note_signal(int number)
{
	(void)number;
	was_signalled = 1;
}

const volatile sig_atomic_t *record_watch_signals(void)
{
	struct sigaction action = { .sa_handler = note_signal };

	was_signalled = 0;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return &was_signalled;
}

static uint64_t session_ns(const struct recorder *recorder, uint64_t monotonic_ns)
{
	const struct plant *plant = counters_plant(recorder->setup->counters);

	return (plant ? plant_time_ns(plant, monotonic_ns) : monotonic_ns) + recorder->shift_ns;
}

uint64_t recorder_now_ns(const struct recorder *recorder)
{
	return session_ns(recorder, clock_now_ns());
}

uint64_t recorder_after_ns(uint64_t time_ns, double seconds)
{
	return time_ns + (uint64_t)llrint(seconds * 1e9);
}

bool recorder_must_stop(const struct recorder *recorder)
{
	return recorder->setup->stop && *recorder->setup->stop;
}

/* In steps, so that a signal that comes just before a step delays the end by no more than it. */
int recorder_wait_until(const struct recorder *recorder, uint64_t time_ns)
{
	const double step_s = 0.25;

	while (!recorder_must_stop(recorder)) {
		uint64_t now_ns = recorder_now_ns(recorder);
		struct timespec pause;
		double real_s;

		if (now_ns >= time_ns)
			return 0;
		real_s = fmin((double)(time_ns - now_ns) * 1e-9 / recorder->speed, step_s);
		/* Never nothing, which would be a busy loop. */
		pause = (struct timespec){ .tv_nsec = 1 + (long)(real_s * 1e9) };
		nanosleep(&pause, NULL);
	}
	return -EINTR;
}

/* Times of readings ascend, as the session's file wants them. */
static int take(struct recorder *recorder, const struct meter_reading *reading)
{
	struct session *session = recorder->session;
	struct meter_reading *kept = MEMORY_APPEND(&session->readings);

	if (!kept)
		return -ENOMEM;
	*kept = *reading;
	kept->time_ns = session_ns(recorder, reading->time_ns);
	if (session->readings.count > 1 && kept->time_ns < kept[-1].time_ns)
		kept->time_ns = kept[-1].time_ns;
	recorder->power_w = kept->power_w;
	return 0;
}

int recorder_drain(struct recorder *recorder, struct error *error)
{
	int result = 0;

	meter_thread_take(recorder->meter, &recorder->fresh, &recorder->state);
	for (size_t i = 0; i < recorder->fresh.count && !result; i++)
		result = take(recorder, &recorder->fresh.items[i]);
	return result ? error_setf(error, ENOMEM, "readings: out of memory") : 0;
}

int recorder_idle(struct recorder *recorder, double seconds, struct error *error)
{
	uint64_t now_ns = recorder_now_ns(recorder);
	uint64_t end_ns = recorder_after_ns(now_ns, seconds);
	int result = 0;

	while (!result && now_ns < end_ns) {
		uint64_t next_ns = recorder_after_ns(now_ns, recorder->sample_s);

		result = recorder_wait_until(recorder, next_ns < end_ns ? next_ns : end_ns);
		if (!result)
			result = recorder_drain(recorder, error);
		now_ns = recorder_now_ns(recorder);
	}
	return result;
}

void recorder_show(struct recorder *recorder, double phase_done_s)
{
	double total_s = recorder->setup->suite->total_s;
	double done_s = recorder->done_s + phase_done_s;
	const struct progress_news news = {
		.part = total_s > 0 ? done_s / total_s : 1,
		.left_s = (total_s - done_s) / recorder->speed,
		.power_w = recorder->power_w,
		.what = recorder->what,
	};

	progress_show(&recorder->progress, &news);
}
