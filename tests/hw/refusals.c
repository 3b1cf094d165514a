/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cannot be counted is found out, and said. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/hw/cases.h"
#include "tests/hw/check.h"
#include "tests/hw/scene.h"

/* perf_open() must fail so, with a sentence that holds `needle`. */
static void check_refused(const char *what, int expected, const char *needle,
			  const char *const *events, unsigned count)
{
	struct error error = { "" };
	struct perf *perf = NULL;
	struct rootfs root;
	int result;

	if (rootfs_open(&root, NULL, &error))
		check_die("rootfs_open", error.text);
	result = perf_open(&perf, &root, events, count, &error);
	check_equal(what, expected, result);
	check_contains(what, needle, error.text);
	if (!result)
		perf_close(perf);
	rootfs_close(&root);
}

/* The emulated CPU takes the raw number of any event, and counts but a few of them. */
void case_dead_event(void)
{
	static const char *const alone[] = { "arm_n1::L1D_CACHE" };
	static const char *const beside[] = { INSTRUCTIONS, "arm_n1::L1D_CACHE" };

	check_refused("an event that never counts", -ENODATA, "L1D_CACHE", alone, 1);
	check_refused("the same beside one that does", -ENODATA, "L1D_CACHE", beside, 2);
}

void case_unknown_event(void)
{
	static const char *const events[] = { INSTRUCTIONS, "arm_n1::NO_SUCH_EVENT" };

	check_refused("an event that libpfm4 does not know", -ENOENT, "NO_SUCH_EVENT", events, 2);
}

void case_too_many(void)
{
	static const char *const events[] = {
		INSTRUCTIONS,
		INSTRUCTIONS_USER,
		"arm_n1::INST_RETIRED:k",
		"arm_n1::CPU_CYCLES",
		"arm_n1::CPU_CYCLES:u",
		"arm_n1::CPU_CYCLES:k",
		"arm_n1::INST_RETIRED:u:k",
	};
	unsigned fit = 0, count = sizeof events / sizeof *events;
	struct error error = { "" };
	struct perf *perf;
	struct rootfs root;
	char needle[16];

	if (rootfs_open(&root, NULL, &error))
		check_die("rootfs_open", error.text);
	while (fit < count && perf_open(&perf, &root, events, fit + 1, &error) == 0) {
		perf_close(perf);
		fit++;
	}
	rootfs_close(&root);
	check_at_least("events that fit", 2, fit);
	check_at_least("events that do not", 1, count - fit);
	snprintf(needle, sizeof needle, "%u", fit);
	check_refused("too many events", -ENOSPC, needle, events, count);
}

/* --- somebody else holds the counters ------------------------------------------ */

enum { RIVALS_MAX = 32 };

#define LOOPS (5 * MILLION)

/* Takes what counters are left, as a watchdog does, of the whole CPU: threads come after it. */
static unsigned take_counters(int *fds)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
					.size = sizeof attr,
					.config = PERF_COUNT_HW_INSTRUCTIONS,
					.pinned = 1 };
	unsigned taken = 0;
	uint64_t value;

	for (; taken < RIVALS_MAX; taken++) {
		fds[taken] = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
		if (fds[taken] < 0)
			return taken;
		/* End of file: it found no counter. */
		if (read(fds[taken], &value, sizeof value) != sizeof value) {
			close(fds[taken]);
			return taken;
		}
	}
	return taken;
}

static void give_back(const int *fds, unsigned count)
{
	while (count-- > 0)
		close(fds[count]);
}

static void order(struct worker *worker, uint64_t loops)
{
	worker_burn(worker, 0, LOAD_HERE, loops);
}

/* A thread that never gets a counter has no figure: not 0, and not a wrong one. */
void case_starved(void)
{
	static const char *const events[] = { INSTRUCTIONS_USER };
	int fds[RIVALS_MAX];
	struct worker worker;
	struct scene scene;
	unsigned taken;

	taken = take_counters(fds);
	check_at_least("counters of this CPU", 2, taken);
	check_refused("no counter is free", -ENODATA, "never gets a counter", events, 1);
	give_back(fds, taken);

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&worker, 1, NULL);
	scene_add(&scene, &worker, NULL);
	taken = take_counters(fds);
	scene_follow(&scene);
	worker_burn(&worker, 0, LOAD_HERE, MILLION);
	scene_read(&scene);
	check_equal("the starved thread is missing", QUALITY_MISSING,
		    scene_reading(&scene, PART_THREAD(0, 0))->quality & QUALITY_MISSING);
	check_equal("its domain is missing", QUALITY_MISSING,
		    scene_reading(&scene, PART_DOMAIN(0))->quality & QUALITY_MISSING);
	give_back(fds, taken);
	scene_read(&scene);
	scene_measure(&scene, order, &worker, LOOPS);
	check_count("it is back", LOAD_INSTRUCTIONS_PER_LOOP * LOOPS,
		    scene_loops(&scene, PART_THREAD(0, 0), 0));
	check_equal("as good as before", 0, scene_reading(&scene, PART_THREAD(0, 0))->quality);
	scene_close(&scene);
	worker_end(&worker);
}

/* --- a CPU that libpfm4 does not know ------------------------------------------- */

/* The weights' event under its own name, and beside it one of the kernel's that is exact. */
void case_unknown_cpu(void)
{
	static const char *const events[] = { INSTRUCTIONS, "perf::INSTRUCTIONS:u" };
	const struct part thread = PART_THREAD(0, 0);
	struct worker worker;
	struct scene scene;
	uint64_t exact;

	scene_open(&scene, events, 2);
	check_contains("what is counted is said", "perf::INSTRUCTIONS stands in for " INSTRUCTIONS,
		       perf_note(scene.perf));
	check_contains("and why", "does not know this CPU", perf_note(scene.perf));
	check_contains("it keeps its name", INSTRUCTIONS, scene.set.names[0]);
	worker_start(&worker, 1, NULL);
	scene_add(&scene, &worker, NULL);
	scene_follow(&scene);
	scene_measure(&scene, order, &worker, LOOPS);
	exact = LOAD_INSTRUCTIONS_PER_LOOP * LOOPS;
	check_count("the program", exact, scene_loops(&scene, thread, 1));
	check_at_least("with the kernel", exact, scene_loops(&scene, thread, 0));
	check_near("whose part is small", (double)exact, (double)scene_loops(&scene, thread, 0),
		   1e-2);
	check_equal("quality", QUALITY_ESTIMATE, scene_reading(&scene, thread)->quality);
	scene_close(&scene);
	worker_end(&worker);
}
