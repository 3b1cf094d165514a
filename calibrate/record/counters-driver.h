/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counters-driver.h - what a kind of counters provides, and what the kinds share. */
#ifndef VMENERGY_CALIBRATE_RECORD_COUNTERS_DRIVER_H
#define VMENERGY_CALIBRATE_RECORD_COUNTERS_DRIVER_H

#include "calibrate/record/counters.h"
#include "probe/cputime-total.h"
#include "probe/freq.h"
#include "probe/perf-total.h"

struct counters_driver {
	const char *name;
	const char *address; /* what stands behind "NAME:"; NULL = nothing does */
	int (*open)(struct counters *counters, const char *address, struct error *error);
	void (*close)(struct counters *counters);
	unsigned (*free)(struct counters *counters);
	int (*candidates)(struct counters *counters, struct event_names *names,
			  struct error *error);
	int (*choose)(struct counters *counters, const struct session_pass *pass,
		      struct error *error);
	int (*read)(struct counters *counters, struct session_sample *sample, struct error *error);
	int (*try)(struct counters *counters, const char *name, uint64_t *count,
		   struct error *error);
};
extern const struct counters_driver counters_perf, counters_cputime, counters_emulated;

struct counters {
	const struct counters_driver *driver;
	const struct rootfs *root; /* borrowed */
	struct session_pass pass;
	char note[512];
	char pmu[EVENT_NAME_BYTES];
	/* perf: the groups of the pass. Its files are those of `busy` as well. */
	struct perf_context context;
	struct perf_total total;
	bool counts_events;
	/* perf and cputime. */
	struct cputime_total busy;
	struct freq *freq;
	struct sample sample; /* that the probes fill */
	/* emulated. */
	struct plant *plant;
	unsigned plant_events[SESSION_EVENTS_MAX];
	uint64_t plant_base[SESSION_EVENTS_MAX]; /* counts when the pass was chosen */
};

/* Time on CPUs, frequency, temperature: of real machines. */
int counters_open_machine(struct counters *counters, struct error *error);
void counters_close_machine(struct counters *counters);
int counters_read_machine(struct counters *counters, struct session_sample *sample,
			  struct error *error);

/* --- events of this machine (counters-trial.c) --- */

/* May groups of whole CPUs be opened here at all? 0 or -errno with text. */
int counters_may_count(struct counters *counters, struct error *error);
bool counters_has_hardware(struct counters *counters);
/* How many of one kind count together on a CPU. */
unsigned counters_try_free(struct counters *counters);
/* One event alone. */
int counters_try_event(struct counters *counters, const char *name, uint64_t *count,
		       struct error *error);
/* Something for counters to count: a fraction of a millisecond. */
void counters_burn(void);

/* --- libpfm4's tables (counters-names.c) --- */

/* Every event of the CPU's own counters, with each of its sub-events; or generic ones. */
int counters_list_events(struct event_names *names);
/* The CPU's own counters; "" = libpfm4 does not know this CPU. */
void counters_find_pmu(char *name, size_t size);

#endif
