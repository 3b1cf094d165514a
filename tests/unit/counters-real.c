/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counters of this machine, as far as it has any: time on CPUs, and software events. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "calibrate/record/counters.h"

enum { PAGES = 2000, PAGE = 4096 };

/* Whether there are such counters here and we may use them is the machine's affair. */
static struct counters *open_or_skip(const char *kind, struct rootfs *root)
{
	struct counters *counters = NULL;
	struct error error = { "" };

	rootfs_open(root, NULL, NULL);
	if (counters_open(&counters, kind, root, &error))
		printf("%s: skipped: %s\n", kind, error.text);
	return counters;
}

static void close_both(struct counters *counters, struct rootfs *root)
{
	counters_close(counters);
	rootfs_close(root);
}

static void test_busy_time(void)
{
	const struct session_pass none = { 0 };
	struct session_sample before, after;
	struct rootfs root;
	struct counters *counters = open_or_skip("cputime", &root);
	uint64_t begin_ns, own_ns;

	if (counters) {
		UNIT_EQUAL_U64(0, counters_free(counters));
		UNIT_EQUAL_I64(0, counters_choose(counters, &none, NULL));
		UNIT_EQUAL_I64(0, counters_read(counters, &before, NULL));
		begin_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
		do
			own_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_ns;
		while (own_ns < 100000000);
		UNIT_EQUAL_I64(0, counters_read(counters, &after, NULL));
		printf("own %llu ns, machine %llu ns\n", (unsigned long long)own_ns,
		       (unsigned long long)(after.busy_ns - before.busy_ns));
		/* Ours is in it; accounts of cgroups are some ticks behind at most. */
		UNIT_TRUE(after.busy_ns - before.busy_ns >= own_ns * 8 / 10);
		UNIT_TRUE(after.time_ns - before.time_ns >= own_ns);
		UNIT_EQUAL_U64(0, after.quality);
	}
	close_both(counters, &root);
}

static void test_no_events_of_time(void)
{
	const struct session_pass pass = { .event_count = 1, .names = { "perf::INSTRUCTIONS" } };
	struct rootfs root;
	struct counters *counters = open_or_skip("cputime", &root);
	struct error error = { "" };

	if (counters) {
		UNIT_EQUAL_I64(-ENOSPC, counters_choose(counters, &pass, &error));
		UNIT_CONTAINS("perf::INSTRUCTIONS", error.text);
	}
	close_both(counters, &root);
}

static void touch_pages(void)
{
	char *memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	madvise(memory, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i++)
		((volatile char *)memory)[i * PAGE] = 1;
	munmap(memory, (size_t)PAGES * PAGE);
}

static void test_events_of_all_cpus(void)
{
	const struct session_pass pass = {
		.event_count = 2,
		.names = { "perf::CONTEXT-SWITCHES", "perf::PAGE-FAULTS" },
	};
	struct session_sample before, after;
	struct rootfs root;
	struct counters *counters = open_or_skip("perf", &root);
	struct error error = { "" };

	if (counters) {
		UNIT_EQUAL_I64(0, counters_choose(counters, &pass, &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_I64(0, counters_read(counters, &before, &error));
		touch_pages();
		UNIT_EQUAL_I64(0, counters_read(counters, &after, &error));
		printf("%llu page faults\n",
		       (unsigned long long)(after.count[1] - before.count[1]));
		UNIT_TRUE(after.count[1] - before.count[1] >= PAGES);
		UNIT_TRUE(after.count[0] >= before.count[0]);
		UNIT_EQUAL_U64(0, after.quality);
		UNIT_TRUE(counters_free(counters) > 0);
	}
	close_both(counters, &root);
}

static void test_unknown_events(void)
{
	const struct session_pass pass = { .event_count = 2,
					   .names = { "perf::PAGE-FAULTS", "perf::NONSENSE" } };
	struct rootfs root;
	struct counters *counters = open_or_skip("perf", &root);
	struct error error = { "" };
	struct session_sample sample;
	uint64_t count;

	if (counters) {
		UNIT_EQUAL_I64(-ENOENT, counters_choose(counters, &pass, &error));
		UNIT_CONTAINS("perf::NONSENSE", error.text);
		/* And it still gives what it can. */
		UNIT_EQUAL_I64(0, counters_read(counters, &sample, &error));
		UNIT_EQUAL_U64(0, sample.count[0]);
		UNIT_EQUAL_I64(-ENOENT, counters_try(counters, "perf::NONSENSE", &count, &error));
		UNIT_EQUAL_I64(0, counters_try(counters, "perf::CPU-CLOCK", &count, &error));
		UNIT_TRUE(count > 0);
	}
	close_both(counters, &root);
}

/* Opened and closed again and again, nothing is left open. */
static void test_descriptors(void)
{
	const struct session_pass pass = { .event_count = 1, .names = { "perf::PAGE-FAULTS" } };
	unsigned before = unit_count_descriptors();

	for (unsigned i = 0; i < 3; i++) {
		struct rootfs root;
		struct counters *counters = open_or_skip(i % 2 ? "auto" : "perf", &root);

		if (counters)
			counters_choose(counters, &pass, NULL);
		close_both(counters, &root);
	}
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

int main(void)
{
	return UNIT_RUN(
		"counters-real", { "time on CPUs has ours in it", test_busy_time },
		{ "time on CPUs takes no events, and names the first", test_no_events_of_time },
		{ "events of all CPUs have ours in them", test_events_of_all_cpus },
		{ "an unknown event is named", test_unknown_events },
		{ "nothing stays open", test_descriptors });
}
