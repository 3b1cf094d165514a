/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop.h - ticks to a reader until there are no more, or somebody ends it. */
#ifndef VMENERGY_VMETOP_LOOP_H
#define VMENERGY_VMETOP_LOOP_H

#include "base/error.h"
#include "vmetop/batch.h"
#include "vmetop/options.h"
#include "vmetop/source.h"
#include "vmetop/ui.h"

/* To files and standard output. 0 or -errno with text. */
int loop_batch(struct source *source, struct batch *batch, uint64_t iterations,
	       struct error *error);

/*
 * To the person at the terminal, and to the files of `batch` as well. `ui` holds
 * what was chosen before; `preferences` is where W saves (NULL: nowhere).
 */
int loop_screen(struct source *source, struct batch *batch, struct ui *ui, uint64_t iterations,
		const char *preferences, struct error *error);

#endif
