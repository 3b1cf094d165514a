/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "calibrate/record/recorder.h"
#include "meter/plant.h"

enum { SECTOR_BYTES = 512, SETTLE_FACTOR = 3 };
#define SILENCE_REAL_S 2.0
#define SETTLE_PER_S 10.0 /* that the limit is meant of */

struct run {
	struct recorder *recorder;
	const struct suite_phase *plan; /* of the phase that is open */
	struct session_phase *phase;
	size_t index; /* of it */
	size_t first_sample;
	unsigned losses; /* of the meter, before */
	double done_s;   /* by phases that this one continues */
	struct workload_process *process;
	/* Waiting for the temperature: what it was at the last look, and when. */
	bool is_settled;
	uint64_t looked_ns;
	double looked_c;
};

/* --- what is set before ---------------------------------------------------------------------- */

static int set_frequency(struct recorder *recorder, uint64_t frequency_hz, struct error *error)
{
	int result;

	if (!recorder->hold || frequency_hz == recorder->frequency_hz)
		return 0;
	result = frequency_hold_set(recorder->hold, frequency_hz, error);
	if (!result)
		recorder->frequency_hz = frequency_hz;
	return result;
}

static int set_pass(struct recorder *recorder, unsigned pass, struct error *error)
{
	int result;

	if (recorder->has_pass && recorder->pass == pass)
		return 0;
	if (pass >= recorder->session->passes.count)
		return error_setf(error, EINVAL, "pass %u: there are %zu", pass,
				  recorder->session->passes.count);
	recorder->has_pass = false;
	result = counters_choose(recorder->setup->counters, &recorder->session->passes.items[pass],
				 error);
	recorder->has_pass = !result;
	recorder->pass = pass;
	return result;
}

/* --- the workload, or what an emulated machine takes for one --------------------------------- */

static int run_plant(const struct recorder *recorder, const struct workload_run *what,
		     struct error *error)
{
	struct plant *plant = counters_plant(recorder->setup->counters);

	return plant_run(plant, plant_time_ns(plant, clock_now_ns()), what->workload->name,
			 what->threads, error);
}

static int start(struct run *run, struct error *error)
{
	const struct record_setup *setup = run->recorder->setup;

	return counters_plant(setup->counters)
		       ? run_plant(run->recorder, &run->plan->run, error)
		       : workload_start(&run->process, &run->plan->run, setup->root, error);
}

static void stop(struct run *run)
{
	const struct counters *counters = run->recorder->setup->counters;
	static const struct workload idle = { .name = "idle" };
	static const struct workload_run rest = { .workload = &idle };

	if (counters_plant(counters))
		run_plant(run->recorder, &rest, NULL);
	else
		workload_stop(run->process);
	run->process = NULL;
}

/* --- samples --------------------------------------------------------------------------------- */

/* Requests and sectors read are fields 1 and 3, written 5 and 7: kernel's iostats.rst. */
static int read_disk(const struct run *run, struct session_sample *sample, struct error *error)
{
	const char *disk = run->recorder->session->disk;
	uint64_t fields[7];
	char text[256];
	const char *cursor = text;
	long length;

	if (!disk[0])
		return 0;
	length = rootfs_readf(run->recorder->setup->root, text, sizeof text,
			      "/sys/class/block/%s/stat", disk);
	if (length < 0)
		return error_setf(error, (int)-length, "disk %s: %s", disk,
				  strerrordesc_np((int)-length));
	for (unsigned i = 0; i < 7; i++)
		if (number_scan_u64(&cursor, &fields[i]))
			return error_setf(error, EINVAL, "disk %s: no statistics", disk);
	sample->disk_reads = fields[0];
	sample->disk_read_bytes = fields[2] * SECTOR_BYTES;
	sample->disk_writes = fields[4];
	sample->disk_write_bytes = fields[6] * SECTOR_BYTES;
	return 0;
}

static int add_sample(struct run *run, struct error *error)
{
	struct recorder *recorder = run->recorder;
	struct session_sample *sample = MEMORY_APPEND(&recorder->session->samples);
	int result;

	if (!sample)
		return error_setf(error, ENOMEM, "samples: out of memory");
	sample->phase = run->index;
	result = counters_read(recorder->setup->counters, sample, error);
	sample->time_ns += recorder->shift_ns;
	return result ? result : read_disk(run, sample, error);
}

static const struct session_sample *last_sample(const struct run *run)
{
	const struct session *session = run->recorder->session;

	return &session->samples.items[session->samples.count - 1];
}

/* --- warm-up -----------------------------------------------------------------------------------
 */

/* Samples from the warm-up's own begin on. */
static void move_begin(struct run *run, uint64_t begin_ns)
{
	struct session *session = run->recorder->session;
	struct session_sample *items = session->samples.items;
	size_t kept = run->first_sample;

	run->phase->begin_ns = begin_ns;
	while (kept < session->samples.count && items[kept].time_ns < begin_ns)
		kept++;
	memmove(&items[run->first_sample], &items[kept],
		(session->samples.count - kept) * sizeof *items);
	session->samples.count -= kept - run->first_sample;
}

/* Does it change by less than the limit? Looked at twice in a warm-up: sensors have coarse steps.
 */
static bool is_steady(struct run *run, const struct session_sample *now)
{
	double passed_s = (double)(now->time_ns - run->looked_ns) * 1e-9;
	double change_c = fabs(now->temperature_c - run->looked_c);

	if (isnan(now->temperature_c))
		return true;
	if (passed_s < run->plan->warm_up_s / 2)
		return false;
	run->looked_ns = now->time_ns;
	run->looked_c = now->temperature_c;
	return change_c * SETTLE_PER_S / passed_s < run->recorder->setup->temperature_settle_c;
}

