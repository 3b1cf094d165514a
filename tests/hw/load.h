/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.h - processes that execute a known number of instructions when told to.
 *
 * A worker is a process whose threads wait for orders. Between two orders it
 * sleeps, so that its counters stand still while they are read.
 */
#ifndef VMENERGY_TESTS_HW_LOAD_H
#define VMENERGY_TESTS_HW_LOAD_H

#include <stdint.h>
#include <sys/types.h>

enum { LOAD_THREADS_MAX = 4 };

/* Each round of the loop is two instructions. */
#define LOAD_INSTRUCTIONS_PER_LOOP UINT64_C(2)
void load_burn(uint64_t loops);

enum load_where {
	LOAD_HERE,      /* the thread itself */
	LOAD_AND_END,   /* the same, and that was its last order */
	LOAD_IN_THREAD, /* a new thread, that ends */
	LOAD_IN_CHILD,  /* a new process, that ends */
};

/* Move the calling process to a folder of cgroup v2 ("/one"), made when missing; "" = the root. */
void load_join_cgroup(const char *cgroup);

struct worker {
	pid_t pid;
	unsigned thread_count;
	pid_t tids[LOAD_THREADS_MAX]; /* the first is the process's own */
	int orders[LOAD_THREADS_MAX], reports[LOAD_THREADS_MAX];
};

/* `cgroup`: where it starts; NULL = stay. */
void worker_start(struct worker *worker, unsigned threads, const char *cgroup);
/* Tell a thread to burn; several may burn at once. Then wait for each. */
void worker_order(struct worker *worker, unsigned thread, enum load_where where, uint64_t loops);
/* How often the thread, while it burned, was interrupted in favour of another. */
uint64_t worker_wait(struct worker *worker, unsigned thread);
void worker_end(struct worker *worker);

/* worker_order(), worker_wait(). */
void worker_burn(struct worker *worker, unsigned thread, enum load_where where, uint64_t loops);

#endif
