/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/suite-plan.h"

#include <math.h>
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

/* Of one combination in all passes. */
static double cell_s(const struct suite_extent *extent)
{
	return extent->least_phase_s + (extent->passes - 1) * extent->least_later_s;
}

size_t suite_cells_between_idle(const struct suite_extent *extent)
{
	double cells = floor(SUITE_IDLE_EVERY * extent->least_phase_s / cell_s(extent));

	return cells > 1 ? (size_t)cells : 1;
}

double suite_seconds(const struct suite_extent *extent, size_t cells, size_t rounds)
{
	size_t idle = cells > 0 ? (cells - 1) / suite_cells_between_idle(extent) : 0;
	double block_s =
		(double)(cells + 1) * cell_s(extent) + (double)idle * extent->least_phase_s;

	return (double)(rounds * extent->frequencies) * block_s + cell_s(extent);
}

size_t suite_least_cells(const struct suite_extent *extent)
{
	return extent->scout && extent->brief > 0 ? extent->brief : extent->workloads;
}

/* What was a multiple may have been rounded below it. */
static bool fits(const struct suite_extent *extent, size_t cells, size_t rounds)
{
	return suite_seconds(extent, cells, rounds) <= extent->total_s * (1 + 1e-9);
}

/* The most cells, from..to, that fit; `from` do. */
static size_t most_cells(const struct suite_extent *extent, size_t from, size_t to, size_t rounds)
{
	while (from < to && fits(extent, from + 1, rounds))
		from++;
	return from;
}

static void choose_cells(const struct suite_extent *extent, struct suite_plan *plan)
{
	const size_t least = extent->workloads, all = least * extent->variants;
	const size_t two = extent->variants > 1 ? 2 * least : least;

	if (extent->scout) {
		plan->cells = most_cells(extent, plan->cells, least, 1);
	} else if (!fits(extent, two, ROUNDS_WANTED)) {
		plan->cells = most_cells(extent, least, two, 1);
	} else {
		plan->rounds = ROUNDS_WANTED;
		plan->cells = most_cells(extent, two, all, ROUNDS_WANTED);
		while (plan->cells == all && fits(extent, all, plan->rounds + 1))
			plan->rounds++;
	}
}

bool suite_plan_make(const struct suite_extent *extent, struct suite_plan *plan)
{
	*plan = (struct suite_plan){ .cells = suite_least_cells(extent), .rounds = 1 };
	if (!fits(extent, plan->cells, 1))
		return false;
	choose_cells(extent, plan);
	plan->stretch = fmin(extent->total_s / suite_seconds(extent, plan->cells, plan->rounds),
			     STRETCH_MAX);
	return true;
}
