/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/proc.h"
#include "base/text.h"
#include "probe/switch-driver.h"
#include "probe/switch-follow.h"
#include "probe/switch-heads.h"

static const struct switch_driver *const drivers[] = {
#ifdef VMENERGY_BPF
	&switch_by_bpf,
#endif
	&switch_by_ring,
};
enum { DRIVER_COUNT = sizeof drivers / sizeof *drivers };

struct switch_probe {
	struct switch_scope scope;
	const struct switch_driver *driver;
	void *state;
	struct switch_books books;
	struct switch_followed followed;
	struct cgroup_mounts mounts;
	uint64_t unread;      /* counters that could not be, so far */
	bool is_read;         /* the books are up to date, and the total has not been asked for */
	struct error problem; /* of the last reading; "" = none */
	struct text refusals; /* why not by a better way */
	struct text note;
	char phrase[128];
};

/* --- reading the books --------------------------------------------------------------------- */

static bool is_alive(const struct switch_process *process)
{
	return kill(process->tgid, 0) == 0 || errno != ESRCH;
}

/* CPUs that came, or whose groups had to be opened anew. */
static int refresh(struct switch_probe *probe, struct error *error)
{
	int result = perf_total_refresh(&probe->scope.total, error);

	return result > 0 ? probe->driver->follow(probe->state, error) : result;
}

/* A CPU that left and came back between two looks has counters that stand still. */
static void check_counters(struct switch_probe *probe, struct error *error)
{
	uint64_t switches, unread;

	probe->driver->tell(probe->state, &switches, &unread);
	if (unread != probe->unread)
		perf_total_reopen(&probe->scope.total);
	if (unread != probe->unread && !error->text[0])
		error_setf(error, EIO,
			   "counters could not be read at some switches: a CPU came back, or "
			   "somebody else took them");
	probe->unread = unread;
}

/* A CPU that came and cannot be counted is a problem, but none for the others. */
static int take(struct switch_probe *probe, struct error *error)
{
	struct switch_books *books = &probe->books;
	uint64_t at_ns = 0;
	bool whole;
	int result;

	error->text[0] = '\0';
	switch_books_begin(books);
	whole = refresh(probe, error) == 0;
	result = probe->driver->read(probe->state, books, &at_ns, error);
	if (result) {
		books->at_ns = 0;
		return result;
	}
	switch_books_end(books, at_ns, is_alive);
	check_counters(probe, error);
	if (!whole)
		books->quality |= QUALITY_GAP;
	return 0;
}

static void write_note(struct switch_probe *probe)
{
	const char *const remarks[] = {
		probe->scope.set.note,
		probe->refusals.length ? probe->refusals.bytes : "",
		probe->problem.text,
	};

	text_reset(&probe->note);
	for (size_t i = 0; i < sizeof remarks / sizeof *remarks; i++)
		if (remarks[i][0])
			text_addf(&probe->note, "%s%s", probe->note.length ? "; " : "", remarks[i]);
}

static void read_books(struct switch_probe *probe)
{
	struct error problem = { "" };

	take(probe, &problem);
	probe->is_read = true;
	if (strcmp(problem.text, probe->problem.text) == 0)
		return;
	probe->problem = problem;
	write_note(probe);
}

/* Of every reading. */
static unsigned quality_of(const struct switch_probe *probe)
{
	const struct switch_books *books = &probe->books;
	unsigned quality = books->quality | probe->scope.set.quality;

	if (!books->at_ns)
		quality |= QUALITY_MISSING;
	/* Time stands in for events: every figure made from it is an estimate. */
	return probe->scope.set.count ? quality : quality | QUALITY_ESTIMATE;
}

/* --- opening ------------------------------------------------------------------------------- */

static int open_scope(struct switch_scope *scope, const struct switch_driver *driver,
		      struct error *error)
{
	scope->context.set = driver->uses_groups ? scope->set : (struct perf_set){ 0 };
	return perf_total_open(&scope->total, &scope->context, error);
}

