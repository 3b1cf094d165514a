/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this CPU's counters can do, found by trying on the CPU that we are on. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "calibrate/record/counters-driver.h"
#include "probe/perf-group.h"
#include "probe/perf-pmu.h"

/* Branches that depend on what was before, integers, doubles, a few pages: what every event that
 * is no rarity is caused by. */
void counters_burn(void)
{
	enum { ROUNDS = 100000, BYTES = 1 << 18 };
	static volatile char bytes[BYTES];
	volatile double doubles = 1;
	uint64_t random = 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (random >> 63)
			bytes[random % BYTES]++;
		else
			doubles = doubles > 1e9 ? 1 : doubles * 1.5;
	}
}

/* Stay on a CPU while something is done. */
static bool stay(cpu_set_t *before)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((unsigned)sched_getcpu() % CPU_SETSIZE, &here);
	return sched_getaffinity(0, sizeof *before, before) == 0 &&
	       sched_setaffinity(0, sizeof here, &here) == 0;
}

/* All tasks of this CPU, while we burn. 0, -ENOSPC: not all of it fits; or why it cannot open. */
static int try_set(struct counters *counters, const struct perf_set *set,
		   uint64_t count[SAMPLE_EVENTS_MAX])
{
	struct perf_group group = { 0 };
	struct perf_place place = { .pid = -1, .fd_limit = counters->context.files.limit };
	cpu_set_t before;
	bool stays = stay(&before);
	int result;

	place.cpu = sched_getcpu();
	result = perf_group_open(&group, set, set->count, &place);
	if (!result) {
		counters_burn();
		result = perf_group_read(&group) || !group.running_ns ? -ENOSPC : 0;
		memcpy(count, group.count, sizeof group.count);
	}
	perf_group_close(&group);
	if (stays)
		sched_setaffinity(0, sizeof before, &before);
	return result;
}

static int explain(struct counters *counters, const char *what, int result, struct error *error)
{
	char level[16] = "unknown";

	if (rootfs_readf(counters->root, level, sizeof level,
			 "/proc/sys/kernel/perf_event_paranoid") > 0)
		level[strcspn(level, "\n")] = '\0';
	switch (result) {
	case -EACCES:
	case -EPERM:
		return error_setf(error, EACCES,
				  "%s: not allowed: needs CAP_PERFMON (or root), or "
				  "kernel.perf_event_paranoid at -1 (it is %s)",
				  what, level);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
	case -EOPNOTSUPP:
		return error_setf(error, ENOENT, "%s: the kernel cannot count it on this CPU",
				  what);
	case -ENOSPC:
	case -EINVAL:
		return error_setf(
			error, ENOSPC,
			"%s: no counter is free for it (the NMI watchdog takes one, other "
			"users of perf more)",
			what);
	default:
		return error_setf(error, -result, "%s: perf_event_open: %s", what,
				  strerrordesc_np(-result));
	}
}

int counters_may_count(struct counters *counters, struct error *error)
{
	static const char *const name = "perf::CPU-CLOCK";
	uint64_t count[SAMPLE_EVENTS_MAX];
	struct perf_set set;
	int result = perf_set_resolve(&set, &name, 1, error);

	if (result)
		return result;
	result = try_set(counters, &set, count);
	return result ? explain(counters, "counting whole CPUs", result, error) : 0;
}

/* The same event again and again: each takes a counter of its own. */
static bool counts_together(struct counters *counters, const char *name, unsigned times)
{
	const char *names[PERF_EVENTS_MAX];
	uint64_t count[SAMPLE_EVENTS_MAX];
	struct perf_set set;

	for (unsigned i = 0; i < times; i++)
		names[i] = name;
	if (perf_set_resolve(&set, names, times, NULL) || try_set(counters, &set, count))
		return false;
	for (unsigned i = 0; i < times; i++)
		if (!count[i])
			return false;
	return true;
}

bool counters_has_hardware(struct counters *counters)
{
	return counts_together(counters, "perf::INSTRUCTIONS", 1) ||
	       counts_together(counters, "perf::CPU-CYCLES", 1);
}

/*
 * Branches have no counter of their own; instructions and cycles do on some CPUs, which would
 * make it one too many. Software events, where nothing else is counted, take no counter.
 */
unsigned counters_try_free(struct counters *counters)
{
	static const char *const kinds[] = { "perf::BRANCHES", "perf::INSTRUCTIONS",
					     "perf::CPU-CYCLES", "perf::CPU-CLOCK" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		unsigned free = 0;

		while (free < PERF_EVENTS_MAX && counts_together(counters, kinds[i], free + 1))
			free++;
		if (free)
			return free;
	}
	return 0;
}

int counters_try_event(struct counters *counters, const char *name, uint64_t *count,
		       struct error *error)
{
	uint64_t counts[SAMPLE_EVENTS_MAX];
	char what[EVENT_NAME_BYTES + 8];
	struct perf_set set;
	int result = perf_set_resolve(&set, &name, 1, error);

	if (result)
		return result;
	stpcpy(stpcpy(what, "event "), set.names[0]);
	if (perf_pmu_lacks(counters->root, &set.codes[0]))
		return error_setf(error, ENODATA, "%s: this CPU does not have it", what);
	result = try_set(counters, &set, counts);
	if (result)
		return explain(counters, what, result, error);
	*count = counts[0];
	if (*count == 0 && set.codes[0].must_count)
		return error_setf(error, ENODATA,
				  "%s: opens, but counts nothing: this CPU does not have it", what);
	return 0;
}
