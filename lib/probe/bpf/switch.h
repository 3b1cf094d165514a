/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * switch.h - what switch.bpf.c shares with switch-bpf.c: the contents of its maps.
 *
 * Time is cut into epochs, 1, 2, 3 ... Each CPU passes from one into the next at a
 * moment of its own, when the reader has `on_epoch` run there: what ran on it is
 * charged up to that moment. What is charged in an epoch goes to one side of two
 * (epoch % 2), so that the side of the epoch that has ended stands still while it is
 * read. All figures are of one epoch; the reader adds them up.
 */
#ifndef VMENERGY_PROBE_BPF_SWITCH_H
#define VMENERGY_PROBE_BPF_SWITCH_H

#ifdef __bpf__ /* has no C library */
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
#else
#include <stdint.h>
#endif

enum {
	SWITCH_EVENTS_MAX = 7,
	/*
	 * The events, and behind the last of them the nanoseconds on a CPU: of a task that
	 * leaves the CPU, by the kernel's own books, which cgroups and schedstat are of; of
	 * one that stays, what has passed since.
	 */
	SWITCH_COUNTS = SWITCH_EVENTS_MAX + 1,
	SWITCH_COMM_BYTES = 16,
};

/* Whose it is. */
struct switch_identity {
	uint64_t process;  /* address of what the threads of a process share; no other lives there
			      at the time */
	uint64_t start_ns; /* the thread's, by the clock of field 22 of its stat */
	uint64_t process_start_ns;
	uint32_t tid, tgid;           /* of the initial pid namespace */
	uint32_t is_kernel;           /* a kernel thread */
	char comm[SWITCH_COMM_BYTES]; /* of the process: its leader's */
};

/* Map `tasks`, by the task's address: those that have run and not ended. */
struct switch_task {
	uint64_t count[2][SWITCH_COUNTS];
	uint32_t epoch[2]; /* that count[] is of; of another epoch than asked for: it is 0 */
	uint32_t born;     /* the epoch in which it was first seen */
	/* It ended while a reading was under way, to which it is left: what it used after
	 * the epoch that is read, has gone to `folds`. */
	uint32_t dead;
	uint64_t runtime_ns; /* the kernel's, when it last left a CPU; 0 = it has not yet */
	uint64_t ahead_ns;   /* that it has been charged for beyond that */
	struct switch_identity identity;
};

/*
 * Maps `folds_0` and `folds_1`, one per side, by identity.process: threads that ended. Of
 * processes that began and ended within the epoch there is one for each name: its tgid is 0.
 */
struct switch_fold {
	uint64_t count[SWITCH_COUNTS];
	struct switch_identity identity; /* of one of them */
};

/* What no task has. */
enum switch_head {
	SWITCH_IDLE,     /* the CPU's idle task */
	SWITCH_ENDED,    /* processes that began and ended within the epoch, nameless ones here */
	SWITCH_UNLISTED, /* there was no room to keep it apart */
	SWITCH_HEADS,
};

/* Map `cpus`: each CPU's own. */
struct switch_cpu {
	uint64_t last[SWITCH_COUNTS];  /* as they were when last read */
	uint64_t total[SWITCH_COUNTS]; /* all that was charged, since the beginning */
	uint64_t at[2][SWITCH_COUNTS]; /* the total at the end of the epoch */
	uint64_t heads[SWITCH_HEADS][2][SWITCH_COUNTS];
	uint64_t switches, no_room, unread; /* since the beginning */
	uint32_t epoch;                     /* 0 = not begun */
	uint32_t starts;                    /* how often it has begun */
};

#endif
