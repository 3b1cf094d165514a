/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vmetop - live energy of each virtual machine. */
#include <errno.h>
#include <locale.h>

#include "base/log.h"
#include "vmetop/batch.h"
#include "vmetop/options.h"
#include "vmetop/source.h"
#include "vmetop/wait.h"

/* Ctrl-C, also in the middle of a call, and a reader that has gone are good ends. */
static int judge(int result)
{
	return wait_is_over() || result == -EPIPE ? 0 : result;
}

/* Ticks until there are no more, or somebody ends it. */
static int run(struct source *source, struct batch *batch, uint64_t iterations, struct error *error)
{
	struct snapshot snapshot = { 0 };
	int result = 0;

	for (uint64_t i = 0; !result && (!iterations || i < iterations); i++) {
		result = source->next(source->state, &snapshot, error);
		if (result)
			break;
		result = batch_put(batch, &snapshot, error);
	}
	snapshot_clear(&snapshot);
	return result == SOURCE_END ? 0 : result;
}

static int open_source(struct source *source, const struct options *options, struct error *error)
{
	if (options->replay)
		return source_replay_open(source, options, error);
	return source_local_open(source, options, error);
}

int main(int argc, char **argv)
{
	struct options options;
	struct source source = { 0 };
	struct batch *batch = NULL;
	struct error error = { "" };
	int result, closed = 0;

	setlocale(LC_CTYPE, "");
	wait_open();
	log_open("vmetop", LOG_LEVEL_INFO);
	options_parse(&options, argc, argv);

	result = open_source(&source, &options, &error);
	if (!result)
		result = batch_open(&batch, &options, &source.info, &error);
	if (!result)
		result = run(&source, batch, options.iterations, &error);
	result = judge(result);
	if (result)
		log_error("%s", error.text);

	closed |= batch_close(batch, &error);
	if (closed)
		log_error("%s", error.text);
	if (source.close && source.close(source.state, &error)) {
		log_error("%s", error.text);
		closed = -EIO;
	}
	options_clear(&options);
	return result || closed ? 1 : 0;
}
