/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/history-scene.h"

static void test_ticks(void)
{
	struct history *history = begin();
	double watts[4];

	add(history, 3);
	add(history, NAN);
	add(history, 5);
	track_ticks(history, first(history), watts, 4);
	UNIT_EQUAL_DOUBLE(NAN, watts[0], 0);
	UNIT_EQUAL_DOUBLE(4, watts[1], resolution_w);
	UNIT_EQUAL_DOUBLE(NAN, watts[2], 0);
	UNIT_EQUAL_DOUBLE(6, watts[3], resolution_w);
	UNIT_EQUAL_DOUBLE(6, history_span_s(history), 1e-9);
	UNIT_EQUAL_DOUBLE(5, track_mean_w(history, first(history), 60), resolution_w);
	UNIT_EQUAL_DOUBLE(6, track_mean_w(history, first(history), 2), resolution_w);
	UNIT_EQUAL_DOUBLE(6, track_max_w(history, first(history)), resolution_w);
	track_ticks(history, NULL, watts, 4);
	UNIT_EQUAL_DOUBLE(NAN, watts[3], 0);
	history_free(history);
}

static void test_bins_are_means_on_a_grid(void)
{
	struct history *history = begin();

	for (int i = 1; i <= 6; i++)
		add(history, i);
	/* Bins of 4 s: the last one full. */
	expect_active(history, 16, (double[]){ NAN, 1.5, 3.5, 5.5 }, 4);
	/* The next tick opens one, which holds that tick alone; the others have moved by one. */
	add(history, 7);
	expect_active(history, 16, (double[]){ 1.5, 3.5, 5.5, 7 }, 4);
	add(history, 9);
	expect_active(history, 16, (double[]){ 1.5, 3.5, 5.5, 8 }, 4);
	/* Bins shorter than ticks repeat them; others weigh them by their time. */
	expect_active(history, 4, (double[]){ 7, 7, 9, 9 }, 4);
	expect_active(history, 9, (double[]){ 17 / 3.0, 23 / 3.0, 9 }, 3);
	expect_active(history, 9, NULL, 0);
	history_free(history);
}

static void test_weights_by_time(void)
{
	struct history *history = begin();
	struct bin bin;

	for (int i = 0; i < 4; i++) {
		next_tick(1, i == 0 ? 6 : 2);
		domains[0].cpu.active_w = i == 0 ? 1 : 9;
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	}
	track_bins(history, first(history), 12, &bin, 1);
	UNIT_EQUAL_DOUBLE(5, bin.active_w, resolution_w);
	UNIT_EQUAL_DOUBLE(1, bin.idle_w, resolution_w);
	UNIT_EQUAL_DOUBLE(10, bin.max_w, resolution_w);
	UNIT_EQUAL_DOUBLE(6, track_mean_w(history, first(history), 12), resolution_w);
	/* Part of the long tick. */
	UNIT_EQUAL_DOUBLE((2 * 2 + 6 * 10) / 8.0, track_mean_w(history, first(history), 8),
			  resolution_w);
	history_free(history);
}

static double mean_of(size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += series[i];
	return sum / (double)(to - from);
}

static double max_of(size_t from, size_t to)
{
	double most = 0;

	for (size_t i = from; i < to; i++)
		most = fmax(most, series[i]);
	return most;
}

/* Each level by what alone it can still answer, with bins that its slots fill. */
static void test_older_ticks_are_means_over_longer_spans(void)
{
	static const struct {
		size_t ticks_per_bin, bins;
	} spans[] = { { 1, 140 }, { 5, 55 }, { 25, 55 }, { 125, 55 }, { 625, 72 } };
	uint64_t seed = 20061;
	struct history *history = fill_long(&seed);

	for (size_t s = 0; s < sizeof spans / sizeof *spans; s++) {
		size_t width = spans[s].ticks_per_bin, count = spans[s].bins;
		struct bin bins[150];

		track_bins(history, first(history), 2.0 * (double)(width * count), bins, count);
		for (size_t i = 0; i < count; i++) {
			size_t from = LONG - (count - i) * width;

			UNIT_EQUAL_DOUBLE(mean_of(from, from + width), bins[i].active_w,
					  resolution_w);
			UNIT_EQUAL_DOUBLE(1 + max_of(from, from + width), bins[i].max_w,
					  resolution_w);
			UNIT_EQUAL_U64(0, bins[i].quality);
		}
	}
	UNIT_EQUAL_DOUBLE(1 + mean_of(LONG - 30, LONG), track_mean_w(history, first(history), 60),
			  resolution_w);
	UNIT_EQUAL_DOUBLE(1 + mean_of(LONG - 1875, LONG),
			  track_mean_w(history, first(history), 3750), resolution_w);
	/* All that is remembered, through all levels: no energy is lost or counted twice. */
	UNIT_EQUAL_DOUBLE(1 + mean_of(LONG - 72 * 625, LONG),
			  track_mean_w(history, first(history), 1e9), resolution_w);
	history_free(history);
}

