/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/metering.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/metering-history.h"
#include "meter/meter-thread.h"
#include "model/known.h"

/* A difference over a wrapped counter is right, and so is the figure from it. */
#define UNUSABLE (~(unsigned)METER_WRAPPED)
#define SILENCE_S 3.0
/* A reading waits for the tick that it fell into; ticks last 60 s at most. */
#define TICK_MAX_S 65.0
/* Of a meter that shows the moment. */
#define WINDOW_MIN_S 1e-3
/* The longest time between readings that is taken for a window. */
#define BETWEEN_MAX_S 60.0

/* More than the fastest meter gives in the longest tick. */
enum { READINGS_MAX = 8192 };

/* A good reading: the mean power of [begin, end), known since `time`. */
struct shown {
	uint64_t time_ns, begin_ns, end_ns; /* begin 0 = unknown */
	double power_w;
};

struct metering {
	struct meter_thread *thread;
	char *spec;
	struct meter_place place;
	enum scope scope;
	bool is_open;
	struct meter_about about; /* once it is open */
	/* Of its clock until then, and of ours since; window NaN = the time between readings. */
	double lag_s, window_s;
	struct metering_history history;
	struct meter_readings taken;
	struct meter_state state; /* of the thread */
	struct {
		struct shown *items;
		size_t count, capacity;
	} waiting;
	uint64_t last_ns, last_good_ns; /* 0 = none yet */
	unsigned last_flags;
	struct error trouble;
};

/* --- opening -------------------------------------------------------------------------------- */

static void set_times(struct metering *metering)
{
	const struct meter_about *about = &metering->about;
	double speed = about->speed > 0 ? about->speed : 1;
	double window_s = metering->window_s;

	if (isnan(window_s))
		window_s = isnan(about->window_s) ? about->interval_s : about->window_s;
	metering->window_s = isnan(window_s) ? NAN : fmax(window_s / speed, WINDOW_MIN_S);
	metering->lag_s = known(metering->lag_s) / speed;
	metering->history.span_ns =
		(uint64_t)((metering->lag_s + TICK_MAX_S +
			    (isnan(window_s) ? BETWEEN_MAX_S : metering->window_s)) *
			   1e9);
}

static int check_scope(const struct metering *metering, const struct meter_about *about,
		       struct error *error)
{
	if (!about->has_scope || about->scope == metering->scope)
		return 0;
	return error_setf(error, EINVAL,
			  "%s: it measures %s power, but the weights are of %s power: figures of "
			  "different scopes cannot be compared",
			  metering->spec, scope_name(about->scope), scope_name(metering->scope));
}

/* In the thread that will read it. */
static int open_meter(void *context, struct meter **meter, struct error *why)
{
	const struct metering *metering = context;
	int result = meter_open(meter, metering->spec, &metering->place, why);

	if (result)
		return result;
	result = check_scope(metering, meter_about(*meter), why);
	if (result)
		meter_close(*meter);
	return result;
}

static int start(struct metering *metering, struct error *error)
{
	const struct meter_thread_options options = { .open = open_meter,
						      .context = metering,
						      .most = READINGS_MAX };

	if (!metering->spec)
		return error_setf(error, ENOMEM, "meter: %s", strerror(ENOMEM));
	return meter_thread_start(&metering->thread, &options, error);
}

int metering_open(struct metering **out, const struct metering_options *options,
		  struct error *error)
{
	struct metering *metering = calloc(1, sizeof *metering);
	int result;

	*out = NULL;
	if (!metering)
		return error_setf(error, ENOMEM, "meter: %s", strerror(ENOMEM));
	metering->lag_s = options->lag_s;
	metering->window_s = options->window_s;
	metering->place = options->place;
	metering->scope = options->scope;
	metering->spec = strdup(options->spec);
	result = start(metering, error);
	if (result)
		metering_close(metering);
	else
		*out = metering;
	return result;
}

void metering_close(struct metering *metering)
{
	if (!metering)
		return;
	meter_thread_stop(metering->thread);
	metering_history_clear(&metering->history);
	free(metering->taken.items);
	free(metering->waiting.items);
	free(metering->spec);
	free(metering);
}

