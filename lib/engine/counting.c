/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/counting.h"

#include <errno.h>

/*
 * Count for these weights: the events that they price (all points of a file price the same), or
 * time alone; and the frequency if that matters to them.
 */
static int count(struct live *live, struct counting *chosen, enum cpu_source source,
		 bool is_automatic, struct error *error)
{
	const struct weights_choice *choice = &chosen->choice;
	const struct operating_point *point = &choice->cpu->points[0];
	bool by_time = choice->source == CPU_SOURCE_CPUTIME;
	const char *events[WEIGHTS_EVENTS_MAX];
	const struct live_counting counting = {
		.cpu = { .source = source,
			 .events = events,
			 .event_count = by_time ? 0 : point->weight_count,
			 .is_automatic = is_automatic },
		.with_frequency = point->frequency_hz > 0,
	};

	for (unsigned i = 0; i < counting.cpu.event_count; i++)
		events[i] = point->weights[i].event;
	chosen->source = source;
	return live_count(live, &counting, error);
}

static int name_file(const struct weights_choice *choice, int result, struct error *error)
{
	return result ? error_prefixf(error, result, "%s", choice->cpu_file.path) : 0;
}

/* What the prices are of, by the best source that has it. */
static int count_best(struct live *live, struct counting *counting, struct error *error)
{
	struct error *why_not = &counting->why_not_switches;
	int result = -EOPNOTSUPP;

	why_not->text[0] = '\0';
	if (live_is_here(live))
		result = count(live, counting, CPU_SOURCE_SWITCH, true, why_not);
	if (!result)
		return 0;
	if (why_not->text[0])
		error_prefixf(why_not, result, "context switches are not followed");
	result = count(live, counting, counting->choice.source, true, error);
	return name_file(&counting->choice, result, error);
}

/* Events are priced and cannot be counted: the files are read once more, for time. */
static int fall_back(struct live *live, struct weights_request *weights, struct counting *counting,
		     struct error *error)
{
	struct error of_time = { "" };
	struct error_list again = { 0 }; /* what is wrong with them was said already */
	int result;

	weights_choice_free(&counting->choice);
	weights->source = CPU_SOURCE_CPUTIME;
	result = weights_choose(weights, &counting->choice, &again, &of_time);
	if (!result)
		result = count_best(live, counting, &of_time);
	error_list_clear(&again);
	return result ? error_setf(error, -result, "%s; and %s", counting->why_not_events.text,
				   of_time.text)
		      : 0;
}

int counting_choose(struct live *live, const struct counting_request *request,
		    const struct topology *topology, struct counting *counting, struct error *error)
{
	bool automatic = request->source == COUNTING_AUTO;
	struct weights_request weights = {
		.spec = request->weights,
		.cpu = &topology->cpu,
		.source = automatic ? CPU_SOURCE_PERF : (enum cpu_source)request->source,
		/* The log of switches has both. */
		.or_time = automatic || request->source == CPU_SOURCE_SWITCH,
	};
	int result = weights_choose(&weights, &counting->choice, &counting->warnings, error);

	if (result)
		return result;
	if (counting->choice.source != weights.source)
		counting->why_not_events = *error;
	if (automatic)
		result = count_best(live, counting, error);
	else
		result = name_file(&counting->choice,
				   count(live, counting, weights.source, false, error), error);
	if (result && counting->choice.source == CPU_SOURCE_PERF && automatic) {
		counting->why_not_events = *error;
		error_list_addf(&counting->warnings, "%s", error->text);
		result = fall_back(live, &weights, counting, error);
	}
	if (result)
		weights_choice_free(&counting->choice);
	return result;
}

void counting_clear(struct counting *counting)
{
	weights_choice_free(&counting->choice);
	error_list_clear(&counting->warnings);
	*counting = (struct counting){ 0 };
}
