/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-trace.c - requests followed by the block tracepoints, where BPF
 * is not to be had: the kernel writes a record for each issue and completion on
 * the disks that are followed (a filter in the kernel), each CPU into a ring of
 * its own, and a reading works them off. Rings are for some thousand records:
 * on long ticks with many requests they overflow, which shows as a gap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "probe/packages.h"
#include "probe/service-time-driver.h"
#include "probe/service-time-format.h"
#include "probe/service-time-ring.h"

static const char *const points[FOLLOW_WHATS] = {
	[FOLLOW_ISSUE] = "block_rq_issue",
	[FOLLOW_COMPLETE] = "block_rq_complete",
	[FOLLOW_REQUEUE] = "block_rq_requeue",
};

enum {
	/* perf_event_mlock_kb allows an ordinary user 512 KiB for each CPU; and not more than
	 * this for all of them. */
	RING_BYTES_MAX = 512 << 10,
	RING_BYTES_MIN = 64 << 10,
	RINGS_BYTES = 16 << 20,
	FILTER_BYTES_MAX = 4000, /* the kernel takes a page */
	ONLINE_BYTES = 512,
};

struct cpu_ring {
	int fds[FOLLOW_WHATS]; /* -1 = closed */
	struct trace_ring ring;
};

struct events {
	struct follow_event *items;
	size_t count, capacity;
};

struct trace_state {
	struct trace_format formats[FOLLOW_WHATS];
	struct cpu_ring *cpus; /* those on line */
	size_t cpu_count;
	int online_fd;             /* their list; -1 = none */
	char online[ONLINE_BYTES]; /* as it was when cpus were opened */
	struct follow follow;
	struct text filter;
	struct events events; /* later than the last reading */
	bool complete;        /* this reading has lost nothing */
};

/* --- rings ----------------------------------------------------------------------- */

static void close_cpu(struct cpu_ring *cpu)
{
	if (cpu->ring.page)
		munmap(cpu->ring.page, (size_t)sysconf(_SC_PAGESIZE) + cpu->ring.bytes);
	for (size_t i = 0; i < FOLLOW_WHATS; i++)
		if (cpu->fds[i] >= 0)
			close(cpu->fds[i]);
}

static void close_cpus(struct trace_state *state)
{
	for (size_t i = 0; i < state->cpu_count; i++)
		close_cpu(&state->cpus[i]);
	free(state->cpus);
	state->cpus = NULL;
	state->cpu_count = 0;
}

/* Nobody polls, so nobody is to be woken. */
static int open_point(const struct trace_format *format, int cpu, size_t ring_bytes)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof attributes,
		.config = format->id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = (uint32_t)ring_bytes,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int map_ring(struct cpu_ring *cpu, size_t ring_bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *mapped = mmap(NULL, page_bytes + ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			    cpu->fds[0], 0);

	if (mapped == MAP_FAILED)
		return -errno;
	cpu->ring.page = mapped;
	cpu->ring.data = (const uint8_t *)mapped + page_bytes;
	cpu->ring.bytes = ring_bytes;
	for (size_t i = 1; i < FOLLOW_WHATS; i++)
		if (ioctl(cpu->fds[i], PERF_EVENT_IOC_SET_OUTPUT, cpu->fds[0]))
			return -errno;
	return 0;
}

/* 0 or -errno; -ENODEV: the CPU is off line. */
static int open_cpu(const struct trace_state *state, struct cpu_ring *cpu, int number,
		    size_t ring_bytes)
{
	int result = 0;

	*cpu = (struct cpu_ring){ 0 };
	for (size_t i = 0; i < FOLLOW_WHATS; i++)
		cpu->fds[i] = -1;
	for (size_t i = 0; i < FOLLOW_WHATS && !result; i++) {
		cpu->fds[i] = open_point(&state->formats[i], number, ring_bytes);
		result = cpu->fds[i] < 0 ? cpu->fds[i] : 0;
	}
	if (!result)
		result = map_ring(cpu, ring_bytes);
	if (result)
		close_cpu(cpu);
	return result;
}

