/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch-books.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "probe/head-name.h"

/* Of the kernel's interface, whatever its own HZ is (USER_HZ). */
enum { TICK_NS = 10000000 };

static void add(uint64_t *to, const uint64_t *delta)
{
	for (unsigned i = 0; i < SWITCH_COUNTS; i++)
		to[i] += delta[i];
}

/* --- threads and processes ----------------------------------------------------------------- */

static void index_threads(struct switch_books *books)
{
	switch_index_empty(&books->by_tid);
	for (size_t i = 0; i < books->threads.count; i++)
		switch_index_enter(&books->by_tid, books->threads.items[i].tid, i);
}

static void index_processes(struct switch_books *books)
{
	switch_index_empty(&books->by_tgid);
	for (size_t i = 0; i < books->processes.count; i++)
		switch_index_enter(&books->by_tgid, books->processes.items[i].tgid, i);
}

static struct switch_thread *add_thread(struct switch_books *books, pid_t tid)
{
	struct switch_thread *thread;
	bool grew;

	if (switch_index_reserve(&books->by_tid, books->threads.count + 1, &grew))
		return NULL;
	if (grew)
		index_threads(books);
	thread = MEMORY_APPEND(&books->threads);
	if (thread)
		switch_index_enter(&books->by_tid, tid, books->threads.count - 1);
	return thread;
}

static struct switch_process *add_process(struct switch_books *books, pid_t tgid)
{
	struct switch_process *process;
	bool grew;

	if (switch_index_reserve(&books->by_tgid, books->processes.count + 1, &grew))
		return NULL;
	if (grew)
		index_processes(books);
	process = MEMORY_APPEND(&books->processes);
	if (process)
		switch_index_enter(&books->by_tgid, tgid, books->processes.count - 1);
	return process;
}

/* A number may be another's by now. */
static struct switch_thread *find_thread(struct switch_books *books,
					 const struct switch_identity *identity)
{
	size_t place = switch_index_find(&books->by_tid, (pid_t)identity->tid);
	struct switch_thread *thread =
		place ? &books->threads.items[place - 1] : add_thread(books, (pid_t)identity->tid);

	if (thread &&
	    (thread->start_ns != identity->start_ns || thread->process != identity->process))
		*thread = (struct switch_thread){ .tid = (pid_t)identity->tid,
						  .tgid = (pid_t)identity->tgid,
						  .process = identity->process,
						  .start_ns = identity->start_ns };
	return thread;
}

static void add_name(struct switch_books *books, const char *comm, bool is_kernel,
		     const uint64_t *delta)
{
	char name[HEAD_NAME_BYTES];

	head_name(comm, is_kernel, name);
	head_table_add(&books->by_name, name, delta, NULL);
}

/* What it used since switch-heads.c saw it has its name, too, unless it was no head then. */
static void end_process(struct switch_books *books, const struct switch_process *process)
{
	bool was_out = process->round_out && process->round_out + 1 >= books->round;
	uint64_t delta[SWITCH_COUNTS], any = 0;

	add(books->heads[SWITCH_ENDED], process->count);
	for (unsigned i = 0; i < SWITCH_COUNTS; i++) {
		delta[i] = process->count[i] - process->told[i];
		any |= delta[i];
	}
	if (any && !was_out && process->comm[0])
		add_name(books, process->comm, process->is_kernel, delta);
}

static struct switch_process *find_process(struct switch_books *books,
					   const struct switch_identity *identity)
{
	size_t place = switch_index_find(&books->by_tgid, (pid_t)identity->tgid);
	struct switch_process *process = place ? &books->processes.items[place - 1]
					       : add_process(books, (pid_t)identity->tgid);

	if (process && process->process != identity->process) {
		end_process(books, process);
		*process = (struct switch_process){ .tgid = (pid_t)identity->tgid,
						    .process = identity->process };
	}
	return process;
}

/* --- the interface ------------------------------------------------------------------------- */

void switch_books_clear(struct switch_books *books)
{
	free(books->threads.items);
	free(books->processes.items);
	free(books->cpus.items);
	switch_index_clear(&books->by_tid);
	switch_index_clear(&books->by_tgid);
	*books = (struct switch_books){ 0 };
}

void switch_books_begin(struct switch_books *books)
{
	books->round++;
	books->quality = 0;
	head_table_begin(&books->by_name);
}

