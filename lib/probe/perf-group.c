/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-group.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of struct read_format with these read_format bits, perf_event_open(2). */
struct group_values {
	uint64_t events, enabled_ns, running_ns, value[PERF_EVENTS_MAX];
};
enum { HEAD_WORDS = 3 };

/* Below one part in 1024, enabled and running differ by when they were read. */
enum { MULTIPLEXED_PART = 1024 };

/*
 * A group starts when all of its members are there. Not so with cgroups, whose
 * clock the kernel stops while no event wants it and then forgets to bring up to
 * date (seen on Linux 6.1 and 6.18): enabled later, an event's times begin with
 * seconds that nobody ran.
 */
static bool starts_disabled(const struct perf_place *place)
{
	return !place->is_cgroup;
}

static int open_event(const struct perf_code *code, const struct perf_place *place, int leader)
{
	struct perf_event_attr attributes = {
		.type = code->type,
		.size = sizeof attributes,
		.config = code->config,
		.config1 = code->config1,
		.config2 = code->config2,
		.exclude_user = code->exclude_user,
		.exclude_kernel = code->exclude_kernel,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
		/* Members follow their leader. */
		.pinned = leader < 0,
		.disabled = leader < 0 && starts_disabled(place),
	};
	unsigned long flags = PERF_FLAG_FD_CLOEXEC | (place->is_cgroup ? PERF_FLAG_PID_CGROUP : 0);
	long fd = syscall(SYS_perf_event_open, &attributes, place->pid, place->cpu, leader, flags);

	if (fd < 0)
		return errno == ENFILE ? -EMFILE : -errno;
	if (fd < place->fd_limit)
		return (int)fd;
	close((int)fd);
	return -EMFILE;
}

static void close_events(struct perf_group *group, unsigned opened)
{
	while (opened > 0)
		close(group->fds[--opened]);
	group->is_open = false;
}

int perf_group_open(struct perf_group *group, const struct perf_set *set, unsigned events,
		    const struct perf_place *place)
{
	group->events = events;
	group->is_cgroup = place->is_cgroup;
	group->enabled_ns = group->running_ns = 0;
	for (unsigned i = 0; i < events; i++) {
		int fd = open_event(&set->codes[i], place, i == 0 ? -1 : group->fds[0]);

		if (fd < 0) {
			close_events(group, i);
			return fd;
		}
		group->fds[i] = fd;
		group->value[i] = 0;
	}
	group->is_open = true;
	if (events > 0 && starts_disabled(place) &&
	    ioctl(group->fds[0], PERF_EVENT_IOC_ENABLE, 0)) {
		int result = -errno;

		close_events(group, events);
		return result;
	}
	return 0;
}

void perf_group_close(struct perf_group *group)
{
	if (!group->is_open)
		return;
	close_events(group, group->events);
	group->has_gap = true;
}

/* A cgroup's enabled time has those seconds in it even so, its running time has not. Pinned
 * groups have no use for the difference. */
static uint64_t enabled_time(const struct perf_group *group, const struct group_values *now)
{
	return group->is_cgroup ? now->running_ns : now->enabled_ns;
}

/* Count on from here: what is between is not known, nor are its times. */
static void skip(struct perf_group *group, const struct group_values *now)
{
	group->has_gap = false;
	group->enabled_ns = enabled_time(group, now);
	group->running_ns = now->running_ns;
	for (unsigned i = 0; i < group->events; i++)
		group->value[i] = now->value[i];
}

/*
 * Enabled time is when the task (or the CPU) was there to be counted, running
 * time when it was. A thread that slept has neither: nothing happened, and that
 * is a true count. Enabled without running was never on the PMU; the next
 * reading then covers that time too.
 */
static unsigned take(struct perf_group *group, const struct group_values *now)
{
	uint64_t enabled_ns = enabled_time(group, now) - group->enabled_ns;
	uint64_t running_ns = now->running_ns - group->running_ns;
	bool scale = running_ns < enabled_ns;
	double factor;

	if (enabled_ns > 0 && running_ns == 0)
		return QUALITY_MISSING;
	factor = scale ? (double)enabled_ns / (double)running_ns : 1;
	for (unsigned i = 0; i < group->events; i++) {
		uint64_t value = now->value[i] - group->value[i];

		group->count[i] += scale ? (uint64_t)((double)value * factor + 0.5) : value;
		group->value[i] = now->value[i];
	}
	group->count[group->events] += enabled_ns;
	group->enabled_ns += enabled_ns;
	group->running_ns = now->running_ns;
	return scale && enabled_ns - running_ns > enabled_ns / MULTIPLEXED_PART
		       ? QUALITY_MULTIPLEXED
		       : 0;
}

/* An answer with `events` values. */
static bool is_whole(ssize_t length, const struct group_values *values, unsigned events)
{
	return length == (ssize_t)((HEAD_WORDS + events) * sizeof(uint64_t)) &&
	       values->events == events;
}

/*
 * The kernel parts the groups of a CPU that goes off line, for good. Each event
 * then still says what it had counted.
 */
static void take_parts(struct perf_group *group)
{
	struct group_values all = { 0 }, part;

	for (unsigned i = 0; i < group->events; i++) {
		ssize_t length = read(group->fds[i], &part, sizeof part);

		if (!is_whole(length, &part, 1))
			return;
		all.value[i] = part.value[0];
		if (i == 0) {
			all.enabled_ns = part.enabled_ns;
			all.running_ns = part.running_ns;
		}
	}
	take(group, &all);
}

unsigned perf_group_read(struct perf_group *group)
{
	struct group_values now;
	ssize_t length;

	if (!group->is_open)
		return QUALITY_MISSING;
	length = read(group->fds[0], &now, sizeof now);
	if (is_whole(length, &now, group->events)) {
		if (!group->has_gap)
			return take(group, &now);
		skip(group, &now);
		return QUALITY_GAP;
	}
	/* A pinned group that found no counters free is in error until it is enabled again. */
	if (length == 0) {
		ioctl(group->fds[0], PERF_EVENT_IOC_ENABLE, 0);
		group->has_gap = true;
		return QUALITY_MISSING;
	}
	if (is_whole(length, &now, 1))
		take_parts(group);
	perf_group_close(group);
	return QUALITY_MISSING;
}
