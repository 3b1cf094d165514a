/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/disk-runs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/weights-make.h"
#include "tests/unit/unit.h"

static struct disk_runs runs_with(const char *text, const char *group, int expected,
				  struct error *error)
{
	const struct trace_request request = { .group_column = group };
	bool sizes_are_groups = group && strcmp(group, DISK_REQUEST_COLUMN) == 0;
	struct error_list errors = { 0 }, warnings = { 0 };
	struct disk_runs runs = { 0 };
	struct trace *trace = NULL;

	if (trace_parse("t.csv", text, strlen(text), &request, &trace, &errors, &warnings))
		abort();
	UNIT_EQUAL_I64(expected, disk_runs_of_trace(trace, sizes_are_groups, &runs, error));
	trace_free(trace);
	error_list_clear(&errors);
	error_list_clear(&warnings);
	return runs;
}

static struct disk_runs runs_of(const char *text, int expected, struct error *error)
{
	return runs_with(text, NULL, expected, error);
}

static void test_rates(void)
{
	struct error error = { "" };
	struct disk_runs runs =
		runs_of("workload,power_w,reads,read_bytes,writes,write_bytes,busy\n"
			"idle,3,0,0,0,0,0\nr,5,100,409600,1,2,0.5\n",
			0, &error);

	UNIT_EQUAL_U64(2, runs.count);
	UNIT_EQUAL_TEXT("r", runs.items[1].workload);
	UNIT_EQUAL_DOUBLE(5, runs.items[1].power_w, 0);
	UNIT_EQUAL_DOUBLE(100, runs.items[1].reads, 0);
	UNIT_EQUAL_DOUBLE(409600, runs.items[1].read_bytes, 0);
	UNIT_EQUAL_DOUBLE(1, runs.items[1].writes, 0);
	UNIT_EQUAL_DOUBLE(2, runs.items[1].write_bytes, 0);
	UNIT_EQUAL_DOUBLE(0.5, runs.items[1].busy, 0);
	disk_runs_clear(&runs);
}

static void test_counts_and_throughput(void)
{
	struct error error = { "" };
	/* Counts of two seconds; throughput, size and busy are none. */
	struct disk_runs runs =
		runs_of("power_w,interval_s,read_bytes,write_mib_s,request_kib,busy\n"
			"5,2,8192,3,4,0.5\n",
			0, &error);

	UNIT_EQUAL_DOUBLE(4096, runs.items[0].read_bytes, 1e-12);
	UNIT_EQUAL_DOUBLE(1, runs.items[0].reads, 1e-12);
	UNIT_EQUAL_DOUBLE(3 * 1048576, runs.items[0].write_bytes, 1e-12);
	UNIT_EQUAL_DOUBLE(768, runs.items[0].writes, 1e-12);
	UNIT_EQUAL_DOUBLE(0.5, runs.items[0].busy, 1e-12);
	UNIT_TRUE(runs.items[0].workload == NULL);
	disk_runs_clear(&runs);
	runs = runs_of("power_w,cycles\n5,2\n", -EINVAL, &error);
	UNIT_CONTAINS("none of the columns reads, read_bytes, read_mib_s", error.text);
	disk_runs_clear(&runs);
}

static void test_sizes_as_groups(void)
{
	static const char text[] = "request_kib,power_w,write_mib_s\n4,5,3\n64,6,32\n0,3,0\n";
	struct error error = { "" };
	struct disk_runs runs = runs_with(text, "request_kib", 0, &error);

	UNIT_EQUAL_DOUBLE(768, runs.items[0].writes, 1e-12);
	UNIT_EQUAL_DOUBLE(512, runs.items[1].writes, 1e-12);
	UNIT_EQUAL_DOUBLE(0, runs.items[2].writes, 0);
	UNIT_EQUAL_TEXT("64", runs.items[1].workload);
	disk_runs_clear(&runs);
	/* Other numbers that make groups are no sizes. */
	runs = runs_with("block,power_w,write_mib_s\n4,5,3\n64,6,32\n", "block", 0, &error);
	UNIT_EQUAL_DOUBLE(0, runs.items[0].writes, 0);
	disk_runs_clear(&runs);
}

static void test_contiguous(void)
{
	static const char *const names[] = { "read-4KiB", "randwrite-4KiB" };

	for (int rotational = 0; rotational < 2; rotational++)
		for (int i = 0; i < 2; i++) {
			struct disk_run run = {
				.reads = 7, .writes = 8, .read_bytes = 9, .write_bytes = 10
			};
			bool pays = !rotational || i == 1;

			disk_run_contiguous(&run, disk_job_find(names[i]), rotational);
			UNIT_EQUAL_DOUBLE(pays ? 7 : 0, run.reads, 0);
			UNIT_EQUAL_DOUBLE(pays ? 8 : 0, run.writes, 0);
			UNIT_EQUAL_DOUBLE(9, run.read_bytes, 0);
			UNIT_EQUAL_DOUBLE(10, run.write_bytes, 0);
		}
}

