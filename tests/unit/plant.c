/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/plant.h"

#define SECOND 1000000000u

static const char *new_path(void)
{
	static char path[512];
	static unsigned number;

	snprintf(path, sizeof path, "%s/plant-%u", unit_folder(), number++);
	return path;
}

static struct plant *create(uint64_t seed, unsigned cpus)
{
	struct plant *plant = NULL;
	struct error error = { "" };

	if (plant_create(&plant, new_path(), &(struct plant_settings){ seed, 0, cpus }, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return plant;
}

static void run(struct plant *plant, double seconds, const char *workload, unsigned threads)
{
	struct error error = { "" };

	UNIT_EQUAL_I64(0,
		       plant_run(plant, (uint64_t)(seconds * SECOND), workload, threads, &error));
	UNIT_EQUAL_TEXT("", error.text);
}

static double power(const struct plant *plant, double from_s, double to_s)
{
	return plant_power_w(plant, (uint64_t)(from_s * SECOND), (uint64_t)(to_s * SECOND));
}

static void test_power_is_linear_in_counts(void)
{
	struct plant *plant = create(7, 8);
	uint64_t seed = 7, now = 0, last[PLANT_EVENTS_MAX] = { 0 }, busy, last_busy = 0;
	double energy = 0;

	run(plant, 0.35, "a", 3);
	run(plant, 2.111, "b", 8);
	run(plant, 4, "idle", 0);
	run(plant, 4, "c", 1);
	while (now < 8 * (uint64_t)SECOND) {
		uint64_t next = now + 1 + unit_random(&seed) % (SECOND / 3);
		uint64_t count[PLANT_EVENTS_MAX];
		double joules = 0;

		plant_counts(plant, next, count, &busy);
		for (unsigned i = 0; i < plant_event_count(plant); i++) {
			UNIT_TRUE(count[i] >= last[i]);
			joules += plant_weight_j(plant, i) * (double)(count[i] - last[i]);
			last[i] = count[i];
		}
		UNIT_TRUE(busy >= last_busy);
		last_busy = busy;
		energy += plant_power_w(plant, now, next) * (double)(next - now) * 1e-9;
		/* Counts are cut to whole events: a microjoule at most. */
		UNIT_EQUAL_DOUBLE(plant_power_w(plant, now, next) * (double)(next - now) * 1e-9,
				  joules + plant_base_w(plant) * (double)(next - now) * 1e-9, 2e-6);
		now = next;
	}
	UNIT_EQUAL_DOUBLE(plant_power_w(plant, 0, now) * (double)now * 1e-9, energy, 1e-9);
	UNIT_EQUAL_DOUBLE(NAN, plant_power_w(plant, now, now), 0);
	plant_close(plant);
}

static void test_same_for_all(void)
{
	struct plant *plant = create(3, 8), *other = NULL, *twin = create(3, 8);
	const char *path = new_path();
	uint64_t a[PLANT_EVENTS_MAX], b[PLANT_EVENTS_MAX], busy[2];
	struct error error = { "" };

	plant_close(plant);
	UNIT_EQUAL_I64(0, plant_create(&plant, path, &(struct plant_settings){ 3, 0, 0 }, &error));
	UNIT_EQUAL_I64(0, plant_open(&other, path, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(8, plant_cpus(other));
	/* Asked about 40 s before the changes were written: what was foreseen is forgotten. */
	plant_counts(other, 40u * (uint64_t)SECOND, a, &busy[0]);
	for (unsigned i = 0; i < 3; i++) {
		run(plant, 12.34 + i, i ? "x" : "y", 2 + i);
		run(twin, 12.34 + i, i ? "x" : "y", 2 + i);
	}
	for (int i = 40; i > 0; i -= 13) {
		plant_counts(plant, (uint64_t)i * SECOND + 5, a, &busy[0]);
		plant_counts(other, (uint64_t)i * SECOND + 5, b, &busy[1]);
		UNIT_TRUE(memcmp(a, b, sizeof a) == 0 && busy[0] == busy[1]);
		plant_counts(twin, (uint64_t)i * SECOND + 5, b, &busy[1]);
		UNIT_TRUE(memcmp(a, b, sizeof a) == 0 && busy[0] == busy[1]);
	}
	plant_close(plant);
	plant_close(other);
	plant_close(twin);
}

static void test_another_process_writes(void)
{
	const char *path = new_path();
	struct plant *plant = NULL, *other = NULL;
	int status = -1;
	pid_t child;

	UNIT_EQUAL_I64(0, plant_create(&plant, path, &(struct plant_settings){ 1, 2.5, 4 }, NULL));
	UNIT_EQUAL_DOUBLE(2.5, plant_speed(plant), 0);
	UNIT_TRUE(power(plant, 1, 2) < plant_base_w(plant) + 5);
	child = fork();
	if (child == 0) {
		bool done = plant_open(&other, path, NULL) == 0 &&
			    plant_run(other, SECOND, "w", 4, NULL) == 0;

		plant_close(other);
		_exit(done ? 0 : 1);
	}
	UNIT_EQUAL_I64(child, waitpid(child, &status, 0));
	UNIT_EQUAL_I64(0, status);
	UNIT_TRUE(power(plant, 1, 2) > plant_base_w(plant) + 10);
	plant_close(plant);
}

/* Dynamic power of `threads` threads for half a second, workloads named after numbers. */
static double dynamic_w(struct plant *plant, unsigned number, unsigned threads)
{
	char name[16];
	double at_s = number;

	snprintf(name, sizeof name, "load-%u", number);
	run(plant, at_s, name, threads);
	return power(plant, at_s, at_s + 0.5) - plant_base_w(plant);
}

static void test_power_is_sensible(void)
{
	enum { LOADS = 24 };

	for (uint64_t seed = 0; seed < 6; seed++) {
		struct plant *plant = create(seed, 8);
		double sum = 0, least = INFINITY, most = 0;

		UNIT_TRUE(plant_base_w(plant) >= 80 && plant_base_w(plant) <= 100);
		for (unsigned i = 0; i < LOADS; i++) {
			double watts = dynamic_w(plant, i, 8);

			sum += watts / LOADS;
			least = fmin(least, watts);
			most = fmax(most, watts);
		}
		printf("    seed %llu: %.1f W, %.1f..%.1f W\n", (unsigned long long)seed, sum,
		       least, most);
		UNIT_TRUE(sum > 95 && sum < 155);
		UNIT_TRUE(most > 1.6 * least);
		plant_close(plant);
	}
}

/* Shares of the mean dynamic power, in two classes, and decoys that are counted for nothing. */
static void test_shares(void)
{
	for (uint64_t seed = 10; seed < 16; seed++) {
		struct plant *plant = create(seed, 8);
		uint64_t count[PLANT_EVENTS_MAX], busy;
		double joules[PLANT_EVENTS_MAX], sum = 0;
		unsigned large = 0, middling = 0, decoys = 0;

		for (unsigned i = 0; i < 24; i++)
			dynamic_w(plant, i, 8);
		plant_counts(plant, 24u * (uint64_t)SECOND, count, &busy);
		for (unsigned i = 0; i < plant_event_count(plant); i++) {
			UNIT_TRUE(count[i] > 0);
			UNIT_TRUE(strncmp(plant_event_name(plant, i), "emulated::", 10) == 0);
			sum += joules[i] = plant_weight_j(plant, i) * (double)count[i];
		}
		for (unsigned i = 0; i < plant_event_count(plant); i++) {
			large += joules[i] >= 0.1 * sum;
			middling += joules[i] >= 0.02 * sum && joules[i] < 0.1 * sum;
			decoys += plant_weight_j(plant, i) == 0;
		}
		printf("    seed %llu: %u large, %u middling, %u decoys\n",
		       (unsigned long long)seed, large, middling, decoys);
		UNIT_TRUE(large >= 2 && middling >= 2 && large + middling >= 5);
		UNIT_TRUE(decoys >= 2);
		plant_close(plant);
	}
}

static void test_threads(void)
{
	struct plant *plant = create(5, 8);
	uint64_t four[PLANT_EVENTS_MAX], eight[PLANT_EVENTS_MAX], all[PLANT_EVENTS_MAX], busy;
	uint64_t busy_four;

	run(plant, 0, "w", 4);
	run(plant, 10, "w", 8);
	run(plant, 20, "w", 99);
	plant_counts(plant, 10u * (uint64_t)SECOND, four, &busy_four);
	plant_counts(plant, 20u * (uint64_t)SECOND, eight, &busy);
	UNIT_EQUAL_DOUBLE(80e9, (double)(busy - busy_four), 1e-6);
	UNIT_EQUAL_DOUBLE(2, (double)(eight[0] - four[0]) / (double)four[0], 0.05);
	/* Siblings share a core: twice the threads do less than 1.55 times as much. */
	UNIT_TRUE((double)(eight[1] - four[1]) < 1.55 * (double)four[1]);
	UNIT_TRUE((double)(eight[1] - four[1]) > (double)four[1]);
	plant_counts(plant, 30u * (uint64_t)SECOND, all, &busy);
	UNIT_EQUAL_DOUBLE((double)(eight[0] - four[0]), (double)(all[0] - eight[0]), 0.05);
	plant_close(plant);
}

static void test_flicker(void)
{
	struct plant *plant = create(9, 8);
	double mean = 0, squares = 0;

	run(plant, 0, "w", 8);
	for (int i = 0; i < 100; i++) {
		double watts = power(plant, i * 0.1, i * 0.1 + 0.1) - plant_base_w(plant);

		mean += watts / 100;
		squares += watts * watts / 100;
	}
	squares = sqrt(squares - mean * mean) / mean;
	printf("    flicker %.4f of %.1f W\n", squares, mean);
	UNIT_TRUE(squares > 0.01 && squares < 0.05);
	/* Within a tenth nothing changes. */
	UNIT_EQUAL_DOUBLE(power(plant, 0.31, 0.32), power(plant, 0.35, 0.39), 1e-7);
	plant_close(plant);
}

static void test_temperature(void)
{
	struct plant *plant = create(4, 8);
	double cold = plant_temperature_c(plant, 0), warm, hot;

	run(plant, 1, "w", 8);
	warm = plant_temperature_c(plant, 61u * (uint64_t)SECOND);
	hot = plant_temperature_c(plant, 400u * (uint64_t)SECOND);
	printf("    %.0f, %.0f, %.0f degrees\n", cold, warm, hot);
	UNIT_TRUE(cold == round(cold) && warm == round(warm));
	UNIT_TRUE(cold > 30 && hot < 100 && hot > cold + 10);
	UNIT_EQUAL_DOUBLE(1 - exp(-1), (warm - cold) / (hot - cold), 0.06);
	plant_close(plant);
}

static void test_time(void)
{
	struct plant *plant = NULL;
	uint64_t before = clock_now_ns(), after;

	UNIT_EQUAL_I64(
		0, plant_create(&plant, new_path(), &(struct plant_settings){ 1, 30, 0 }, NULL));
	after = clock_now_ns();
	UNIT_EQUAL_U64(0, plant_time_ns(plant, before - 1));
	UNIT_TRUE(plant_time_ns(plant, before + SECOND) <= 30ull * SECOND);
	UNIT_TRUE(plant_time_ns(plant, after + SECOND) >= 30ull * SECOND);
	plant_close(plant);
}

static void test_refusals(void)
{
	struct plant *plant = NULL, *other = NULL;
	const char *path = new_path();
	struct error error = { "" };
	int result = 0;

	UNIT_EQUAL_I64(-EINVAL,
		       plant_create(&plant, path, &(struct plant_settings){ .speed = -1 }, &error));
	UNIT_EQUAL_I64(-EINVAL, plant_create(&plant, path, &(struct plant_settings){ .cpus = 9999 },
					     &error));
	UNIT_EQUAL_I64(-ENOENT, plant_open(&plant, path, &error));
	UNIT_EQUAL_I64(0, plant_create(&plant, path, &(struct plant_settings){ 0 }, &error));
	UNIT_EQUAL_I64(-EEXIST, plant_create(&other, path, &(struct plant_settings){ 0 }, &error));
	UNIT_TRUE(other == NULL);
	run(plant, 1, "w", 1);
	UNIT_EQUAL_I64(-EINVAL, plant_run(plant, SECOND - 1, "x", 1, &error));
	UNIT_EQUAL_TEXT("x begins before the workload before it", error.text);
	UNIT_EQUAL_I64(-ENAMETOOLONG,
		       plant_run(plant, SECOND, "123456789 123456789 123456789 123456789 12345678",
				 1, &error));
	for (int i = 1; i < 8192; i++)
		result |= plant_run(plant, SECOND, "w", 1, NULL);
	UNIT_EQUAL_I64(0, result);
	UNIT_EQUAL_I64(-ENOSPC, plant_run(plant, SECOND, "w", 1, &error));
	UNIT_CONTAINS("8192 changes", error.text);
	plant_close(plant);
	unit_write_file("no-plant", "short");
	snprintf(error.text, sizeof error.text, "%s/no-plant", unit_folder());
	UNIT_EQUAL_I64(-EINVAL, plant_open(&plant, strdupa(error.text), &error));
	UNIT_CONTAINS("is not an emulated plant", error.text);
}

int main(void)
{
	return UNIT_RUN(
		"plant",
		{ "power is base plus weights times counts, at all times and to the last count",
		  test_power_is_linear_in_counts },
		{ "every process and every plant of a seed sees the same course",
		  test_same_for_all },
		{ "changes of another process are seen whole", test_another_process_writes },
		{ "average full load draws 95..155 W above 80..100 W, workloads apart",
		  test_power_is_sensible },
		{ "events have large and middling shares, decoys have none", test_shares },
		{ "threads beyond the cores raise cycles, but less the work done", test_threads },
		{ "rates flicker by a few percent, from tenth to tenth of a second", test_flicker },
		{ "temperature follows power within minutes, in whole degrees", test_temperature },
		{ "plant time runs at its speed from creation on", test_time },
		{ "what cannot be is refused with the reason", test_refusals });
}
