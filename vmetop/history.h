/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history.h - what was, for trends and graphs: watts per domain over time. Pure.
 *
 * Bounded: recent ticks one by one, older ones as means over longer and longer
 * spans; at most 8 KiB per domain, and a domain that is gone is forgotten with
 * the snapshot's row of it. Time is the sum of the ticks' intervals, so that a
 * stepped clock does not bend a graph; what was not observed is a gap, not zero.
 */
#ifndef VMENERGY_VMETOP_HISTORY_H
#define VMENERGY_VMETOP_HISTORY_H

#include <stddef.h>

#include "model/snapshot.h"

/* Of one domain, or of the host (id ""). */
struct track;
struct history;

/* One span of time, equal for all bins of a request; NaN = no data. */
struct bin {
	double idle_w, active_w; /* means; active: cpu, disk and service */
	double max_w;            /* highest idle + active */
	double cap_w;            /* newest; NaN = none */
	double throttled;        /* 0..1, mean; NaN = not known */
	unsigned quality;        /* of all its ticks, or-ed */
};

/* What a tick says, as it is remembered. cap_w is the limit of idle + active. */
struct bin bin_of_domain(const struct snapshot_domain *domain);
struct bin bin_of_host(const struct snapshot_host *host);

struct history *history_new(void); /* NULL: out of memory */
void history_free(struct history *history);
/* As it is now, to be looked at while the other one goes on. NULL: out of memory. */
struct history *history_copy(const struct history *history);

/* Add a tick: the host and every domain of it. 0 or -ENOMEM (then a gap). */
int history_add(struct history *history, const struct snapshot *snapshot);

/* So many seconds that `next`, which is to be added then, says nothing of. 0 or -ENOMEM. */
int history_add_gap(struct history *history, double seconds, const struct snapshot *next);

/* NULL: not known. `hint` is the domain's index in the newest snapshot, looked at first. */
const struct track *history_find(const struct history *history, const char *id, size_t hint);
const struct track *history_host(const struct history *history);
double history_span_s(const struct history *history); /* how long it has watched */

/*
 * The last `span_s` seconds in `count` bins, the newest last. Bins lie on a grid
 * of time that does not move with each tick, so that a graph scrolls and does
 * not shimmer.
 */
void track_bins(const struct history *history, const struct track *track, double span_s,
		struct bin *bins, size_t count);
/* The newest `count` ticks one by one, for a trend; earlier than the first: NaN. */
void track_ticks(const struct history *history, const struct track *track, double *watts,
		 size_t count);
/* The last `span_s` seconds as one bin. */
struct bin track_mean(const struct history *history, const struct track *track, double span_s);
double track_mean_w(const struct history *history, const struct track *track, double span_s);
double track_max_w(const struct history *history, const struct track *track);
unsigned track_quality(const struct track *track); /* of all its ticks, or-ed */

/* Energy since the person at the screen asked to count anew; NaN = not known. */
void history_reset_energy(struct history *history, const struct snapshot *snapshot);
double track_energy_j(const struct track *track, double total_j);

#endif