static void test_cpu_is_removed(void)
{
	double busy[60], watts = NAN;
	struct disk_runs runs = { 0 };
	struct error error = { "" };
	uint64_t seed = 11;

	for (int i = 0; i < 60; i++) {
		struct disk_run run = {
			.reads = i % 6 < 2 ? 0 : unit_random_double(&seed, 0, 1e4),
			.workload = i % 6 < 2 ? "idle" : "read",
		};

		busy[i] = i % 6 == 1 ? 1 : 0.1 + run.reads * 2e-5;
		run.read_bytes = run.reads * (i % 2 ? 4096 : 65536);
		run.power_w = 40 + run.reads * 1e-4 + run.read_bytes * 2e-9 + 7.5 * busy[i];
		UNIT_EQUAL_I64(0, disk_runs_add(&runs, &run));
	}
	UNIT_EQUAL_I64(0, disk_runs_remove_cpu(&runs, busy, &watts, &error));
	UNIT_EQUAL_DOUBLE(7.5, watts, 1e-6);
	for (int i = 0; i < 60; i++)
		UNIT_EQUAL_DOUBLE(40 + runs.items[i].reads * 1e-4 + runs.items[i].read_bytes * 2e-9,
				  runs.items[i].power_w, 1e-6);
	disk_runs_clear(&runs);
}

static void make_weights(const struct trace_about *about, enum verdict verdict, struct text *text)
{
	const struct disk_fit fit = {
		.constants = { .idle_w = 2.52541,
			       .active_w = 4.37954,
			       .idle_se_w = 0.0399,
			       .active_se_w = NAN,
			       .read = { 2e-5, 3.1e9 },
			       .write = { 5e-5, 1e9 } },
		.lowo_mape_percent = 0.5,
		.mape_percent = 0.4,
		.verdict = verdict,
	};
	const struct disk_weights make = {
		.fit = &fit, .about = about, .model = "Disk 9*", .rotational = 0, .rows = 10
	};
	struct weights *weights = NULL;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, disk_weights_make(&make, &weights, &error));
	/* Reads back as the same, or it is an error. */
	UNIT_EQUAL_I64(0, weights_make_text(weights, text, &error));
	UNIT_EQUAL_TEXT("", error.text);
	weights_free(weights);
}

static void test_weights(void)
{
	struct trace_about about;
	struct text text = { 0 };

	trace_about_init(&about);
	make_weights(&about, VERDICT_GOOD, &text);
	UNIT_CONTAINS("kind = disk\nscope = dc\nstanding = modelled\n", text.bytes);
	UNIT_CONTAINS("disk-model = Disk 9*\nrotational = no\n", text.bytes);
	UNIT_CONTAINS("idle = 2.525W +-39.9mW\nactive = 4.38W\n", text.bytes);
	UNIT_CONTAINS("read-overhead = 20us\nread-rate = 3.1GB/s\n", text.bytes);
	text_reset(&text);
	about.has_scope = true;
	about.scope = SCOPE_WALL;
	about.emulated = true;
	UNIT_TRUE(disk_scope_is_machine(&about));
	make_weights(&about, VERDICT_GOOD, &text);
	UNIT_CONTAINS("name = EMULATED: Disk 9*\n", text.bytes);
	UNIT_CONTAINS("scope = wall\nstanding = estimate\n", text.bytes);
	text_reset(&text);
	about.scope = SCOPE_RAIL;
	about.emulated = false;
	UNIT_TRUE(!disk_scope_is_machine(&about));
	make_weights(&about, VERDICT_POOR, &text);
	UNIT_CONTAINS("scope = dc\nstanding = estimate\n", text.bytes);
	UNIT_CONTAINS("verdict = poor\n", text.bytes);
	text_free(&text);
}

int main(void)
{
	return UNIT_RUN(
		"disk-fit-runs",
		{ "columns of a trace are rates of requests and bytes", test_rates },
		{ "counts have intervals, throughput has a size of request",
		  test_counts_and_throughput },
		{ "sizes of requests that make groups are sizes all the same",
		  test_sizes_as_groups },
		{ "model.md 3: sequential requests of a rotating disk have no overhead",
		  test_contiguous },
		{ "what time on CPUs explains is taken away", test_cpu_is_removed },
		{ "a weights file says what it was made from and how sure it is", test_weights });
}
