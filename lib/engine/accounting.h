/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * accounting.h - the account of the machine that we run on: discover, sample,
 * account, in ticks. What vmetop shows by itself, and vmenergyd all day.
 */
#ifndef VMENERGY_ENGINE_ACCOUNTING_H
#define VMENERGY_ENGINE_ACCOUNTING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "base/error.h"
#include "engine/counting.h"
#include "engine/live.h"
#include "engine/pace.h"
#include "engine/recorder.h"
#include "model/account.h"

struct accounting_options {
	struct live_options live;
	int cpu_source;      /* enum cpu_source or COUNTING_AUTO */
	const char *weights; /* as weights_request.spec */
	enum idle_policy idle_policy;
	const char *own_name; /* of this program among kept, and in recordings */
	const char *record;   /* FILE; NULL = none */
};

struct accounting { /* start from {0}; read it, change it through the calls below */
	struct live *live;
	struct counting counting;
	struct account *account;
	struct recorder *recorder; /* NULL = not recording */
	struct sample sample;
	struct pace pace;
	enum idle_policy idle_policy;
	const struct topology *topology; /* of the last tick; borrowed from live; NULL before */
	struct utsname machine;
	uint64_t noted_generation; /* whose notes accounting_notes() has told */
};

/* counting.warnings hold what is wrong with files that were passed over. 0 or -errno with text;
 * after a failure accounting_close() must still be called. */
int accounting_open(struct accounting *accounting, const struct accounting_options *options,
		    struct error *error);
/* 0, or -errno with text if a recording could not be finished. */
int accounting_close(struct accounting *accounting, struct error *error);

/*
 * Run the tick that is due, and move the pace on. As account_tick(): -EAGAIN a
 * baseline, -EINVAL left out (text says why); snapshot is then as it was.
 */
int accounting_tick(struct accounting *accounting, struct snapshot *snapshot, struct error *error);
void accounting_set_interval(struct accounting *accounting, double seconds);

/* What could not be seen, a sentence each: those that may be new since the last call. */
typedef void accounting_note(void *context, const char *note);
void accounting_notes(struct accounting *accounting, accounting_note *note, void *context);

#endif
