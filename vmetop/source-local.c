/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This machine's counters: discover, sample, account, each tick. */
#include <errno.h>
#include <stdlib.h>

#include "engine/accounting.h"
#include "vmetop/source.h"

struct local {
	struct accounting accounting;
	struct source *source; /* that we are the state of */
};

static void take_note(void *context, const char *note)
{
	source_note(context, note);
}

static uint64_t local_due_ns(void *state)
{
	return ((struct local *)state)->accounting.pace.due_ns;
}

static int local_run(void *state, struct snapshot *snapshot, struct error *error)
{
	struct local *local = state;
	struct accounting *accounting = &local->accounting;
	int result = accounting_tick(accounting, snapshot, error);

	accounting_notes(accounting, take_note, local->source);
	local->source->info.service_times = live_service_time_source(accounting->live);
	if (result == -EINVAL)
		source_notef(local->source, "tick %llu left out: %s",
			     (unsigned long long)accounting->sample.seq, error->text);
	return result == -EAGAIN || result == -EINVAL ? SOURCE_NO_FIGURES : result;
}

static void local_set_pace(void *state, double seconds)
{
	struct local *local = state;

	accounting_set_interval(&local->accounting, seconds);
	local->source->info.interval_s = seconds;
}

static int local_close(void *state, struct error *error)
{
	struct local *local = state;
	int result = accounting_close(&local->accounting, error);

	free(local);
	return result;
}

/* What the account is made with, and all that is wrong with files that were passed over. */
static int open_accounting(struct local *local, const struct options *options, struct error *error)
{
	const struct accounting_options accounting = {
		.live = {
			.root = options->root,
			.uri = options->uri,
			.without_libvirt = options->without_libvirt,
			.qmp_sockets = options->qmp_sockets.items,
			.qmp_count = options->qmp_sockets.count,
			.interval_ns = (uint64_t)(options->interval_s * 1e9),
		},
		.cpu_source = options->cpu_source,
		.weights = options->weights,
		.idle_policy = options->idle_policy < 0 ? IDLE_VCPU
							: (enum idle_policy)options->idle_policy,
		.own_name = "vmetop",
		.record = options->record,
	};
	const struct error_list *warnings = &local->accounting.counting.warnings;
	int result = accounting_open(&local->accounting, &accounting, error);

	for (size_t i = 0; i < warnings->count; i++)
		source_note(local->source, warnings->texts[i]);
	return result;
}

static void fill_info(struct source_info *info, const struct accounting *accounting)
{
	const struct counting *counting = &accounting->counting;

	info->hostname = accounting->machine.nodename;
	info->weights_why = counting->choice.why;
	info->counting = live_total_source(accounting->live);
	info->frequency = live_frequency_source(accounting->live);
	if (counting->why_not_events.text[0])
		info->why_not_events = counting->why_not_events.text;
	info->verdict = counting->choice.cpu->verdict;
}

int source_local_open(struct source *source, const struct options *options, struct error *error)
{
	struct local *local = calloc(1, sizeof *local);
	int result;

	if (!local)
		return error_setf(error, ENOMEM, "out of memory");
	local->source = source;
	result = open_accounting(local, options, error);
	if (result) {
		local_close(local, NULL);
		return result;
	}
	source->due_ns = local_due_ns;
	source->tick = local_run;
	source->set_pace = local_set_pace;
	source->close = local_close;
	source->state = local;
	fill_info(&source->info, &local->accounting);
	source->info.interval_s = options->interval_s;
	return 0;
}