static void close_scope(struct switch_scope *scope)
{
	perf_total_close(&scope->total);
	packages_clear(&scope->context.packages);
}

static void close_driver(struct switch_probe *probe)
{
	if (probe->state)
		probe->driver->close(probe->state);
	probe->state = NULL;
	close_scope(&probe->scope);
	switch_books_clear(&probe->books);
}

/* And leave the CPU, as rings say nothing of who does not. */
static void compute(void)
{
	enum { LONG_ENOUGH_NS = 2000000 };
	const struct timespec moment = { .tv_nsec = 1000 };
	uint64_t until_ns = clock_now_ns() + LONG_ENOUGH_NS;

	while (clock_now_ns() < until_ns)
		;
	nanosleep(&moment, NULL);
}

/*
 * We have just been on a CPU: in a namespace of processes or of time that is not the
 * initial one, a task has other numbers for us than for the kernel.
 */
static int find_ourselves(const struct switch_probe *probe, struct error *error)
{
	const struct rootfs *root = probe->scope.context.files.root;
	const struct switch_process *own = NULL;
	struct proc_stat stat;

	/* Where something was not observed, that may have been we. */
	if (!probe->driver->sees_running || probe->books.quality & QUALITY_GAP)
		return 0;
	if (proc_read_stat(root, getpid(), 0, &stat) == 0)
		own = switch_books_process(&probe->books, getpid(), stat.start_ticks);
	return own ? 0
		   : error_setf(error, EOPNOTSUPP,
				"tasks have other numbers here (a container's namespace)");
}

/* What is read meanwhile must have counted: a counter for each event, and a CPU that has it. */
static int try_reading(struct switch_probe *probe, struct error *error)
{
	const struct perf_set *set = &probe->scope.set;
	uint64_t switches, unread, sum;
	int result = take(probe, error);

	if (result)
		return result;
	compute();
	result = take(probe, error);
	if (result)
		return result;
	probe->driver->tell(probe->state, &switches, &unread);
	if (unread)
		return error_setf(error, ENOSPC,
				  "%u event%s: more than there are free counters "
				  "(kernel.nmi_watchdog=0 frees one)",
				  set->count, set->count == 1 ? "" : "s");
	for (unsigned i = 0; i < set->count; i++) {
		sum = 0;
		for (size_t cpu = 0; cpu < probe->books.cpus.count; cpu++)
			sum += probe->books.cpus.items[cpu].total[i];
		if (set->codes[i].must_count && sum == 0)
			return error_setf(error, ENODATA,
					  "event %s: opens, but counts nothing: this CPU does not "
					  "have it",
					  set->names[i]);
	}
	return find_ourselves(probe, error);
}

static int open_driver(struct switch_probe *probe, const struct switch_driver *driver,
		       struct error *error)
{
	int result = open_scope(&probe->scope, driver, error);

	probe->driver = driver;
	if (!result)
		result = driver->open(&probe->state, &probe->scope, error);
	if (!result)
		result = try_reading(probe, error);
	if (result)
		close_driver(probe);
	return result;
}

/* The best way that is open; the first one's errno says what would help most. */
static int choose_driver(struct switch_probe *probe, struct error *error)
{
	struct text *refusals = &probe->refusals;
	int first = 0;

#ifndef VMENERGY_BPF
	text_add(refusals, "switches are not followed by BPF: built without it");
#endif
	for (size_t i = 0; i < DRIVER_COUNT; i++) {
		struct error why = { "" };
		int result = open_driver(probe, drivers[i], &why);

		if (!result)
			return 0;
		first = first ? first : result;
		text_addf(refusals, "%s%s: %s",
			  refusals->length ? "; " : "switches are not followed by ",
			  drivers[i]->name, why.text);
	}
	return error_setf(error, -first, "%s",
			  refusals->failed ? "out of memory" : refusals->bytes);
}

