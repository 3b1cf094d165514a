/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-books.h - who used how much of each CPU: what the switch log tells, added up.
 *
 * Each reading charges what has passed since the one before to a thread, and so to
 * its process; or to a head of what has no thread; and says the same once more per
 * CPU. A process that is over is folded into SWITCH_ENDED. So at the end of each
 * reading, to the unit,
 *
 *     sum over processes + sum over heads = sum over CPUs
 *
 * and the memory is that of the tasks that are there, however many came and went.
 */
#ifndef VMENERGY_PROBE_SWITCH_BOOKS_H
#define VMENERGY_PROBE_SWITCH_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "model/sample.h"
#include "probe/bpf/switch.h"
#include "probe/head-table.h"
#include "probe/switch-index.h"

_Static_assert((int)SWITCH_COUNTS == (int)SAMPLE_EVENTS_MAX, "a sample's counts");

struct switch_thread {
	pid_t tid, tgid;
	uint64_t process, start_ns;
	uint64_t count[SWITCH_COUNTS];
	unsigned round; /* the last reading that it was in */
};

struct switch_process {
	pid_t tgid;
	uint64_t process, start_ns; /* as in struct switch_identity */
	bool is_kernel;
	char comm[SWITCH_COMM_BYTES];
	uint64_t count[SWITCH_COUNTS]; /* ended threads included */
	unsigned round;                /* the last reading that one of its threads was in */
	bool is_over;                  /* as this reading ended: the next one folds it */
	/* switch-heads.c */
	uint64_t told[SWITCH_COUNTS]; /* of count: what is in a head, or in a domain */
	unsigned round_out;           /* the last reading in which it was a domain's, or ours */
	size_t hint;
	char named[SWITCH_COMM_BYTES], name[HEAD_NAME_BYTES]; /* of that comm */
};

struct switch_cpu_books {
	uint64_t total[SWITCH_COUNTS], idle[SWITCH_COUNTS];
};

struct switch_books { /* {0} = empty */
	struct {
		struct switch_thread *items;
		size_t count, capacity;
	} threads;
	struct {
		struct switch_process *items;
		size_t count, capacity;
	} processes;
	struct {
		struct switch_cpu_books *items; /* by number */
		size_t count, capacity;
	} cpus;
	struct switch_index by_tid, by_tgid;
	uint64_t heads[SWITCH_HEADS][SWITCH_COUNTS];
	struct head_table by_name; /* of the host's own tasks */
	unsigned round;            /* of the reading that is under way, or was last */
	uint64_t at_ns;            /* up to when everything is charged; 0 = never read */
	unsigned quality;          /* of the last reading: GAP when something was not observed */
};

void switch_books_clear(struct switch_books *books);

void switch_books_begin(struct switch_books *books);
/* Of a thread that is there, or was until now. Out of memory: it is SWITCH_UNLISTED. */
void switch_books_charge(struct switch_books *books, const struct switch_identity *identity,
			 const uint64_t *delta);
/* Of threads that have ended. */
void switch_books_fold(struct switch_books *books, const struct switch_identity *identity,
		       const uint64_t *delta);
/* Of processes of that name that began and ended since the last reading. */
void switch_books_end_name(struct switch_books *books, const struct switch_identity *identity,
			   const uint64_t *delta);
/* What a head got on one CPU. */
void switch_books_add(struct switch_books *books, enum switch_head head, unsigned cpu,
		      const uint64_t *delta);
/* What one CPU did in all. Out of memory: -ENOMEM, and it is not in the sums. */
int switch_books_total(struct switch_books *books, unsigned cpu, const uint64_t *delta);
/*
 * Threads that were not in this reading are forgotten; processes without any are
 * asked for and, when they were over before, folded. `is_alive` must not keep the pointer.
 */
void switch_books_end(struct switch_books *books, uint64_t at_ns,
		      bool (*is_alive)(const struct switch_process *process));

/* NULL: has not run. start_ticks: field 22 of its stat; 0 = not known. */
const struct switch_thread *switch_books_thread(const struct switch_books *books, pid_t tid,
						uint64_t start_ticks);
const struct switch_process *switch_books_process(const struct switch_books *books, pid_t tgid,
						  uint64_t start_ticks);

#endif
