/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cpu-counter.h - what counts the CPU: one of the probes, behind one interface.
 * Adding a probe is one line in the table of cpu-counter.c.
 */
#ifndef VMENERGY_ENGINE_CPU_COUNTER_H
#define VMENERGY_ENGINE_CPU_COUNTER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct cpu_counter_driver;
struct exits;

struct cpu_counter_request {
	enum cpu_source source;
	const char *const *events; /* names that the weights price; not looked at by `cputime` */
	unsigned event_count;
	/* Nobody asked for this source: of its ways only those that are better than another one. */
	bool is_automatic;
	/* What the ends of processes are heard from, opened with rights that are gone; NULL = they
	 * are not. Left empty if it is of use. */
	struct exits *exits;
};

struct heads;

struct cpu_counter { /* {0} = closed */
	const struct cpu_counter_driver *driver;
	void *state;
	struct heads *heads; /* what the host's own tasks used; NULL: the probe knows it itself */
};

/* 0 or -errno with a sentence; *counter is closed then. */
int cpu_counter_open(struct cpu_counter *counter, const struct cpu_counter_request *request,
		     const struct rootfs *root, struct error *error);
void cpu_counter_close(struct cpu_counter *counter);

void cpu_counter_events(const struct cpu_counter *counter, struct event_set *events);
const char *cpu_counter_phrase(const struct cpu_counter *counter); /* how totals are read */
const char *cpu_counter_note(const struct cpu_counter *counter);   /* NULL = nothing */

/* As probe/cputime.h has them; the parts with the heads of the host's own tasks. */
int cpu_counter_follow(struct cpu_counter *counter, const struct topology *topology);
int cpu_counter_read_parts(struct cpu_counter *counter, const struct topology *topology,
			   struct sample *sample);
int cpu_counter_read_total(struct cpu_counter *counter, struct sample *sample, struct error *error);

#endif
