/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/submit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc.h"
#include "probe/service-time-format.h"

/* A process makes threads while its tasks are being followed: then all again. */
enum { ATTEMPTS = 4, MINOR_BITS = 20 };

/*
 * What the kernel calls operations (blk_fill_rwbs): "R" a read, "W" a write, "D" a discard, "N"
 * what it has no letter for (in older ones writing zeroes); "F" before them is a flush, alone
 * ("FWS" without sectors) or ahead of its write, and one bio either way.
 */
static const char *const filters[SUBMIT_DIRECTIONS] = {
	[SUBMIT_READ] = "rwbs ~ \"R*\"",
	[SUBMIT_WRITE] = "rwbs ~ \"W*\" || rwbs ~ \"F*\" || rwbs ~ \"D*\" || rwbs ~ \"N*\"",
};

int submit_find(const struct rootfs *root, struct error *error)
{
	struct trace_format format;
	int result;

	if (!rootfs_is_real(root))
		return error_setf(error, EOPNOTSUPP, "another root than this kernel's");
	result = trace_format_read(&format, root, "block_bio_queue", error);
	return result ? result : (int)format.id;
}

static void close_task(const struct submit_task *task)
{
	for (size_t i = 0; i < SUBMIT_DIRECTIONS; i++)
		if (task->fds[i] >= 0)
			close(task->fds[i]);
}

void submit_close(struct submit *submit)
{
	for (size_t i = 0; i < submit->count; i++)
		close_task(&submit->tasks[i]);
	free(submit->tasks);
	*submit = (struct submit){ 0 };
}

static int set_filter(int fd, int direction, const struct submit_of *of)
{
	char filter[160];

	snprintf(filter, sizeof filter, "dev == %u && (%s)", of->major << MINOR_BITS | of->minor,
		 filters[direction]);
	if (ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return 0;
}

static int open_event(int id, pid_t tid, int direction, const struct submit_of *of)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof attributes,
		.config = (unsigned)id,
		.disabled = 1,
		.inherit = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	int result = fd < 0 ? -errno : set_filter(fd, direction, of);

	if (!result)
		return fd;
	if (fd >= 0)
		close(fd);
	return result;
}

/* 0 or -errno; -ESRCH: it has ended. */
static int open_task(struct submit_task *task, int id, pid_t tid, const struct submit_of *of)
{
	int result = 0;

	*task = (struct submit_task){ .tid = tid, .fds = { -1, -1 } };
	for (int i = 0; i < SUBMIT_DIRECTIONS && !result; i++) {
		task->fds[i] = open_event(id, tid, i, of);
		result = task->fds[i] < 0 ? task->fds[i] : 0;
	}
	if (result)
		close_task(task);
	return result;
}

static int open_all(struct submit *submit, int id, const struct submit_of *of,
		    const struct proc_ids *ids)
{
	int result = 0;

	submit->tasks = calloc(ids->count + 1, sizeof *submit->tasks);
	if (!submit->tasks)
		return -ENOMEM;
	for (size_t i = 0; i < ids->count && !result; i++) {
		result = open_task(&submit->tasks[submit->count], id, ids->items[i].id, of);
		submit->count += !result;
		result = result == -ESRCH ? 0 : result;
	}
	return !result && submit->count == 0 ? -ESRCH : result;
}

static bool same_ids(const struct proc_ids *a, const struct proc_ids *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = a->items[i].id == b->items[i].id;
	return same;
}

/*
 * A thread that was made meanwhile may come from one that was followed (then it is, too) or
 * from another: one is counted twice or not at all unless nothing changed.
 */
static int open_process(struct submit *submit, const struct rootfs *root, int id,
			const struct submit_of *of)
{
	struct proc_ids before = { 0 }, after = { 0 };
	int result = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && result == -EAGAIN; i++) {
		result = proc_read_ids(root, of->pid, "task", &before);
		if (!result)
			result = open_all(submit, id, of, &before);
		if (!result)
			result = proc_read_ids(root, of->pid, "task", &after);
		if (!result && !same_ids(&before, &after))
			result = -EAGAIN;
		if (result)
			submit_close(submit);
	}
	proc_ids_clear(&before);
	proc_ids_clear(&after);
	return result;
}

static int open_thread(struct submit *submit, int id, const struct submit_of *of)
{
	struct proc_id self = { .id = of->tid };

	return open_all(submit, id, of, &(struct proc_ids){ .items = &self, .count = 1 });
}

int submit_open(struct submit *submit, const struct rootfs *root, int id,
		const struct submit_of *of, struct error *error)
{
	int result;

	*submit = (struct submit){ 0 };
	result = of->tid ? open_thread(submit, id, of) : open_process(submit, root, id, of);
	if (!result)
		return 0;
	submit_close(submit);
	return error_setf(error, -result, "%s%s", strerror(-result),
			  result == -EPERM || result == -EACCES ? " (CAP_PERFMON is needed)" : "");
}

int submit_read(const struct submit *submit, uint64_t counts[SUBMIT_DIRECTIONS])
{
	memset(counts, 0, SUBMIT_DIRECTIONS * sizeof *counts);
	for (size_t i = 0; i < submit->count; i++)
		for (size_t k = 0; k < SUBMIT_DIRECTIONS; k++) {
			uint64_t count;

			if (read(submit->tasks[i].fds[k], &count, sizeof count) != sizeof count)
				return -EIO;
			counts[k] += count;
		}
	return 0;
}
