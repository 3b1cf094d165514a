/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This machine's counters: discover, sample, account, each tick. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/choose.h"
#include "engine/live.h"
#include "engine/pace.h"
#include "engine/recorder.h"
#include "model/account.h"
#include "vmetop/source.h"
#include "vmetop/wait.h"

enum { NOTES_MAX = 256 }; /* beyond, a note may be shown again */

struct local {
	struct live *live;
	struct weights_choice choice;
	struct account *account;
	struct recorder *recorder; /* NULL = not recording */
	struct sample sample;
	struct pace pace;
	enum idle_policy idle_policy;
	uint64_t noted_generation; /* whose notes were looked at */
	struct {
		char **items;
		size_t count, capacity;
	} notes; /* that the user has seen */
	struct utsname machine;
};

/* Say what could not be seen, and why: each thing once. */
static void show_note(struct local *local, const char *note)
{
	char **shown;

	for (size_t i = 0; i < local->notes.count; i++)
		if (strcmp(local->notes.items[i], note) == 0)
			return;
	log_warning("%s", note);
	shown = local->notes.count < NOTES_MAX ? MEMORY_APPEND(&local->notes) : NULL;
	if (shown && !(*shown = strdup(note)))
		local->notes.count--;
}

static void show_notes(struct local *local, const struct topology *topology)
{
	const char *note = live_note(local->live);

	if (note)
		show_note(local, note);
	if (local->noted_generation == topology->generation)
		return;
	local->noted_generation = topology->generation;
	for (size_t i = 0; i < topology->note_count; i++)
		show_note(local, topology->notes[i]);
}

/* One tick as its visible calls; publishing is the caller's. */
static int local_tick(struct local *local, struct snapshot *snapshot, struct error *error)
{
	const struct topology *topology;
	int result = live_discover(local->live, &topology, error);

	if (result)
		return result;
	show_notes(local, topology);
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

static int local_next(void *state, struct snapshot *snapshot, struct error *error)
{
	struct local *local = state;
	int result;

	do {
		if (!wait_until(local->pace.due_ns))
			return SOURCE_END;
		result = local_tick(local, snapshot, error);
		pace_advance(&local->pace, clock_now_ns());
		if (result == -EINVAL)
			log_warning("tick %llu left out: %s", (unsigned long long)local->sample.seq,
				    error->text);
	} while (result == -EAGAIN || result == -EINVAL);
	return result;
}

static int local_close(void *state, struct error *error)
{
	struct local *local = state;
	int result = recorder_close(local->recorder, error);

	account_close(local->account);
	live_close(local->live);
	weights_choice_free(&local->choice);
	sample_clear(&local->sample);
	for (size_t i = 0; i < local->notes.count; i++)
		free(local->notes.items[i]);
	free(local->notes.items);
	free(local);
	return result;
}

/* Weights, and all that is wrong with the files that were passed over. */
static int choose_weights(struct local *local, const char *spec, const struct cpu_identity *cpu,
			  enum cpu_source source, struct error *error)
{
	struct weights_request request = { .spec = spec, .cpu = cpu, .source = source };
	struct error_list warnings = { 0 };
	int result = weights_choose(&request, &local->choice, &warnings, error);

	for (size_t i = 0; i < warnings.count; i++)
		log_warning("%s", warnings.texts[i]);
	error_list_clear(&warnings);
	return result;
}

static int open_account(struct local *local, const struct options *options, struct error *error)
{
	struct account_options account = { .idle_policy = local->idle_policy,
					   .own_name = "vmetop" };
	const struct topology *topology;
	int result = live_discover(local->live, &topology, error);

	if (result)
		return result;
	live_events(local->live, &account.events);
	result = choose_weights(local, options->weights, &topology->cpu, account.events.source,
				error);
	if (result)
		return result;
	account.cpu = local->choice.cpu;
	account.disks = (const struct weights *const *)local->choice.disks;
	account.disk_count = local->choice.disk_count;
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
		.cpu_weights = local->choice.cpu_file,
		.cpu_weights_why = local->choice.why,
		.disk_weights = local->choice.disk_files,
		.disk_weights_count = local->choice.disk_count,
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
	log_debug("machine totals from %s", live_total_source(local->live));
	pace_start(&local->pace, live.interval_ns, clock_now_ns());
	*source = (struct source){
		.next = local_next,
		.close = local_close,
		.state = local,
		.info = { .hostname = local->machine.nodename,
			  .weights_why = local->choice.why,
			  .interval_s = options->interval_s },
	};
	return 0;
}
