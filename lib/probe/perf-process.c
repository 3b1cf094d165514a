/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/proc.h"

static const enum perf_rank rank_of[] = {
	[THREAD_VCPU] = PERF_RANK_VCPU,   [THREAD_EMULATOR] = PERF_RANK_REST,
	[THREAD_IOTHREAD] = PERF_RANK_IO, [THREAD_WORKER] = PERF_RANK_REST,
	[THREAD_VHOST] = PERF_RANK_IO,    [THREAD_KVM] = PERF_RANK_REST,
};

static void add_counts(uint64_t sum[SAMPLE_EVENTS_MAX], const uint64_t count[SAMPLE_EVENTS_MAX])
{
	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		sum[i] += count[i];
}

/* --- following ----------------------------------------------------------------------------- */

/* Threads keep their order by and large: look at `hint` first, then around. */
static struct perf_task *find_task(struct perf_process *old, size_t hint,
				   const struct thread *thread)
{
	for (size_t i = 0; old && i < old->task_count; i++) {
		struct perf_task *task = &old->tasks[(hint + i) % old->task_count];

		if (task->tid == thread->tid && task->start_ticks == thread->start_ticks)
			return task;
	}
	return NULL;
}

static void retire(struct perf_process *process, struct perf_task *task)
{
	perf_group_read(&task->group);
	add_counts(process->ended, task->group.count);
	if (task->is_apart)
		add_counts(process->ended_apart, task->group.count);
	perf_group_close(&task->group);
}

/* The process's own part: what it counted before, and its cgroup. */
static void inherit(struct perf_process *new, struct perf_process *old)
{
	for (size_t i = 0; i < old->task_count; i++)
		if (old->tasks[i].tid)
			retire(old, &old->tasks[i]);
	memcpy(new->ended, old->ended, sizeof new->ended);
	memcpy(new->ended_apart, old->ended_apart, sizeof new->ended_apart);
	new->was_counted = old->was_counted;
	new->cgroup = old->cgroup;
	new->cpus = old->cpus;
	free(old->tasks);
	*old = (struct perf_process){ 0 };
}

int perf_process_follow(struct perf_process *new, struct perf_process *old,
			const struct thread *threads, size_t count)
{
	new->tasks = calloc(count + 1, sizeof *new->tasks);
	if (!new->tasks)
		return -ENOMEM;
	new->task_count = count;
	for (size_t i = 0; i < count; i++) {
		struct perf_task *task = &new->tasks[i];
		struct perf_task *known = find_task(old, i, &threads[i]);

		if (known) {
			*task = *known;
			*known = (struct perf_task){ 0 };
		}
		task->tid = threads[i].tid;
		task->start_ticks = threads[i].start_ticks;
		task->rank = rank_of[threads[i].role];
		task->is_sampled = threads[i].sampled;
		task->is_wanted |= task->is_sampled;
		task->is_worker = threads[i].role == THREAD_VHOST || threads[i].role == THREAD_KVM;
	}
	if (old)
		inherit(new, old);
	return 0;
}

void perf_process_clear(struct perf_process *process)
{
	for (size_t i = 0; i < process->task_count; i++)
		perf_group_close(&process->tasks[i].group);
	perf_cpus_clear(&process->cpus);
	free(process->tasks);
	free(process->cgroup);
	*process = (struct perf_process){ 0 };
}

/* After it was opened: who has the number now, had it then. */
static bool is_the_same(const struct perf_task *task, const struct rootfs *root)
{
	struct proc_stat stat;

	return task->start_ticks == 0 || (proc_read_stat(root, task->tid, 0, &stat) == 0 &&
					  stat.start_ticks == task->start_ticks);
}

int perf_task_open(struct perf_task *task, const struct perf_context *context)
{
	const struct perf_place place = {
		.pid = task->tid,
		.cpu = -1,
		.fd_limit = context->files.limit,
	};

	task->problem = task->tid > 0 ? 0 : ESRCH;
	if (!task->problem)
		task->problem =
			-perf_group_open(&task->group, &context->set, context->set.count, &place);
	if (!task->problem && !is_the_same(task, context->files.root)) {
		perf_group_close(&task->group);
		task->problem = ESRCH;
	}
	return -task->problem;
}

/* --- reading ------------------------------------------------------------------------------- */

static void put(struct cpu_reading *reading, const struct perf_set *set, const uint64_t *count,
		unsigned quality)
{
	if (quality & QUALITY_MISSING) {
		*reading = (struct cpu_reading){ .quality = QUALITY_MISSING | set->quality };
		return;
	}
	reading->at_ns = clock_now_ns();
	reading->quality = quality | set->quality;
	memcpy(reading->count, count, sizeof reading->count);
}

/* What the reading of one thread makes of the sum that it belongs to. */
static unsigned part_quality(const struct perf_task *task, unsigned quality)
{
	if (task->problem == ESRCH)
		return 0;
	return quality & QUALITY_MISSING && !task->is_sampled ? QUALITY_ESTIMATE : quality;
}

void perf_process_read(struct perf_process *process, const struct perf_set *set,
		       struct cpu_reading *threads, struct cpu_reading *total,
		       enum total_source *source)
{
	bool by_cgroup = process->cgroup != NULL;
	uint64_t sum[SAMPLE_EVENTS_MAX] = { 0 };
	unsigned quality = 0;

	add_counts(sum, by_cgroup ? process->ended_apart : process->ended);
	for (size_t i = 0; i < process->task_count; i++) {
		struct perf_task *task = &process->tasks[i];
		unsigned of_task;

		if (!task->is_wanted)
			continue;
		of_task = task->quality = perf_group_read(&task->group);
		process->was_counted |= !(of_task & QUALITY_MISSING);
		if (threads && task->is_sampled)
			put(&threads[i], set, task->group.count, of_task);
		if (by_cgroup && !task->is_apart)
			continue;
		add_counts(sum, task->group.count);
		quality |= part_quality(task, of_task);
	}
	if (by_cgroup)
		quality |= perf_cpus_read(&process->cpus, 0, sum);
	else if (!process->was_counted)
		quality |= QUALITY_MISSING;
	*source = by_cgroup ? TOTAL_CGROUP : process->was_counted ? TOTAL_PROCESS : TOTAL_NONE;
	put(total, set, sum, quality);
}

/* A process's own threads have an id each, for as long as they are followed. */
static const struct perf_task *find_id(const struct perf_process *process, pid_t tid)
{
	for (size_t i = 0; i < process->task_count; i++)
		if (process->tasks[i].tid == tid && process->tasks[i].is_wanted)
			return &process->tasks[i];
	return NULL;
}

void perf_process_put_threads(const struct perf_process *process, const struct perf_set *set,
			      const struct thread *threads, size_t count,
			      struct cpu_reading *readings)
{
	for (size_t i = 0; i < count; i++) {
		const struct perf_task *task = find_id(process, threads[i].tid);

		if (task && threads[i].sampled)
			put(&readings[i], set, task->group.count, task->quality);
	}
}
