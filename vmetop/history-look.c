/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "vmetop/history-internal.h"

/* Back in time from now: the finest that is remembered, without overlap. */
struct walk {
	const struct history *history;
	const struct track *track;
	unsigned level;
	uint64_t next;     /* slot of the level before which the walk stands */
	uint64_t begin_ns; /* of the last step: what follows ends there */
};
struct step {
	uint64_t begin_ns, end_ns;
	const struct point *point; /* NULL: gap */
};

static struct walk walk_start(const struct history *history, const struct track *track)
{
	return (struct walk){ history, track, 0, history->levels[0].count, history->now_ns };
}

/*
 * The first slot of a level that a walk visits: where a slot of the next level ends, so that
 * none of those is seen in part, and their energies add up.
 */
static uint64_t first_slot(const struct history *history, unsigned number)
{
	uint64_t count = history->levels[number].count, slots = history_slots(number);
	uint64_t first = count > slots ? count - slots : 0;

	return number + 1 < LEVELS ? (first + FAN - 1) / FAN * FAN : first;
}

static bool walk_back(struct walk *walk, struct step *step)
{
	while (walk->track) {
		const struct level *level = &walk->history->levels[walk->level];
		uint64_t first = first_slot(walk->history, walk->level);

		while (walk->next > first) {
			uint64_t slot = --walk->next;
			const struct span *span = &level->spans[slot % history_slots(walk->level)];

			if (span->begin_ns >= walk->begin_ns)
				continue;
			*step = (struct step){ span->begin_ns, walk->begin_ns,
					       track_point(walk->track, walk->level, slot) };
			walk->begin_ns = span->begin_ns;
			return true;
		}
		if (++walk->level == LEVELS)
			break;
		walk->next = walk->history->levels[walk->level].count;
	}
	return false;
}

/* Add what a step says of the time [begin, end). */
static void add_overlap(struct sum *sum, const struct step *step, uint64_t begin_ns,
			uint64_t end_ns)
{
	uint64_t from_ns = step->begin_ns > begin_ns ? step->begin_ns : begin_ns;
	uint64_t to_ns = step->end_ns < end_ns ? step->end_ns : end_ns;

	if (from_ns < to_ns)
		sum_add(sum, step->point, history_seconds(from_ns, to_ns));
}

void track_bins(const struct history *history, const struct track *track, double span_s,
		struct bin *bins, size_t count)
{
	struct walk walk = walk_start(history, track);
	uint64_t width_ns = (uint64_t)fmax(1, round(span_s * 1e9 / fmax(1, (double)count)));
	/* The bin of now; one that is just full is the newest. */
	uint64_t newest = history->now_ns ? (history->now_ns - 1) / width_ns : 0;
	struct step step = { 0 };
	bool more = walk_back(&walk, &step);

	for (size_t age = 0; age < count; age++) {
		struct sum sum = sum_nothing;
		uint64_t begin_ns = age <= newest ? (newest - age) * width_ns : 0;

		while (age <= newest && more && step.end_ns > begin_ns) {
			add_overlap(&sum, &step, begin_ns, begin_ns + width_ns);
			if (step.begin_ns < begin_ns)
				break;
			more = walk_back(&walk, &step);
		}
		bins[count - 1 - age] = sum_bin(&sum);
	}
}

void track_ticks(const struct history *history, const struct track *track, double *watts,
		 size_t count)
{
	uint64_t newest = history->levels[0].count;

	for (size_t age = 0; age < count; age++) {
		const struct point *point = NULL;

		if (track && age < newest && age < history_slots(0))
			point = track_point(track, 0, newest - 1 - age);
		watts[count - 1 - age] = point_watts(point);
	}
}

struct bin track_mean(const struct history *history, const struct track *track, double span_s)
{
	struct walk walk = walk_start(history, track);
	double begin = fmax(0, (double)history->now_ns - span_s * 1e9);
	uint64_t begin_ns = (uint64_t)begin;
	struct sum sum = sum_nothing;
	struct step step;

	while (walk_back(&walk, &step) && step.end_ns > begin_ns)
		add_overlap(&sum, &step, begin_ns, history->now_ns);
	return sum_bin(&sum);
}

double track_mean_w(const struct history *history, const struct track *track, double span_s)
{
	struct bin mean = track_mean(history, track, span_s);

	return mean.idle_w + mean.active_w;
}

double track_max_w(const struct history *history, const struct track *track)
{
	(void)history;
	return track ? track->max_w : NAN;
}

unsigned track_quality(const struct track *track)
{
	return track ? track->quality : 0;
}