const struct meter_about *metering_about(struct metering *metering)
{
	if (!metering->is_open && meter_thread_about(metering->thread, &metering->about)) {
		metering->is_open = true;
		set_times(metering);
	}
	return metering->is_open ? &metering->about : NULL;
}

/* --- the model ------------------------------------------------------------------------------ */

double metering_host_w(enum scope scope, const struct snapshot *snapshot)
{
	const struct snapshot_host *host = &snapshot->host;

	switch (scope) {
	case SCOPE_WALL:
	case SCOPE_DC:
		return host->total_w;
	case SCOPE_PACKAGE:
	case SCOPE_PACKAGE_DRAM:
		return host->cpu_idle_w + host->cpu_active_w;
	case SCOPE_RAIL:
		break;
	}
	return NAN;
}

void metering_add_model(struct metering *metering, uint64_t begin_ns, uint64_t end_ns,
			double host_w)
{
	const struct history_piece piece = { begin_ns, end_ns, host_w };

	metering_history_add(&metering->history, &piece);
}

/* --- the meter ------------------------------------------------------------------------------ */

static uint64_t before(uint64_t time_ns, double seconds)
{
	uint64_t ns = (uint64_t)(seconds * 1e9);

	return time_ns > ns ? time_ns - ns : 0;
}

/* Which time it is the mean of. */
static void wait_for_model(struct metering *metering, const struct meter_reading *reading)
{
	struct shown *shown = MEMORY_APPEND(&metering->waiting);
	uint64_t between_ns = reading->time_ns - metering->last_ns;

	if (!shown)
		return;
	shown->time_ns = reading->time_ns;
	shown->power_w = reading->power_w;
	shown->end_ns = before(reading->time_ns, metering->lag_s);
	if (!isnan(metering->window_s))
		shown->begin_ns = before(shown->end_ns, metering->window_s);
	else if (metering->last_ns && (double)between_ns <= BETWEEN_MAX_S * 1e9)
		shown->begin_ns = before(metering->last_ns, metering->lag_s);
}

/* What the thread has read meanwhile. */
static void take(struct metering *metering)
{
	struct meter_readings *taken = &metering->taken;

	metering_about(metering);
	meter_thread_take(metering->thread, taken, &metering->state);
	for (size_t i = 0; i < taken->count; i++) {
		const struct meter_reading *reading = &taken->items[i];

		metering->last_flags = reading->flags;
		if (!(reading->flags & UNUSABLE) && !isnan(reading->power_w)) {
			wait_for_model(metering, reading);
			metering->last_good_ns = reading->time_ns;
		}
		metering->last_ns = reading->time_ns;
	}
}

/* --- the two together ----------------------------------------------------------------------- */

struct sums {
	double metered_w, modelled_w; /* of readings that the model covers */
	double alone_w;               /* of those that it does not */
	size_t matched, alone;
};

static bool must_wait(const struct metering *metering, const struct shown *shown, uint64_t now_ns)
{
	uint64_t known_ns = metering_history_end(&metering->history);

	return known_ns != 0 && shown->end_ns > known_ns &&
	       now_ns < shown->time_ns + (uint64_t)(TICK_MAX_S * 1e9);
}

static void match_one(const struct metering *metering, const struct shown *shown, struct sums *sums)
{
	double modelled_w = shown->begin_ns ? metering_history_mean(&metering->history,
								    shown->begin_ns, shown->end_ns)
					    : NAN;

	if (isnan(modelled_w)) {
		sums->alone_w += shown->power_w;
		sums->alone++;
		return;
	}
	sums->metered_w += shown->power_w;
	sums->modelled_w += modelled_w;
	sums->matched++;
}

/* They stand in the order of their time: the first that must wait holds up the rest. */
static struct sums match_waiting(struct metering *metering, uint64_t now_ns)
{
	struct sums sums = { 0 };
	size_t done = 0;

