/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-threads.c - which thread of a storage daemon is which of its I/O
 * threads.
 *
 * Newer QEMUs name them "IO <id>". Up to 7.2 and beyond all have the daemon's
 * name and there is no query-iothreads, but they are made in the order of the
 * command line. Seen with qemu-storage-daemon 7.2.22 in /proc/PID/task:
 *
 *     1st  the main loop; its id is the process's
 *     2nd  RCU, made by a constructor before main() (util/rcu.c), asleep in a
 *          futex
 *     then one for each --object iothread, asleep in ppoll; among them, where the
 *          first --monitor on a socket stands, the monitors' own (mon_iothread,
 *          asleep in poll) - so that they are the 4th, 5th ... only where the
 *          monitor comes first
 *     and workers of the thread pool (aio=threads) that come and go, asleep in a
 *          futex
 *
 * Those in a futex left out, what remains must be as many as were asked for;
 * else nothing is said, and the next look tries again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/proc.h"
#include "host/service.h"

struct task_list {
	struct service_task *items;
	size_t count, capacity;
};

/* --- matching --------------------------------------------------------------- */

/* A thread's name holds 15 bytes. */
static bool has_name(const struct service_task *task, const char *id)
{
	enum { COMM_LENGTH = 15 };
	char name[32];

	snprintf(name, sizeof name, "IO %.20s", id);
	return strncmp(task->name, name, COMM_LENGTH) == 0;
}

static bool match_names(const struct service_process *process, const struct service_task *tasks,
			size_t count, pid_t *tids)
{
	for (size_t i = 0; i < process->iothreads.count; i++) {
		unsigned found = 0;

		for (size_t k = 0; k < count; k++)
			if (has_name(&tasks[k], process->iothreads.items[i])) {
				tids[i] = tasks[k].tid;
				found++;
			}
		if (found != 1)
			return false;
	}
	return true;
}

/* Age first: ids begin anew at some time. */
static int compare_tasks(const void *first, const void *second)
{
	const struct service_task *a = first, *b = second;

	if (a->start_ticks != b->start_ticks)
		return a->start_ticks > b->start_ticks ? 1 : -1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

static bool match_order(const struct service_process *process, struct service_task *tasks,
			size_t count, pid_t *tids)
{
	enum { MAIN_AND_RCU = 2 };
	bool monitored = process->monitor_after >= 0;
	size_t wanted = process->iothreads.count + monitored, found = 0;

	qsort(tasks, count, sizeof *tasks, compare_tasks);
	for (size_t i = MAIN_AND_RCU; i < count; i++) {
		if (tasks[i].waits_on_lock)
			continue;
		if (found == wanted)
			return false;
		if (!monitored || found < (size_t)process->monitor_after)
			tids[found] = tasks[i].tid;
		else if (found > (size_t)process->monitor_after)
			tids[found - 1] = tasks[i].tid;
		found++;
	}
	return found == wanted;
}

bool service_match_iothreads(const struct service_process *process, struct service_task *tasks,
			     size_t count, pid_t *tids)
{
	if (process->iothreads.count == 0 || match_names(process, tasks, count, tids) ||
	    match_order(process, tasks, count, tids))
		return true;
	memset(tids, 0, process->iothreads.count * sizeof *tids);
	return false;
}

bool service_threads_known(const struct service_process *process)
{
	for (size_t i = 0; i < process->iothreads.count; i++)
		if (!process->tids || !process->tids[i])
			return false;
	return true;
}

/* --- reading ---------------------------------------------------------------- */

static bool is_in_futex(const struct rootfs *root, pid_t pid, pid_t tid)
{
	char text[128];

	return rootfs_readf(root, text, sizeof text, "/proc/%d/task/%d/wchan", pid, tid) > 0 &&
	       strstr(text, "futex");
}

/* One that ended meanwhile is left out. 0, -ESRCH or -ENOMEM. */
static int read_tasks(const struct rootfs *root, pid_t pid, struct task_list *tasks)
{
	struct proc_ids ids = { 0 };
	int result = proc_read_ids(root, pid, "task", &ids);

	for (size_t i = 0; i < ids.count && !result; i++) {
		pid_t tid = ids.items[i].id;
		struct service_task *task;
		struct proc_stat stat;

		if (proc_read_stat(root, pid, tid, &stat))
			continue;
		task = MEMORY_APPEND(tasks);
		if (!task) {
			result = -ENOMEM;
			break;
		}
		task->tid = tid;
		task->start_ticks = stat.start_ticks;
		task->waits_on_lock = is_in_futex(root, pid, tid);
		snprintf(task->name, sizeof task->name, "%.31s", stat.comm);
	}
	proc_ids_clear(&ids);
	if (!result && tasks->count == 0)
		result = -ESRCH;
	return result;
}

static const struct service_task *find_task(const struct task_list *tasks, pid_t tid)
{
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->items[i].tid == tid)
			return &tasks->items[i];
	return NULL;
}

/* They last as long as the process does, unless somebody deletes the object. */
static bool all_there(const struct service_process *process, const struct task_list *tasks)
{
	for (size_t i = 0; i < process->iothreads.count; i++)
		if (!find_task(tasks, process->tids[i]))
			return false;
	return true;
}

static void add_thread(struct service *service, const struct service_task *task,
		       enum thread_role role)
{
	struct thread *thread = &service->threads[service->thread_count];

	if (!task)
		return;
	*thread = (struct thread){
		.tid = task->tid,
		.start_ticks = task->start_ticks,
		.role = role,
		.vcpu = VCPU_NONE,
		.vdisk = VDISK_NONE,
		.sampled = role == THREAD_IOTHREAD,
	};
	memcpy(thread->name, task->name, sizeof thread->name);
	service->thread_count++;
}

static int set_threads(const struct service_process *process, const struct task_list *tasks,
		       struct service *service)
{
	service->threads =
		reallocarray(NULL, process->iothreads.count + 1, sizeof *service->threads);
	if (!service->threads)
		return -ENOMEM;
	add_thread(service, find_task(tasks, process->pid), THREAD_EMULATOR);
	for (size_t i = 0; i < process->iothreads.count; i++)
		add_thread(service, find_task(tasks, process->tids[i]), THREAD_IOTHREAD);
	return 0;
}

int service_read_threads(const struct rootfs *root, struct service_process *process,
			 struct service *service)
{
	struct task_list tasks = { 0 };
	int result = read_tasks(root, process->pid, &tasks);

	if (!result && !process->tids) {
		process->tids = calloc(process->iothreads.count + 1, sizeof *process->tids);
		result = process->tids ? 0 : -ENOMEM;
	}
	if (!result && !(service_threads_known(process) && all_there(process, &tasks)))
		service_match_iothreads(process, tasks.items, tasks.count, process->tids);
	if (!result)
		result = set_threads(process, &tasks, service);
	free(tasks.items);
	return result;
}
