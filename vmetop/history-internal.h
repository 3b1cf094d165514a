/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history-internal.h - how history is kept: shared by vmetop/history*.c alone. */
#ifndef VMENERGY_VMETOP_HISTORY_INTERNAL_H
#define VMENERGY_VMETOP_HISTORY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmetop/history.h"

/*
 * Level 0 holds ticks, each level above it means over FAN slots of the one below: with ticks
 * of 2 s nearly 5 min, then 10 min, 48 min, 4 h and 25 h. All in all 390 points of 20 bytes,
 * which leaves some of 8 KiB for the rest. When a slot begins and ends is the same for all.
 */
enum { LEVELS = 5, FAN = 5, SLOTS_MOST = 144, RING_FIRST = 8 };

/* Power in units of 10 uW: up to 42.9 kW, which no machine draws. */
enum { TEN_UW_PER_W = 100000 };
#define TEN_UW_UNKNOWN UINT32_MAX
enum { OBSERVED_ALL = UINT16_MAX, THROTTLED_ALL = 254, THROTTLED_UNKNOWN = 255 };

struct point {
	uint32_t idle_10uw, active_10uw, max_10uw, cap_10uw;
	uint16_t observed; /* share of its time, of OBSERVED_ALL; 0: a gap, the rest is void */
	uint8_t throttled; /* of THROTTLED_ALL */
	uint8_t quality;
};
_Static_assert(sizeof(struct point) == 20, "8 KiB per domain are counted with this");
_Static_assert(QUALITY_COUNT <= 8, "quality of a point is a byte");

/* The points of one level, allocated as they come. */
struct ring {
	struct point *points;
	uint64_t first; /* number of the slot that points[0] held first */
	size_t capacity;
};

struct track {
	struct ring rings[LEVELS];
	uint64_t hash, seen;   /* of its id; number of the newest tick that had it */
	double base_j, last_j; /* total_j when counting began anew; of the newest tick */
	double max_w;
	unsigned quality; /* of all ticks, or-ed */
	bool recounted;   /* base_j was asked for */
	char id[];
};

struct span {
	uint64_t begin_ns, end_ns;
};

struct level {
	uint64_t count;                /* slots closed since the start; the newest of them remain */
	struct span spans[SLOTS_MOST]; /* history_slots() of them */
};

struct history {
	struct level levels[LEVELS];
	uint64_t now_ns; /* sum of all intervals */
	uint64_t adds;
	uint64_t seq, missed_ticks, epoch; /* of the newest snapshot */
	struct track *host;
	struct track **tracks; /* as the domains of the newest snapshot; NULL: no memory for it */
	size_t count;
	struct track **table; /* by hash, probed linearly; NULL: no memory for it */
	size_t table_size;    /* power of two, at most half full */
};

size_t history_slots(unsigned level); /* that a level remembers */
double history_seconds(uint64_t begin_ns, uint64_t end_ns);
/* NULL = none. */
struct track *history_track(const struct history *history, const char *id, size_t hint);

/* observed: the share of its time that `bin` is known of. What is NaN there is a gap. */
struct point point_from(const struct bin *bin, double observed);
double point_watts(const struct point *point); /* NaN: gap, as a NULL is */

/* What one point, or several, say of a span of time; added newest first. */
struct sum {
	double known_s, gap_s;
	double idle_j, active_j, max_w, cap_w;
	double throttle_known_s, throttled_s;
	unsigned quality;
};
extern const struct sum sum_nothing;
void sum_add(struct sum *sum, const struct point *point, double seconds);
struct bin sum_bin(const struct sum *sum);

/* Write a slot: the newest of its level. 0 or -ENOMEM. */
int track_put(struct track *track, unsigned level, uint64_t slot, struct point point);
/* NULL: nothing is known of that slot, which must be one that the level still has. */
const struct point *track_point(const struct track *track, unsigned level, uint64_t slot);
/* The newest FAN slots of the level below as one. */
struct point track_merge(const struct history *history, const struct track *track, unsigned below);

#endif
