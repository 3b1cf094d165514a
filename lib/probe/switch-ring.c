/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-ring.c - switches from ring buffers, where BPF is not to be had: on each
 * CPU an event that counts its context switches writes a record at each of them, of
 * who leaves and what the group's other events say. A thread works them off
 * before they overflow.
 *
 * What runs at the time of a reading has no record yet: the reader moves through the
 * CPUs, which makes whoever is there leave. Totals are those of the last records, so
 * that they and the tasks agree.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/switch-driver.h"
#include "probe/switch-ring-records.h"

enum { RING_BYTES_MAX = 2 << 20, RING_BYTES_MIN = 64 << 10 };

/* A CPU that was just visited cannot have been silent for so long. */
static const uint64_t SILENCE_NS = 2000000000;

struct ring_state {
	struct switch_scope *scope;
	struct ring_cpu *cpus; /* those on line */
	size_t cpu_count;
	size_t ring_bytes;
	bool with_arrivals; /* records of them are asked for */
	pthread_t thread;
	int stop;             /* wakes the thread for its end; -1 = there is none */
	pthread_mutex_t lock; /* of all below, and of what is in the rings */
	struct ring_log log;
};

static void drain(struct ring_state *state)
{
	for (size_t i = 0; i < state->cpu_count; i++)
		ring_cpu_drain(&state->cpus[i]);
}

/* --- the thread ---------------------------------------------------------------------------- */

static void *work(void *argument)
{
	struct ring_state *state = argument;
	struct pollfd *fds = calloc(state->cpu_count + 1, sizeof *fds);

	for (size_t i = 0; fds && i < state->cpu_count; i++)
		fds[i] = (struct pollfd){ .fd = state->cpus[i].fds[0], .events = POLLIN };
	if (fds)
		fds[state->cpu_count] = (struct pollfd){ .fd = state->stop, .events = POLLIN };
	while (fds && poll(fds, state->cpu_count + 1, -1) >= 0 && !fds[state->cpu_count].revents) {
		pthread_mutex_lock(&state->lock);
		drain(state);
		pthread_mutex_unlock(&state->lock);
		/* A CPU that left wakes us no more. */
		for (size_t i = 0; i < state->cpu_count; i++)
			if (fds[i].revents & (POLLHUP | POLLERR))
				fds[i].fd = -1;
	}
	free(fds);
	return NULL;
}

/* Signals are for the others. */
static int start_thread(struct ring_state *state)
{
	sigset_t all, before;
	int result;

	state->stop = eventfd(0, EFD_CLOEXEC);
	if (state->stop < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = -pthread_create(&state->thread, NULL, work, state);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result) {
		close(state->stop);
		state->stop = -1;
	}
	return result;
}

static void stop_thread(struct ring_state *state)
{
	if (state->stop < 0)
		return;
	eventfd_write(state->stop, 1);
	pthread_join(state->thread, NULL);
	close(state->stop);
	state->stop = -1;
}

/* --- opening ------------------------------------------------------------------------------- */

static void close_cpu(struct ring_cpu *cpu)
{
	if (cpu->ring.page)
		munmap(cpu->ring.page, (size_t)sysconf(_SC_PAGESIZE) + cpu->ring.bytes);
	while (cpu->fd_count > 0)
		close(cpu->fds[--cpu->fd_count]);
	*cpu = (struct ring_cpu){ 0 };
}

