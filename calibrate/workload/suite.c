/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/suite.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "calibrate/workload/suite-plan.h"

#define TOTAL_MAX_S (31 * 24 * 3600.0)

struct cell {
	const struct workload *workload;
	const struct suite_variant *variant;
};

struct maker {
	const struct suite_request *request;
	const struct suite_machine *machine;
	struct suite *suite;
	const struct workload **workloads; /* that are run, the brief ones first; no idle */
	struct suite_variant variants[SUITE_VARIANTS_MAX];
	struct suite_extent extent;
	struct suite_plan plan;
	struct cell *cells;
	uint64_t random;
	unsigned pass; /* that the last phase has: the next begins with it */
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Swap two items of an array of any kind, at random, from the end on (Fisher and Yates). */
static void shuffle(void *items, size_t count, size_t bytes, uint64_t *random)
{
	unsigned char *base = items, kept[sizeof(struct cell)];

	for (size_t i = count; i > 1; i--) {
		unsigned char *last = base + (i - 1) * bytes;
		unsigned char *other = base + next_random(random) % i * bytes;

		memcpy(kept, last, bytes);
		memmove(last, other, bytes);
		memcpy(other, kept, bytes);
	}
}

static bool is_named(const struct suite_request *request, const char *name)
{
	for (size_t i = 0; i < request->workload_count; i++)
		if (strcmp(request->workloads[i], name) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct suite_request *request, const struct workload *workload)
{
	if (workload->kind == WORKLOAD_IDLE)
		return false;
	if (request->workloads)
		return is_named(request, workload->name);
	return workload->brief || !request->brief;
}

static int check_names(const struct suite_request *request, struct error *error)
{
	struct text known = { 0 };
	const char *unknown = NULL;
	size_t count;
	const struct workload *table = workload_table(&count);
	int result = 0;

	for (size_t i = 0; request->workloads && i < request->workload_count; i++)
		if (!workload_find(request->workloads[i]))
			unknown = request->workloads[i];
	if (!unknown)
		return 0;
	for (size_t i = 0; i < count; i++)
		text_addf(&known, "%s%s", i ? " " : "", table[i].name);
	result = error_setf(error, known.failed ? ENOMEM : EINVAL,
			    "no workload \"%.20s\"; there are: %s", unknown,
			    known.failed ? "?" : known.bytes);
	text_free(&known);
	return result;
}

/* All that `why` keeps from running, in one note. */
static void note_impossible(struct maker *maker, const char *why)
{
	struct text names = { 0 };
	size_t count;
	const struct workload *table = workload_table(&count);

	for (size_t i = 0; i < count; i++) {
		const char *reason = NULL;

		if (is_wanted(maker->request, &table[i]) &&
		    !workload_is_possible(&table[i], &reason) && strcmp(reason, why) == 0)
			text_addf(&names, "%s%s", names.length ? ", " : "", table[i].name);
	}
	if (!names.failed)
		error_list_addf(&maker->suite->notes, "left out, %s: %s", why, names.bytes);
	text_free(&names);
}

/* Those of one standing (brief or not) that are wanted and can run. */
static int add_workloads(struct maker *maker, bool brief, struct error *error)
{
	const char *noted = NULL;
	size_t count;
	const struct workload *table = workload_table(&count);

	for (size_t i = 0; i < count; i++) {
		const char *why = NULL;

		if (table[i].brief != brief || !is_wanted(maker->request, &table[i]))
			continue;
		if (maker->machine->emulated || workload_is_possible(&table[i], &why)) {
			maker->workloads[maker->extent.workloads++] = &table[i];
			continue;
		}
		if (maker->request->workloads)
			return error_setf(error, EINVAL, "%s: %s", table[i].name, why);
		if (!noted || strcmp(noted, why) != 0)
			note_impossible(maker, why);
		noted = why;
	}
	return 0;
}

static double minutes_of(const struct maker *maker, size_t cells, size_t rounds)
{
	return ceil(suite_seconds(&maker->extent, cells, rounds) / 6 - 1e-6) / 10;
}

/* How much longer, not how long: the suite may be one part of what is to be done. */
static void note_shortage(struct maker *maker)
{
	const size_t all = maker->extent.workloads * maker->extent.variants;
	struct error_list *notes = &maker->suite->notes;
	double longer = minutes_of(maker, all, 2) * 60 / maker->extent.total_s;

	if (maker->extent.scout)
		return;
	if (maker->plan.cells < all)
		error_list_addf(notes,
				"there is time for %zu of %zu combinations of workload and "
				"threads%s; all of them, twice, take %.1f times as long",
				maker->plan.cells, all, maker->plan.rounds < 2 ? ", each once" : "",
				longer);
	else if (maker->plan.rounds < 2 && all > 0)
		error_list_addf(notes,
				"there is time for each workload once; twice, which tells drift "
				"from load better, takes %.1f times as long",
				longer);
}

static int make_plan(struct maker *maker, struct error *error)
{
	const struct suite_request *request = maker->request;
	const struct suite_extent *extent = &maker->extent;

	if (!(request->total_s > 0) || request->total_s > TOTAL_MAX_S)
		return error_setf(error, EINVAL, "%g minutes: must be more than 0, at most %.0f",
				  request->total_s / 60, TOTAL_MAX_S / 60);
	if (!suite_plan_make(extent, &maker->plan))
		return error_setf(error, EINVAL,
				  "%.1f minutes are too short: %zu workloads once each, in %u "
				  "pass%s at %u frequenc%s, take %.1f minutes",
				  request->total_s / 60, suite_least_cells(extent), extent->passes,
				  extent->passes == 1 ? "" : "es", extent->frequencies,
				  extent->frequencies == 1 ? "y" : "ies",
				  minutes_of(maker, suite_least_cells(extent), 1));
	note_shortage(maker);
	return 0;
}

static int add_phase(struct maker *maker, const struct cell *cell, uint64_t frequency_hz,
		     bool continues)
{
	const struct suite_extent *extent = &maker->extent;
	struct suite *suite = maker->suite;
	struct suite_phase *phase = MEMORY_APPEND(suite);

	if (!phase)
		return -ENOMEM;
	phase->run.workload = cell->workload;
	if (cell->variant) {
		phase->run.threads = cell->variant->threads;
		phase->run.placement = cell->variant->placement;
		memcpy(phase->variant, cell->variant->text, sizeof phase->variant);
	}
	phase->pass = maker->pass;
	phase->continues = continues;
	phase->frequency_hz = frequency_hz;
	phase->seconds =
		maker->plan.stretch * (continues ? extent->least_later_s : extent->least_phase_s);
	phase->warm_up_s = continues ? 0 : SUITE_WARM_UP_S;
	suite->total_s += phase->seconds;
	return 0;
}

/* In all passes, from the one on that was last: so which is first takes turns, and about a change
 * of workload the same events are counted. */
static int add_all_passes(struct maker *maker, const struct cell *cell, uint64_t frequency_hz)
{
	const unsigned passes = maker->extent.passes;
	int result = add_phase(maker, cell, frequency_hz, false);

	for (unsigned i = 1; !result && i < passes; i++) {
		maker->pass = (maker->pass + 1) % passes;
		result = add_phase(maker, cell, frequency_hz, true);
	}
	return result;
}

static int add_block(struct maker *maker, uint64_t frequency_hz)
{
	const struct cell idle = { workload_find("idle"), NULL };
	const size_t between = suite_cells_between_idle(&maker->extent);
	int result = add_all_passes(maker, &idle, frequency_hz);

	shuffle(maker->cells, maker->plan.cells, sizeof *maker->cells, &maker->random);
	for (size_t i = 0; !result && i < maker->plan.cells; i++) {
		if (i > 0 && i % between == 0)
			result = add_phase(maker, &idle, frequency_hz, false);
		if (!result)
			result = add_all_passes(maker, &maker->cells[i], frequency_hz);
	}
	return result;
}

static int add_blocks(struct maker *maker)
{
	const struct cell idle = { workload_find("idle"), NULL };
	const size_t count = maker->extent.frequencies;
	uint64_t *frequencies_hz = calloc(count, sizeof *frequencies_hz);
	int result = frequencies_hz ? 0 : -ENOMEM;

	for (size_t i = 0; !result && i < maker->machine->frequency_count; i++)
		frequencies_hz[i] = maker->machine->frequencies_hz[i];
	for (size_t round = 0; !result && round < maker->plan.rounds; round++) {
		shuffle(frequencies_hz, count, sizeof *frequencies_hz, &maker->random);
		for (size_t i = 0; !result && i < count; i++)
			result = add_block(maker, frequencies_hz[i]);
	}
	if (!result)
		result = add_all_passes(maker, &idle, frequencies_hz[count - 1]);
	free(frequencies_hz);
	return result;
}

/* The brief workloads, then as many of the others as there is time for, from everywhere in the
 * table, where neighbours are alike. */
static const struct workload *pick_workload(const struct maker *maker, size_t cell)
{
	const struct suite_extent *extent = &maker->extent;
	size_t brief = extent->brief, others = extent->workloads - brief;

	if (!extent->scout)
		return maker->workloads[cell % extent->workloads];
	if (cell < brief)
		return maker->workloads[cell];
	return maker->workloads[brief + (cell - brief) * others / (maker->plan.cells - brief)];
}

/* The workloads of the first variant, then those of the next, as far as there is time. */
static int make_cells(struct maker *maker)
{
	maker->cells = calloc(maker->plan.cells + 1, sizeof *maker->cells);
	if (!maker->cells)
		return -ENOMEM;
	for (size_t i = 0; i < maker->plan.cells; i++)
		maker->cells[i] = (struct cell){
			pick_workload(maker, i),
			&maker->variants[i / maker->extent.workloads],
		};
	return 0;
}

/* What there is to run, without a plan yet. */
static int make_extent(struct maker *maker, struct error *error)
{
	const struct suite_request *request = maker->request;
	struct suite_extent *extent = &maker->extent;
	size_t count;
	int result = check_names(request, error);

	if (result)
		return result;
	extent->variants = suite_variants(maker->machine, request->brief, maker->variants);
	extent->passes = request->passes ? request->passes : 1;
	extent->frequencies = maker->machine->frequency_count;
	if (extent->frequencies == 0)
		extent->frequencies = 1;
	extent->total_s = request->total_s;
	extent->scout = request->scout;
	extent->least_phase_s =
		fmax(request->least_phase_s, request->scout ? SUITE_SCOUT_S : SUITE_PHASE_S);
	extent->least_later_s = fmax(request->least_later_s, SUITE_LATER_S);
	workload_table(&count);
	maker->workloads = calloc(count, sizeof(struct workload *));
	if (!maker->workloads)
		return error_setf(error, ENOMEM, "%s", strerrordesc_np(ENOMEM));
	result = add_workloads(maker, true, error);
	extent->brief = extent->workloads;
	return result ? result : add_workloads(maker, false, error);
}

static int make(struct maker *maker, struct error *error)
{
	int result = make_extent(maker, error);

	if (!result)
		result = make_plan(maker, error);
	if (result)
		return result;
	result = make_cells(maker);
	if (!result)
		result = add_blocks(maker);
	return result ? error_setf(error, -result, "%s", strerrordesc_np(-result)) : 0;
}

int suite_make(const struct suite_request *request, const struct suite_machine *machine,
	       struct suite *suite, struct error *error)
{
	struct maker maker = {
		.request = request,
		.machine = machine,
		.suite = suite,
		.random = request->seed,
	};
	int result;

	*suite = (struct suite){ 0 };
	result = make(&maker, error);
	if (result)
		suite_clear(suite);
	free(maker.cells);
	free(maker.workloads);
	return result;
}

void suite_clear(struct suite *suite)
{
	free(suite->items);
	error_list_clear(&suite->notes);
	*suite = (struct suite){ 0 };
}

size_t suite_count_run(const struct suite *suite, size_t phase)
{
	size_t count = 1;

	while (phase + count < suite->count && suite->items[phase + count].continues)
		count++;
	return count;
}
