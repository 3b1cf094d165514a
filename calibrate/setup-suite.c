/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is counted, in how many passes, and what is run meanwhile. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/command.h"
#include "calibrate/setup.h"

enum { EVENTS_MAX = 64, WORKLOADS_MAX = 64, BRIEF_PASSES = 2 };
/* Of the meter, in a phase of a suite, in one of scouting, and beyond its window in one that
 * continues another. */
enum { READINGS_OF_PHASE = 8, READINGS_OF_SCOUT = 6, READINGS_OF_LATER = 3 };

/* --- which events ------------------------------------------------------------------------------
 */

static int named_events(const char *list, struct event_names *names, struct error *error)
{
	const char *parts[EVENTS_MAX];
	char *copy = strdup(list);
	int count = copy ? command_split(copy, parts, EVENTS_MAX) : 0;
	int result = copy ? 0 : error_setf(error, ENOMEM, "events: out of memory");

	if (count < 0)
		result = error_setf(error, EINVAL, "events: at most %d", EVENTS_MAX);
	for (int i = 0; i < count && !result; i++)
		if (event_names_add(names, parts[i]))
			result =
				error_setf(error, EINVAL, "event '%s': a name has at most %d bytes",
					   parts[i], EVENT_NAME_BYTES - 1);
	free(copy);
	return result;
}

static int worthy_events(struct counters *counters, struct event_names *names, struct error *error)
{
	struct event_names all = { 0 };
	int result = counters_candidates(counters, &all, error);

	if (result)
		return result;
	if (all.count <= COUNTERS_SHORT) {
		*names = all;
		return 0;
	}
	result = counters_shorten(&all, names);
	event_names_clear(&all);
	return result ? error_setf(error, -result, "events: out of memory") : 0;
}

/* --- in how many passes --------------------------------------------------------------------------
 */

struct packing {
	struct counters *counters;
	struct session *session;
	bool is_strict; /* events were named: each of them must be counted */
	size_t passes_max;
};

static struct session_pass *last_pass(const struct session *session)
{
	return session->passes.count ? &session->passes.items[session->passes.count - 1] : NULL;
}

/* Does it count, together with those that the pass has? If not, it is not in the pass. */
static int try_in(struct counters *counters, struct session_pass *pass, const char *name,
		  struct error *error)
{
	int result;

	if (pass->event_count == SESSION_EVENTS_MAX)
		return -ENOSPC;
	strcpy(pass->names[pass->event_count++], name);
	result = counters_choose(counters, pass, error);
	if (result)
		pass->event_count--;
	return result;
}

/* Into the last pass, or into one of its own. */
static int pack(const struct packing *packing, const char *name, struct error *error)
{
	struct session *session = packing->session;
	struct session_pass *pass = last_pass(session), alone = { 0 };
	int result;

	if (pass && try_in(packing->counters, pass, name, error) == 0)
		return 0;
	result = try_in(packing->counters, &alone, name, error);
	if (result)
		return packing->is_strict ? result : 0;
	if (session->passes.count == packing->passes_max)
		return 0;
	pass = MEMORY_APPEND(&session->passes);
	if (!pass)
		return error_setf(error, ENOMEM, "passes: out of memory");
	*pass = alone;
	return 0;
}

int setup_passes(struct setup *setup, const struct setup_options *options, struct session *session,
		 struct error *error)
{
	const struct packing packing = {
		.counters = setup->counters,
		.session = session,
		.is_strict = options->events,
		.passes_max = options->brief && !options->events ? BRIEF_PASSES : EVENTS_MAX,
	};
	struct event_names names = { 0 };
	int result = options->events ? named_events(options->events, &names, error)
				     : worthy_events(setup->counters, &names, error);

	for (size_t i = 0; i < names.count && !result; i++)
		result = pack(&packing, names.items[i], error);
	event_names_clear(&names);
	if (!result && !session->passes.count && !MEMORY_APPEND(&session->passes))
		result = error_setf(error, ENOMEM, "passes: out of memory");
	return result;
}

/* --- what is run
 * ------------------------------------------------------------------------------------ */

static double or_zero(double seconds)
{
	return isnan(seconds) ? 0 : seconds;
}

int setup_suite(const struct setup *setup, const struct setup_options *options, double minutes,
		const struct session *session, struct suite *suite, struct error *error)
{
	const char *workloads[WORKLOADS_MAX];
	char *copy = options->workloads ? strdup(options->workloads) : NULL;
	int count = copy ? command_split(copy, workloads, WORKLOADS_MAX) : 0;
	const double interval_s = or_zero(session->meter.interval_s);
	const struct suite_request request = {
		.total_s = 60 * (options->minutes > 0 ? options->minutes : minutes),
		.passes = (unsigned)session->passes.count,
		.brief = options->brief,
		.scout = options->scout,
		.workloads = copy ? workloads : NULL,
		.workload_count = count > 0 ? (size_t)count : 0,
		.seed = options->seed,
		.least_phase_s =
			interval_s * (options->scout ? READINGS_OF_SCOUT : READINGS_OF_PHASE),
		.least_later_s = interval_s * READINGS_OF_LATER + or_zero(session->meter.window_s),
	};
	int result;

	if (options->workloads && !copy)
		result = error_setf(error, ENOMEM, "workloads: out of memory");
	else if (count < 0)
		result = error_setf(error, EINVAL, "workloads: at most %d", WORKLOADS_MAX);
	else
		result = suite_make(&request, &setup->machine, suite, error);
	free(copy);
	return result;
}
