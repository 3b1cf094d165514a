/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf.h - hardware events of threads, domains and packages (perf_event_open(2)).
 *
 * Names are resolved by libpfm4. A pinned group per thread, one read each; the
 * same events for each CPU beside them, summed per package, so that at most
 * half of the free counters are events. Nothing is ever multiplexed: a group
 * that does not fit fails, and says so. Kernel and guest are both counted.
 *
 * Before anything is promised, the whole set is tried on ourselves, per thread
 * and per CPU together: what opens and never counts, does not fit beside the
 * NMI watchdog, or is not allowed, is found out there.
 */
#ifndef VMENERGY_PROBE_PERF_H
#define VMENERGY_PROBE_PERF_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct perf;

/*
 * Count `events` (names as in a weights file, at most SAMPLE_EVENTS_MAX - 1).
 * `root` is borrowed. 0, or -errno with a sentence that names the event, the
 * cause and what would help: -ENOENT (libpfm4 or the kernel does not know it),
 * -ENODEV (no PMU), -EACCES (rights), -ENOSPC (more events than half of the free
 * counters), -ENODATA (opens but never counts), -EMFILE.
 */
int perf_open(struct perf **perf, const struct rootfs *root, const char *const *events,
	      unsigned count, struct error *error);
void perf_close(struct perf *perf);

/*
 * The set: the events under the names that were asked for, and CPUTIME_EVENT,
 * which comes with each read (how long a group was enabled: a thread's or a
 * cgroup's time on CPUs); 0 in machine totals.
 */
void perf_events(const struct perf *perf, struct event_set *events);

/* How totals are read, a phrase ("perf groups of 2 events on 8 CPUs"). */
const char *perf_total_source(const struct perf *perf);
/* What a reader of the figures should know, a sentence; NULL = nothing. Generic
 * stand-ins, threads without a descriptor, events never seen, ... The same as long as
 * the same is wrong: no figures in it. */
const char *perf_note(const struct perf *perf);

/*
 * As cputime.h has them. Threads that cannot be read are MISSING, never zero. A
 * thread that ended can be read as long as it is followed: its last count stands.
 */
int perf_follow(struct perf *perf, const struct topology *topology);
int perf_read_parts(struct perf *perf, const struct topology *topology, struct sample *sample);
/*
 * One entry of sample->packages per package; MISSING, with a note, where a CPU
 * cannot be read: one that leaves, or whose counters are taken. 0 or -ENOMEM.
 */
int perf_read_total(struct perf *perf, struct sample *sample, struct error *error);

#endif
