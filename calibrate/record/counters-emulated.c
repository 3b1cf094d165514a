/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counters of an emulated plant, on its clock. */
#include "calibrate/record/counters-driver.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "meter/plant.h"

enum { COUNTERS = 12 };

static int open_plant(struct counters *counters, const char *path, struct error *error)
{
	strcpy(counters->pmu, "emulated");
	return plant_open(&counters->plant, path, error);
}

static void close_plant(struct counters *counters)
{
	if (counters->plant)
		plant_close(counters->plant);
}

static unsigned free_counters(struct counters *counters)
{
	(void)counters;
	return COUNTERS;
}

static int list(struct counters *counters, struct event_names *names, struct error *error)
{
	for (unsigned i = 0; i < plant_event_count(counters->plant); i++)
		if (event_names_add(names, plant_event_name(counters->plant, i)))
			return error_setf(error, ENOMEM, "events: out of memory");
	return 0;
}

static int find_event(const struct plant *plant, const char *name, unsigned *event,
		      struct error *error)
{
	for (*event = 0; *event < plant_event_count(plant); ++*event)
		if (strcmp(plant_event_name(plant, *event), name) == 0)
			return 0;
	return error_setf(error, ENOENT, "event %s: the emulated machine does not have it", name);
}

static int choose(struct counters *counters, const struct session_pass *pass, struct error *error)
{
	uint64_t now_ns = plant_time_ns(counters->plant, clock_now_ns());
	uint64_t all[PLANT_EVENTS_MAX], busy_ns;

	if (pass->event_count > COUNTERS)
		return error_setf(error, ENOSPC, "%u events: the emulated machine has %d counters",
				  pass->event_count, COUNTERS);
	plant_counts(counters->plant, now_ns, all, &busy_ns);
	for (unsigned i = 0; i < pass->event_count; i++) {
		int result = find_event(counters->plant, pass->names[i], &counters->plant_events[i],
					error);

		if (result)
			return result;
		counters->plant_base[i] = all[counters->plant_events[i]];
	}
	return 0;
}

static int read_plant(struct counters *counters, struct session_sample *sample, struct error *error)
{
	uint64_t all[PLANT_EVENTS_MAX];

	(void)error;
	sample->quality = 0;
	sample->time_ns = plant_time_ns(counters->plant, clock_now_ns());
	plant_counts(counters->plant, sample->time_ns, all, &sample->busy_ns);
	for (unsigned i = 0; i < counters->pass.event_count; i++)
		sample->count[i] = all[counters->plant_events[i]] - counters->plant_base[i];
	sample->frequency_hz = NAN;
	sample->temperature_c = plant_temperature_c(counters->plant, sample->time_ns);
	return 0;
}

/* What it has counted so far. */
static int try(struct counters *counters, const char *name, uint64_t *count, struct error *error)
{
	uint64_t all[PLANT_EVENTS_MAX], busy_ns;
	unsigned event;
	int result = find_event(counters->plant, name, &event, error);

	if (result)
		return result;
	plant_counts(counters->plant, plant_time_ns(counters->plant, clock_now_ns()), all,
		     &busy_ns);
	*count = all[event];
	return 0;
}

const struct counters_driver counters_emulated = {
	.name = "emulated",
	.address = "FILE",
	.open = open_plant,
	.close = close_plant,
	.free = free_counters,
	.candidates = list,
	.choose = choose,
	.read = read_plant,
	.try = try,
};
