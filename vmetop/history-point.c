/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmetop/history-internal.h"

/* --- points --------------------------------------------------------------------------------- */

static uint32_t to_10uw(double watts)
{
	double units = round(watts * TEN_UW_PER_W);

	if (isnan(units))
		return TEN_UW_UNKNOWN;
	return units <= 0 ? 0 : units >= TEN_UW_UNKNOWN ? TEN_UW_UNKNOWN - 1 : (uint32_t)units;
}

static double from_10uw(uint32_t units)
{
	return units == TEN_UW_UNKNOWN ? NAN : (double)units / TEN_UW_PER_W;
}

const struct sum sum_nothing = { .max_w = NAN, .cap_w = NAN };

void sum_add(struct sum *sum, const struct point *point, double seconds)
{
	double known_s = point ? seconds * point->observed / OBSERVED_ALL : 0;

	sum->gap_s += seconds - known_s;
	if (known_s <= 0)
		return;
	sum->known_s += known_s;
	sum->idle_j += from_10uw(point->idle_10uw) * known_s;
	sum->active_j += from_10uw(point->active_10uw) * known_s;
	sum->max_w = fmax(sum->max_w, from_10uw(point->max_10uw));
	if (isnan(sum->cap_w))
		sum->cap_w = from_10uw(point->cap_10uw);
	if (point->throttled != THROTTLED_UNKNOWN) {
		sum->throttle_known_s += known_s;
		sum->throttled_s += known_s * point->throttled / THROTTLED_ALL;
	}
	sum->quality |= point->quality;
}

struct bin sum_bin(const struct sum *sum)
{
	bool known = sum->known_s > 0;
	/* The share that was observed is rounded: a millionth is no gap. */
	bool gap = sum->gap_s > 1e-6 * (sum->known_s + sum->gap_s);

	return (struct bin){
		.idle_w = known ? sum->idle_j / sum->known_s : NAN,
		.active_w = known ? sum->active_j / sum->known_s : NAN,
		.max_w = sum->max_w,
		.cap_w = sum->cap_w,
		.throttled =
			sum->throttle_known_s > 0 ? sum->throttled_s / sum->throttle_known_s : NAN,
		.quality = sum->quality | (gap ? QUALITY_GAP : 0),
	};
}

struct point point_from(const struct bin *bin, double observed)
{
	struct point point = {
		.idle_10uw = to_10uw(bin->idle_w),
		.active_10uw = to_10uw(bin->active_w),
		.max_10uw = to_10uw(bin->max_w),
		.cap_10uw = to_10uw(bin->cap_w),
		.throttled = THROTTLED_UNKNOWN,
		.quality = (uint8_t)bin->quality,
	};

	if (isnan(bin->idle_w + bin->active_w))
		return (struct point){ 0 };
	if (!isnan(bin->throttled))
		point.throttled = (uint8_t)lround(fmin(fmax(bin->throttled, 0), 1) * THROTTLED_ALL);
	/* However short it was, it was observed. */
	point.observed = (uint16_t)fmax(round(observed * OBSERVED_ALL), 1);
	return point;
}

double point_watts(const struct point *point)
{
	if (!point || !point->observed)
		return NAN;
	return from_10uw(point->idle_10uw) + from_10uw(point->active_10uw);
}

/* --- rings ---------------------------------------------------------------------------------- */

size_t history_slots(unsigned level)
{
	static const unsigned char slots[LEVELS] = { SLOTS_MOST, 58, 58, 58, 72 };

	return slots[level];
}

static int ring_reach(struct ring *ring, size_t index, size_t most)
{
	size_t capacity = ring->capacity ? ring->capacity : RING_FIRST;
	struct point *points;

	while (capacity <= index)
		capacity *= 2;
	capacity = capacity < most ? capacity : most;
	points = reallocarray(ring->points, capacity, sizeof *points);
	if (!points)
		return -ENOMEM;
	memset(points + ring->capacity, 0, (capacity - ring->capacity) * sizeof *points);
	ring->points = points;
	ring->capacity = capacity;
	return 0;
}

int track_put(struct track *track, unsigned level, uint64_t slot, struct point point)
{
	struct ring *ring = &track->rings[level];
	size_t index;

	if (!ring->points) {
		if (!point.observed)
			return 0;
		ring->first = slot;
	}
	index = (slot - ring->first) % history_slots(level);
	if (index >= ring->capacity && ring_reach(ring, index, history_slots(level)))
		return -ENOMEM;
	ring->points[index] = point;
	return 0;
}

const struct point *track_point(const struct track *track, unsigned level, uint64_t slot)
{
	const struct ring *ring = &track->rings[level];
	size_t index;

	if (!ring->points || slot < ring->first)
		return NULL;
	index = (slot - ring->first) % history_slots(level);
	return index < ring->capacity ? &ring->points[index] : NULL;
}

double history_seconds(uint64_t begin_ns, uint64_t end_ns)
{
	return (double)(end_ns - begin_ns) * 1e-9;
}

struct point track_merge(const struct history *history, const struct track *track, unsigned below)
{
	const struct level *level = &history->levels[below];
	struct sum sum = sum_nothing;
	struct bin bin;

	for (uint64_t slot = level->count; slot-- > level->count - FAN;) {
		const struct span *span = &level->spans[slot % history_slots(below)];

		sum_add(&sum, track_point(track, below, slot),
			history_seconds(span->begin_ns, span->end_ns));
	}
	bin = sum_bin(&sum);
	return point_from(&bin, sum.known_s / (sum.known_s + sum.gap_s));
}
