/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/disk.h"

enum { RUNS_MAX = 4096 };

/* A disk that is exactly as model.md 3 has it. */
static const struct disk_constants truth = {
	.idle_w = 3,
	.active_w = 8,
	.read = { .overhead_s = 20e-6, .rate_bytes_s = 2e9 },
	.write = { .overhead_s = 50e-6, .rate_bytes_s = 1e9 },
};

struct runs {
	struct disk_run items[RUNS_MAX];
	size_t count;
	uint64_t seed;
	double noise; /* part of the power */
};

static double time_of(const struct disk_direction *direction, double requests, double bytes)
{
	return requests * direction->overhead_s + bytes / direction->rate_bytes_s;
}

/* As much of this size as keeps the disk busy for a part of the time. */
static void add(struct runs *runs, const char *workload, bool is_write, double bytes, double busy)
{
	const struct disk_direction *direction = is_write ? &truth.write : &truth.read;
	double rate = busy / time_of(direction, 1, bytes);
	struct disk_run *run = &runs->items[runs->count++];

	*run = (struct disk_run){ .workload = workload, .busy = busy };
	*(is_write ? &run->writes : &run->reads) = rate;
	*(is_write ? &run->write_bytes : &run->read_bytes) = rate * bytes;
	run->power_w = (truth.idle_w + (truth.active_w - truth.idle_w) * busy) *
		       (1 + runs->noise * unit_random_double(&runs->seed, -1.7, 1.7));
}

static void add_usual(struct runs *runs, bool reads, bool writes)
{
	static const struct {
		const char *name;
		bool is_write;
		double bytes, busy;
	} jobs[] = {
		{ "randread-4KiB", false, 4096, 1 },
		{ "randread-4KiB-slow", false, 4096, 0.3 },
		{ "randread-64KiB", false, 65536, 1 },
		{ "read-1MiB", false, 1 << 20, 1 },
		{ "read-1MiB-slow", false, 1 << 20, 0.5 },
		{ "randwrite-4KiB", true, 4096, 1 },
		{ "randwrite-64KiB", true, 65536, 0.7 },
		{ "write-1MiB", true, 1 << 20, 1 },
	};

	for (int k = 0; k < 8; k++) {
		runs->items[runs->count++] = (struct disk_run){
			.workload = "idle",
			.power_w = truth.idle_w *
				   (1 + runs->noise * unit_random_double(&runs->seed, -1.7, 1.7)),
		};
		for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
			if (jobs[i].is_write ? writes : reads)
				add(runs, jobs[i].name, jobs[i].is_write, jobs[i].bytes,
				    jobs[i].busy);
	}
}

static bool has_warning(const struct disk_fit *fit, const char *words)
{
	for (size_t i = 0; i < fit->warnings.count; i++)
		if (strstr(fit->warnings.texts[i], words))
			return true;
	return false;
}

static struct disk_fit solve(const struct runs *runs)
{
	struct disk_fit fit;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, disk_fit_solve(runs->items, runs->count, &fit, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return fit;
}

static void test_exact(void)
{
	static struct runs runs;
	struct disk_fit fit;

	runs = (struct runs){ .seed = 1 };
	add_usual(&runs, true, true);
	fit = solve(&runs);
	UNIT_EQUAL_DOUBLE(3, fit.constants.idle_w, 1e-6);
	UNIT_EQUAL_DOUBLE(8, fit.constants.active_w, 1e-6);
	UNIT_EQUAL_DOUBLE(1, fit.constants.read.overhead_s / 20e-6, 1e-6);
	UNIT_EQUAL_DOUBLE(1, fit.constants.read.rate_bytes_s / 2e9, 1e-6);
	UNIT_EQUAL_DOUBLE(1, fit.constants.write.overhead_s / 50e-6, 1e-6);
	UNIT_EQUAL_DOUBLE(1, fit.constants.write.rate_bytes_s / 1e9, 1e-6);
	UNIT_TRUE(fit.has_read && fit.has_write);
	UNIT_EQUAL_DOUBLE(1, fit.r2, 1e-9);
	UNIT_EQUAL_I64(VERDICT_GOOD, fit.verdict);
	disk_fit_clear(&fit);
}

static void test_noise(void)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		static struct runs runs;
		struct disk_fit fit;

