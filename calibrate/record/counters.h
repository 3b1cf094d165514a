/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counters.h - what is counted of the whole machine while a workload runs: a
 * table of drivers. `perf`: CPU-wide pinned groups, one set (pass) of events at a time, never
 * multiplexed; `cputime`: no events, time on CPUs alone; `emulated:FILE`: a plant's.
 */
#ifndef VMENERGY_CALIBRATE_RECORD_COUNTERS_H
#define VMENERGY_CALIBRATE_RECORD_COUNTERS_H

#include "base/error.h"
#include "base/rootfs.h"
#include "base/text.h"
#include "calibrate/record/session.h"

struct counters;

/* spec: "auto" (perf where the CPU has counters, else cputime), or one of the above. */
int counters_open(struct counters **counters, const char *spec, const struct rootfs *root,
		  struct error *error);
void counters_close(struct counters *counters);
const char *counters_name(const struct counters *counters); /* "perf" */
bool counters_are_emulated(const struct counters *counters);
/* What a reader of the counts should know, a sentence (why events are not counted, what stands in
 * for what); NULL = nothing. */
const char *counters_note(const struct counters *counters);
/* libpfm4's name of the CPU's own counters ("skl"), "emulated", or NULL: not known. */
const char *counters_pmu(const struct counters *counters);
struct plant; /* the plant behind them; NULL = real */
struct plant *counters_plant(const struct counters *counters);

/* How many events can be counted at once, found by trial. 0 for cputime. */
unsigned counters_free(struct counters *counters);

/* Names that could be counted here: libpfm4's table for this CPU, or the plant's. Appends. */
struct event_names {
	char (*items)[EVENT_NAME_BYTES];
	size_t count, capacity;
};
int counters_candidates(struct counters *counters, struct event_names *names, struct error *error);
/* Those of `all` that are worth a selection's time, COUNTERS_SHORT at most: pure. Appends. */
enum { COUNTERS_SHORT = 24 };
int counters_shorten(const struct event_names *all, struct event_names *names);
int event_names_add(struct event_names *names, const char *name); /* 0, -ENOMEM, -EINVAL */
void event_names_clear(struct event_names *names);

/* Count one event on one CPU over a short busy loop. 0 or -errno with text. */
int counters_try(struct counters *counters, const char *name, uint64_t *count, struct error *error);
/* What libpfm4 says of an event, a sentence; "" = nothing. */
void counters_describe(const struct counters *counters, const char *name, struct text *out);

/* Count this set from now on, from zero. -ENOENT, -ENOSPC ... with text that names the event. */
int counters_choose(struct counters *counters, const struct session_pass *pass,
		    struct error *error);
/* Fill time_ns (CLOCK_MONOTONIC; a plant's own time), busy_ns, count, frequency, temperature,
 * quality. */
int counters_read(struct counters *counters, struct session_sample *sample, struct error *error);

#endif
