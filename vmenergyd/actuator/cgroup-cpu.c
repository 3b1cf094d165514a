/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bandwidth: v2 has one file that is written at once, v1 has two. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cgroupfs.h"
#include "vmenergyd/actuator/cgroup.h"

static int get_v2(const struct cgroup_at *at, struct cpu_limit *cpu, struct error *error)
{
	char text[CGROUP_FILE_BYTES];
	int result = cgroup_read(at, "cpu.max", text, error);

	if (!result && cgroup_parse_cpu_max(text, &cpu->quota_us, &cpu->period_us))
		result = error_setf(error, EPROTO, "cpu.max of %s: cannot be read", at->path);
	return result;
}

static int get_v1(const struct cgroup_at *at, struct cpu_limit *cpu, struct error *error)
{
	char text[CGROUP_FILE_BYTES];
	const char *cursor = text;
	int result = cgroup_read(at, "cpu.cfs_quota_us", text, error);

	if (result)
		return result;
	if (cgroup_scan_quota(&cursor, &cpu->quota_us))
		return error_setf(error, EPROTO, "cpu.cfs_quota_us of %s: cannot be read",
				  at->path);
	return cgroup_read_u64(at, "cpu.cfs_period_us", &cpu->period_us, error);
}

static const char *burst_file(const struct cgroup_at *at)
{
	return at->v2 ? "cpu.max.burst" : "cpu.cfs_burst_us";
}

/* Kernels before 5.14 have no bursts. */
static uint64_t get_burst(const struct cgroup_at *at)
{
	uint64_t burst_us;

	return cgroup_read_u64(at, burst_file(at), &burst_us, NULL) ? 0 : burst_us;
}

int cgroup_get_cpu(const struct cgroup_at *at, struct knob_value *value, struct error *error)
{
	int result = at->v2 ? get_v2(at, &value->cpu, error) : get_v1(at, &value->cpu, error);

	value->burst_us = result ? 0 : get_burst(at);
	return result;
}

/* --- setting ------------------------------------------------------------------ */

static int write_quota(const struct cgroup_at *at, const struct cpu_limit *cpu, struct error *error)
{
	return cgroup_writef(at, "cpu.cfs_quota_us", error, "%" PRId64, cpu->quota_us);
}

static int write_period(const struct cgroup_at *at, const struct cpu_limit *cpu,
			struct error *error)
{
	return cgroup_writef(at, "cpu.cfs_period_us", error, "%" PRIu64, cpu->period_us);
}

typedef int write_one(const struct cgroup_at *at, const struct cpu_limit *cpu, struct error *error);

/* Both files; what the first changed is undone when the second is refused. */
static int write_both(const struct cgroup_at *at, const struct cpu_limit *now,
		      const struct cpu_limit *next, bool period_first, struct error *error)
{
	write_one *first = period_first ? write_period : write_quota;
	write_one *second = period_first ? write_quota : write_period;
	int result = first(at, next, error);

	if (result)
		return result;
	result = second(at, next, error);
	if (result)
		first(at, now, NULL);
	return result;
}

/*
 * Between the two writes, one value is old and one new. Best is a ratio between
 * the old and the new one; where both values change in the same direction, there
 * is none and the tighter comes first: a larger quota last, a smaller one first.
 * Tighter may be refused, where a cgroup below has more: then the looser. Without
 * a quota (-1) the period means nothing.
 */
static int set_v1(const struct cgroup_at *at, const struct cpu_limit *now,
		  const struct cpu_limit *next, struct error *error)
{
	bool period_first = next->quota_us > now->quota_us;
	int result;

	if (now->period_us == next->period_us)
		return write_quota(at, next, error);
	if (now->quota_us == next->quota_us)
		return write_period(at, next, error);
	result = write_both(at, now, next, period_first, error);
	if (result == -EINVAL)
		result = write_both(at, now, next, !period_first, error);
	return result;
}

/* A burst may not exceed the quota (kernel/sched/core.c): it shrinks with it, before. */
static int shrink_burst(const struct cgroup_at *at, const struct knob_value *now,
			const struct knob_value *next, struct error *error)
{
	if (next->cpu.quota_us < 0 || now->burst_us <= (uint64_t)next->cpu.quota_us)
		return 0;
	return cgroup_writef(at, burst_file(at), error, "%" PRId64, next->cpu.quota_us);
}

/* And grows again behind it. */
static int grow_burst(const struct cgroup_at *at, const struct knob_value *now,
		      const struct knob_value *next, struct error *error)
{
	uint64_t burst_us = next->burst_us;

	if (next->cpu.quota_us >= 0 && burst_us > (uint64_t)next->cpu.quota_us)
		burst_us = (uint64_t)next->cpu.quota_us;
	if (burst_us <= now->burst_us)
		return 0;
	return cgroup_writef(at, burst_file(at), error, "%" PRIu64, burst_us);
}

/* v1 demands that no cgroup has a larger part of a CPU than the one above it. */
static void explain_refusal(const struct cgroup_at *at, const struct cpu_limit *cpu,
			    struct error *error)
{
	char above[TARGET_TEXT];
	struct cgroup_at parent = *at;
	struct cpu_limit limit = { .quota_us = -1 };

	snprintf(above, sizeof above, "%s", at->path);
	parent.path = above;
	for (char *slash; limit.quota_us < 0 && (slash = strrchr(above, '/')) && slash > above;) {
		*slash = '\0';
		if (get_v1(&parent, &limit, NULL))
			break;
	}
	if (limit.quota_us > 0 &&
	    (cpu->quota_us < 0 || (double)cpu->quota_us * (double)limit.period_us >
					  (double)limit.quota_us * (double)cpu->period_us))
		error_setf(error, EINVAL,
			   "%s: %" PRId64 "/%" PRIu64
			   " us is more than %s allows above it: %" PRId64 "/%" PRIu64 " us",
			   at->path, cpu->quota_us, cpu->period_us, above, limit.quota_us,
			   limit.period_us);
	else
		error_setf(error, EINVAL,
			   "%s: %" PRId64 "/%" PRIu64
			   " us is refused: a cgroup below it has a larger part of a CPU",
			   at->path, cpu->quota_us, cpu->period_us);
}

static int set_quota(const struct cgroup_at *at, const struct cpu_limit *now,
		     const struct cpu_limit *next, struct error *error)
{
	int result;

	if (at->v2)
		return next->quota_us < 0
			       ? cgroup_writef(at, "cpu.max", error, "max %" PRIu64,
					       next->period_us)
			       : cgroup_writef(at, "cpu.max", error, "%" PRId64 " %" PRIu64,
					       next->quota_us, next->period_us);
	if (now->quota_us == next->quota_us && now->period_us == next->period_us)
		return 0;
	result = set_v1(at, now, next, error);
	if (result == -EINVAL)
		explain_refusal(at, next, error);
	return result;
}

int cgroup_set_cpu(const struct cgroup_at *at, const struct knob_value *value, struct error *error)
{
	struct knob_value now = { .knob = KNOB_CPU };
	int result = cgroup_get_cpu(at, &now, error);

	if (!result)
		result = shrink_burst(at, &now, value, error);
	if (!result)
		result = set_quota(at, &now.cpu, &value->cpu, error);
	return result ? result : grow_burst(at, &now, value, error);
}
