/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains come and go: what the history costs then, and keeps apart. */
#include "tests/unit/history-scene.h"

static size_t bytes_of_track(const struct track *track)
{
	size_t bytes = sizeof *track + strlen(track->id) + 1;

	for (size_t i = 0; i < LEVELS; i++)
		bytes += track->rings[i].capacity * sizeof *track->rings[i].points;
	return bytes;
}

static size_t bytes_of(const struct history *history)
{
	size_t bytes = sizeof *history + bytes_of_track(history->host) +
		       history->count * sizeof(struct track *) +
		       history->table_size * sizeof(struct track *);

	for (size_t i = 0; i < history->count; i++)
		bytes += bytes_of_track(history->tracks[i]);
	return bytes;
}

static void test_domains_come_and_go(void)
{
	struct history *history = begin();
	double watts[3];

	next_tick(3, 2);
	for (size_t i = 0; i < 3; i++)
		domains[i].cpu.active_w = (double)i;
	(void)history_add(history, &snapshot);
	/* The middle one goes, the order turns, a new one comes. */
	next_tick(3, 2);
	strcpy(ids[0], "id2");
	strcpy(ids[1], "new");
	strcpy(ids[2], "id0");
	domains[0].cpu.active_w = 20;
	domains[2].cpu.active_w = 10;
	(void)history_add(history, &snapshot);
	UNIT_TRUE(history_find(history, "id1", 1) == NULL);
	UNIT_TRUE(history_find(history, "id2", 0) == history_find(history, "id2", 99));
	track_ticks(history, history_find(history, "id2", 0), watts, 2);
	UNIT_EQUAL_DOUBLE(3, watts[0], resolution_w);
	UNIT_EQUAL_DOUBLE(21, watts[1], resolution_w);
	track_ticks(history, history_find(history, "id0", 0), watts, 2);
	UNIT_EQUAL_DOUBLE(1, watts[0], resolution_w);
	UNIT_EQUAL_DOUBLE(11, watts[1], resolution_w);
	track_ticks(history, history_find(history, "new", 1), watts, 2);
	UNIT_EQUAL_DOUBLE(NAN, watts[0], 0);
	UNIT_EQUAL_DOUBLE(1, watts[1], resolution_w);
	/* What comes back begins anew; two rows of one id do not share a track. */
	next_tick(2, 2);
	strcpy(ids[0], "id1");
	strcpy(ids[1], "id1");
	(void)history_add(history, &snapshot);
	track_ticks(history, history_find(history, "id1", 0), watts, 3);
	UNIT_EQUAL_DOUBLE(NAN, watts[1], 0);
	UNIT_TRUE(history_find(history, "id1", 0) != history_find(history, "id1", 1));
	UNIT_TRUE(history_find(history, "id0", 2) == NULL);
	history_free(history);
}

/* Any order of any ids, against what was added. */
static void test_each_keeps_its_own(void)
{
	enum { IDS = 300, TICKS = 60 };
	static double expected[IDS][TICKS];
	struct history *history = begin();
	uint64_t seed = 20064;

	printf("seed %llu\n", (unsigned long long)seed);
	for (size_t tick = 0; tick < TICKS; tick++) {
		size_t count = 0, start = unit_random(&seed) % IDS;

		next_tick(IDS, 2);
		for (size_t i = 0; i < IDS; i++) {
			size_t id = (start + i * 7) % IDS;

			for (size_t t = 0; tick == 0 && t < TICKS; t++)
				expected[id][t] = NAN;
			if (unit_random(&seed) % 50 == 0) {
				for (size_t t = 0; t < tick; t++)
					expected[id][t] = NAN;
				continue;
			}
			snprintf(ids[count], ID_BYTES, "id%zu", id);
			domains[count].cpu.active_w = unit_random_double(&seed, 0, 1000);
			expected[id][tick] = 1 + domains[count++].cpu.active_w;
		}
		snapshot.domain_count = count;
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	}
	for (size_t id = 0; id < IDS; id++) {
		char name[ID_BYTES];
		double watts[TICKS];

		snprintf(name, sizeof name, "id%zu", id);
		track_ticks(history, history_find(history, name, id), watts, TICKS);
		for (size_t t = 0; t < TICKS; t++)
			if (!isnan(expected[id][TICKS - 1]))
				UNIT_EQUAL_DOUBLE(expected[id][t], watts[t], resolution_w);
	}
	history_free(history);
}

static void test_a_domain_costs_8_kib_at_most(void)
{
	uint64_t seed = 20065;
	struct history *history = fill_long(&seed);
	struct history *young = begin();

	/* With what malloc(3) adds to each block. */
	UNIT_TRUE(bytes_of_track(first(history)) + (size_t)16 * (LEVELS + 1) <= 8192);
	printf("a domain: %zu bytes\n", bytes_of_track(first(history)));
	add(young, 1);
	printf("a young one: %zu bytes\n", bytes_of_track(first(young)));
	UNIT_TRUE(bytes_of_track(first(young)) < 600);
	history_free(young);
	history_free(history);
}

