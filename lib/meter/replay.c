/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay: the power column of a trace, at its own pace or `speed` times as fast.
 * Not this machine's power, and marked so.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rootfs.h"
#include "meter/driver.h"
#include "meter/pace.h"
#include "model/trace.h"

struct replay {
	struct trace *trace;
	uint64_t begin_ns;
	double speed;
	size_t row;    /* the next */
	double time_s; /* at which it is due, after begin */
};

static void replay_close(void *opened)
{
	struct replay *replay = opened;

	trace_free(replay->trace);
	free(replay);
}

/* From the row before to this one; a clock that was set back makes no one wait. */
static double step_s(const struct trace *trace, size_t row)
{
	double step = NAN;

	if (trace->timestamp_s && row > 0)
		step = trace->timestamp_s[row] - trace->timestamp_s[row - 1];
	if (isnan(step) && trace->interval_s)
		step = trace->interval_s[row];
	if (isnan(step))
		return 1;
	return step > 0 ? step : 0;
}

static int parse(const char *path, char *text, long length, struct trace **trace,
		 struct error *error)
{
	static const struct trace_request request = { .without_events = true };
	struct error_list errors = { 0 }, warnings = { 0 };
	int result = trace_parse(path, text, (size_t)length, &request, trace, &errors, &warnings);

	if (result)
		error_setf(error, -result, "%s",
			   errors.count > 0 ? errors.texts[0] : strerror(-result));
	error_list_clear(&errors);
	error_list_clear(&warnings);
	return result;
}

/* The file is the user's, not one of the machine below place->root. */
static int load(const char *path, struct trace **trace, struct error *error)
{
	struct rootfs real = { 0 };
	char *text = NULL;
	long length;
	int result = rootfs_open(&real, NULL, error);

	if (result)
		return result;
	length = rootfs_read_allf(&real, &text, "%s", path);
	result = length < 0
			 ? error_setf(error, (int)-length, "%s: %s", path, strerror((int)-length))
			 : parse(path, text, length, trace, error);
	if (!result && *trace && (*trace)->is_energy)
		result = error_setf(error, EINVAL,
				    "%s: energies without interval_s: no watts can be told", path);
	free(text);
	rootfs_close(&real);
	return result;
}

static void describe(const struct trace *trace, const char *path, struct meter_about *about)
{
	snprintf(about->address, sizeof about->address, "replay:%s", path);
	snprintf(about->model, sizeof about->model, "replay of %s", path);
	snprintf(about->measures, sizeof about->measures, "what %.80s holds", trace->power_column);
	about->emulated = true;
	if (trace->row_count > 1)
		about->interval_s = step_s(trace, 1);
	snprintf(about->worth, sizeof about->worth,
		 "recorded figures of another time: to try a program, nothing else");
}

static int replay_open(void **state, const char *address, const struct meter_place *place,
		       struct meter_about *about, struct error *error)
{
	struct trace *trace = NULL;
	struct replay *replay;
	int result;

	if (!address || !*address)
		return error_setf(error, EINVAL, "which trace? replay:FILE");
	result = load(address, &trace, error);
	replay = trace && !result ? malloc(sizeof *replay) : NULL;
	if (!replay) {
		trace_free(trace);
		return result ? result : error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	}
	*replay = (struct replay){
		.trace = trace,
		.begin_ns = clock_now_ns(),
		.speed = place->speed,
	};
	describe(trace, address, about);
	about->speed = place->speed;
	*state = replay;
	return 0;
}

static int replay_read(void *opened, uint64_t deadline_ns, struct meter_reading *reading,
		       struct error *error)
{
	struct replay *replay = opened;
	uint64_t due_ns;

	if (replay->row >= replay->trace->row_count)
		return error_setf(error, ENODATA, "the trace is at its end");
	due_ns = replay->begin_ns + (uint64_t)(replay->time_s / replay->speed * 1e9);
	meter_sleep_until(deadline_ns < due_ns ? deadline_ns : due_ns);
	if (clock_now_ns() < due_ns)
		return 0;
	*reading = meter_reading_of(replay->trace->power[replay->row]);
	if (++replay->row < replay->trace->row_count)
		replay->time_s += step_s(replay->trace, replay->row);
	return 1;
}

const struct meter_driver meter_replay = {
	.name = "replay",
	.sentence = "the power column of a trace, at its own pace",
	.address = "FILE",
	.open = replay_open,
	.read = replay_read,
	.close = replay_close,
	.by_choice_only = true,
};
