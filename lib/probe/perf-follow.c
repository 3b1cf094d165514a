/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "probe/service-cgroups.h"

struct perf_process *perf_followed_own(const struct perf_followed *followed)
{
	return followed->count > 0 ? &followed->items[followed->count - 1] : NULL;
}

void perf_followed_clear(struct perf_followed *followed)
{
	for (size_t i = 0; i < followed->count; i++)
		perf_process_clear(&followed->items[i]);
	free(followed->items);
	*followed = (struct perf_followed){ 0 };
}

/* --- opening ------------------------------------------------------------------------------- */

/* For a vCPU: a total that can be had from its threads, too. */
static bool evict_cgroup(struct perf_followed *followed, struct perf_context *context)
{
	for (size_t i = followed->count; i > 0; i--) {
		if (!followed->items[i - 1].cgroup)
			continue;
		perf_process_place(&followed->items[i - 1], context, NULL);
		return true;
	}
	return false;
}

/* Take a counter from a thread of a lesser rank. What it had counted stays in its total. */
static bool evict_task(struct perf_followed *followed, enum perf_rank rank)
{
	for (size_t i = followed->count; i > 0; i--) {
		struct perf_process *process = &followed->items[i - 1];

		for (size_t k = process->task_count; k > 0; k--) {
			struct perf_task *task = &process->tasks[k - 1];

			if (task->rank <= rank || !task->group.is_open)
				continue;
			perf_group_read(&task->group);
			perf_group_close(&task->group);
			task->problem = EMFILE;
			return true;
		}
	}
	return false;
}

static bool evict(struct perf_followed *followed, struct perf_context *context, enum perf_rank rank)
{
	return (rank == PERF_RANK_VCPU && evict_cgroup(followed, context)) ||
	       evict_task(followed, rank);
}

/* -EMFILE: there is nothing left for this rank, nor for those after it. */
static int open_task(struct perf_followed *followed, struct perf_context *context,
		     struct perf_task *task)
{
	int result;

	do
		result = perf_task_open(task, context);
	while (result == -EMFILE && evict(followed, context, task->rank));
	return result;
}

static void open_tasks(struct perf_followed *followed, struct perf_context *context,
		       enum perf_rank rank, bool *full)
{
	for (size_t i = 0; i < followed->count; i++) {
		struct perf_process *process = &followed->items[i];

		for (size_t k = 0; k < process->task_count; k++) {
			struct perf_task *task = &process->tasks[k];

			if (task->rank != rank || !task->is_wanted || task->group.is_open ||
			    task->problem == ESRCH)
				continue;
			if (*full)
				task->problem = EMFILE;
			else
				*full = open_task(followed, context, task) == -EMFILE;
		}
	}
}

static void count_problems(struct perf_followed *followed)
{
	followed->without_descriptor = followed->refused = 0;
	for (size_t i = 0; i < followed->count; i++) {
		const struct perf_process *process = &followed->items[i];

		for (size_t k = 0; k < process->task_count; k++) {
			const struct perf_task *task = &process->tasks[k];

			if (!task->is_wanted || task->group.is_open || task->problem == ESRCH)
				continue;
			followed->without_descriptor += task->problem == EMFILE;
			followed->refused += task->problem != EMFILE;
			if (task->problem != EMFILE)
				followed->refusal = task->problem;
		}
	}
}

static void open_all(struct perf_followed *followed, struct perf_context *context)
{
	bool full = false;

	for (enum perf_rank rank = 0; rank < PERF_RANKS; rank++)
		open_tasks(followed, context, rank, &full);
	count_problems(followed);
}

/* --- whole processes ----------------------------------------------------------------------- */

/* Of its task folder: two, and one for each thread; 0 = gone. */
static uint64_t count_links(const struct perf_context *context, pid_t pid)
{
	struct stat status;
	uint64_t links;
	int fd = rootfs_openf(context->files.root, O_PATH | O_DIRECTORY, "/proc/%d/task", (int)pid);

	if (fd < 0)
		return 0;
	links = fstat(fd, &status) ? 0 : status.st_nlink;
	close(fd);
	return links;
}

/* All threads that new->pid has, by our own looking; of one that is gone, none. */
static int follow_whole(struct perf_process *new, struct perf_process *old,
			struct perf_context *context)
{
	struct proc_ids ids = { 0 };
	struct thread *threads = NULL;
	int result;

	new->links = count_links(context, new->pid);
	result = proc_read_ids(context->files.root, new->pid, "task", &ids);

	if (result != -ENOMEM) {
		threads = calloc(ids.count + 1, sizeof *threads);
		result = threads ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < ids.count && !result; i++)
		threads[i] = (struct thread){ .tid = ids.items[i].id,
					      .role = THREAD_IOTHREAD,
					      .sampled = true };
	if (!result)
		result = perf_process_follow(new, old, threads, ids.count);
	free(threads);
	proc_ids_clear(&ids);
	return result;
}