		runs = (struct runs){ .seed = seed, .noise = 0.01 };
		add_usual(&runs, true, true);
		fit = solve(&runs);
		printf("    seed %llu: idle %.3f+-%.3f W, active %.3f+-%.3f W, read %.2f us "
		       "%.0f MB/s, write %.2f us %.0f MB/s, r2 %.4f\n",
		       (unsigned long long)seed, fit.constants.idle_w, fit.constants.idle_se_w,
		       fit.constants.active_w, fit.constants.active_se_w,
		       1e6 * fit.constants.read.overhead_s, 1e-6 * fit.constants.read.rate_bytes_s,
		       1e6 * fit.constants.write.overhead_s,
		       1e-6 * fit.constants.write.rate_bytes_s, fit.r2);
		UNIT_EQUAL_DOUBLE(3, fit.constants.idle_w, 0.02);
		UNIT_EQUAL_DOUBLE(8, fit.constants.active_w, 0.02);
		UNIT_EQUAL_DOUBLE(1, fit.constants.read.overhead_s / 20e-6, 0.08);
		UNIT_EQUAL_DOUBLE(1, fit.constants.read.rate_bytes_s / 2e9, 0.08);
		UNIT_EQUAL_DOUBLE(1, fit.constants.write.overhead_s / 50e-6, 0.08);
		UNIT_EQUAL_DOUBLE(1, fit.constants.write.rate_bytes_s / 1e9, 0.08);
		UNIT_TRUE(fit.constants.idle_se_w > 0 && fit.constants.idle_se_w < 0.1);
		UNIT_TRUE(fit.constants.active_se_w > 0 && fit.constants.active_se_w < 0.3);
		UNIT_TRUE(fit.lowo_mape_percent < 3 && fit.mape_percent < 2);
		UNIT_EQUAL_I64(VERDICT_GOOD, fit.verdict);
		disk_fit_clear(&fit);
	}
}

static void test_one_direction(void)
{
	static struct runs runs;
	struct disk_fit fit;

	runs = (struct runs){ .seed = 1 };
	add_usual(&runs, true, false);
	fit = solve(&runs);
	UNIT_TRUE(fit.has_read && !fit.has_write);
	UNIT_EQUAL_DOUBLE(1, fit.constants.write.rate_bytes_s / 2e9, 1e-6);
	UNIT_TRUE(has_warning(&fit, "nothing was written: taken to cost what reads cost"));
	disk_fit_clear(&fit);
	runs = (struct runs){ .seed = 1 };
	add_usual(&runs, false, true);
	fit = solve(&runs);
	UNIT_EQUAL_DOUBLE(1, fit.constants.read.overhead_s / 50e-6, 1e-6);
	UNIT_TRUE(has_warning(&fit, "nothing was read"));
	disk_fit_clear(&fit);
}

static void test_never_busy(void)
{
	static struct runs runs;
	struct disk_fit fit;

	runs = (struct runs){ .seed = 1 };
	add_usual(&runs, true, true);
	/* The same runs, but nobody kept the disk busy for more than 60 %. */
	for (size_t i = 0; i < runs.count; i++) {
		struct disk_run *run = &runs.items[i];

		run->reads *= 0.6;
		run->read_bytes *= 0.6;
		run->writes *= 0.6;
		run->write_bytes *= 0.6;
		run->power_w = 3 + 0.6 * (run->power_w - 3);
		run->busy *= 0.6;
	}
	fit = solve(&runs);
	UNIT_EQUAL_DOUBLE(6, fit.constants.active_w, 1e-6);
	UNIT_TRUE(has_warning(&fit, "no workload kept the disk busy (60 % at most)"));
	disk_fit_clear(&fit);
}

static void test_garbage_collection(void)
{
	static struct runs runs;
	struct disk_fit fit;

	runs = (struct runs){ .seed = 1 };
	add_usual(&runs, true, true);
	for (size_t i = runs.count / 2; i < runs.count; i++)
		if (strcmp(runs.items[i].workload, "randwrite-4KiB") == 0)
			runs.items[i].power_w += 2;
	fit = solve(&runs);
	UNIT_EQUAL_I64(VERDICT_POOR, fit.verdict);
	UNIT_TRUE(has_warning(&fit, "randwrite-4KiB: power drifts by +2.00 W"));
	disk_fit_clear(&fit);
}

static void test_unexplained(void)
{
	static struct runs runs;
	struct disk_fit fit;

	runs = (struct runs){ .seed = 5 };
	add_usual(&runs, true, true);
	for (size_t i = 0; i < runs.count; i++)
		if (runs.items[i].reads + runs.items[i].writes > 0)
			runs.items[i].power_w =
				3 + exp(unit_random_double(&runs.seed, log(0.01), log(30)));
	fit = solve(&runs);
	printf("    r2 above idle %.2f\n", fit.r2);
	UNIT_EQUAL_I64(VERDICT_POOR, fit.verdict);
	UNIT_TRUE(fit.r2 < 0.5);
	UNIT_TRUE(has_warning(&fit, "throughput does not explain the disk's power"));
	disk_fit_clear(&fit);
}

/*
 * An SSD that ran out of erased blocks: a short idle time, then writes that take
 * as much power as ever while throughput falls to a third, and goes up and down.
 */