/* Members must be timed by the same clock as their leader. */
static int open_event(struct ring_cpu *cpu, struct perf_event_attr *attributes)
{
	int leader = cpu->fd_count ? cpu->fds[0] : -1;
	long fd;

	attributes->size = sizeof *attributes;
	attributes->read_format = PERF_FORMAT_GROUP;
	attributes->use_clockid = 1;
	attributes->clockid = CLOCK_MONOTONIC;
	fd = syscall(SYS_perf_event_open, attributes, -1, cpu->cpu, leader, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	cpu->fds[cpu->fd_count++] = (int)fd;
	return 0;
}

static int open_events(const struct ring_state *state, struct ring_cpu *cpu)
{
	const struct perf_set *set = &state->scope->set;
	struct perf_event_attr switches = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CONTEXT_SWITCHES,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_READ,
		.disabled = 1,
		.pinned = 1,
		.task = 1,
		.comm = 1,
		.context_switch = state->with_arrivals,
		.sample_id_all = state->with_arrivals,
		.watermark = 1,
		.wakeup_watermark = (uint32_t)state->ring_bytes / 2,
	};
	int result = open_event(cpu, &switches);

	for (unsigned i = 0; i < set->count && !result; i++) {
		const struct perf_code *code = &set->codes[i];
		struct perf_event_attr event = {
			.type = code->type,
			.config = code->config,
			.config1 = code->config1,
			.config2 = code->config2,
			.exclude_user = code->exclude_user,
			.exclude_kernel = code->exclude_kernel,
		};

		result = open_event(cpu, &event);
	}
	return result;
}