/* A figure on the screen moves to the left and stays what it was, level by level. */
static void test_bins_only_shift(void)
{
	enum { BINS = 54, WIDTH = 25 };
	uint64_t seed = 20062;
	struct history *history = fill_long(&seed);
	struct bin before[BINS], after[BINS];

	track_bins(history, first(history), 2.0 * WIDTH * BINS, before, BINS);
	for (int i = 0; i < WIDTH; i++)
		add(history, 50);
	track_bins(history, first(history), 2.0 * WIDTH * BINS, after, BINS);
	for (size_t i = 1; i < BINS; i++) {
		UNIT_EQUAL_DOUBLE(before[i].active_w, after[i - 1].active_w, resolution_w);
		UNIT_EQUAL_DOUBLE(before[i].max_w, after[i - 1].max_w, resolution_w);
	}
	UNIT_EQUAL_DOUBLE(50, after[BINS - 1].active_w, resolution_w);
	history_free(history);
}

/* Within what is remembered tick by tick, bins of any width stay the same to the last bit. */
static void test_bins_of_any_width_only_shift(void)
{
	enum { BINS = 37 };
	const double span_s = 100.3;
	uint64_t seed = 20063;
	struct history *history = fill_long(&seed);
	struct bin before[BINS], after[BINS];

	track_bins(history, first(history), span_s, before, BINS);
	add(history, 50);
	track_bins(history, first(history), span_s, after, BINS);
	/* The last one was not full yet; a bin of 2.7 s may or may not have begun. */
	for (size_t i = 1; i + 1 < BINS; i++) {
		bool moved = fabs(before[i].active_w - after[i - 1].active_w) < 1e-9;
		bool stayed = fabs(before[i].active_w - after[i].active_w) < 1e-9;

		UNIT_TRUE(moved || stayed);
	}
	history_free(history);
}

static void test_gaps(void)
{
	struct history *history = begin();
	struct bin bins[4];

	add(history, 1);
	/* Two ticks were missed: 6 s, of which the last 2 s carry the mean. */
	next_tick(1, 6);
	domains[0].cpu.active_w = 4;
	snapshot.missed_ticks += 2;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	expect_active(history, 8, (double[]){ 1, NAN, NAN, 4 }, 4);
	track_bins(history, first(history), 8, bins, 4);
	UNIT_EQUAL_U64(QUALITY_GAP, bins[1].quality);
	UNIT_EQUAL_U64(0, bins[3].quality);
	/* A bin that was observed in part says so, and is the mean of that part. */
	track_bins(history, first(history), 8, bins, 2);
	UNIT_EQUAL_DOUBLE(1, bins[0].active_w, resolution_w);
	UNIT_EQUAL_U64(QUALITY_GAP, bins[0].quality);
	UNIT_EQUAL_DOUBLE(4, bins[1].active_w, resolution_w);
	/* A tick that was left out is one, too. */
	snapshot.seq++;
	next_tick(1, 4);
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	expect_active(history, 8, (double[]){ NAN, 4, NAN, 0 }, 4);
	UNIT_EQUAL_DOUBLE(12, history_span_s(history), 1e-9);
	history_free(history);
}

/* Known for one part of ten: merged, it still counts as that much and no more. */
static void test_gaps_in_means(void)
{
	struct history *history = begin();
	struct bin bins[2];

	for (int i = 0; i < 10; i++)
		add(history, i == 0 ? 100 : NAN);
	for (int i = 0; i < 300; i++)
		add(history, 2);
	/* 620 s: the first 20 s with their gap, then what is known all the time. */
	track_bins(history, first(history), 620, bins, 1);
	UNIT_EQUAL_DOUBLE((100 + 300 * 2) / 301.0, bins[0].active_w, 1e-4);
	UNIT_EQUAL_U64(QUALITY_GAP, bins[0].quality);
	UNIT_EQUAL_DOUBLE(101, bins[0].max_w, resolution_w);
	history_free(history);
}

static void test_parts_and_marks(void)
{
	struct history *history = begin();
	struct bin bin, bins[2];

	next_tick(1, 2);
	domains[0].cpu = (struct account_power){ .idle_w = 1, .active_w = 2 };
	domains[0].disk = (struct account_power){ .idle_w = 4, .active_w = 8 };
	domains[0].service = (struct account_power){ .idle_w = NAN, .active_w = NAN };
	domains[0].quality = QUALITY_MISSING;
	domains[0].control.cap_w = 20;
	domains[0].throttle_cpu = 0.5;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	next_tick(1, 2);
	domains[0].quality = QUALITY_ESTIMATE;
	domains[0].control.cap_total_w = 18;
	domains[0].throttle_cpu = domains[0].throttle_disk = 0;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	track_bins(history, first(history), 4, &bin, 1);
	UNIT_EQUAL_DOUBLE((5 + 1) / 2.0, bin.idle_w, resolution_w);
	UNIT_EQUAL_DOUBLE((10 + 0) / 2.0, bin.active_w, resolution_w);
	UNIT_EQUAL_DOUBLE(15, bin.max_w, resolution_w);
	UNIT_EQUAL_DOUBLE(0.25, bin.throttled, 0.003);
	UNIT_EQUAL_DOUBLE(18, bin.cap_w, resolution_w); /* the newest */
	UNIT_EQUAL_U64(QUALITY_MISSING | QUALITY_ESTIMATE, bin.quality);
	/* A cap on what is not idle stands above the idle part. */
	track_bins(history, first(history), 4, bins, 2);
	UNIT_EQUAL_DOUBLE(25, bins[0].cap_w, resolution_w);
	track_bins(history, history_host(history), 4, &bin, 1);
	UNIT_EQUAL_DOUBLE(10, bin.idle_w, resolution_w);
	UNIT_EQUAL_DOUBLE(NAN, bin.cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, bin.throttled, 0);
	UNIT_TRUE(history_find(history, "", 0) == history_host(history));
	history_free(history);
}

