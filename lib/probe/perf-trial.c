/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cgroupfs.h"
#include "probe/perf-group.h"
#include "probe/perf-pmu.h"

enum { NO_CGROUP = -1 };

/* --- something to count -------------------------------------------------------------------- */

/* More than most caches hold, fresh from the kernel: page faults, cache and TLB misses. */
static void touch_memory(void)
{
	enum { BYTES = 16 << 20, LINE = 64 };
	char *memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *bytes = memory;

	if (memory == MAP_FAILED)
		return;
	for (size_t i = 0; i < BYTES; i += LINE)
		bytes[i] = (char)(bytes[i] + 1);
	munmap(memory, BYTES);
}

/* Branches that no predictor knows (a linear congruence, Knuth's MMIX), integers and doubles. */
static void compute(void)
{
	enum { ROUNDS = 100000, SYSCALLS = 16 };
	volatile uint64_t integers = 1;
	volatile double doubles = 1;
	uint64_t random = 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (random >> 63)
			integers = integers + random / (i + 1);
		else
			doubles = doubles * 1.5 + 0.5 > 1e9 ? 1 : doubles * 1.5 + 0.5;
	}
	for (unsigned i = 0; i < SYSCALLS; i++)
		syscall(SYS_getppid);
}

/* --- trying -------------------------------------------------------------------------------- */

struct attempt {
	unsigned events; /* the first ones of the set */
	int cgroup;      /* a third group, of the tasks in this folder; or NO_CGROUP */
	uint64_t count[SAMPLE_EVENTS_MAX];
};

enum { GROUPS = 3 };

/* 0; -ENOSPC: not all of it fits on the PMU at a time; or why it cannot be opened. */
static int try(const struct perf_context *context, struct attempt *attempt)
{
	const int fd_limit = context->files.limit, cpu = sched_getcpu();
	const struct perf_place places[GROUPS] = {
		{ .pid = 0, .cpu = -1, .fd_limit = fd_limit },
		{ .pid = -1, .cpu = cpu, .fd_limit = fd_limit },
		{ .pid = attempt->cgroup, .cpu = cpu, .is_cgroup = true, .fd_limit = fd_limit },
	};
	unsigned wanted = attempt->cgroup == NO_CGROUP ? GROUPS - 1 : GROUPS;
	struct perf_group groups[GROUPS] = { 0 };
	int result = 0;

	for (unsigned i = 0; i < wanted && !result; i++)
		result = perf_group_open(&groups[i], &context->set, attempt->events, &places[i]);
	if (!result) {
		touch_memory();
		compute();
	}
	for (unsigned i = 0; i < wanted && !result; i++)
		if (perf_group_read(&groups[i]) || groups[i].running_ns == 0)
			result = -ENOSPC;
	memcpy(attempt->count, groups[0].count, sizeof attempt->count);
	for (unsigned i = 0; i < GROUPS; i++)
		perf_group_close(&groups[i]);
	return result == -EINVAL ? -ENOSPC : result;
}

/* --- what went wrong, in words ------------------------------------------------------------- */

/* Any of the two events that every PMU has. */
static bool has_pmu(const struct perf_context *context)
{
	static const uint64_t events[] = { PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS };
	const struct perf_place self = { .cpu = -1, .fd_limit = context->files.limit };

	for (unsigned i = 0; i < 2; i++) {
		struct perf_set set = { .codes = { { .type = PERF_TYPE_HARDWARE,
						     .config = events[i] } } };
		struct perf_group group = { 0 };

		if (perf_group_open(&group, &set, 1, &self) == 0) {
			perf_group_close(&group);
			return true;
		}
	}
	return false;
}

static int not_allowed(const struct perf_context *context, const char *what, struct error *error)
{
	char level[16] = "unknown";

	if (rootfs_readf(context->files.root, level, sizeof level,
			 "/proc/sys/kernel/perf_event_paranoid") > 0)
		level[strcspn(level, "\n")] = '\0';
	return error_setf(error, EACCES,
			  "%s: not allowed: needs CAP_PERFMON (or root), or "
			  "kernel.perf_event_paranoid at -1 (it is %s)",
			  what, level);
}

static int unknown_to_kernel(const struct perf_context *context, const struct perf_code *code,
			     const char *what, struct error *error)
{
	if (perf_code_is_hardware(code) && !has_pmu(context))
		return error_setf(error, ENODEV,
				  "%s: this machine has no hardware counters (no PMU, or a virtual "
				  "machine that was given none)",
				  what);
	return error_setf(error, ENOENT, "%s: the kernel cannot count it on this CPU", what);
}

static int explain(const struct perf_context *context, unsigned event, int result,
		   struct error *error)
{
	char what[EVENT_NAME_BYTES + 8];

