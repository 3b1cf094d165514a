/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads and writes of all sizes on a disk of this machine, in a shuffled order, idle between. */
#include "calibrate/disk-runs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/command.h"
#include "calibrate/fit/align-internal.h"
#include "calibrate/record/record.h"
#include "calibrate/workload/workload-disk.h"

#define MINUTES 12.0
#define WARM_UP_S 2.0
#define PHASE_LEAST_S 6.0
#define CPU_LOAD "integer" /* tells the power of a busy CPU from the disk's */

enum { REPETITIONS = 2, IDLE_EVERY = 6, BLOCK_LEAST_BYTES = 4096 };

struct place {
	char target[PATH_MAX]; /* what jobs read and write */
	bool is_ours;
};

/* --- what is run */

static int add_phase(struct suite *suite, const struct workload *workload, const char *job,
		     const struct place *place)
{
	struct suite_phase *phase = MEMORY_APPEND(suite);

	if (!phase)
		return -ENOMEM;
	phase->run = (struct workload_run){
		.workload = workload,
		.threads = workload->kind == WORKLOAD_KERNEL ? 1 : 0,
		.target = job ? place->target : NULL,
		.disk_job = job,
	};
	phase->warm_up_s = WARM_UP_S;
	return 0;
}

/* Jobs that can run here; what cannot is noted. Small blocks only tire the disk. */
static size_t find_jobs(const struct place *place, const struct disk_job **jobs, size_t most,
			struct error_list *notes)
{
	size_t count, found = 0;
	const struct disk_job *table = disk_job_table(&count);

	for (size_t i = 0; i < count && found < most; i++) {
		struct error error = { "" };

		if (!table[i].pattern || table[i].block_bytes < BLOCK_LEAST_BYTES)
			continue;
		if (table[i].writes && !place->is_ours)
			continue;
		if (disk_job_check(&table[i], place->target, &error))
			error_list_addf(notes, "%s: left out: %s", table[i].name, error.text);
		else
			jobs[found++] = &table[i];
	}
	return found;
}

/* Fisher and Yates, with splitmix64. */
static void shuffle(const struct disk_job **jobs, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; i--) {
		uint64_t x = *state += 0x9e3779b97f4a7c15u;
		const struct disk_job *last = jobs[i - 1];

		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
		x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
		x ^= x >> 31;
		jobs[i - 1] = jobs[x % i];
		jobs[x % i] = last;
	}
}

static int add_round(const struct place *place, const struct disk_job **jobs, size_t count,
		     struct suite *suite)
{
	const struct workload *idle = workload_find("idle"), *cpu = workload_find(CPU_LOAD);
	int result = cpu ? add_phase(suite, cpu, NULL, place) : 0;

	for (size_t i = 0; i < count && !result; i++) {
		if (i % IDLE_EVERY == 0)
			result = add_phase(suite, idle, NULL, place);
		if (!result)
			result = add_phase(suite, &workload_disk, jobs[i]->name, place);
	}
	return result ? result : add_phase(suite, idle, NULL, place);
}

static int make_suite(const struct disk_live *live, const struct place *place, struct suite *suite,
		      struct error_list *notes, struct error *error)
{
	const struct disk_job *jobs[64];
	size_t count = find_jobs(place, jobs, 64, notes);
	double minutes = live->setup->minutes > 0 ? live->setup->minutes : MINUTES;
	uint64_t state = live->setup->seed;
	int result = 0;

	if (count == 0)
		return error_setf(error, ENODEV, "%s: none of the jobs can be run: %s",
				  place->target, notes->count ? notes->texts[0] : "no fio");
	for (int round = 0; round < REPETITIONS && !result; round++) {
		shuffle(jobs, count, &state);
		result = add_round(place, jobs, count, suite);
	}
	if (result)
		return error_setf(error, -result, "%s", strerror(-result));
	for (size_t i = 0; i < suite->count; i++) {
		suite->items[i].seconds = fmax(60 * minutes / (double)suite->count, PHASE_LEAST_S);
		suite->total_s += suite->items[i].seconds;
	}
	return 0;
}

/* --- what was measured */

static double rate(uint64_t from, uint64_t to, double seconds)
{
	return to >= from ? (double)(to - from) / seconds : 0;
}

void disk_run_contiguous(struct disk_run *run, const struct disk_job *job, bool is_rotational)
{
	if (is_rotational && job->pattern && strncmp(job->pattern, "rand", 4) != 0)
		run->reads = run->writes = 0;
}

