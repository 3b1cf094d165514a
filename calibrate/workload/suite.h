/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suite.h - which workloads are run, how often, in which order and for how long.
 *
 * Each run is repeated; repetitions are interleaved in a shuffled order (of a fixed seed), so
 * that drift of temperature or of the meter does not pose as load. Idle comes again and
 * again between. Pure but for asking what is possible.
 *
 * Blocks, one for each repetition and frequency, in a shuffled order: idle in all passes, then
 * each combination of workload and threads once, in all passes one after the other while it goes
 * on. At the end idle in all passes. Time that is short costs repetitions first, then numbers of
 * threads, never workloads.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_SUITE_H
#define VMENERGY_CALIBRATE_WORKLOAD_SUITE_H

#include "base/error.h"
#include "calibrate/workload/workload.h"

#define SUITE_PHASE_S 8.0
#define SUITE_LATER_S 4.0 /* a phase that continues another: warm, and changes no power */
#define SUITE_SCOUT_S 6.0 /* a phase of scouting: means suffice */
#define SUITE_WARM_UP_S 2.0
/* Idle comes again after the time of as many phases (or after one workload in all passes). */
enum { SUITE_IDLE_EVERY = 8 };

struct suite_machine {
	unsigned cpus, cores, packages; /* on line */
	const uint64_t
		*frequencies_hz; /* that the governor allows and that were chosen; may be none */
	unsigned frequency_count;
	bool emulated; /* workloads need not be possible here */
};

struct suite_request {
	double total_s;  /* about how long the whole may take */
	unsigned passes; /* sets of events: everything is run once for each */
	bool brief;      /* the short suite */
	/*
	 * To choose events: each workload once, with all threads. Time that is short costs
	 * workloads, down to the short suite.
	 */
	bool scout;
	const char *const *workloads; /* only these; NULL = all */
	size_t workload_count;
	uint64_t seed;        /* of the order */
	double least_phase_s; /* a phase is at least as long, for slow meters; 0 = SUITE_PHASE_S */
	double least_later_s; /* and one that continues another; 0 = SUITE_LATER_S */
};

struct suite_phase {
	struct workload_run run;
	unsigned pass;
	uint64_t frequency_hz; /* 0 = leave the governor alone */
	double seconds, warm_up_s;
	bool continues;   /* the one before: the same run, which goes on, in another pass */
	char variant[48]; /* "4 threads, spread" */
};

struct suite {
	struct suite_phase *items; /* owned */
	size_t count, capacity;
	double total_s;
	struct error_list notes; /* what was left out and why */
};

/*
 * 0, -EINVAL (unknown workload: the text lists them; asked for by name and not possible; too
 * little time: the least), -ENOMEM. suite_clear() after 0. The request's names are not needed
 * afterwards.
 */
int suite_make(const struct suite_request *request, const struct suite_machine *machine,
	       struct suite *suite, struct error *error);
void suite_clear(struct suite *suite);

/* How many phases are one run with that: it, and those that continue it. */
size_t suite_count_run(const struct suite *suite, size_t phase);

#endif
