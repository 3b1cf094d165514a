/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Totals are added up tenth by tenth from creation, always in the same order, so
 * that every process gets the same to the last bit. Marks every second keep
 * a question from costing more than ten steps, and 100 KiB per 1000 s.
 */
#include "meter/plant-internal.h"

#include <stdlib.h>

#include "base/memory.h"

static const uint64_t tenth_ns = 100000000;
static const uint64_t mark_ns = 1000000000;

struct plant_course *plant_course_new(const struct plant_truth *truth)
{
	struct plant_course *course = calloc(1, sizeof *course);

	if (!course)
		return NULL;
	course->rates = calloc(PLANT_CHANGES_MAX, sizeof *course->rates);
	if (!course->rates || pthread_mutex_init(&course->lock, NULL) != 0) {
		free(course->rates);
		free(course);
		return NULL;
	}
	plant_truth_rates(truth, "", 0, &course->idle);
	return course;
}

void plant_course_free(struct plant_course *course)
{
	if (!course)
		return;
	pthread_mutex_destroy(&course->lock);
	free(course->marks.items);
	free(course->rates);
	free(course);
}

/* Changes that were written since the last question; marks behind them no longer hold. */
static void learn(const struct plant *plant)
{
	struct plant_course *course = plant->course;
	uint32_t count = __atomic_load_n(&plant->file->change_count, __ATOMIC_ACQUIRE);

	if (count > PLANT_CHANGES_MAX)
		count = PLANT_CHANGES_MAX;
	for (; course->known < count; course->known++) {
		const struct plant_change *change = &plant->file->changes[course->known];
		char workload[PLANT_WORKLOAD_BYTES + 1];

		for (size_t i = 0; i < PLANT_WORKLOAD_BYTES; i++)
			workload[i] = change->workload[i];
		workload[PLANT_WORKLOAD_BYTES] = '\0';
		plant_truth_rates(&plant->truth, workload, change->threads,
				  &course->rates[course->known]);
		if (course->marks.count > change->time_ns / mark_ns + 1)
			course->marks.count = change->time_ns / mark_ns + 1;
	}
}

/* Number of changes that have begun at time_ns. */
static uint32_t begun(const struct plant *plant, uint64_t time_ns)
{
	uint32_t low = 0, high = plant->course->known;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (plant->file->changes[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_stretch(const struct plant *plant, const struct plant_rates *rates,
			const double *flicker, uint64_t ns, struct plant_total *total)
{
	const struct plant_truth *truth = &plant->truth;
	double now[PLANT_EVENTS_MAX] = { 0 };

	for (unsigned i = 0; i < plant_truth_events(); i++) {
		now[i] = rates->per_ns[i] * flicker[i];
		total->count[i] += now[i] * (double)ns;
	}
	total->busy_ns += rates->busy * (double)ns;
	total->temperature_c = thermal_after_c(&truth->thermal, total->temperature_c,
					       truth->base_w + plant_truth_dynamic_w(truth, now),
					       (double)ns * 1e-9);
}

/* One tenth of a second, or its beginning. */
static void add_tenth(const struct plant *plant, uint64_t from_ns, uint64_t to_ns,
		      struct plant_total *total)
{
	const struct plant_course *course = plant->course;
	double flicker[PLANT_EVENTS_MAX] = { 0 };
	uint32_t next = begun(plant, from_ns);

	for (unsigned i = 0; i < plant_truth_events(); i++)
		flicker[i] = plant_truth_flicker(&plant->truth, i, from_ns / tenth_ns);
	while (from_ns < to_ns) {
		uint64_t end = to_ns;

		if (next < course->known && plant->file->changes[next].time_ns < end)
			end = plant->file->changes[next].time_ns;
		if (end > from_ns)
			add_stretch(plant, next ? &course->rates[next - 1] : &course->idle, flicker,
				    end - from_ns, total);
		from_ns = end > from_ns ? end : from_ns;
		next++;
	}
}

static void add_until(const struct plant *plant, uint64_t from_ns, uint64_t to_ns,
		      struct plant_total *total)
{
	while (from_ns < to_ns) {
		uint64_t end = (from_ns / tenth_ns + 1) * tenth_ns;

		if (end > to_ns)
			end = to_ns;
		add_tenth(plant, from_ns, end, total);
		from_ns = end;
	}
}

/* The total at the last mark before time_ns, marks being set on the way; its time. Without
 * memory for marks the way is longer, that is all. */
static uint64_t nearest_mark(const struct plant *plant, uint64_t time_ns, struct plant_total *total)
{
	struct plant_course *course = plant->course;
	uint64_t wanted = time_ns / mark_ns, at;
	struct plant_total *mark;

	if (course->marks.count == 0) {
		mark = MEMORY_APPEND(&course->marks);
		*total = (struct plant_total){
			.temperature_c =
				thermal_steady_c(&plant->truth.thermal, plant->truth.base_w),
		};
		if (!mark)
			return 0;
		*mark = *total;
	}
	at = course->marks.count - 1;
	at = at < wanted ? at : wanted;
	*total = course->marks.items[at];
	for (; at < wanted; at++) {
		add_until(plant, at * mark_ns, (at + 1) * mark_ns, total);
		mark = MEMORY_APPEND(&course->marks);
		if (!mark)
			return (at + 1) * mark_ns;
		*mark = *total;
	}
	return wanted * mark_ns;
}

void plant_course_total(const struct plant *plant, uint64_t time_ns, struct plant_total *total)
{
	uint64_t from_ns;

	pthread_mutex_lock(&plant->course->lock);
	learn(plant);
	from_ns = nearest_mark(plant, time_ns, total);
	add_until(plant, from_ns, time_ns, total);
	pthread_mutex_unlock(&plant->course->lock);
}
