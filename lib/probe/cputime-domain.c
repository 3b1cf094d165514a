/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/cputime-domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/cputime-total.h"
#include "base/clock.h"

/* On-CPU time stands in for events: every figure made from it is an estimate. */
static void set_reading(struct cpu_reading *reading, uint64_t ns)
{
	*reading = (struct cpu_reading){
		.at_ns = clock_now_ns(),
		.quality = QUALITY_ESTIMATE,
		.count = { ns },
	};
}

static void set_missing(struct cpu_reading *reading)
{
	*reading = (struct cpu_reading){ .quality = QUALITY_ESTIMATE | QUALITY_MISSING };
}

static void open_usage(struct clock_context *context, struct domain_clock *clock)
{
	const struct cgroup_mounts *mounts = &context->mounts;

	if (mounts->cpuacct[0] && !kept_open(&context->files, &clock->usage, "%s%s/cpuacct.usage",
					     mounts->cpuacct, clock->cgroup))
		return;
	if (mounts->v2[0] &&
	    !kept_open(&context->files, &clock->usage, "%s%s/cpu.stat", mounts->v2, clock->cgroup))
		clock->usage_is_v2 = true;
}

int domain_clock_open(struct clock_context *context, struct domain_clock *clock, pid_t pid,
		      uint64_t start_ticks, const char *cgroup)
{
	*clock = (struct domain_clock){ .pid = pid, .start_ticks = start_ticks };
	if (cgroup) {
		clock->cgroup = strdup(cgroup);
		if (!clock->cgroup)
			return -ENOMEM;
		open_usage(context, clock);
	}
	/* A recorded folder has processes, but this machine does not run them. */
	if (pid > 0 && rootfs_is_real(context->files.root) &&
	    !kept_open(&context->files, &clock->leader, "/proc/%d/schedstat", (int)pid))
		clock->has_clock = clock_getcpuclockid(pid, &clock->clock) == 0;
	return 0;
}

void domain_clock_close(struct domain_clock *clock)
{
	kept_close(&clock->usage);
	kept_close(&clock->leader);
	free(clock->cgroup);
	*clock = (struct domain_clock){ 0 };
}

static int read_usage(struct clock_context *context, const struct domain_clock *clock, uint64_t *ns)
{
	return clock->usage_is_v2
		       ? cputime_read_cpu_stat(&context->files, &clock->usage, &context->buffer, ns)
		       : kept_read_u64(&context->files, &clock->usage, ns);
}

/* All threads of the process, ended ones too. Unlike schedstat it is exact to the moment. */
static int read_process(struct clock_context *context, const struct domain_clock *clock,
			bool is_alive, uint64_t *ns)
{
	struct timespec time;
	uint64_t leader_ns;

	/* The clock goes by number alone, which another process may have by now. */
	if (!clock->has_clock ||
	    (!is_alive && kept_read_u64(&context->files, &clock->leader, &leader_ns)) ||
	    clock_gettime(clock->clock, &time))
		return -ESRCH;
	*ns = clock_timespec_ns(&time);
	return 0;
}

/* A thread of the process that was read a moment ago: then its number is still
 * its own. */
static bool has_live_thread(const struct thread_clock *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (threads[i].was_read && !threads[i].is_outside)
			return true;
	return false;
}

void domain_clock_read(struct clock_context *context, struct domain_clock *clock,
		       const struct thread_clock *threads, size_t thread_count,
		       struct cpu_reading *total, enum total_source *source)
{
	bool by_cgroup = false;
	uint64_t ns = 0;

	if (clock->usage.path) {
		by_cgroup = read_usage(context, clock, &ns) == 0;
		if (!by_cgroup)
			kept_close(&clock->usage);
	}
	if (!by_cgroup &&
	    read_process(context, clock, has_live_thread(threads, thread_count), &ns)) {
		*source = TOTAL_NONE;
		set_missing(total);
		return;
	}
	ns += by_cgroup ? clock->ended_apart_ns : clock->ended_outside_ns;
	for (size_t i = 0; i < thread_count; i++)
		if (by_cgroup ? threads[i].is_apart : threads[i].is_outside)
			ns += threads[i].last_ns;
	*source = by_cgroup ? TOTAL_CGROUP : TOTAL_PROCESS;
	set_reading(total, ns);
}

static bool is_within_cgroup(struct clock_context *context, pid_t tid,
			     const struct domain_clock *clock)
{
	return clock->usage.path &&
	       cgroup_holds(context->files.root, clock->usage_is_v2 ? NULL : "cpuacct",
			    clock->cgroup, tid);
}

static bool is_worker(const struct thread *thread)
{
	return thread->role == THREAD_VHOST || thread->role == THREAD_KVM;
}

bool thread_clock_is_wanted(const struct thread *thread)
{
	return thread->sampled || is_worker(thread);
}

void thread_clock_open(struct clock_context *context, struct thread_clock *clock,
		       const struct domain_clock *domain, const struct thread *thread)
{
	*clock = (struct thread_clock){
		.pid = domain->pid,
		.tid = thread->tid,
		.start_ticks = thread->start_ticks,
		.domain_start_ticks = domain->start_ticks,
		.is_wanted = thread_clock_is_wanted(thread),
	};
	if (!clock->is_wanted)
		return;
	if (kept_open(&context->files, &clock->file, "/proc/%d/task/%d/schedstat", (int)domain->pid,
		      (int)thread->tid) == 0 ||
	    !is_worker(thread))
		return;
	clock->is_outside = kept_open(&context->files, &clock->file, "/proc/%d/schedstat",
				      (int)thread->tid) == 0;
}

void thread_clock_place(struct clock_context *context, struct thread_clock *clock,
			const struct domain_clock *domain)
{
	clock->is_apart = clock->is_outside && !is_within_cgroup(context, clock->tid, domain);
}

void thread_clock_retire(struct thread_clock *clock, struct domain_clock *domain)
{
	if (domain && clock->is_outside)
		domain->ended_outside_ns += clock->last_ns;
	if (domain && clock->is_apart)
		domain->ended_apart_ns += clock->last_ns;
	kept_close(&clock->file);
}

/*
 * The kernel brings schedstat up to date when a thread leaves the CPU and at
 * each timer tick: a running thread's is up to one tick behind (measured at
 * HZ=250: 1.1 ms on average, 3.9 ms at most). The error does not add up, as
 * the next reading has it; but over an interval of 10 ms a busy thread may
 * read 40 % off. cgroup totals lag in the same way.
 */
void thread_clock_read(struct clock_context *context, struct thread_clock *clock,
		       struct cpu_reading *reading)
{
	uint64_t ns;

	clock->was_read = kept_read_u64(&context->files, &clock->file, &ns) == 0;
	if (!clock->was_read) {
		set_missing(reading);
		return;
	}
	clock->last_ns = ns;
	set_reading(reading, ns);
}