static void write_phrase(struct switch_probe *probe)
{
	size_t cpus = probe->scope.context.packages.cpu_count;
	unsigned events = probe->scope.set.count;
	char counted[32] = "time";

	if (events)
		snprintf(counted, sizeof counted, "%u event%s", events, events == 1 ? "" : "s");
	snprintf(probe->phrase, sizeof probe->phrase,
		 "switches by %s, %s on %zu CPU%s, interrupts included", probe->driver->name,
		 counted, cpus, cpus == 1 ? "" : "s");
}

static int open_parts(struct switch_probe *probe, const struct rootfs *root,
		      const struct switch_request *request, struct error *error)
{
	int result = 0;

	if (!rootfs_is_real(root)) {
		error_setf(error, EOPNOTSUPP,
			   "switches are this kernel's, not those of another root");
		return -EOPNOTSUPP;
	}
	if (request->count)
		result =
			perf_set_resolve(&probe->scope.set, request->events, request->count, error);
	if (result)
		return result;
	kept_files_init(&probe->scope.context.files, root);
	cgroup_find_mounts(root, &probe->mounts);
	probe->scope.most_tasks = request->most_tasks;
	probe->scope.first_tasks = request->first_tasks;
	return request->driver ? open_driver(probe, request->driver, error)
			       : choose_driver(probe, error);
}

int switch_open_by(struct switch_probe **out, const struct rootfs *root,
		   const struct switch_request *request, struct error *error)
{
	struct switch_probe *probe = calloc(1, sizeof *probe);
	int result;

	*out = NULL;
	if (!probe)
		return error_setf(error, ENOMEM, "out of memory");
	result = open_parts(probe, root, request, error);
	if (result) {
		switch_close(probe);
		return result;
	}
	probe->books.by_name.rank = probe->scope.set.count; /* time */
	write_phrase(probe);
	write_note(probe);
	*out = probe;
	return 0;
}

int switch_open(struct switch_probe **probe, const struct rootfs *root, const char *const *events,
		unsigned count, struct error *error)
{
	const struct switch_request request = { .events = events, .count = count };

	return switch_open_by(probe, root, &request, error);
}

int switch_open_in_kernel(struct switch_probe **probe, const struct rootfs *root,
			  const char *const *events, unsigned count, struct error *error)
{
#ifdef VMENERGY_BPF
	const struct switch_request request = {
		.events = events,
		.count = count,
		.driver = &switch_by_bpf,
	};

	return switch_open_by(probe, root, &request, error);
#else
	(void)root;
	(void)events;
	(void)count;
	*probe = NULL;
	return error_setf(error, EOPNOTSUPP, "built without BPF");
#endif
}

void switch_close(struct switch_probe *probe)
{
	if (!probe)
		return;
	switch_followed_clear(&probe->followed);
	close_driver(probe);
	text_free(&probe->refusals);
	text_free(&probe->note);
	free(probe);
}

/* --- the interface ------------------------------------------------------------------------- */

void switch_events(const struct switch_probe *probe, struct event_set *events)
{
	const struct perf_set *set = &probe->scope.set;

	*events = (struct event_set){ .source = CPU_SOURCE_SWITCH, .count = set->count + 1 };
	memcpy(events->names, set->names, sizeof set->names);
	strcpy(events->names[set->count], CPUTIME_EVENT);
}

const char *switch_total_source(const struct switch_probe *probe)
{
	return probe->phrase;
}

const char *switch_note(const struct switch_probe *probe)
{
	return probe->note.length ? probe->note.bytes : NULL;
}

uint64_t switch_count(const struct switch_probe *probe)
{
	uint64_t switches, unread;

	probe->driver->tell(probe->state, &switches, &unread);
	return switches;
}

