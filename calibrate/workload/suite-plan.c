/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/suite-plan.h"

#include <stdio.h>

enum { BRIEF_VARIANTS = 2, ROUNDS_WANTED = 2 };

/* Longer phases than that tell less than more of them. */
#define STRETCH_MAX 2.5

static unsigned add_variant(struct suite_variant *variants, unsigned count,
			    const struct suite_machine *machine, struct suite_variant new)
{
	const char *how = new.placement == PLACEMENT_PACKED ? ", packed" : ", spread";

	for (unsigned i = 0; i < count; i++)
		if (variants[i].threads == new.threads &&
		    (variants[i].placement == new.placement || new.threads == 1 ||
		     new.threads == machine->cpus))
			return count;
	/* Of one thread, or of all, there is no more to say. */
	if (new.threads == 1 || new.threads == machine->cpus)
		how = "";
	snprintf(new.text, sizeof new.text, "%u thread%s%s", new.threads,
		 new.threads == 1 ? "" : "s", how);
	variants[count] = new;
	return count + 1;
}

unsigned suite_variants(const struct suite_machine *machine, bool brief,
			struct suite_variant variants[SUITE_VARIANTS_MAX])
{
	const unsigned cpus = machine->cpus;
	const unsigned cores = machine->cores > 0 && machine->cores < cpus ? machine->cores : cpus;
	const unsigned packages = machine->packages > 0 ? machine->packages : 1;
	const bool siblings = cores < cpus;
	const struct suite_variant wanted[SUITE_VARIANTS_MAX] = {
		{ cpus, siblings ? PLACEMENT_PACKED : PLACEMENT_SPREAD, "" },
		{ 1, PLACEMENT_SPREAD, "" },
		{ cores, PLACEMENT_SPREAD, "" },
		{ cores / 2, PLACEMENT_SPREAD, "" },
		{ siblings ? 2 : 0, PLACEMENT_PACKED, "" },
		{ packages > 1 ? cpus / packages : 0, PLACEMENT_PACKED, "" },
	};
	unsigned count = 0;

	for (unsigned i = 0; i < SUITE_VARIANTS_MAX; i++)
		if (wanted[i].threads > 0 && !(brief && count == BRIEF_VARIANTS))
			count = add_variant(variants, count, machine, wanted[i]);
	return count;
}

size_t suite_cells_between_idle(unsigned passes)
{
	return passes < SUITE_IDLE_EVERY ? SUITE_IDLE_EVERY / passes : 1;
}

size_t suite_count_phases(const struct suite_extent *extent, size_t cells, size_t rounds)
{
	size_t between = suite_cells_between_idle(extent->passes);
	size_t idle = cells > 0 ? (cells - 1) / between : 0;
	size_t block = extent->passes + cells * extent->passes + idle;

	return rounds * extent->frequencies * block + extent->passes;
}

/* The most cells, from..to, that fit; `from` do. */
static size_t most_cells(const struct suite_extent *extent, size_t from, size_t to, size_t rounds,
			 size_t slots)
{
	while (from < to && suite_count_phases(extent, from + 1, rounds) <= slots)
		from++;
	return from;
}

bool suite_plan_make(const struct suite_extent *extent, struct suite_plan *plan)
{
	const size_t least = extent->workloads, all = least * extent->variants;
	const size_t two = extent->variants > 1 ? 2 * least : least;
	/* What was a multiple may have been rounded below it. */
	const size_t slots = (size_t)(extent->total_s / extent->least_phase_s * (1 + 1e-9));

	*plan = (struct suite_plan){ .cells = least, .rounds = 1 };
	if (suite_count_phases(extent, least, 1) > slots)
		return false;
	if (suite_count_phases(extent, two, ROUNDS_WANTED) > slots) {
		plan->cells = most_cells(extent, least, two, 1, slots);
	} else {
		plan->rounds = ROUNDS_WANTED;
		plan->cells = most_cells(extent, two, all, ROUNDS_WANTED, slots);
		while (plan->cells == all &&
		       suite_count_phases(extent, all, plan->rounds + 1) <= slots)
			plan->rounds++;
	}
	plan->phases = suite_count_phases(extent, plan->cells, plan->rounds);
	plan->seconds = extent->total_s / (double)plan->phases;
	if (plan->seconds > STRETCH_MAX * extent->least_phase_s)
		plan->seconds = STRETCH_MAX * extent->least_phase_s;
	return true;
}
