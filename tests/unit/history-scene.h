/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history-scene.h - ticks of made-up domains, for the tests of the history. */
#ifndef VMENERGY_TESTS_HISTORY_SCENE_H
#define VMENERGY_TESTS_HISTORY_SCENE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"
#include "vmetop/history-internal.h"

/* Half a unit of what a point resolves, of two figures. */
static const double resolution_w = 1.1e-5;

enum { DOMAINS_MAX = 1000, ID_BYTES = 40 };
static struct snapshot_domain domains[DOMAINS_MAX];
static char ids[DOMAINS_MAX][ID_BYTES];
static struct snapshot snapshot;

/* The next tick: all domains known, idle 1 W, active 0. */
static inline void next_tick(size_t count, double interval_s)
{
	snapshot.seq++;
	snapshot.epoch = 1;
	snapshot.interval_s = interval_s;
	snapshot.time_s += interval_s;
	snapshot.domains = domains;
	snapshot.domain_count = count;
	snapshot.host = (struct snapshot_host){ .cpu_idle_w = 10, .cap_w = NAN, .total_j = NAN };
	for (size_t i = 0; i < count; i++) {
		domains[i] = (struct snapshot_domain){
			.id = ids[i],
			.cpu.idle_w = 1,
			.control = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN },
			.throttle_cpu = NAN,
			.throttle_disk = NAN,
			.total_j = NAN,
		};
		snprintf(ids[i], sizeof ids[i], "id%zu", i);
	}
}

static inline struct history *begin(void)
{
	snapshot = (struct snapshot){ .seq = 100, .missed_ticks = 7, .time_s = 1e9 };
	return history_new();
}

/* One domain, one tick of 2 s. */
static inline void add(struct history *history, double active_w)
{
	next_tick(1, 2);
	domains[0].cpu.active_w = active_w;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
}

static inline const struct track *first(const struct history *history)
{
	return history_find(history, "id0", 0);
}

static inline void expect_active(const struct history *history, double span_s,
				 const double *expected, size_t count)
{
	struct bin bins[16];

	track_bins(history, first(history), span_s, bins, count);
	for (size_t i = 0; i < count; i++)
		UNIT_EQUAL_DOUBLE(expected[i], bins[i].active_w, resolution_w);
}

/* So many that the last level is full. */
enum { LONG = 50000 };

/* What was added, and what a span of it must be. */
static double series[LONG];

/* 50000 ticks of random watts. */
static inline struct history *fill_long(uint64_t *seed)
{
	struct history *history = begin();

	printf("seed %llu\n", (unsigned long long)*seed);
	for (size_t i = 0; i < LONG; i++) {
		series[i] = unit_random_double(seed, 0, 100);
		next_tick(1, 2);
		domains[0].cpu.active_w = series[i];
		(void)history_add(history, &snapshot);
	}
	return history;
}

#endif