int switch_follow(struct switch_probe *probe, const struct topology *topology)
{
	struct beside *beside = calloc(topology->domain_count + 1, sizeof *beside);
	int result = beside ? 0 : -ENOMEM;

	for (size_t i = 0; i < topology->domain_count && !result; i++)
		result = beside_find(probe->scope.context.files.root, &probe->mounts, topology, i,
				     &beside[i]);
	if (!result)
		result = switch_followed_update(&probe->followed, topology, beside);
	for (size_t i = 0; beside && i < topology->domain_count; i++)
		beside_clear(&beside[i]);
	free(beside);
	return result;
}

int switch_read_parts(struct switch_probe *probe, const struct topology *topology,
		      struct sample *sample)
{
	int result;

	read_books(probe);
	result = switch_followed_read(&probe->followed, &probe->books, quality_of(probe), topology,
				      sample);
	if (result)
		return result;
	switch_heads_charge(&probe->books, &probe->followed, probe->scope.context.files.root);
	return switch_heads_put(&probe->books, quality_of(probe), probe->scope.set.count, sample);
}

/* A CPU that left keeps what it had counted, and its package. */
int switch_read_total(struct switch_probe *probe, struct sample *sample, struct error *error)
{
	const struct switch_books *books = &probe->books;
	const struct perf_total *total = &probe->scope.total;
	unsigned time = probe->scope.set.count;

	(void)error;
	if (!probe->is_read)
		read_books(probe);
	probe->is_read = false;
	sample->package_count = total->package_count;
	for (unsigned slot = 0; slot < total->package_count; slot++)
		sample->packages[slot].total = (struct cpu_reading){
			.at_ns = books->at_ns,
			.quality = quality_of(probe),
		};
	for (size_t i = 0; i < total->cpus.count && books->at_ns; i++) {
		const struct perf_cpu *cpu = &total->cpus.items[i];
		uint64_t *count = sample->packages[cpu->slot].total.count;

		if (cpu->cpu >= books->cpus.count)
			continue;
		for (unsigned e = 0; e <= time; e++)
			count[e] += books->cpus.items[cpu->cpu].total[e];
		count[time] -= books->cpus.items[cpu->cpu].idle[time];
	}
	return 0;
}

/* --- all tasks ----------------------------------------------------------------------------- */

static int add_reading(struct switch_tasks *tasks, struct switch_task_reading reading,
		       const uint64_t *count)
{
	struct switch_task_reading *item = MEMORY_APPEND(tasks);

	if (!item)
		return -ENOMEM;
	*item = reading;
	memcpy(item->count, count, sizeof item->count);
	return 0;
}

int switch_read_tasks(const struct switch_probe *probe, struct switch_tasks *tasks)
{
	static const struct switch_task_reading heads[SWITCH_HEADS] = {
		[SWITCH_IDLE] = { .kind = SWITCH_OF_IDLE, .name = "idle" },
		[SWITCH_ENDED] = { .kind = SWITCH_OF_ENDED, .name = "ended" },
		[SWITCH_UNLISTED] = { .kind = SWITCH_OF_UNLISTED, .name = "unlisted" },
	};
	const struct switch_books *books = &probe->books;
	int result = 0;

	tasks->count = 0;
	tasks->at_ns = books->at_ns;
	tasks->quality = quality_of(probe);
	for (size_t i = 0; i < books->processes.count && !result; i++) {
		const struct switch_process *process = &books->processes.items[i];
		struct switch_task_reading reading = {
			.kind = process->is_kernel ? SWITCH_OF_KERNEL : SWITCH_OF_PROCESS,
			.pid = process->tgid,
		};

		memcpy(reading.name, process->comm, sizeof reading.name);
		result = add_reading(tasks, reading, process->count);
	}
	for (unsigned head = 0; head < SWITCH_HEADS && !result; head++)
		result = add_reading(tasks, heads[head], books->heads[head]);
	return result;
}

void switch_tasks_clear(struct switch_tasks *tasks)
{
	free(tasks->items);
	*tasks = (struct switch_tasks){ 0 };
}
