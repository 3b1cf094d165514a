/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io-workers.h - the bytes of a thread that io_uring's workers read and write for it.
 *
 * What would block is handed on to them (iou-wrk-TID), or all (a poller, iou-sqp-TID). They are
 * threads of the same process with bytes of their own; they end some seconds after their last
 * work (io_uring(7); 5 s in io_uring/io-wq.c), and what they did stays in the sum.
 */
#ifndef VMENERGY_PROBE_IO_WORKERS_H
#define VMENERGY_PROBE_IO_WORKERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/sample.h"
#include "probe/kept.h"

struct io_worker {
	pid_t tid;
	struct kept_file io;
	uint64_t read_bytes, write_bytes; /* when last read */
};

/* Start from {0}; {0} = of nobody. */
struct io_workers {
	pid_t pid, tid;
	struct kept_file tasks; /* the folder: its links tell when threads come and go */
	uint64_t links;
	struct {
		struct io_worker *items;
		size_t count, capacity;
	} live;
	uint64_t read_bytes, write_bytes; /* of those that ended */
};

void io_workers_open(struct io_workers *workers, struct kept_files *files, pid_t pid, pid_t tid);
void io_workers_close(struct io_workers *workers);

/* Add theirs to *io: what all of them did since they began. 0 or -ENOMEM. */
int io_workers_add(struct io_workers *workers, struct kept_files *files, struct io_reading *io);

#endif
