/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * submit.h - how many block requests a thread, or a process, hands in.
 *
 * The tracepoint block:block_bio_queue is hit once for each bio, in the context of who submits
 * it. It is counted, not recorded: two events for each task, one for reads and one for writes
 * (a filter on the operation, in the kernel), read with a read(2) each. No ring, no program;
 * requests of other tasks cost nothing that can be measured.
 *
 *   - A flush is a write: it costs a request's overhead. So is a discard.
 *   - Stacked devices (dm, md) submit again below, often in the same context: only what goes to
 *     the device that was named counts. The block layer names a disk when its partition is
 *     meant.
 *   - Workers that a task makes after it is followed count with it: those of a thread pool
 *     (aio=threads; flushes, with aio=native), and those of io_uring, to which writes that
 *     would block are handed on. What a thread's workers do that were there before is not
 *     seen; of a process all tasks are followed.
 *   - A poller of io_uring (IORING_SETUP_SQPOLL) is a worker, too.
 *
 * perf_event_open(2): CAP_PERFMON, or the same user; ids are read from tracefs.
 */
#ifndef VMENERGY_PROBE_SUBMIT_H
#define VMENERGY_PROBE_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/rootfs.h"

enum { SUBMIT_READ, SUBMIT_WRITE, SUBMIT_DIRECTIONS };

struct submit_of {
	pid_t pid, tid;        /* tid 0: all of the process */
	unsigned major, minor; /* of the device they are handed to; a whole disk */
};

struct submit_task {
	pid_t tid;
	int fds[SUBMIT_DIRECTIONS];
};

/* Counters; {0} = closed. */
struct submit {
	struct submit_task *tasks;
	size_t count;
};

/* The tracepoint's id (> 0), or -errno with the reason. */
int submit_find(const struct rootfs *root, struct error *error);

/* Count from now on. `id` from submit_find(). 0 or -errno with the reason; then it is closed. */
int submit_open(struct submit *submit, const struct rootfs *root, int id,
		const struct submit_of *of, struct error *error);
void submit_close(struct submit *submit);

/* Since submit_open(), those of tasks that ended included. 0 or -errno. */
int submit_read(const struct submit *submit, uint64_t counts[SUBMIT_DIRECTIONS]);

#endif
