/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suite.h - which workloads are run, how often, in which order and for how long.
 *
 * Each run is repeated; repetitions are interleaved in a shuffled order (of a fixed seed), so
 * that drift of temperature or of the meter does not pose as load. Idle comes again and
 * again between. Pure but for asking what is possible.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_SUITE_H
#define VMENERGY_CALIBRATE_WORKLOAD_SUITE_H

#include "base/error.h"
#include "calibrate/workload/workload.h"

struct suite_machine {
	unsigned cpus, cores, packages; /* on line */
	const uint64_t
		*frequencies_hz; /* that the governor allows and that were chosen; may be none */
	unsigned frequency_count;
	bool emulated; /* workloads need not be possible here */
};

struct suite_request {
	double total_s;               /* about how long the whole may take */
	unsigned passes;              /* sets of events: everything is run once for each */
	bool brief;                   /* the short suite */
	const char *const *workloads; /* only these; NULL = all */
	size_t workload_count;
	uint64_t seed; /* of the order */
};

struct suite_phase {
	struct workload_run run;
	unsigned pass;
	uint64_t frequency_hz; /* 0 = leave the governor alone */
	double seconds, warm_up_s;
	char variant[48]; /* "4 threads, spread" */
};

struct suite {
	struct suite_phase *items; /* owned */
	size_t count, capacity;
	double total_s;
	struct error_list notes; /* what was left out and why */
};

/* 0, -EINVAL (unknown workload: the text lists them; too little time: the least), -ENOMEM. */
int suite_make(const struct suite_request *request, const struct suite_machine *machine,
	       struct suite *suite, struct error *error);
void suite_clear(struct suite *suite);

#endif