static struct disk_run make_run(const struct disk_live *live, const struct session *session,
				const struct align_row *row)
{
	const struct session_sample *a = &session->samples.items[row->from_sample];
	const struct session_sample *b = &session->samples.items[row->sample + 1];
	double seconds = (double)(b->time_ns - a->time_ns) * 1e-9;
	const char *workload = session->phases.items[row->phase].workload;
	const struct disk_job *job = disk_job_find(workload);
	struct disk_run run = {
		.power_w = session->readings.items[row->reading].power_w,
		.busy = NAN, /* fio keeps a deep queue: every job is saturated */
		.workload = workload,
	};

	/* What others read and write meanwhile is no part of an idle run. */
	if (!job || !job->pattern)
		return run;
	run.reads = rate(a->disk_reads, b->disk_reads, seconds);
	run.writes = rate(a->disk_writes, b->disk_writes, seconds);
	run.read_bytes = rate(a->disk_read_bytes, b->disk_read_bytes, seconds);
	run.write_bytes = rate(a->disk_write_bytes, b->disk_write_bytes, seconds);
	disk_run_contiguous(&run, job, live->is_rotational);
	return run;
}

static int gather(const struct disk_live *live, const struct session *session,
		  const struct align *align, struct disk_runs *runs, struct error *error)
{
	struct align_rows rows = { 0 };
	double *busy = NULL, watts;
	int result = align_rows_find(session, ALIGN_ANY_PASS, align, WARM_UP_S, &rows);

	if (!result) {
		busy = calloc(rows.count + 1, sizeof *busy);
		result = busy ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < rows.count && !result; i++) {
		struct disk_run run = make_run(live, session, &rows.items[i]);
		double rates[SESSION_EVENTS_MAX + 1];

		align_row_rates(session, &rows.items[i], rates);
		busy[i] = rates[0] * 1e-9; /* no events in the pass: time alone */
		result = disk_runs_add(runs, &run);
	}
	if (result)
		error_setf(error, -result, "%s", strerror(-result));
	else
		result = disk_runs_remove_cpu(runs, busy, &watts, error);
	align_rows_clear(&rows);
	free(busy);
	return result;
}

/* --- all of it */

static int make_place(const struct disk_live *live, struct place *place, struct error *error)
{
	if (live->folder) {
		int result =
			disk_create_target(live->folder, live->file_bytes, place->target, error);

		place->is_ours = result == 0;
		return result;
	}
	snprintf(place->target, sizeof place->target, "/dev/%s", live->device);
	return 0;
}

static int record(const struct disk_live *live, struct setup *setup, struct session *session,
		  struct error_list *notes, struct error *error)
{
	struct place place = { .is_ours = false };
	struct suite suite = { 0 };
	int result = make_place(live, &place, error);

	if (!result)
		result = make_suite(live, &place, &suite, notes, error);
	if (!result)
		result = record_run(&(const struct record_setup){ .suite = &suite,
								  .counters = setup->counters,
								  .meter = setup->meter,
								  .root = &setup->root,
								  .progress = !live->setup->quiet,
								  .stop = record_watch_signals(),
								  .notes = notes },
				    session, error);
	if (result == -EINTR)
		error_setf(error, EINTR, "interrupted");
	if (place.is_ours)
		disk_remove_target(place.target);
	suite_clear(&suite);
	return result;
}

static int measure(const struct disk_live *live, struct setup *setup, struct session *session,
		   struct disk_runs *runs, struct error_list *notes, struct error *error)
{
	struct align align;
	int result;

	if (disk_scope_is_machine(&session->about) && isnan(live->idle_w))
		return error_setf(
			error, EINVAL,
			"the meter measures the machine, where a disk's idle power cannot "
			"be seen: --idle says it, of the data sheet");
	if (strlen(live->device) >= sizeof session->disk)
		return error_setf(error, EINVAL, "device %s: no such disk", live->device);
	strcpy(session->disk, live->device);
	if (!MEMORY_APPEND(&session->passes))
		return error_setf(error, ENOMEM, "out of memory");
	result = record(live, setup, session, notes, error);
	if (!result)
		result = align_estimate(session, &align, error);
	if (result)
		return result;
	session->about.meter_lag_s = align.lag_s;
	session->about.meter_window_s = align.window_s;
	return gather(live, session, &align, runs, error);
}

int disk_runs_measure(const struct disk_live *live, struct disk_runs *runs,
		      struct trace_about *about, struct error_list *notes, struct error *error)
{
	struct session session;
	struct setup setup;
	int result = setup_open(&setup, live->setup, &session, error);

	if (result)
		return result;
	command_print_list(&setup.warnings, "warning");
	result = measure(live, &setup, &session, runs, notes, error);
	if (!result) {
		/* The caller clears it: the session keeps nothing of it. */
		*about = session.about;
		trace_about_init(&session.about);
	}
	setup_close(&setup);
	session_clear(&session);
	return result;
}
