/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This machine's counters: discover, sample, account, each tick. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/clock.h"
#include "engine/counting.h"
#include "engine/live.h"
#include "engine/pace.h"
#include "engine/recorder.h"
#include "model/account.h"
#include "vmetop/source.h"

struct local {
	struct live *live;
	struct counting counting;
	struct account *account;
	struct recorder *recorder; /* NULL = not recording */
	struct sample sample;
	struct pace pace;
	enum idle_policy idle_policy;
	uint64_t noted_generation; /* whose notes were looked at */
	struct source *source;     /* that we are the state of */
	struct utsname machine;
};

/* What could not be seen, and why. */
static void note_all(struct local *local, const struct topology *topology)
{
	for (unsigned i = 0; i < LIVE_NOTES; i++)
		if (live_note(local->live, i))
			source_note(local->source, live_note(local->live, i));
	if (local->noted_generation == topology->generation)
		return;
	local->noted_generation = topology->generation;
	for (size_t i = 0; i < topology->note_count; i++)
		source_note(local->source, topology->notes[i]);
}

/* One tick as its visible calls; publishing is the caller's. */
static int local_tick(struct local *local, struct snapshot *snapshot, struct error *error)
{
	const struct topology *topology;
	int result = live_discover(local->live, &topology, error);

	if (result)
		return result;
	note_all(local, topology);
	local->source->info.service_times = live_service_time_source(local->live);
	result = live_sample(local->live, topology, &local->sample, error);
	if (result)
		return result;
	local->sample.missed_ticks = local->pace.missed_ticks;
	if (local->recorder)
		result = recorder_put(local->recorder, topology, &local->sample, error);
	if (result)
		return result;
	return account_tick(local->account, topology, &local->sample, snapshot, error);
}

static uint64_t local_due_ns(void *state)
{
	return ((struct local *)state)->pace.due_ns;
}

static int local_run(void *state, struct snapshot *snapshot, struct error *error)
{
	struct local *local = state;
	int result = local_tick(local, snapshot, error);

	pace_advance(&local->pace, clock_now_ns());
	if (result == -EINVAL)
		source_notef(local->source, "tick %llu left out: %s",
			     (unsigned long long)local->sample.seq, error->text);
	return result == -EAGAIN || result == -EINVAL ? SOURCE_NO_FIGURES : result;
}

static void local_set_pace(void *state, double seconds)
{
	struct local *local = state;
	uint64_t missed_ticks = local->pace.missed_ticks;

	pace_start(&local->pace, (uint64_t)(seconds * 1e9), clock_now_ns());
	pace_advance(&local->pace, clock_now_ns());
	local->pace.missed_ticks = missed_ticks;
	live_set_interval(local->live, local->pace.interval_ns);
	local->source->info.interval_s = seconds;
}

static int local_close(void *state, struct error *error)
{
	struct local *local = state;
	int result = recorder_close(local->recorder, error);

	account_close(local->account);
	live_close(local->live);
	counting_clear(&local->counting);
	sample_clear(&local->sample);
	free(local);
	return result;
}

/* What counts, its prices, and all that is wrong with the files that were passed over. */
static int choose_counting(struct local *local, const struct options *options,
			   const struct topology *topology, struct error *error)
{
	const struct counting_request request = { .source = options->cpu_source,
						  .weights = options->weights };
	struct counting *counting = &local->counting;
	int result = counting_choose(local->live, &request, topology, counting, error);

	for (size_t i = 0; i < counting->warnings.count; i++)
		source_note(local->source, counting->warnings.texts[i]);
	return result;
}

static int open_account(struct local *local, const struct options *options, struct error *error)
{
	struct account_options account = { .idle_policy = local->idle_policy,
					   .own_name = "vmetop" };
	const struct topology *topology;
	int result = live_discover(local->live, &topology, error);

	if (!result)
		result = choose_counting(local, options, topology, error);
	if (result)
		return result;
	live_events(local->live, &account.events);
	account.cpu = local->counting.choice.cpu;
	account.disks = (const struct weights *const *)local->counting.choice.disks;
	account.disk_count = local->counting.choice.disk_count;
	return account_open(&local->account, &account, error);
}

static int open_recorder(struct local *local, const struct options *options, struct error *error)
{
	struct recording_header header = {
		.program = (char[]){ "vmetop " VMENERGY_VERSION },
		.hostname = local->machine.nodename,
		.kernel = local->machine.release,
		.started_s = (double)time(NULL),
		.interval_s = options->interval_s,
		.idle_policy = local->idle_policy,
		.cpu_weights = local->counting.choice.cpu_file,
		.cpu_weights_why = local->counting.choice.why,
		.disk_weights = local->counting.choice.disk_files,
		.disk_weights_count = local->counting.choice.disk_count,
	};

	if (!options->record)
		return 0;
	live_events(local->live, &header.events);
	return recorder_open(&local->recorder, options->record, &header, error);
}

int source_local_open(struct source *source, const struct options *options, struct error *error)
{
	struct local *local = calloc(1, sizeof *local);
	struct live_options live = {
		.root = options->root,
		.uri = options->uri,
		.without_libvirt = options->without_libvirt,
		.qmp_sockets = options->qmp_sockets.items,
		.qmp_count = options->qmp_sockets.count,
		.interval_ns = (uint64_t)(options->interval_s * 1e9),
	};
	int result;

	if (!local)
		return error_setf(error, ENOMEM, "out of memory");
	local->source = source;
	uname(&local->machine);
	local->idle_policy =
		options->idle_policy < 0 ? IDLE_VCPU : (enum idle_policy)options->idle_policy;
	result = live_open(&local->live, &live, error);
	if (!result)
		result = open_account(local, options, error);
	if (!result)
		result = open_recorder(local, options, error);
	if (result) {
		local_close(local, NULL);
		return result;
	}
	pace_start(&local->pace, live.interval_ns, clock_now_ns());
	source->due_ns = local_due_ns;
	source->tick = local_run;
	source->set_pace = local_set_pace;
	source->close = local_close;
	source->state = local;
	source->info.hostname = local->machine.nodename;
	source->info.weights_why = local->counting.choice.why;
	source->info.counting = live_total_source(local->live);
	source->info.frequency = live_frequency_source(local->live);
	if (local->counting.why_not_events.text[0])
		source->info.why_not_events = local->counting.why_not_events.text;
	source->info.verdict = local->counting.choice.cpu->verdict;
	source->info.interval_s = options->interval_s;
	return 0;
}