/*
 * The phase begins one warm-up before the temperature is steady, or three warm-ups are over.
 * Until then it has no end.
 */
static void settle(struct run *run)
{
	const struct session_sample *now = last_sample(run);
	double warm_up_s = run->plan->warm_up_s;
	double age_s = (double)(now->time_ns - run->phase->begin_ns) * 1e-9;
	bool is_steady_now;

	if (run->is_settled)
		return;
	is_steady_now = is_steady(run, now);
	run->is_settled =
		age_s >= warm_up_s && (is_steady_now || age_s >= SETTLE_FACTOR * warm_up_s);
	if (run->is_settled && now->time_ns > recorder_after_ns(run->phase->begin_ns, warm_up_s))
		move_begin(run, now->time_ns - recorder_after_ns(0, warm_up_s));
}

/* --- until its end ------------------------------------------------------------------------------
 */

static int check(struct run *run, struct error *error)
{
	const struct meter_state *state = &run->recorder->state;

	if (state->losses != run->losses)
		return error_setf(error, ENODEV, "the meter was lost: %s", state->why.text);
	return run->process ? workload_check(run->process, error) : 0;
}

/* It moves as long as the phase has not settled. */
static uint64_t end_ns(const struct run *run)
{
	return recorder_after_ns(run->phase->begin_ns, run->plan->seconds);
}

static int run_to_end(struct run *run, struct error *error)
{
	struct recorder *recorder = run->recorder;
	uint64_t next_ns = run->phase->begin_ns;
	int result;

	do {
		next_ns = recorder_after_ns(next_ns, recorder->sample_s);
		if (run->is_settled && next_ns > end_ns(run))
			next_ns = end_ns(run);
		result = recorder_wait_until(recorder, next_ns);
		if (!result)
			result = add_sample(run, error);
		if (!result)
			result = recorder_drain(recorder, error);
		if (!result)
			result = check(run, error);
		if (result)
			return result;
		settle(run);
		/* What was missed while we did not run is not made up for. */
		if (next_ns < last_sample(run)->time_ns)
			next_ns = last_sample(run)->time_ns;
		recorder_show(recorder,
			      run->done_s + fmin((double)(next_ns - run->phase->begin_ns) * 1e-9,
						 run->plan->seconds));
	} while (!run->is_settled || last_sample(run)->time_ns < end_ns(run));
	run->phase->end_ns = last_sample(run)->time_ns;
	return 0;
}

/* A meter that can be read but has nothing to say: told when it should have said something, and had
 * time to, also where an emulated clock runs fast. */
static int check_readings(const struct run *run, struct error *error)
{
	const struct session *session = run->recorder->session;
	size_t i = session->readings.count;

	if (!(run->plan->seconds > 3 * session->meter.interval_s) ||
	    run->plan->seconds / run->recorder->speed < SILENCE_REAL_S)
		return 0;
	while (i > 0 && session->readings.items[i - 1].time_ns >= run->phase->begin_ns)
		if (!isnan(session->readings.items[--i].power_w))
			return 0;
	return error_setf(error, ENODATA, "no reading came from the meter");
}

/* --- a phase -----------------------------------------------------------------------------------
 */

const char *recorder_group(const struct suite_phase *plan)
{
	return plan->run.disk_job ? plan->run.disk_job : plan->run.workload->name;
}

static int begin(struct run *run, struct error *error)
{
	struct recorder *recorder = run->recorder;
	struct session_phase *phase = MEMORY_APPEND(&recorder->session->phases);

	if (!phase)
		return error_setf(error, ENOMEM, "phases: out of memory");
	run->phase = phase;
	run->index = recorder->session->phases.count - 1;
	run->first_sample = recorder->session->samples.count;
	if (!run->plan->continues)
		run->losses = recorder->state.losses;
	run->is_settled = run->plan->continues || !(recorder->setup->temperature_settle_c > 0);
	run->looked_c = NAN;
	snprintf(phase->workload, sizeof phase->workload, "%s", recorder_group(run->plan));
	snprintf(phase->variant, sizeof phase->variant, "%s", run->plan->variant);
	phase->pass = run->plan->pass;
	phase->threads = run->plan->run.threads;
	phase->frequency_hz = run->plan->frequency_hz;
	phase->continues = run->plan->continues;
	return 0;
}

/* It begins when its events are counted, and unless it continues another its workload runs. */
static int run_phase(struct run *run, struct error *error)
{
	struct recorder *recorder = run->recorder;
	int result = set_pass(recorder, run->plan->pass, error);

	if (!result)
		result = recorder_drain(recorder, error);
	if (!result)
		result = begin(run, error);
	if (!result && !run->plan->continues)
		result = start(run, error);
	if (result || !run->phase)
		return result;
	run->phase->begin_ns = recorder_now_ns(recorder);
	result = add_sample(run, error);
	if (!result)
		result = run_to_end(run, error);
	if (!result)
		result = check_readings(run, error);
	run->phase->complete = !result;
	run->done_s += run->plan->seconds;
	return result;
}

int recorder_run_phases(struct recorder *recorder, const struct suite_phase *plans, size_t count,
			struct error *error)
{
	struct session *session = recorder->session;
	const size_t phases = session->phases.count, samples = session->samples.count;
	struct run run = { .recorder = recorder };
	int result = set_frequency(recorder, plans->frequency_hz, error);

	for (size_t i = 0; i < count && !result; i++) {
		run.plan = &plans[i];
		result = run_phase(&run, error);
	}
	stop(&run);
	if (result) {
		session->phases.count = phases;
		session->samples.count = samples;
	}
	return result;
}