/* Only the sum of the ticks' intervals is time: the clock on the wall is not looked at. */
static void test_stepped_clock(void)
{
	struct history *history = begin();

	add(history, 1);
	snapshot.time_s -= 86400;
	add(history, 2);
	snapshot.time_s += 1e7;
	add(history, 3);
	expect_active(history, 6, (double[]){ 1, 2, 3 }, 3);
	UNIT_EQUAL_DOUBLE(6, history_span_s(history), 1e-9);
	/* No time, no tick. */
	next_tick(1, 0);
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	next_tick(1, NAN);
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	UNIT_EQUAL_DOUBLE(6, history_span_s(history), 1e-9);
	history_free(history);
}

static void add_energy(struct history *history, double total_j, double host_j)
{
	next_tick(1, 2);
	domains[0].total_j = total_j;
	snapshot.host.total_j = host_j;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
}

static void test_energy_is_counted_anew(void)
{
	struct history *history = begin();

	add_energy(history, 100, 1000);
	UNIT_EQUAL_DOUBLE(100, track_energy_j(first(history), 100), 1e-9);
	history_reset_energy(history, &snapshot);
	UNIT_EQUAL_DOUBLE(0, track_energy_j(first(history), 100), 1e-9);
	add_energy(history, 130, 1070);
	UNIT_EQUAL_DOUBLE(30, track_energy_j(first(history), 130), 1e-9);
	UNIT_EQUAL_DOUBLE(70, track_energy_j(history_host(history), 1070), 1e-9);
	/* Totals that begin at zero again, by themselves or with an epoch, go on counting. */
	add_energy(history, 5, 1070);
	UNIT_EQUAL_DOUBLE(35, track_energy_j(first(history), 5), 1e-9);
	next_tick(1, 2);
	snapshot.epoch = 2;
	domains[0].total_j = 7;
	snapshot.host.total_j = 1;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	UNIT_EQUAL_DOUBLE(42, track_energy_j(first(history), 7), 1e-9);
	UNIT_EQUAL_DOUBLE(71, track_energy_j(history_host(history), 1), 1e-9);
	/* One that was not there: its total is all since. */
	UNIT_EQUAL_DOUBLE(9, track_energy_j(history_find(history, "later", 0), 9), 1e-9);
	UNIT_EQUAL_DOUBLE(NAN, track_energy_j(first(history), NAN), 0);
	history_reset_energy(history, NULL);
	history_free(history);
}

/* A source that was away: so long a gap, and nothing of what it did meanwhile is lost twice. */
static void test_absence_is_a_gap(void)
{
	struct history *history = history_new();
	struct bin bins[10];

	snapshot.seq = snapshot.missed_ticks = 0;
	for (size_t i = 0; i < 3; i++) {
		next_tick(1, 1);
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	}
	snapshot.seq += 40;
	snapshot.missed_ticks += 5;
	next_tick(1, 1);
	UNIT_EQUAL_I64(0, history_add_gap(history, 6, &snapshot));
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	UNIT_EQUAL_DOUBLE(10, history_span_s(history), 1e-9);
	track_bins(history, history_host(history), 10, bins, 10);
	UNIT_TRUE(!isnan(bins[2].idle_w) && isnan(bins[3].idle_w));
	UNIT_TRUE(isnan(bins[8].idle_w) && !isnan(bins[9].idle_w));
	UNIT_EQUAL_U64(0, bins[9].quality & QUALITY_GAP);
	history_free(history);
}

int main(void)
{
	return UNIT_RUN(
		"history", { "ticks come back one by one, the unknown as a gap", test_ticks },
		{ "bins are means on a grid that stands still", test_bins_are_means_on_a_grid },
		{ "figures weigh by their time", test_weights_by_time },
		{ "older ticks are means over longer spans",
		  test_older_ticks_are_means_over_longer_spans },
		{ "a later request gives the same bins, shifted", test_bins_only_shift },
		{ "so it does for bins of any width", test_bins_of_any_width_only_shift },
		{ "what was not observed is a gap", test_gaps },
		{ "a gap keeps its weight in means", test_gaps_in_means },
		{ "parts add up, caps and marks stay", test_parts_and_marks },
		{ "absence is a gap", test_absence_is_a_gap },
		{ "a stepped clock bends nothing", test_stepped_clock },
		{ "energy is counted anew when asked for", test_energy_is_counted_anew });
}
