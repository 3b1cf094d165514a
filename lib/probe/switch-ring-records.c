/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch-ring-records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Of a process or thread that has no number any more. */
static const uint32_t NOBODY = UINT32_MAX;

/* With PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_READ, PERF_FORMAT_GROUP. */
struct sample_record {
	uint32_t tgid, tid;
	uint64_t time_ns;
	uint64_t events, value[RING_FDS];
};

struct exit_record { /* PERF_RECORD_EXIT */
	uint32_t tgid, parent_tgid, tid, parent_tid;
};

/* PERF_RECORD_SWITCH_CPU_WIDE, with PERF_SAMPLE_TID | PERF_SAMPLE_TIME. */
struct change_record {
	uint32_t other_tgid, other_tid; /* who comes, or who was there before */
	uint32_t tgid, tid;
	uint64_t time_ns;
};

struct comm_record { /* PERF_RECORD_COMM */
	uint32_t tgid, tid;
	char comm[SWITCH_COMM_BYTES];
};

static void add(uint64_t *to, const uint64_t *delta)
{
	for (unsigned i = 0; i < SWITCH_COUNTS; i++)
		to[i] += delta[i];
}

static void charge(struct ring_cpu *cpu, const struct sample_record *record, const uint64_t *delta)
{
	struct ring_tasks *tasks = &cpu->log->tasks;
	struct switch_cpu_books *sums = &cpu->log->sums.items[cpu->cpu];
	bool is_last = record->tid == NOBODY;

	add(sums->total, delta);
	if (cpu->has_lost)
		add(tasks->unlisted, delta);
	else if (record->tid == 0)
		add(sums->idle, delta);
	else if (!is_last)
		ring_tasks_charge(tasks, record->tgid, record->tid, delta);
	else if (cpu->leaving_tid)
		ring_tasks_charge(tasks, cpu->leaving_tgid, cpu->leaving_tid, delta);
	else
		add(tasks->ended, delta);
	if (is_last)
		cpu->leaving_tid = 0;
}

static uint64_t advance(uint64_t *last, uint64_t now)
{
	uint64_t delta = now > *last ? now - *last : 0;

	*last = now;
	return delta;
}

static bool take_sample(struct ring_cpu *cpu, const uint8_t *body, size_t bytes)
{
	const unsigned events = cpu->fd_count - 1;
	uint64_t delta[SWITCH_COUNTS] = { 0 };
	struct sample_record record = { 0 };

	memcpy(&record, body, bytes < sizeof record ? bytes : sizeof record);
	if (record.events != cpu->fd_count)
		return false;
	if (cpu->has_last && record.value[0] > cpu->switches + 1 + cpu->unrecorded) {
		cpu->log->is_deaf |= !cpu->has_lost;
		cpu->has_lost = true;
		cpu->log->has_gap = true;
	}
	cpu->switches = record.value[0];
	cpu->unrecorded = 0;
	cpu->left_tid = record.tid;
	for (unsigned i = 0; i < events; i++)
		delta[i] = advance(&cpu->last[i], record.value[1 + i]);
	delta[events] = advance(&cpu->last[events], record.time_ns);
	if (cpu->has_last && cpu->log->begun)
		charge(cpu, &record, delta);
	cpu->has_last = true;
	cpu->has_lost = false;
	cpu->log->switches++;
	return true;
}

/*
 * Someone arrives, and the one before has left no record: time until now is its own,
 * if nobody else was there between.
 */
static void take_arrival(struct ring_cpu *cpu, const struct change_record *record)
{
	struct ring_log *log = cpu->log;
	const unsigned time = cpu->fd_count - 1;
	struct sample_record left = { .tgid = record->other_tgid, .tid = record->other_tid };
	uint64_t delta[SWITCH_COUNTS] = { 0 };

	cpu->unrecorded++;
	delta[time] = advance(&cpu->last[time], record->time_ns);
	if (cpu->next_tid != left.tid)
		cpu->has_lost = true;
	log->has_gap |= cpu->has_lost || (left.tid != 0 && time > 0);
	if (log->begun)
		charge(cpu, &left, delta);
}

static void take_change(struct ring_cpu *cpu, const struct perf_event_header *header,
			const uint8_t *body)
{
	struct change_record record;

	memcpy(&record, body, sizeof record);
	if (header->misc & PERF_RECORD_MISC_SWITCH_OUT)
		cpu->next_tid = record.other_tid;
	else if (cpu->has_last && record.other_tid != cpu->left_tid)
		take_arrival(cpu, &record);
}

static void take_exit(struct ring_cpu *cpu, const uint8_t *body)
{
	struct exit_record record;

	memcpy(&record, body, sizeof record);
	ring_tasks_exit(&cpu->log->tasks, record.tid);
	cpu->leaving_tid = record.tid;
	cpu->leaving_tgid = record.tgid;
}

static void take_comm(struct ring_cpu *cpu, const uint8_t *body, size_t bytes)
{
	struct comm_record record = { 0 };

	memcpy(&record, body, bytes < sizeof record ? bytes : sizeof record);
	record.comm[sizeof record.comm - 1] = '\0';
	if (record.tid == record.tgid)
		ring_tasks_rename(&cpu->log->tasks, record.tgid, record.comm);
}

static bool take_record(void *context, const struct perf_event_header *header, const uint8_t *body,
			size_t bytes)
{
	struct ring_cpu *cpu = context;

	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		return take_sample(cpu, body, bytes);
	case PERF_RECORD_EXIT:
		if (bytes >= sizeof(struct exit_record))
			take_exit(cpu, body);
		return true;
	case PERF_RECORD_SWITCH_CPU_WIDE:
		if (bytes >= sizeof(struct change_record))
			take_change(cpu, header, body);
		return true;
	case PERF_RECORD_COMM:
		take_comm(cpu, body, bytes);
		return true;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		cpu->has_lost = cpu->log->has_gap = true;
		return true;
	default:
		return true;
	}
}

void ring_cpu_drain(struct ring_cpu *cpu)
{
	if (!trace_ring_records(&cpu->ring, take_record, cpu))
		cpu->has_lost = cpu->log->has_gap = true;
}

/* --- the books of all CPUs ----------------------------------------------------------------- */

int ring_log_reserve(struct ring_log *log, unsigned cpu)
{
	while (log->sums.count <= cpu)
		if (!MEMORY_APPEND(&log->sums))
			return -ENOMEM;
	return 0;
}

void ring_log_clear(struct ring_log *log)
{
	ring_tasks_clear(&log->tasks);
	free(log->sums.items);
}

void ring_log_book(struct ring_log *log, struct switch_books *books)
{
	for (unsigned i = 0; i < log->sums.count; i++) {
		struct switch_cpu_books *sums = &log->sums.items[i];

		switch_books_add(books, SWITCH_IDLE, i, sums->idle);
		switch_books_total(books, i, sums->total);
		*sums = (struct switch_cpu_books){ 0 };
	}
	if (log->has_gap)
		ring_tasks_check(&log->tasks);
	ring_tasks_book(&log->tasks, books);
	if (log->has_gap && log->begun)
		books->quality |= QUALITY_GAP;
	log->has_gap = false;
	log->begun = true;
}