	snprintf(what, sizeof what, "event %s", context->set.names[event]);
	switch (result) {
	case -EACCES:
	case -EPERM:
		return not_allowed(context, what, error);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
	case -EOPNOTSUPP:
		return unknown_to_kernel(context, &context->set.codes[event], what, error);
	case -EINVAL:
		return error_setf(error, ENOENT, "%s: the kernel cannot count it per thread", what);
	case -EMFILE:
		return error_setf(error, EMFILE, "%s: file descriptors ran out (RLIMIT_NOFILE)",
				  what);
	default:
		return error_setf(error, -result, "%s: perf_event_open: %s", what,
				  strerrordesc_np(-result));
	}
}

/* --- the trial ----------------------------------------------------------------------------- */

static int try_each_alone(const struct perf_context *context, struct error *error)
{
	const struct perf_place self = { .cpu = -1, .fd_limit = context->files.limit };

	for (unsigned i = 0; i < context->set.count; i++) {
		struct perf_set alone = { .codes = { context->set.codes[i] } };
		struct perf_group group = { 0 };
		int result = perf_group_open(&group, &alone, 1, &self);

		perf_group_close(&group);
		if (result)
			return explain(context, i, result, error);
	}
	return 0;
}

static int too_many(const struct perf_context *context, struct error *error)
{
	struct attempt fewer = { .events = context->set.count - 1, .cgroup = NO_CGROUP };

	while (fewer.events > 0 && try(context, &fewer))
		fewer.events--;
	if (fewer.events == 0)
		return error_setf(
			error, ENODATA,
			"event %s: opens, but never gets a counter, per thread and per "
			"CPU at a time (counters taken by the NMI watchdog or by others?)",
			context->set.names[0]);
	return error_setf(error, ENOSPC,
			  "%u events: %u fit%s per thread and per CPU at a time; half of the free "
			  "counters are for totals (kernel.nmi_watchdog=0 frees one)",
			  context->set.count, fewer.events, fewer.events == 1 ? "s" : "");
}

/*
 * A raw event that the CPU lacks opens all the same, and counts nothing for
 * ever; so does, in this loop, one that is only rare. What the loop surely
 * causes is refused, and what the CPU itself does not list. Others are kept as
 * silent. Software events need not happen.
 */
static int check_counts(struct perf_context *context, const uint64_t *count, struct error *error)
{
	const struct perf_set *set = &context->set;

	for (unsigned i = 0; i < set->count; i++) {
		const struct perf_code *code = &set->codes[i];

		if (count[i] > 0)
			continue;
		if (code->must_count || perf_pmu_lacks(context->files.root, code))
			return error_setf(error, ENODATA,
					  "event %s: opens, but counts nothing: this CPU does not "
					  "have it",
					  set->names[i]);
		context->is_silent[i] = perf_code_is_hardware(code);
	}
	return 0;
}

/* Everything is in the root of a hierarchy, so that it must count, too. */
static bool try_cgroup(const struct perf_context *context, const char *mount)
{
	struct attempt attempt = { .events = context->set.count };
	bool fits;

	attempt.cgroup = rootfs_openf(context->files.root, O_RDONLY | O_DIRECTORY, "%s", mount);
	if (attempt.cgroup < 0)
		return false;
	fits = try(context, &attempt) == 0;
	close(attempt.cgroup);
	return fits;
}

/* Where perf_event has a v1 hierarchy of its own, the v2 one does not have it. */
static void find_cgroups(struct perf_context *context)
{
	static const char v1[] = "/sys/fs/cgroup/perf_event";
	struct cgroup_mounts mounts;

	cgroup_find_mounts(context->files.root, &mounts);
	context->cgroup_is_v1 = try_cgroup(context, v1);
	if (context->cgroup_is_v1)
		strcpy(context->cgroup_mount, v1);
	else if (mounts.v2[0] && try_cgroup(context, mounts.v2))
		strcpy(context->cgroup_mount, mounts.v2);
}

static int try_together(struct perf_context *context, struct error *error)
{
	struct attempt all = { .events = context->set.count, .cgroup = NO_CGROUP };
	int result = try(context, &all);

	if (result == -ENOSPC)
		return too_many(context, error);
	if (result)
		return explain(context, 0, result, error);
	result = check_counts(context, all.count, error);
	if (!result)
		find_cgroups(context);
	return result;
}

/* Groups of the CPU that we are on: stay there meanwhile. */
int perf_trial(struct perf_context *context, struct error *error)
{
	int result = try_each_alone(context, error);
	cpu_set_t before, here;
	bool pinned;

	if (result)
		return result;
	CPU_ZERO(&here);
	CPU_SET((unsigned)sched_getcpu() % CPU_SETSIZE, &here);
	pinned = sched_getaffinity(0, sizeof before, &before) == 0 &&
		 sched_setaffinity(0, sizeof here, &here) == 0;
	result = try_together(context, error);
	if (pinned)
		sched_setaffinity(0, sizeof before, &before);
	return result;
}
