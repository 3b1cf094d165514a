/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording: its topologies and samples, accounted as they were live. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/choose.h"
#include "engine/recorder.h"
#include "model/account.h"
#include "vmetop/source.h"

struct replay {
	struct source *source; /* that we are the state of */
	struct replayer *replayer;
	struct weights_choice choice;
	struct account *account;
	double speed;
	uint64_t due_ns;
};

static uint64_t replay_due_ns(void *state)
{
	return ((struct replay *)state)->due_ns;
}

/* A tick is shown for as long as it lasted, `speed` times as fast. */
static void wait_for(struct replay *replay, double interval_s)
{
	uint64_t now_ns = clock_now_ns();

	if (replay->due_ns == 0 || replay->due_ns > now_ns)
		replay->due_ns = now_ns;
	replay->due_ns += replay->speed > 0 ? (uint64_t)(interval_s * 1e9 / replay->speed) : 0;
}

static void replay_set_pace(void *state, double speed)
{
	struct replay *replay = state;

	replay->speed = speed;
	replay->due_ns = 0;
}

static int end_of_recording(struct replay *replay)
{
	replay->source->info.ended = true;
	if (replayer_was_cut(replay->replayer))
		source_note(replay->source,
			    "the recording ends in the middle of a line: that tick is left out");
	return SOURCE_END;
}

static int replay_tick(void *state, struct snapshot *snapshot, struct error *error)
{
	struct replay *replay = state;
	const struct topology *topology;
	const struct sample *sample;
	int result = replayer_next(replay->replayer, &topology, &sample, error);

	if (result)
		return result == SOURCE_END ? end_of_recording(replay) : result;
	result = account_tick(replay->account, topology, sample, snapshot, error);
	if (result == -EINVAL)
		source_notef(replay->source, "tick %llu left out: %s",
			     (unsigned long long)sample->seq, error->text);
	if (!result)
		wait_for(replay, snapshot->interval_s);
	return result == -EAGAIN || result == -EINVAL ? SOURCE_NO_FIGURES : result;
}

static int replay_close(void *state, struct error *error)
{
	struct replay *replay = state;

	(void)error;
	account_close(replay->account);
	weights_choice_free(&replay->choice);
	replayer_close(replay->replayer);
	free(replay);
	return 0;
}

static int open_account(struct replay *replay, const struct options *options, struct error *error)
{
	const struct recording_header *header = replayer_header(replay->replayer);
	struct account_options account = {
		.events = header->events,
		.idle_policy = options->idle_policy < 0 ? header->idle_policy
							: (enum idle_policy)options->idle_policy,
		.own_name = "vmetop",
	};
	struct error_list errors = { 0 };
	int result = weights_choice_from_texts(header, &replay->choice, &errors, error);

	for (size_t i = 0; i < errors.count; i++)
		source_note(replay->source, errors.texts[i]);
	error_list_clear(&errors);
	if (result)
		return result;
	account.cpu = replay->choice.cpu;
	account.disks = (const struct weights *const *)replay->choice.disks;
	account.disk_count = replay->choice.disk_count;
	account.nics = (const struct weights *const *)replay->choice.nics;
	account.nic_count = replay->choice.nic_count;
	return account_open(&replay->account, &account, error);
}

int source_replay_open(struct source *source, const struct options *options, struct error *error)
{
	struct replay *replay = calloc(1, sizeof *replay);
	const struct recording_header *header;
	int result;

	if (!replay)
		return error_setf(error, ENOMEM, "out of memory");
	replay->source = source;
	replay->speed = options->speed;
	result = replayer_open(&replay->replayer, options->replay, error);
	if (!result)
		result = open_account(replay, options, error);
	if (result) {
		replay_close(replay, NULL);
		return result;
	}
	header = replayer_header(replay->replayer);
	source->due_ns = replay_due_ns;
	source->tick = replay_tick;
	source->set_pace = replay_set_pace;
	source->close = replay_close;
	source->state = replay;
	source->info.hostname = header->hostname;
	source->info.weights_why = header->cpu_weights_why;
	source->info.verdict = replay->choice.cpu->verdict;
	source->info.interval_s = header->interval_s;
	source->info.is_replay = true;
	return 0;
}