	while (done < metering->waiting.count &&
	       !must_wait(metering, &metering->waiting.items[done], now_ns))
		match_one(metering, &metering->waiting.items[done++], &sums);
	metering->waiting.count -= done;
	if (done > 0 && metering->waiting.count > 0)
		memmove(metering->waiting.items, metering->waiting.items + done,
			metering->waiting.count * sizeof *metering->waiting.items);
	return sums;
}

static const char *first_flag(unsigned flags)
{
	for (unsigned i = 0; i < METER_FLAGS; i++)
		if (flags & UNUSABLE & 1u << i)
			return meter_flag_name(i);
	return "no figure";
}

static double silence_s(const struct metering *metering)
{
	double speed = metering->about.speed > 0 ? metering->about.speed : 1;
	double interval_s = metering->about.interval_s / speed;

	return interval_s * 3 > SILENCE_S ? interval_s * 3 : SILENCE_S;
}

/* NULL: it is just not time for the next one. */
static const char *find_trouble(struct metering *metering, double age_s)
{
	if (metering->state.is_lost)
		return metering->state.why.text;
	if (!metering->is_open)
		return NULL;
	if (metering->last_flags & UNUSABLE)
		error_setf(&metering->trouble, EIO, "the meter's last reading is flagged: %s",
			   first_flag(metering->last_flags));
	else if (isinf(age_s))
		error_setf(&metering->trouble, EIO, "the meter has given no reading yet");
	else if (age_s > silence_s(metering))
		error_setf(&metering->trouble, EIO, "the meter has been silent for %.0f s", age_s);
	else
		return NULL;
	return metering->trouble.text;
}

struct metering_match metering_match(struct metering *metering, uint64_t now_ns)
{
	struct metering_match match = { NAN, NAN, INFINITY, NULL };
	struct sums sums;

	take(metering);
	sums = match_waiting(metering, now_ns);
	if (metering->last_good_ns)
		match.age_s = now_ns > metering->last_good_ns
				      ? (double)(now_ns - metering->last_good_ns) * 1e-9
				      : 0;
	if (sums.matched > 0) {
		match.metered_w = sums.metered_w / (double)sums.matched;
		match.modelled_w = sums.modelled_w / (double)sums.matched;
	} else if (sums.alone > 0) {
		match.metered_w = sums.alone_w / (double)sums.alone;
	} else {
		match.trouble = find_trouble(metering, match.age_s);
	}
	return match;
}

/* --- the snapshot --------------------------------------------------------------------------- */

static int put_text(struct snapshot *snapshot, const char *text, char **target)
{
	size_t size = strlen(text) + 1;
	char *copy = snapshot_take(snapshot, size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, size);
	*target = copy;
	return 0;
}

static int put_not_open(const struct metering *metering, const char *why, struct snapshot *snapshot)
{
	struct error reason;

	/* What is wrong often begins with the name. */
	if (why && strncmp(why, metering->spec, strlen(metering->spec)) == 0)
		error_setf(&reason, 0, "meter %s", why);
	else
		error_setf(&reason, 0, "meter %s: %s", metering->spec, why ? why : "not open yet");
	return put_text(snapshot, reason.text, &snapshot->host.residual_reason);
}

int metering_fill(const struct metering *metering, const struct metering_match *match,
		  struct snapshot *snapshot)
{
	const struct meter_about *about = &metering->about;
	struct snapshot_host *host = &snapshot->host;
	const char *reason = match->trouble;
	int result;

	if (!metering->is_open)
		return put_not_open(metering, reason, snapshot);
	result = put_text(snapshot, about->model[0] ? about->model : about->driver,
			  &snapshot->source.meter);
	if (!reason)
		reason = isnan(match->metered_w)
				 ? "no new reading in this tick"
				 : "the model has no figure of the time that the meter shows";
	host->metered_w = match->metered_w;
	host->residual_w = match->metered_w - match->modelled_w;
	host->residual_reason = NULL;
	if (!result && isnan(host->residual_w))
		result = put_text(snapshot, reason, &host->residual_reason);
	return result;
}