static void test_exhausted(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		for (int rises = 0; rises < 2; rises++) {
			static struct runs runs;
			struct disk_fit fit;

			runs = (struct runs){ .seed = seed };
			for (int i = 0; i < 1000; i++) {
				double part =
					i < 300 ? 1 : unit_random_double(&runs.seed, 0.1, 0.5);
				struct disk_run *run = &runs.items[runs.count++];

				*run = (struct disk_run){ .busy = NAN, .power_w = 1.3 };
				if (i < 20)
					continue;
				run->write_bytes = part * 1.5e9;
				run->power_w = 5 + (rises ? 1.5 * (1 - part) : 0) +
					       unit_random_double(&runs.seed, -0.05, 0.05);
			}
			fit = solve(&runs);
			printf("    seed %llu: r2 above idle %.2f, held-out error %.1f %%\n",
			       (unsigned long long)seed, fit.r2, fit.lowo_mape_percent);
			UNIT_EQUAL_I64(VERDICT_POOR, fit.verdict);
			/* The cause is what is told first. */
			UNIT_CONTAINS("throughput does not explain the disk's power",
				      fit.warnings.texts[0]);
			disk_fit_clear(&fit);
		}
}

static void test_refusals(void)
{
	static struct runs runs;
	struct disk_fit fit;
	struct error error = { "" };

	runs = (struct runs){ .seed = 1 };
	add_usual(&runs, false, false);
	UNIT_EQUAL_I64(-EINVAL, disk_fit_solve(runs.items, runs.count, &fit, &error));
	UNIT_EQUAL_TEXT("nothing was read or written in any run", error.text);
	runs = (struct runs){ .seed = 1 };
	for (int i = 0; i < 20; i++)
		add(&runs, i % 2 ? "a" : "b", false, i % 2 ? 4096 : 65536, 0.8 + 0.01 * i);
	UNIT_EQUAL_I64(-EINVAL, disk_fit_solve(runs.items, runs.count, &fit, &error));
	UNIT_CONTAINS("there is no idle run", error.text);
	runs.items[7].power_w = NAN;
	UNIT_EQUAL_I64(-EINVAL, disk_fit_solve(runs.items, runs.count, &fit, &error));
	UNIT_EQUAL_TEXT("run 8 has no power", error.text);
	runs.items[3].reads = -1;
	UNIT_EQUAL_I64(-EINVAL, disk_fit_solve(runs.items, runs.count, &fit, &error));
	UNIT_EQUAL_TEXT("run 4: reads are -1 a second", error.text);
}

/* Published measurements, where they are at hand: randread of growing size on an SSD. */
static void test_published(void)
{
	static struct runs runs;
	FILE *file = fopen("../shared/data/randread_request_size.csv", "r");
	double kib, mib, watts, mean = 0, left = 0, total = 0;
	struct disk_fit fit;

	if (!file) {
		printf("    skipped: ../shared/data/randread_request_size.csv is not there\n");
		return;
	}
	runs = (struct runs){ .seed = 1 };
	if (fscanf(file, "%*[^\n]") != 0)
		abort();
	while (fscanf(file, "%lf,%lf,%lf", &kib, &mib, &watts) == 3) {
		runs.items[runs.count++] = (struct disk_run){ .power_w = watts,
							      .reads = mib * 1024 / kib,
							      .read_bytes = mib * 1048576,
							      .busy = NAN };
		mean += watts;
	}
	fclose(file);
	UNIT_EQUAL_U64(3668, runs.count);
	mean /= (double)runs.count;
	fit = solve(&runs);
	for (size_t i = 0; i < runs.count; i++) {
		double delta_w = fit.constants.active_w - fit.constants.idle_w;
		double predicted_w = fit.constants.idle_w +
				     delta_w * time_of(&fit.constants.read, runs.items[i].reads,
						       runs.items[i].read_bytes);

		left += pow(runs.items[i].power_w - predicted_w, 2);
		total += pow(runs.items[i].power_w - mean, 2);
	}
	printf("    idle %.3f W, active %.3f W, read %.2f us, %.0f MB/s, R2 %.4f\n",
	       fit.constants.idle_w, fit.constants.active_w, 1e6 * fit.constants.read.overhead_s,
	       1e-6 * fit.constants.read.rate_bytes_s, 1 - left / total);
	UNIT_TRUE(1 - left / total >= 0.99);
	UNIT_TRUE(has_warning(&fit, "idle power is extrapolated"));
	disk_fit_clear(&fit);
}

int main(void)
{
	return UNIT_RUN(
		"disk-fit", { "model.md 3: the constants of an exact disk are found", test_exact },
		{ "noise of 1 % moves them by a few percent, and errors say so", test_noise },
		{ "a direction that was not run copies the other, and says so",
		  test_one_direction },
		{ "without a saturated run power at saturation is a lower bound", test_never_busy },
		{ "power that drifts at the same throughput is called poor",
		  test_garbage_collection },
		{ "power that throughput does not explain is called poor", test_unexplained },
		{ "model.md 6: power that stays while throughput falls is called poor",
		  test_exhausted },
		{ "runs that tell nothing are refused with the reason", test_refusals },
		{ "model.md 3: published reads of an SSD are explained to 99 %", test_published });
}