static size_t choose_ring_bytes(long cpus)
{
	size_t bytes = RING_BYTES_MAX;

	while (bytes > RING_BYTES_MIN && bytes * (size_t)cpus > RINGS_BYTES)
		bytes /= 2;
	return bytes;
}

/* Numbers have gaps: one more than the last in the list ("0-3,8-11"). */
static long count_numbers(struct trace_state *state)
{
	uint64_t last = 0;
	const char *at = state->online;

	if (state->online_fd < 0 ||
	    rootfs_pread(state->online_fd, state->online, sizeof state->online) < 0)
		state->online[0] = '\0';
	while (number_scan_u64(&at, &last) == 0 && (*at == '-' || *at == ','))
		at++;
	return last > 0 ? (long)last + 1 : sysconf(_SC_NPROCESSORS_CONF);
}

static int try_cpus(struct trace_state *state, long numbers, size_t ring_bytes)
{
	int result = 0;

	state->cpus = calloc((size_t)numbers, sizeof *state->cpus);
	if (!state->cpus)
		return -ENOMEM;
	for (int i = 0; i < numbers && !result; i++) {
		result = open_cpu(state, &state->cpus[state->cpu_count], i, ring_bytes);
		if (!result)
			state->cpu_count++;
		else if (result == -ENODEV)
			result = 0;
	}
	if (!result && state->cpu_count == 0)
		result = -ENODEV;
	if (result)
		close_cpus(state);
	return result;
}

/* What a user may lock, other programs may have used up: then with smaller rings. */
static int open_cpus(struct trace_state *state)
{
	long numbers = count_numbers(state);
	size_t ring_bytes = choose_ring_bytes(numbers);
	int result = try_cpus(state, numbers, ring_bytes);

	while (result == -EPERM && ring_bytes > RING_BYTES_MIN) {
		ring_bytes /= 2;
		result = try_cpus(state, numbers, ring_bytes);
	}
	return result;
}

/* --- opening ------------------------------------------------------------------------ */

static void trace_close(void *opened)
{
	struct trace_state *state = opened;

	if (!state)
		return;
	close_cpus(state);
	if (state->online_fd >= 0)
		close(state->online_fd);
	follow_clear(&state->follow);
	text_free(&state->filter);
	free(state->events.items);
	free(state);
}

static int explain(struct error *error, int result)
{
	if (result == -EPERM || result == -EACCES)
		return error_setf(error, -result, "%s (CAP_PERFMON is needed)", strerror(-result));
	return error_setf(error, -result, "%s", strerror(-result));
}

static int trace_open(void **opened, const struct rootfs *root, struct error *error)
{
	struct trace_state *state;
	int result = 0;

	if (!rootfs_is_real(root))
		return error_setf(error, EOPNOTSUPP, "another root than this kernel's");
	state = calloc(1, sizeof *state);
	if (!state)
		return explain(error, -ENOMEM);
	state->online_fd = rootfs_openf(root, O_RDONLY, PACKAGES_ONLINE);
	for (size_t i = 0; i < FOLLOW_WHATS && !result; i++)
		result = trace_format_read(&state->formats[i], root, points[i], error);
	if (!result) {
		result = open_cpus(state);
		if (result)
			explain(error, result);
	}
	if (result)
		trace_close(state);
	else
		*opened = state;
	return result;
}

/* --- following ------------------------------------------------------------------------ */

/* For more disks than go into a filter, we sort out the others ourselves. */
static int make_filter(struct trace_state *state)
{
	text_reset(&state->filter);
	for (size_t i = 0; i < state->follow.count; i++)
		text_addf(&state->filter, "%sdev == %u", i > 0 ? " || " : "",
			  state->follow.disks[i].device);
	if (state->filter.length > FILTER_BYTES_MAX) {
		text_reset(&state->filter);
		text_add(&state->filter, "dev != 0");
	}
	return state->filter.failed ? -ENOMEM : 0;
}

