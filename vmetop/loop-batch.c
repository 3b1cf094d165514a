/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "base/log.h"
#include "vmetop/loop.h"
#include "vmetop/wait.h"

/* What could not be seen: each thing once. */
static void say_notes(const struct source_info *info, size_t *said)
{
	while (*said < info->note_count)
		log_warning("%s", info->notes[(*said)++]);
}

/* 0: go on; SOURCE_END: somebody asked us to stop. */
static int wait_for_tick(struct source *source)
{
	enum wait_end end;

	do
		end = wait_until(source->due_ns(source->state), WAIT_NO_FD, source_fd(source));
	while (end == WAIT_INPUT);
	return end == WAIT_OVER ? SOURCE_END : 0;
}

/* Nobody sees that a daemon has gone: who reads us must be told, by our end. */
static int judge_silence(const struct source_info *info, struct error *error)
{
	static const double patience_s = 10;
	const struct source_daemon *daemon = info->daemon;

	if (!daemon || daemon->state == SOURCE_FRESH || daemon->lost_s < patience_s)
		return 0;
	return error_setf(error, ETIMEDOUT, "%s: nothing from vmenergyd for %.0f s", daemon->path,
			  daemon->lost_s);
}

int loop_batch(struct source *source, struct batch *batch, uint64_t iterations, struct error *error)
{
	struct snapshot snapshot = { 0 };
	uint64_t done = 0;
	size_t said = 0;
	int result = 0;

	while (!result && (!iterations || done < iterations)) {
		say_notes(&source->info, &said);
		result = wait_for_tick(source);
		if (!result)
			result = source->tick(source->state, &snapshot, error);
		if (!result)
			result = batch_put(batch, &snapshot, error);
		done += result == 0;
		if (result == SOURCE_NO_FIGURES)
			result = judge_silence(&source->info, error);
	}
	say_notes(&source->info, &said);
	snapshot_clear(&snapshot);
	return result == SOURCE_END ? 0 : result;
}