static int follow_own(struct perf_process *new, struct perf_process *old,
		      struct perf_context *context)
{
	int result;

	new->pid = getpid();
	result = follow_whole(new, old, context);
	if (!result)
		perf_process_place(new, context, NULL);
	return result;
}

int perf_followed_update_own(struct perf_followed *followed, struct perf_context *context)
{
	struct perf_process *own = perf_followed_own(followed), new = { 0 };
	int result = follow_own(&new, own, context);

	if (result)
		return result;
	*own = new;
	open_all(followed, context);
	return 0;
}

int perf_followed_update_services(struct perf_followed *followed, struct perf_context *context)
{
	bool changed = false;

	for (size_t i = 0; i < followed->service_count; i++) {
		struct perf_process *service = &followed->items[followed->domain_count + i];
		struct perf_process new = { .pid = service->pid,
					    .start_ticks = service->start_ticks };
		uint64_t links = count_links(context, service->pid);
		int result;

		/* What was counted of one that is gone is still to be read. */
		if (links == 0 || links == service->links)
			continue;
		result = follow_whole(&new, service, context);
		if (result) {
			perf_process_clear(&new);
			return result;
		}
		perf_process_place(&new, context, NULL);
		*service = new;
		changed = true;
	}
	if (changed)
		open_all(followed, context);
	return changed;
}

/* --- a topology ---------------------------------------------------------------------------- */

/* Topologies keep their order by and large: look at `hint` first, then around. */
static struct perf_process *find_process(struct perf_process *items, size_t count, size_t hint,
					 const struct perf_process *wanted)
{
	for (size_t i = 0; items && i < count; i++) {
		struct perf_process *process = &items[(hint + i) % count];

		if (process->pid > 0 && process->pid == wanted->pid &&
		    process->start_ticks == wanted->start_ticks)
			return process;
	}
	return NULL;
}

static int follow_domains(struct perf_followed *new, struct perf_followed *old,
			  const struct topology *topology)
{
	int result = 0;

	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		const struct domain *domain = &topology->domains[i];
		struct perf_process *process = &new->items[new->count++];

		process->pid = domain->pid;
		process->start_ticks = domain->start_ticks;
		result = perf_process_follow(
			process, find_process(old->items, old->domain_count, i, process),
			domain->threads, domain->thread_count);
	}
	return result;
}

/* vCPUs have their counters before cgroups may take descriptors, the others after. */
static int open_domains(struct perf_followed *followed, struct perf_context *context,
			const struct topology *topology)
{
	struct service_cgroups services;
	int result = service_cgroups_find(&services, context->files.root, topology);
	bool full = false;

	if (result)
		return result;
	open_tasks(followed, context, PERF_RANK_VCPU, &full);
	for (size_t i = 0; i < followed->domain_count; i++)
		perf_process_place(&followed->items[i], context,
				   service_cgroups_free_of(&services, &topology->domains[i]));
	service_cgroups_clear(&services);
	open_all(followed, context);
	return 0;
}

static int follow_services(struct perf_followed *new, struct perf_followed *old,
			   struct perf_context *context, const struct topology *topology)
{
	struct perf_process *items = old->items ? old->items + old->domain_count : NULL;
	int result = 0;

	for (size_t i = 0; i < topology->service_count && !result; i++) {
		const struct service *service = &topology->services[i];
		struct perf_process *process = &new->items[new->count++], *known;

		process->pid = service->pid;
		process->start_ticks = service->start_ticks;
		known = find_process(items, old->service_count, i, process);
		/* Workers of its pools come and go without a new topology. */
		result = follow_whole(process, known, context);
		if (!result)
			perf_process_place(process, context, NULL);
	}
	return result;
}

int perf_followed_update(struct perf_followed *followed, struct perf_context *context,
			 const struct topology *topology)
{
	struct perf_followed new = {
		.domain_count = topology->domain_count,
		.service_count = topology->service_count,
		.generation = topology->generation,
	};
	int result;

	new.items = calloc(new.domain_count + new.service_count + 1, sizeof *new.items);
	if (!new.items)
		return -ENOMEM;
	result = follow_domains(&new, followed, topology);
	if (!result)
		result = follow_services(&new, followed, context, topology);
	if (!result)
		result = follow_own(&new.items[new.count++], perf_followed_own(followed), context);
	for (size_t i = 0; i < followed->count; i++)
		perf_process_leave_cgroup(&followed->items[i], context);
	perf_followed_clear(followed);
	if (result) {
		perf_followed_clear(&new);
		context->cgroup_fds = 0;
		return result;
	}
	*followed = new;
	return open_domains(followed, context, topology);
}

void perf_followed_update_cpus(struct perf_followed *followed, struct perf_context *context,
			       bool anew)
{
	for (size_t i = 0; i < followed->count; i++) {
		if (anew)
			perf_cpus_stop(&followed->items[i].cpus);
		perf_process_follow_cpus(&followed->items[i], context);
	}
}