/* Where no filter is taken it does without: what it would keep out costs time only. */
static void enable(const struct trace_state *state)
{
	for (size_t i = 0; i < state->cpu_count; i++)
		for (size_t k = 0; k < FOLLOW_WHATS; k++) {
			int fd = state->cpus[i].fds[k];

			if (state->filter.length > 0)
				ioctl(fd, PERF_EVENT_IOC_SET_FILTER, state->filter.bytes);
			ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
		}
}

static int trace_follow(void *opened, const struct disk_service *services, size_t count)
{
	struct trace_state *state = opened;
	int result = follow_set(&state->follow, services, count, clock_now_ns());

	if (!result)
		result = make_filter(state);
	if (!result)
		enable(state);
	return result;
}

/* --- reading -------------------------------------------------------------------------- */

/* Events of a CPU that was not there when the rings were opened are not seen. */
static void reopen_if_changed(struct trace_state *state)
{
	char online[ONLINE_BYTES];

	if (state->online_fd < 0 || rootfs_pread(state->online_fd, online, sizeof online) < 0 ||
	    strcmp(online, state->online) == 0)
		return;
	close_cpus(state);
	state->complete = false;
	state->events.count = 0;
	if (open_cpus(state))
		state->online[0] = '\0'; /* it may yet be possible: try again */
	else
		enable(state);
}

static void take_event(void *context, uint64_t time_ns, const void *raw, size_t bytes)
{
	struct trace_state *state = context;
	struct follow_event *event;
	uint32_t id = trace_format_id(raw, bytes);
	unsigned what = 0;

	while (what < FOLLOW_WHATS && state->formats[what].id != id)
		what++;
	if (what == FOLLOW_WHATS)
		return;
	event = MEMORY_APPEND(&state->events);
	if (!event || !trace_format_event(&state->formats[what], raw, bytes, event)) {
		state->events.count -= event ? 1 : 0;
		state->complete = false;
		return;
	}
	event->what = (enum follow_what)what;
	event->time_ns = time_ns;
}

/* At the same time, what was issued may complete: not the other way round. */
static int by_time(const void *a, const void *b)
{
	const struct follow_event *first = a, *second = b;

	if (first->time_ns != second->time_ns)
		return first->time_ns < second->time_ns ? -1 : 1;
	return (int)first->what - (int)second->what;
}

/*
 * What happened up to now, in order: a ring that was read first may lack what
 * another CPU wrote since, so that later events wait for the next reading.
 */
static void work_off(struct trace_state *state, uint64_t now_ns)
{
	struct events *events = &state->events;
	size_t done = 0;

	if (events->count > 0)
		qsort(events->items, events->count, sizeof *events->items, by_time);
	while (done < events->count && events->items[done].time_ns <= now_ns)
		follow_feed(&state->follow, &events->items[done++]);
	events->count -= done;
	if (events->count > 0)
		memmove(events->items, events->items + done, events->count * sizeof *events->items);
}

static void trace_read(void *opened, struct disk_service *services, size_t count)
{
	struct trace_state *state = opened;
	uint64_t now_ns;

	state->complete = true;
	reopen_if_changed(state);
	now_ns = clock_now_ns();
	for (size_t i = 0; i < state->cpu_count; i++)
		if (!trace_ring_read(&state->cpus[i].ring, take_event, state))
			state->complete = false;
	work_off(state, now_ns);
	if (!state->complete)
		follow_lose(&state->follow, now_ns);
	follow_read(&state->follow, services, count, now_ns);
	for (size_t i = 0; i < count && state->cpu_count == 0; i++)
		services[i].known = false;
}

const struct service_driver service_time_trace = {
	.name = "tracepoints",
	.open = trace_open,
	.close = trace_close,
	.follow = trace_follow,
	.read = trace_read,
};
