/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/counting.h"

#include <errno.h>

static int choose_for(enum cpu_source source, const struct counting_request *request,
		      const struct topology *topology, struct weights_choice *choice,
		      struct error_list *warnings, struct error *error)
{
	const struct weights_request weights = {
		.spec = request->weights,
		.cpu = &topology->cpu,
		.source = source,
	};

	return weights_choose(&weights, choice, warnings, error);
}

/* Count for these weights: the events that they price (all points of a file price the same),
 * and the frequency if that matters to them. */
static int count_for(enum cpu_source source, struct live *live, const struct weights *weights,
		     struct error *error)
{
	const struct operating_point *point = &weights->points[0];
	const char *events[WEIGHTS_EVENTS_MAX];
	const struct live_counting counting = {
		.source = source,
		.events = events,
		.event_count = point->weight_count,
		.with_frequency = point->frequency_hz > 0,
	};

	for (unsigned i = 0; i < point->weight_count; i++)
		events[i] = point->weights[i].event;
	return live_count(live, &counting, error);
}

static int choose_perf(struct live *live, const struct counting_request *request,
		       const struct topology *topology, struct weights_choice *choice,
		       struct error_list *warnings, struct error *error)
{
	int result = choose_for(CPU_SOURCE_PERF, request, topology, choice, warnings, error);

	if (result)
		return result;
	result = count_for(CPU_SOURCE_PERF, live, choice->cpu, error);
	if (result) {
		error_list_addf(warnings, "%s: %s", choice->cpu_file.path, error->text);
		weights_choice_free(choice);
	}
	return result;
}

static int choose_cputime(struct live *live, const struct counting_request *request,
			  const struct topology *topology, struct weights_choice *choice,
			  struct error_list *warnings, struct error *error)
{
	int result = choose_for(CPU_SOURCE_CPUTIME, request, topology, choice, warnings, error);

	if (result)
		return result;
	result = count_for(CPU_SOURCE_CPUTIME, live, choice->cpu, error);
	if (result)
		weights_choice_free(choice);
	return result;
}

int counting_choose(struct live *live, const struct counting_request *request,
		    const struct topology *topology, struct weights_choice *choice,
		    struct error_list *warnings, struct error *error)
{
	struct error_list again = { 0 };
	int result;

	*choice = (struct weights_choice){ 0 };
	if (request->source == CPU_SOURCE_CPUTIME)
		return choose_cputime(live, request, topology, choice, warnings, error);
	result = choose_perf(live, request, topology, choice, warnings, error);
	if (!result || request->source != COUNTING_AUTO || result == -ENOMEM)
		return result;
	/* The files are read once more: what is wrong with them was said already. */
	result = choose_cputime(live, request, topology, choice, &again, error);
	error_list_clear(&again);
	return result;
}