void switch_books_fold(struct switch_books *books, const struct switch_identity *identity,
		       const uint64_t *delta)
{
	struct switch_process *process = find_process(books, identity);

	add(process ? process->count : books->heads[SWITCH_UNLISTED], delta);
	if (!process || process->round == books->round)
		return;
	process->start_ns = identity->process_start_ns;
	process->is_kernel = identity->is_kernel;
	memcpy(process->comm, identity->comm, sizeof process->comm);
	process->comm[sizeof process->comm - 1] = '\0';
}

void switch_books_charge(struct switch_books *books, const struct switch_identity *identity,
			 const uint64_t *delta)
{
	struct switch_thread *thread = find_thread(books, identity);
	size_t place;

	switch_books_fold(books, identity, delta);
	place = switch_index_find(&books->by_tgid, (pid_t)identity->tgid);
	if (place)
		books->processes.items[place - 1].round = books->round;
	if (!thread)
		return;
	add(thread->count, delta);
	thread->round = books->round;
}

void switch_books_end_name(struct switch_books *books, const struct switch_identity *identity,
			   const uint64_t *delta)
{
	char comm[SWITCH_COMM_BYTES];

	memcpy(comm, identity->comm, sizeof comm);
	comm[sizeof comm - 1] = '\0';
	add(books->heads[SWITCH_ENDED], delta);
	add_name(books, comm, identity->is_kernel, delta);
}

static struct switch_cpu_books *cpu_of(struct switch_books *books, unsigned cpu)
{
	while (books->cpus.count <= cpu)
		if (!MEMORY_APPEND(&books->cpus))
			return NULL;
	return &books->cpus.items[cpu];
}

void switch_books_add(struct switch_books *books, enum switch_head head, unsigned cpu,
		      const uint64_t *delta)
{
	struct switch_cpu_books *of_cpu = head == SWITCH_IDLE ? cpu_of(books, cpu) : NULL;

	add(books->heads[head], delta);
	if (of_cpu)
		add(of_cpu->idle, delta);
}

int switch_books_total(struct switch_books *books, unsigned cpu, const uint64_t *delta)
{
	struct switch_cpu_books *of_cpu = cpu_of(books, cpu);

	if (!of_cpu)
		return -ENOMEM;
	add(of_cpu->total, delta);
	return 0;
}

static void forget_threads(struct switch_books *books)
{
	size_t kept = 0;

	for (size_t i = 0; i < books->threads.count; i++)
		if (books->threads.items[i].round == books->round)
			books->threads.items[kept++] = books->threads.items[i];
	if (kept == books->threads.count)
		return;
	books->threads.count = kept;
	index_threads(books);
}

/* Is it to be kept? A process that is over has its last figures in this reading. */
static bool stays(const struct switch_books *books, struct switch_process *process,
		  bool (*is_alive)(const struct switch_process *process))
{
	bool was_over = process->is_over;

	process->is_over = process->round != books->round && !is_alive(process);
	return !was_over || !process->is_over;
}

static void fold_processes(struct switch_books *books,
			   bool (*is_alive)(const struct switch_process *process))
{
	size_t kept = 0;

	for (size_t i = 0; i < books->processes.count; i++) {
		struct switch_process *process = &books->processes.items[i];

		if (stays(books, process, is_alive))
			books->processes.items[kept++] = *process;
		else
			end_process(books, process);
	}
	if (kept == books->processes.count)
		return;
	books->processes.count = kept;
	index_processes(books);
}

void switch_books_end(struct switch_books *books, uint64_t at_ns,
		      bool (*is_alive)(const struct switch_process *process))
{
	forget_threads(books);
	fold_processes(books, is_alive);
	books->at_ns = at_ns;
}

static bool began(uint64_t start_ns, uint64_t start_ticks)
{
	return start_ticks == 0 || start_ns == 0 || start_ns / TICK_NS == start_ticks;
}

const struct switch_thread *switch_books_thread(const struct switch_books *books, pid_t tid,
						uint64_t start_ticks)
{
	size_t place = switch_index_find(&books->by_tid, tid);
	const struct switch_thread *thread = place ? &books->threads.items[place - 1] : NULL;

	return thread && began(thread->start_ns, start_ticks) ? thread : NULL;
}

const struct switch_process *switch_books_process(const struct switch_books *books, pid_t tgid,
						  uint64_t start_ticks)
{
	size_t place = switch_index_find(&books->by_tgid, tgid);
	const struct switch_process *process = place ? &books->processes.items[place - 1] : NULL;

	return process && began(process->start_ns, start_ticks) ? process : NULL;
}
