/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-events.h - from names to what the kernel counts, by libpfm4.
 *
 * libpfm4 encodes for the CPU that it finds here. Names of a CPU that it does
 * not know are looked up in a table of architectural events, which the kernel
 * has under a generic name on every CPU; such a stand-in is told, and its
 * figures are estimates.
 */
#ifndef VMENERGY_PROBE_PERF_EVENTS_H
#define VMENERGY_PROBE_PERF_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sample.h"

/* The last place of a sample's counts is CPUTIME_EVENT's. */
enum { PERF_EVENTS_MAX = SAMPLE_EVENTS_MAX - 1 };

/* The fields of struct perf_event_attr that say which event it is. */
struct perf_code {
	uint32_t type;
	bool exclude_user, exclude_kernel; /* only where the name says so (":u", ":k") */
	bool must_count;                   /* a short busy loop cannot but count it */
	uint64_t config, config1, config2;
};

struct perf_set {
	unsigned count;
	struct perf_code codes[PERF_EVENTS_MAX];
	char names[PERF_EVENTS_MAX][EVENT_NAME_BYTES]; /* as asked for */
	unsigned quality; /* of every reading: ESTIMATE when there are stand-ins */
	char note[512];   /* which event stands in for which; "" = none */
};

/* 0; -ENOENT or -EINVAL with a sentence that names the event. */
int perf_set_resolve(struct perf_set *set, const char *const *names, unsigned count,
		     struct error *error);

/* Does the CPU's own PMU count it (and not the kernel)? */
bool perf_code_is_hardware(const struct perf_code *code);

#endif
