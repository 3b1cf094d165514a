/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording: its topologies and samples, accounted as they were live. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/choose.h"
#include "engine/recorder.h"
#include "model/account.h"
#include "vmetop/source.h"
#include "vmetop/wait.h"

struct replay {
	struct replayer *replayer;
	struct weights_choice choice;
	struct account *account;
};

static int replay_next(void *state, struct snapshot *snapshot, struct error *error)
{
	struct replay *replay = state;
	const struct topology *topology;
	const struct sample *sample;
	int result;

	do {
		if (!wait_until(0))
			return SOURCE_END;
		result = replayer_next(replay->replayer, &topology, &sample, error);
		if (result)
			break;
		result = account_tick(replay->account, topology, sample, snapshot, error);
		if (result == -EINVAL)
			log_warning("tick %llu left out: %s", (unsigned long long)sample->seq,
				    error->text);
	} while (result == -EAGAIN || result == -EINVAL);
	if (result == SOURCE_END && replayer_was_cut(replay->replayer))
		log_warning("the recording ends in the middle of a line: that tick is left out");
	return result;
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
		log_warning("%s", errors.texts[i]);
	error_list_clear(&errors);
	if (result)
		return result;
	account.cpu = replay->choice.cpu;
	account.disks = (const struct weights *const *)replay->choice.disks;
	account.disk_count = replay->choice.disk_count;
	return account_open(&replay->account, &account, error);
}

int source_replay_open(struct source *source, const struct options *options, struct error *error)
{
	struct replay *replay = calloc(1, sizeof *replay);
	const struct recording_header *header;
	int result;

	if (!replay)
		return error_setf(error, ENOMEM, "out of memory");
	result = replayer_open(&replay->replayer, options->replay, error);
	if (!result)
		result = open_account(replay, options, error);
	if (result) {
		replay_close(replay, NULL);
		return result;
	}
	header = replayer_header(replay->replayer);
	*source = (struct source){
		.next = replay_next,
		.close = replay_close,
		.state = replay,
		.info = { .hostname = header->hostname,
			  .weights_why = header->cpu_weights_why,
			  .interval_s = header->interval_s },
	};
	return 0;
}
