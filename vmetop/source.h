/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source.h - where snapshots come from: this machine's counters, a recording, or
 * the daemon of this machine. The views do not know which.
 */
#ifndef VMENERGY_VMETOP_SOURCE_H
#define VMENERGY_VMETOP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/snapshot.h"
#include "model/weights.h"
#include "vmetop/options.h"
#include "wire/protocol.h"

/* What is seen of a source that has gone, until it is back. */
enum source_state {
	SOURCE_FRESH,
	SOURCE_HELD,      /* its last figures */
	SOURCE_FORGOTTEN, /* they are too old by now: held is what adds up, rates are unknown */
};

/* Of a daemon that we are attached to. */
struct source_daemon {
	const char *path, *version; /* version NULL = it has not said yet */
	double tick_s;              /* NaN = it has not said yet */
	enum source_state state;
	double age_s, lost_s; /* of its figures; since it has gone. Where state is not FRESH */
	bool may_not_change;  /* it would refuse a cap from us */
	const struct protocol_status *status; /* limits, and what holds whom; NULL = not told */
	/* What it answered to set_cap(), for the reader. reply_count counts them. */
	struct error reply;
	bool reply_is_refusal;
	unsigned reply_count;
};

/* What the head of each view says of the account. Strings belong to the source. */
struct source_info {
	const char *hostname;
	const char *weights_why;    /* the sentence of the choice of weights */
	const char *counting;       /* how counters are read, a phrase; NULL = not known */
	const char *frequency;      /* where it is read from, a phrase; NULL = not read */
	const char *service_times;  /* how disk requests are followed: "BPF", ...; NULL = not */
	const char *why_not_events; /* why hardware events are not counted; NULL = they are, or
				       nobody asked for them */
	enum verdict verdict;       /* of the weights */
	double interval_s;
	bool is_replay;
	bool ended;                         /* a replay has come to its end */
	const struct source_daemon *daemon; /* NULL = not attached to one, and why: */
	struct error standalone;
	double gap_s; /* before the newest snapshot, that neither it nor another one covers */
	/* What could not be seen, a sentence each, oldest first; more come with the ticks. */
	char **notes;
	size_t note_count, note_capacity;
};

enum { SOURCE_END = 1, SOURCE_NO_FIGURES = 2 };

/* What a person asks a daemon for. */
struct source_cap {
	const char *domain, *name; /* id, and for the answer its name; domain NULL = the host */
	bool clear;                /* as the configuration says */
	double cap_w;              /* INFINITY = none */
};

struct source {
	/* When the next tick is due, CLOCK_MONOTONIC; 0 = at once. */
	uint64_t (*due_ns)(void *state);
	/* A tick is also due when this can be read; NULL = there is none. WAIT_NO_FD for now. */
	int (*fd)(void *state);
	/* Run it now. 0; SOURCE_NO_FIGURES: it was a baseline or was left out, snapshot is
	 * as it was; SOURCE_END: there are no more; else -errno with text. */
	int (*tick)(void *state, struct snapshot *snapshot, struct error *error);
	/* Seconds of a tick; of a replay: how many times as fast as it was (0 = as it goes). What
	 * came of it is info.interval_s. */
	void (*set_pace)(void *state, double pace);
	/* Ask; the answer comes with a tick. NULL = there is nobody to ask. */
	int (*set_cap)(void *state, const struct source_cap *cap, struct error *error);
	/* Release all; 0, or -errno with text if a recording could not be finished. */
	int (*close)(void *state, struct error *error);
	void *state;
	struct source_info info;
};

/* Keep a sentence for the reader, each once. */
void source_note(struct source *source, const char *note);
void source_notef(struct source *source, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What `options` ask for. *source stays where it is: its state points to it. */
int source_open(struct source *source, const struct options *options, struct error *error);
int source_close(struct source *source, struct error *error);
int source_fd(const struct source *source); /* to wait for; WAIT_NO_FD = none */

int source_local_open(struct source *source, const struct options *options, struct error *error);
int source_replay_open(struct source *source, const struct options *options, struct error *error);
/* -errno where no daemon can be attached to, and why. */
int source_daemon_open(struct source *source, const struct options *options, struct error *error);

#endif
