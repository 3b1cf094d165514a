/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-ring-records.h - what the records of context switches say, charged to
 * tasks. The caller serialises.
 *
 * A record is of who leaves a CPU; with PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
 * PERF_SAMPLE_READ and PERF_FORMAT_GROUP, the first of the group counting switches.
 *
 * Some kernels write none while the idle task or some other one runs (seen on Linux
 * 6.18 in a paravirtual guest), and so none of its leaving; the count of switches
 * shows it. Then records of who arrives are wanted as well, which say whom and when,
 * but have no counts: those of the unrecorded task are charged to who comes next.
 */
#ifndef VMENERGY_PROBE_SWITCH_RING_RECORDS_H
#define VMENERGY_PROBE_SWITCH_RING_RECORDS_H

#include "probe/service-time-ring.h"
#include "probe/switch-ring-tasks.h"

/* All CPUs' books. */
struct ring_log { /* {0} = empty, but for tasks.root */
	struct ring_tasks tasks;
	/* By CPU number, since the last booking. */
	struct {
		struct switch_cpu_books *items;
		size_t count, capacity;
	} sums;
	bool begun;   /* else records are only where the next ones count from */
	bool has_gap; /* since the last booking */
	bool is_deaf; /* switches were not recorded that nobody said were lost */
	uint64_t switches;
};

enum { RING_FDS = 1 + SWITCH_EVENTS_MAX };

struct ring_cpu {
	struct ring_log *log;
	unsigned cpu;
	int fds[RING_FDS]; /* the switches, and the events with them */
	unsigned fd_count;
	struct trace_ring ring;
	bool is_visited;         /* the reader can make who is there leave */
	bool has_last, has_lost; /* records, between the last one and the next */
	uint64_t last[SWITCH_COUNTS];
	uint64_t switches;                  /* as of the last record */
	uint32_t left_tid;                  /* by whom it is */
	uint32_t next_tid;                  /* who was said to come then */
	unsigned unrecorded;                /* leavings since */
	uint32_t leaving_tid, leaving_tgid; /* the last that exited here; 0 = none */
};

/* Room for this CPU. 0 or -ENOMEM. */
int ring_log_reserve(struct ring_log *log, unsigned cpu);
void ring_log_clear(struct ring_log *log);
/* Put it all into the books. */
void ring_log_book(struct ring_log *log, struct switch_books *books);

/* Work off what is in its ring. */
void ring_cpu_drain(struct ring_cpu *cpu);

#endif
