/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/counting.h"

#include <errno.h>

/* One attempt. */
struct attempt {
	struct live *live;
	const struct counting_request *request;
	const struct topology *topology;
	enum cpu_source source;
};

/* Count for these weights: the events that they price (all points of a file price the same),
 * and the frequency if that matters to them. */
static int count_for(const struct attempt *attempt, const struct weights *weights,
		     struct error *error)
{
	const struct operating_point *point = &weights->points[0];
	const char *events[WEIGHTS_EVENTS_MAX];
	const struct live_counting counting = {
		.source = attempt->source,
		.events = events,
		.event_count = point->weight_count,
		.with_frequency = point->frequency_hz > 0,
	};

	for (unsigned i = 0; i < point->weight_count; i++)
		events[i] = point->weights[i].event;
	return live_count(attempt->live, &counting, error);
}

static int try(const struct attempt *attempt, struct counting *counting,
	       struct error_list *warnings, struct error *error)
{
	const struct weights_request weights = {
		.spec = attempt->request->weights,
		.cpu = &attempt->topology->cpu,
		.source = attempt->source,
	};
	struct error reason = { "" };
	int result = weights_choose(&weights, &counting->choice, warnings, error);

	if (result)
		return result;
	result = count_for(attempt, counting->choice.cpu, &reason);
	if (result) {
		error_list_addf(warnings, "%s: %s", counting->choice.cpu_file.path, reason.text);
		error_setf(error, -result, "%s: %s", counting->choice.cpu_file.path, reason.text);
		weights_choice_free(&counting->choice);
	}
	return result;
}

/* Both reasons; where the file that was asked for has events, they are the one that matters. */
static int fail(int result, const struct counting *counting, const struct error *of_time,
		struct error *error)
{
	if (counting->warnings.count == 0)
		return error_setf(error, -result, "%s", of_time->text);
	return error_setf(error, -result, "%s; and %s", counting->why_not_events.text,
			  of_time->text);
}

int counting_choose(struct live *live, const struct counting_request *request,
		    const struct topology *topology, struct counting *counting, struct error *error)
{
	const struct attempt perf = { live, request, topology, CPU_SOURCE_PERF },
			     cputime = { live, request, topology, CPU_SOURCE_CPUTIME };
	struct error of_time = { "" };
	struct error_list again = { 0 };
	int result;

	if (request->source == CPU_SOURCE_CPUTIME)
		return try(&cputime, counting, &counting->warnings, error);
	result = try(&perf, counting, &counting->warnings, error);
	if (!result || request->source != COUNTING_AUTO || result == -ENOMEM)
		return result;
	counting->why_not_events = *error;
	/* The files are read once more: what is wrong with them was said already. */
	result = try(&cputime, counting, &again, &of_time);
	error_list_clear(&again);
	return result ? fail(result, counting, &of_time, error) : 0;
}

void counting_clear(struct counting *counting)
{
	weights_choice_free(&counting->choice);
	error_list_clear(&counting->warnings);
	*counting = (struct counting){ 0 };
}