/* Ten at a time, each for three ticks: what is gone is forgotten. */
static void test_short_lived_domains_are_forgotten(void)
{
	enum { ALIVE = 10, EACH = 3, ALL = 10000 };
	struct history *history = begin();
	size_t most = 0;

	for (size_t born = 0; born < ALL; born += ALIVE) {
		for (size_t tick = 0; tick < EACH; tick++) {
			next_tick(ALIVE, 2);
			for (size_t i = 0; i < ALIVE; i++)
				snprintf(ids[i], ID_BYTES, "id%zu", born + i);
			UNIT_EQUAL_I64(0, history_add(history, &snapshot));
		}
		/* The host's own history grows until its levels are full. */
		if (bytes_of(history) - bytes_of_track(history->host) > most)
			most = bytes_of(history) - bytes_of_track(history->host);
	}
	printf("%zu bytes besides the host's\n", most);
	UNIT_TRUE(most < sizeof *history + (size_t)1024 * ALIVE);
	next_tick(0, 2);
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	UNIT_TRUE(history_find(history, "id9999", 0) == NULL);
	history_free(history);
}

/* A thousand domains: nothing to assert of time, but the time is worth seeing. */
static void test_a_thousand_domains(void)
{
	enum { TICKS = 200 };
	struct history *history = begin();
	struct timespec from, to;
	double ns = 0;

	for (int tick = 0; tick < TICKS; tick++) {
		next_tick(DOMAINS_MAX, 2);
		clock_gettime(CLOCK_MONOTONIC, &from);
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns += (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
	}
	printf("%.0f us per tick of 1000 domains\n", ns / TICKS / 1000);
	UNIT_EQUAL_DOUBLE(1, track_mean_w(history, history_find(history, "id999", 999), 400),
			  resolution_w);
	history_free(history);
}

/* A frozen screen looks at a copy: that one has all, and what goes on does not reach it. */
static void test_copy_stands_still(void)
{
	enum { TICKS = 700, BINS = 20 };
	struct history *history = begin(), *copy;
	struct bin before[BINS], after[BINS];
	double watts[4];
	double max_w, mean_w;

	for (int i = 0; i < TICKS; i++) {
		next_tick(3, 2);
		domains[0].cpu.active_w = i % 7;
		domains[0].quality = i == 5 ? QUALITY_ESTIMATE : 0;
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	}
	copy = history_copy(history);
	UNIT_TRUE(copy != NULL);
	track_bins(history, first(history), 2 * TICKS, before, BINS);
	max_w = track_max_w(history, first(history));
	mean_w = track_mean_w(history, first(history), 60);
	for (int i = 0; i < TICKS; i++)
		add(history, 500); /* id1 and id2 are gone from it */
	UNIT_TRUE(history_find(history, "id2", 2) == NULL);
	UNIT_TRUE(history_find(copy, "id2", 99) == history_find(copy, "id2", 2));
	UNIT_TRUE(history_find(copy, "id2", 2) != NULL);
	history_free(history);

	track_bins(copy, first(copy), 2 * TICKS, after, BINS);
	for (int i = 0; i < BINS; i++)
		UNIT_EQUAL_DOUBLE(before[i].active_w, after[i].active_w, 0);
	UNIT_EQUAL_DOUBLE(max_w, track_max_w(copy, first(copy)), 0);
	UNIT_EQUAL_DOUBLE(mean_w, track_mean_w(copy, first(copy), 60), 0);
	UNIT_EQUAL_DOUBLE(2.0 * TICKS, history_span_s(copy), 1e-9);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, track_quality(first(copy)));
	/* That tick is in the mean of all, and no longer in that of a minute. */
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, track_mean(copy, first(copy), 1e9).quality);
	UNIT_EQUAL_U64(0, track_mean(copy, first(copy), 60).quality);
	track_ticks(copy, history_find(copy, "id2", 0), watts, 4);
	UNIT_EQUAL_DOUBLE(1, watts[3], resolution_w);
	history_free(copy);
	/* Of nothing, too. */
	history = begin();
	copy = history_copy(history);
	history_free(history);
	UNIT_TRUE(history_find(copy, "id0", 0) == NULL);
	UNIT_EQUAL_DOUBLE(0, history_span_s(copy), 0);
	history_free(copy);
}

/* A recording may name a domain "": that is no way to get at the host's track. */
static void test_empty_id(void)
{
	struct history *history = begin();

	for (int i = 0; i < 3; i++) {
		next_tick(2, 1);
		ids[0][0] = ids[1][0] = '\0';
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	}
	UNIT_TRUE(history_find(history, "", 0) == history_host(history));
	next_tick(1, 1);
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	history_free(history);
}

int main(void)
{
	return UNIT_RUN("history-life", { "a domain without an id has no history", test_empty_id },
			{ "domains come, go and change places", test_domains_come_and_go },
			{ "each keeps its own, in any order", test_each_keeps_its_own },
			{ "a domain costs 8 KiB at most, a young one little",
			  test_a_domain_costs_8_kib_at_most },
			{ "10000 short-lived domains leave nothing",
			  test_short_lived_domains_are_forgotten },
			{ "a copy stands still", test_copy_stands_still },
			{ "a thousand domains", test_a_thousand_domains });
}
