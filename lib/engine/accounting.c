/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/accounting.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static int open_account(struct accounting *accounting, const struct accounting_options *options,
			struct error *error)
{
	const struct counting_request request = { .source = options->cpu_source,
						  .weights = options->weights };
	const struct weights_choice *choice = &accounting->counting.choice;
	struct account_options account = { .idle_policy = options->idle_policy,
					   .own_name = options->own_name };
	const struct topology *topology;
	int result = live_discover(accounting->live, &topology, error);

	if (!result)
		result = counting_choose(accounting->live, &request, topology,
					 &accounting->counting, error);
	if (result)
		return result;
	live_events(accounting->live, &account.events);
	account.cpu = choice->cpu;
	account.disks = (const struct weights *const *)choice->disks;
	account.disk_count = choice->disk_count;
	account.nics = (const struct weights *const *)choice->nics;
	account.nic_count = choice->nic_count;
	return account_open(&accounting->account, &account, error);
}

static int open_recorder(struct accounting *accounting, const struct accounting_options *options,
			 struct error *error)
{
	const struct weights_choice *choice = &accounting->counting.choice;
	char program[64];
	struct recording_header header = {
		.program = program,
		.hostname = accounting->machine.nodename,
		.kernel = accounting->machine.release,
		.started_s = (double)time(NULL),
		.interval_s = (double)options->live.interval_ns / 1e9,
		.idle_policy = options->idle_policy,
		.cpu_weights = choice->cpu_file,
		.cpu_weights_why = choice->why,
		.disk_weights = choice->disk_files,
		.disk_weights_count = choice->disk_count,
		.nic_weights = choice->nic_files,
		.nic_weights_count = choice->nic_count,
	};

	if (!options->record)
		return 0;
	snprintf(program, sizeof program, "%s %s", options->own_name, VMENERGY_VERSION);
	live_events(accounting->live, &header.events);
	return recorder_open(&accounting->recorder, options->record, &header, error);
}

int accounting_open(struct accounting *accounting, const struct accounting_options *options,
		    struct error *error)
{
	int result;

	uname(&accounting->machine);
	accounting->idle_policy = options->idle_policy;
	result = live_open(&accounting->live, &options->live, error);
	if (!result)
		result = open_account(accounting, options, error);
	if (!result)
		result = open_recorder(accounting, options, error);
	if (!result)
		pace_start(&accounting->pace, options->live.interval_ns, clock_now_ns());
	return result;
}

int accounting_close(struct accounting *accounting, struct error *error)
{
	int result = recorder_close(accounting->recorder, error);

	account_close(accounting->account);
	live_close(accounting->live);
	counting_clear(&accounting->counting);
	sample_clear(&accounting->sample);
	*accounting = (struct accounting){ 0 };
	return result;
}

/* One tick as its visible calls; publishing is the caller's. */
static int run_tick(struct accounting *accounting, struct snapshot *snapshot, struct error *error)
{
	struct sample *sample = &accounting->sample;
	int result = live_discover(accounting->live, &accounting->topology, error);

	if (!result)
		result = live_sample(accounting->live, accounting->topology, sample, error);
	if (result)
		return result;
	sample->missed_ticks = accounting->pace.missed_ticks;
	if (accounting->recorder)
		result = recorder_put(accounting->recorder, accounting->topology, sample, error);
	if (result)
		return result;
	return account_tick(accounting->account, accounting->topology, sample, snapshot, error);
}

int accounting_tick(struct accounting *accounting, struct snapshot *snapshot, struct error *error)
{
	int result = run_tick(accounting, snapshot, error);

	pace_advance(&accounting->pace, clock_now_ns());
	return result;
}

void accounting_set_interval(struct accounting *accounting, double seconds)
{
	struct pace *pace = &accounting->pace;
	uint64_t missed_ticks = pace->missed_ticks;

	pace_start(pace, (uint64_t)(seconds * 1e9), clock_now_ns());
	pace_advance(pace, clock_now_ns());
	pace->missed_ticks = missed_ticks;
	live_set_interval(accounting->live, pace->interval_ns);
}

void accounting_notes(struct accounting *accounting, accounting_note *note, void *context)
{
	const struct topology *topology = accounting->topology;

	if (accounting->counting.why_not_switches.text[0])
		note(context, accounting->counting.why_not_switches.text);
	for (unsigned i = 0; i < LIVE_NOTES; i++)
		if (live_note(accounting->live, i))
			note(context, live_note(accounting->live, i));
	if (!topology || accounting->noted_generation == topology->generation)
		return;
	accounting->noted_generation = topology->generation;
	for (size_t i = 0; i < topology->note_count; i++)
		note(context, topology->notes[i]);
}
