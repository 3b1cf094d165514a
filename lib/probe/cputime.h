/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cputime.h - on-CPU time of threads, domains and the whole machine, where no
 * event counter is to be had.
 *
 * Threads: /proc/PID/task/TID/schedstat (ns), descriptors kept. Domains: the
 * cgroup that holds them alone (cgroup v1 cpuacct.usage; v2 cpu.stat
 * usage_usec), else the process's CPU clock (clock_getcpuclockid(3); ended
 * threads included). Machine: v1 root cpuacct.usage_percpu; v2 first-level
 * cpu.stat plus the tasks of the root cgroup (kernel threads), ended ones
 * remembered. Never /proc/stat: a load between two timer ticks reads as zero.
 */
#ifndef VMENERGY_PROBE_CPUTIME_H
#define VMENERGY_PROBE_CPUTIME_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct cputime;

/* `root` is borrowed and outlives the probe. 0 or -errno with text. */
int cputime_open(struct cputime **cputime, const struct rootfs *root, struct error *error);
void cputime_close(struct cputime *cputime);
void cputime_events(struct event_set *events);

/* How totals are read on this host, a phrase ("cgroup v1 cpuacct.usage_percpu"). */
const char *cputime_total_source(const struct cputime *cputime);

/* What a reader of the figures should know of this host, a sentence; NULL = nothing. */
const char *cputime_note(const struct cputime *cputime);

/* Follow a new topology: open what is new, close what is gone. 0 or -ENOMEM. */
int cputime_follow(struct cputime *cputime, const struct topology *topology);

/*
 * Fill sample->domains[].{threads,total,total_source}, services[].{threads,total}, own.
 * A thread or domain that vanished is MISSING, never zero. A total whose source
 * is another than in the sample before began anew. 0, or -EINVAL: `topology`
 * is not the one that is followed.
 */
int cputime_read_parts(struct cputime *cputime, const struct topology *topology,
		       struct sample *sample);

/*
 * Fill sample->packages (one entry: the source cannot tell packages). After the
 * parts. MISSING, with a note, when it cannot be read. 0 or -ENOMEM.
 */
int cputime_read_total(struct cputime *cputime, struct sample *sample, struct error *error);

#endif
