/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf-cgroup.c - totals of a process by its cgroup, where the budget of descriptors allows. */
#include "probe/perf-process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cgroupfs.h"
#include "base/text.h"

/* Part of the descriptors that cgroup totals may hold: a group per CPU is a lot for one figure. */
enum { CGROUP_PART = 4 };

static bool is_within(const struct perf_context *context, pid_t tid, const char *cgroup)
{
	return cgroup_holds(context->files.root, context->cgroup_is_v1 ? "perf_event" : NULL,
			    cgroup, tid);
}

static size_t descriptors(const struct perf_process *process, const struct perf_context *context)
{
	return process->cpus.count * context->set.count;
}

void perf_process_leave_cgroup(struct perf_process *process, struct perf_context *context)
{
	context->cgroup_fds -= descriptors(process, context);
	perf_cpus_clear(&process->cpus);
	free(process->cgroup);
	process->cgroup = NULL;
}

void perf_process_follow_cpus(struct perf_process *process, struct perf_context *context)
{
	int folder, result;

	if (!process->cgroup)
		return;
	context->cgroup_fds -= descriptors(process, context);
	folder = rootfs_openf(context->files.root, O_RDONLY | O_DIRECTORY, "%s%s",
			      context->cgroup_mount, process->cgroup);
	result = folder < 0 ? folder : perf_cpus_follow(&process->cpus, context, folder);
	context->cgroup_fds += descriptors(process, context);
	if (folder >= 0)
		close(folder);
	if (result)
		perf_process_leave_cgroup(process, context);
}

static bool fits(const struct perf_context *context)
{
	size_t more = context->packages.cpu_count * context->set.count;

	return context->cgroup_fds + more <= (size_t)context->files.limit / CGROUP_PART;
}

/* A path is not enough: on a host with both kinds of hierarchy, the folder may be there and
 * the process not in it. */
static void enter_cgroup(struct perf_process *process, struct perf_context *context,
			 const char *cgroup)
{
	if (!context->cgroup_mount[0] || !fits(context) ||
	    !is_within(context, process->pid, cgroup) || text_replace(&process->cgroup, cgroup))
		return;
	perf_process_follow_cpus(process, context);
}

void perf_process_place(struct perf_process *process, struct perf_context *context,
			const char *cgroup)
{
	if (process->cgroup && !text_equal(process->cgroup, cgroup))
		perf_process_leave_cgroup(process, context);
	if (!process->cgroup && cgroup)
		enter_cgroup(process, context, cgroup);
	for (size_t i = 0; i < process->task_count; i++) {
		struct perf_task *task = &process->tasks[i];

		task->is_apart = process->cgroup && task->is_worker &&
				 !is_within(context, task->tid, process->cgroup);
		task->is_wanted = task->is_sampled || task->is_apart || !process->cgroup;
		if (!task->is_wanted)
			perf_group_close(&task->group);
	}
}
