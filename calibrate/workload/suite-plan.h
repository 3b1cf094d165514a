/* SPDX-License-Identifier: GPL-3.0-or-later */
/* suite-plan.h - how much of a suite fits into the time there is. Pure; within the room only. */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_SUITE_PLAN_H
#define VMENERGY_CALIBRATE_WORKLOAD_SUITE_PLAN_H

#include "calibrate/workload/suite.h"

enum { SUITE_VARIANTS_MAX = 6 };

struct suite_variant {
	unsigned threads;
	enum placement placement;
	char text[sizeof((struct suite_phase *)0)->variant];
};

/* Numbers of threads, those that tell most first. At least 1. */
unsigned suite_variants(const struct suite_machine *machine, bool brief,
			struct suite_variant variants[SUITE_VARIANTS_MAX]);

/* What there is to run... */
struct suite_extent {
	size_t workloads; /* idle is not one of them */
	size_t brief;     /* of them, the first ones */
	unsigned variants, passes, frequencies;
	bool scout;
	double total_s, least_phase_s, least_later_s;
};

/* ... and how it is run: `cells` combinations of workload and variant, `rounds` times each. */
struct suite_plan {
	size_t cells, rounds;
	double stretch; /* how much longer than the least a phase is */
};

/* Combinations between two idle phases. */
size_t suite_cells_between_idle(const struct suite_extent *extent);
/* The least time that all that takes, idle included. */
double suite_seconds(const struct suite_extent *extent, size_t cells, size_t rounds);
/* Combinations that must be run. */
size_t suite_least_cells(const struct suite_extent *extent);
/* false: not even those fit, once each. */
bool suite_plan_make(const struct suite_extent *extent, struct suite_plan *plan);

#endif
