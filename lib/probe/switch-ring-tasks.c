/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch-ring-tasks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/proc.h"

/* More than these, and who has exited is not kept apart until the next booking. */
enum { TASKS_MAX = 1 << 16, TICK_NS = 10000000 };

static void add(uint64_t *to, const uint64_t *delta)
{
	for (unsigned i = 0; i < SWITCH_COUNTS; i++)
		to[i] += delta[i];
}

/* --- the list ------------------------------------------------------------------------------ */

static void index_all(struct ring_tasks *tasks)
{
	switch_index_empty(&tasks->by_tid);
	for (size_t i = 0; i < tasks->count; i++)
		switch_index_enter(&tasks->by_tid, (pid_t)tasks->items[i].identity.tid, i);
}

static struct ring_task *find(const struct ring_tasks *tasks, uint32_t tid)
{
	size_t place = switch_index_find(&tasks->by_tid, (pid_t)tid);

	return place ? &tasks->items[place - 1] : NULL;
}

static void drop_exited(struct ring_tasks *tasks)
{
	size_t kept = 0;

	for (size_t i = 0; i < tasks->count; i++)
		if (!tasks->items[i].has_exited)
			tasks->items[kept++] = tasks->items[i];
	if (kept == tasks->count)
		return;
	tasks->count = kept;
	index_all(tasks);
}

/* There are too many: their processes are not to be known. */
static void fold_exited(struct ring_tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->items[i].has_exited)
			add(tasks->ended, tasks->items[i].count);
	drop_exited(tasks);
}

static struct ring_task *add_task(struct ring_tasks *tasks, uint32_t tid)
{
	struct ring_task *task;
	bool grew;

	if (tasks->items && tasks->count >= TASKS_MAX)
		fold_exited(tasks);
	if (tasks->count >= TASKS_MAX ||
	    switch_index_reserve(&tasks->by_tid, tasks->count + 1, &grew))
		return NULL;
	if (grew)
		index_all(tasks);
	task = MEMORY_APPEND(tasks);
	if (!task)
		return NULL;
	task->identity.tid = tid;
	switch_index_enter(&tasks->by_tid, (pid_t)tid, tasks->count - 1);
	return task;
}

void ring_tasks_clear(struct ring_tasks *tasks)
{
	free(tasks->items);
	switch_index_clear(&tasks->by_tid);
	*tasks = (struct ring_tasks){ 0 };
}

/* --- who it is ----------------------------------------------------------------------------- */

static bool has_ended(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

/*
 * Who cannot be found any more has ended: then only the number of its process is
 * known. Rings are worked off one after the other, so that a record may be older than
 * the exit that was seen before it.
 */
static void identify(const struct rootfs *root, struct ring_task *task, uint32_t tgid)
{
	struct switch_identity *identity = &task->identity;
	pid_t pid = (pid_t)tgid, tid = (pid_t)identity->tid;
	struct proc_stat stat;

	identity->tgid = tgid;
	identity->process = tgid;
	task->has_exited = true;
	if (proc_read_stat(root, pid, 0, &stat))
		return;
	identity->process_start_ns = stat.start_ticks * TICK_NS;
	identity->is_kernel = stat.kernel_thread;
	snprintf(identity->comm, sizeof identity->comm, "%.*s", SWITCH_COMM_BYTES - 1, stat.comm);
	if (tid != pid && proc_read_stat(root, pid, tid, &stat))
		return;
	identity->start_ns = stat.start_ticks * TICK_NS;
	task->has_exited = has_ended(&stat);
}

static struct ring_task *task_of(struct ring_tasks *tasks, uint32_t tgid, uint32_t tid)
{
	struct ring_task *task = find(tasks, tid);

	if (task)
		return task;
	task = add_task(tasks, tid);
	if (task)
		identify(tasks->root, task, tgid);
	return task;
}

void ring_tasks_exit(struct ring_tasks *tasks, uint32_t tid)
{
	struct ring_task *task = find(tasks, tid);

	if (task)
		task->has_exited = true;
}

void ring_tasks_rename(struct ring_tasks *tasks, uint32_t tgid, const char *comm)
{
	struct ring_task *task = find(tasks, tgid);

	if (task)
		snprintf(task->identity.comm, sizeof task->identity.comm, "%.*s",
			 SWITCH_COMM_BYTES - 1, comm);
}

void ring_tasks_charge(struct ring_tasks *tasks, uint32_t tgid, uint32_t tid, const uint64_t *delta)
{
	struct ring_task *task = task_of(tasks, tgid, tid);

	add(task ? task->count : tasks->unlisted, delta);
}

void ring_tasks_check(struct ring_tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++)
		if (kill((pid_t)tasks->items[i].identity.tid, 0) && errno == ESRCH)
			tasks->items[i].has_exited = true;
}

/* --- booking ------------------------------------------------------------------------------- */

void ring_tasks_book(struct ring_tasks *tasks, struct switch_books *books)
{
	for (size_t i = 0; i < tasks->count; i++) {
		struct ring_task *task = &tasks->items[i];

		if (task->has_exited)
			switch_books_fold(books, &task->identity, task->count);
		else
			switch_books_charge(books, &task->identity, task->count);
		memset(task->count, 0, sizeof task->count);
	}
	drop_exited(tasks);
	switch_books_add(books, SWITCH_ENDED, 0, tasks->ended);
	switch_books_add(books, SWITCH_UNLISTED, 0, tasks->unlisted);
	memset(tasks->ended, 0, sizeof tasks->ended);
	memset(tasks->unlisted, 0, sizeof tasks->unlisted);
}