/* -ENOSPC: the kernel put the group aside, as it does not fit on the counters. */
static int start_events(const struct ring_cpu *cpu)
{
	uint64_t values[1 + RING_FDS];

	if (ioctl(cpu->fds[0], PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return read(cpu->fds[0], values, sizeof values) == 0 ? -ENOSPC : 0;
}

static int open_cpu(struct ring_state *state, struct ring_cpu *cpu, unsigned number)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *mapped;
	int result;

	*cpu = (struct ring_cpu){ .log = &state->log, .cpu = number };
	result = ring_log_reserve(&state->log, number);
	if (!result)
		result = open_events(state, cpu);
	if (result)
		return result;
	mapped = mmap(NULL, page_bytes + state->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      cpu->fds[0], 0);
	if (mapped == MAP_FAILED)
		return -errno;
	cpu->ring.page = mapped;
	cpu->ring.data = (const uint8_t *)mapped + page_bytes;
	cpu->ring.bytes = state->ring_bytes;
	return start_events(cpu);
}

static void close_cpus(struct ring_state *state)
{
	for (size_t i = 0; i < state->cpu_count; i++)
		close_cpu(&state->cpus[i]);
	free(state->cpus);
	state->cpus = NULL;
	state->cpu_count = 0;
}

static int try_cpus(struct ring_state *state)
{
	const struct packages *packages = &state->scope->context.packages;
	int result = 0;

	state->cpus = calloc(packages->cpu_count, sizeof *state->cpus);
	if (!state->cpus)
		return -ENOMEM;
	for (size_t i = 0; i < packages->cpu_count && !result; i++) {
		struct ring_cpu *cpu = &state->cpus[state->cpu_count++];

		result = open_cpu(state, cpu, packages->cpus[i].cpu);
		if (result == -ENODEV) { /* it left while we came */
			close_cpu(cpu);
			state->cpu_count--;
			result = 0;
		}
	}
	if (result)
		close_cpus(state);
	return result;
}

/* Memory that may be locked is limited: then with smaller rings. */
static int open_cpus(struct ring_state *state)
{
	int result;

	for (state->ring_bytes = RING_BYTES_MAX;; state->ring_bytes /= 2) {
		result = try_cpus(state);
		if (result != -EPERM || state->ring_bytes == RING_BYTES_MIN)
			break;
	}
	return result ? result : start_thread(state);
}

static int explain(int result, struct error *error)
{
	switch (result) {
	case -EACCES:
	case -EPERM:
		return error_setf(error, -result, "%s (CAP_PERFMON is needed)", strerror(-result));
	case -ENOSPC:
		return error_setf(error, ENOSPC, "more events than there are free counters");
	default:
		return error_setf(error, -result, "%s", strerror(-result));
	}
}

static void ring_close(void *opened)
{
	struct ring_state *state = opened;

	if (!state)
		return;
	stop_thread(state);
	close_cpus(state);
	ring_log_clear(&state->log);
	pthread_mutex_destroy(&state->lock);
	free(state);
}

static int ring_open(void **opened, struct switch_scope *scope, struct error *error)
{
	struct ring_state *state = calloc(1, sizeof *state);
	int result;

	if (!state)
		return explain(-ENOMEM, error);
	state->scope = scope;
	state->stop = -1;
	state->log.tasks.root = scope->context.files.root;
	pthread_mutex_init(&state->lock, NULL);
	result = open_cpus(state);
	if (result) {
		ring_close(state);
		return explain(result, error);
	}
	*opened = state;
	return 0;
}

/* --- reading ------------------------------------------------------------------------------- */

/* All CPUs are opened anew: what they wrote is not lost, but what they do meanwhile is. */
static int ring_follow(void *opened, struct error *error)
{
	struct ring_state *state = opened;
	int result;

	stop_thread(state);
	drain(state);
	state->log.has_gap = true;
	close_cpus(state);
	result = open_cpus(state);
	return result ? explain(result, error) : 0;
}

/* Onto each of our CPUs in turn, and back to where we may be. */
static void visit_cpus(struct ring_state *state)
{
	size_t most = 1, bytes;
	cpu_set_t *before, *one;

	for (size_t i = 0; i < state->cpu_count; i++)
		if (state->cpus[i].cpu >= most)
			most = state->cpus[i].cpu + 1;
	most = most < CPU_SETSIZE ? CPU_SETSIZE : most;
	bytes = CPU_ALLOC_SIZE(most);
	before = CPU_ALLOC(most);
	one = CPU_ALLOC(most);
	if (before && one && sched_getaffinity(0, bytes, before) == 0) {
		for (size_t i = 0; i < state->cpu_count; i++) {
			CPU_ZERO_S(bytes, one);
			CPU_SET_S(state->cpus[i].cpu, bytes, one);
			state->cpus[i].is_visited = sched_setaffinity(0, bytes, one) == 0;
		}
		sched_setaffinity(0, bytes, before);
	}
	CPU_FREE(before);
	CPU_FREE(one);
}

/* One that left and came back between two looks has events that stand still. */
static bool has_dead_cpu(const struct ring_state *state, uint64_t now_ns)
{
	for (size_t i = 0; i < state->cpu_count; i++) {
		const struct ring_cpu *cpu = &state->cpus[i];

		if (cpu->is_visited && cpu->has_last &&
		    now_ns > cpu->last[cpu->fd_count - 1] + SILENCE_NS)
			return true;
	}
	return false;
}

static int ring_read(void *opened, struct switch_books *books, uint64_t *at_ns, struct error *error)
{
	struct ring_state *state = opened;
	bool is_deaf, is_dead;

	visit_cpus(state);
	*at_ns = clock_now_ns();
	pthread_mutex_lock(&state->lock);
	drain(state);
	ring_log_book(&state->log, books);
	is_deaf = state->log.is_deaf && !state->with_arrivals;
	state->log.is_deaf = false;
	is_dead = has_dead_cpu(state, *at_ns);
	pthread_mutex_unlock(&state->lock);
	state->with_arrivals |= is_deaf;
	if (is_deaf || is_dead)
		return ring_follow(state, error);
	return state->cpu_count ? 0 : error_setf(error, ENODEV, "switches: no CPU can be followed");
}

static void ring_tell(void *opened, uint64_t *switches, uint64_t *unread)
{
	struct ring_state *state = opened;

	pthread_mutex_lock(&state->lock);
	*switches = state->log.switches;
	pthread_mutex_unlock(&state->lock);
	*unread = 0;
}

const struct switch_driver switch_by_ring = {
	.name = "perf rings",
	.open = ring_open,
	.close = ring_close,
	.follow = ring_follow,
	.read = ring_read,
	.tell = ring_tell,
};
