/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packages at operating points of their own, and events that are counted. */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9
#define GIGA UINT64_C(1000000000)

enum { CYCLES, ON_CPU, EVENTS }; /* the second one has no price: it is for showing */

/*
 * Two packages, and weights for 1 GHz (5 nJ per cycle, 100 W idle) and 2 GHz
 * (10 nJ, 120 W).
 */
struct two {
	struct rig *rig;
	struct operating_point points[2];
};

static struct two *two_new(void)
{
	struct two *two = calloc(1, sizeof *two);
	struct rig *rig = rig_new();

	two->rig = rig;
	rig->options.events.source = CPU_SOURCE_PERF;
	rig->options.events.count = EVENTS;
	strcpy(rig->options.events.names[CYCLES], "cycles");
	strcpy(rig->options.events.names[ON_CPU], CPUTIME_EVENT);
	rig->point.weight_count = 1;
	rig->point.weights[0] = (struct weight){ .event = "cycles", .nj = 5, .se_nj = 0.5 };
	rig->point.base_se_w = 1;
	rig->point.on_cpu.nj = NAN;
	two->points[0] = two->points[1] = rig->point;
	two->points[0].frequency_hz = 1e9;
	two->points[1].frequency_hz = 2e9;
	two->points[1].weights[0].nj = 10;
	two->points[1].base_w = 120;
	two->points[1].base_se_w = 3;
	rig->cpu.points = two->points;
	rig->cpu.point_count = 2;
	rig->cpu.standing = STANDING_MEASURED;
	rig->package_count = 2;
	rig_domain(rig, "a", 1);
	return two;
}

static void two_free(struct two *two)
{
	rig_free(two->rig);
	free(two);
}

/* The domain's thread runs on a package, 10 cycles in each nanosecond on a CPU. */
static void run_on(struct rig *rig, unsigned package, uint64_t gigacycles)
{
	struct rig_counter *thread = &rig->domains[0].threads[0].counter;

	thread->count[CYCLES] += gigacycles * GIGA;
	thread->count[ON_CPU] += gigacycles * GIGA / 10;
	rig->packages[package].counter.count[CYCLES] += gigacycles * GIGA;
}

static void set_clocks(struct rig *rig, uint64_t first_hz, uint64_t second_hz)
{
	rig->packages[0].frequency_hz = first_hz;
	rig->packages[1].frequency_hz = second_hz;
}

static unsigned marks(const struct rig *rig)
{
	unsigned all = QUALITY_ESTIMATE | QUALITY_EXTRAPOLATED;

	UNIT_EQUAL_U64(rig->snapshot.host.quality & all, rig_row(rig, "a")->quality & all);
	return rig->snapshot.host.quality & all;
}

/* --- operating points ------------------------------------------------------ */

static void test_each_package_has_its_own_point(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 1500000000);
	rig->packages[0].temperature_c = 41;
	rig->packages[1].temperature_c = 57.5;
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	run_on(rig, 1, 2);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(2, rig->snapshot.package_count);
	UNIT_EQUAL_DOUBLE(3 * 5, rig->snapshot.packages[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2 * 7.5, rig->snapshot.packages[1].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(30, rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(30, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(105, rig->snapshot.host.cpu_idle_w, EXACT); /* (100 + 110) / 2 */
	UNIT_EQUAL_DOUBLE(1e9, rig->snapshot.packages[0].frequency_hz, EXACT);
	UNIT_EQUAL_DOUBLE(1.5e9, rig->snapshot.packages[1].frequency_hz, EXACT);
	UNIT_EQUAL_DOUBLE(41, rig->snapshot.packages[0].temperature_c, EXACT);
	UNIT_EQUAL_DOUBLE(57.5, rig->snapshot.host.temperature_c, EXACT);
	UNIT_EQUAL_U64(0, marks(rig));
	rig->packages[0].temperature_c = rig->packages[1].temperature_c = 0;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.packages[0].temperature_c));
	UNIT_TRUE(isnan(rig->snapshot.host.temperature_c));
	two_free(two);
}

/* Beyond the points one package is marked, and all whose watts rest on its prices. */
static void test_extrapolation_is_marked_where_it_is(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 3 * GIGA);
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	run_on(rig, 1, 2);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(0, rig->snapshot.packages[0].quality);
	UNIT_EQUAL_U64(QUALITY_EXTRAPOLATED, rig->snapshot.packages[1].quality);
	UNIT_EQUAL_U64(QUALITY_EXTRAPOLATED, marks(rig));
	UNIT_EQUAL_DOUBLE(2 * 10, rig->snapshot.packages[1].active_w, EXACT); /* the nearest */
	two_free(two);
}

/* What a domain got while it ran stays as it was made. */
static void test_the_ended_rest_on_no_price(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 1 * GIGA);
	rig_domain(rig, "b", 1);
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	RIG_TICK(rig, 1);
	rig->domains[1].state = DOMAIN_ENDED;
	rig->domains[1].end_ns = rig->now_ns + 1;
	run_on(rig, 0, 3);
	RIG_TICK(rig, 1);
	set_clocks(rig, 3 * GIGA, 1 * GIGA);
	run_on(rig, 0, 3);
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_EXTRAPOLATED);
	UNIT_TRUE(!(rig_row(rig, "b")->quality & QUALITY_EXTRAPOLATED));
	two_free(two);
}

/* --- a frequency that nobody knows ------------------------------------------ */

static void test_an_idle_package_keeps_its_point(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 1500000000);
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	run_on(rig, 1, 2);
	RIG_TICK(rig, 1);
	set_clocks(rig, 1 * GIGA, 0); /* it did nothing, and so it had no clock */
	for (int tick = 0; tick < 3; tick++) {
		run_on(rig, 0, 3);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_U64(0, marks(rig));
		UNIT_EQUAL_DOUBLE(105, rig->snapshot.host.cpu_idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(0, rig->snapshot.packages[1].active_w, EXACT);
		UNIT_TRUE(isnan(rig->snapshot.packages[1].frequency_hz));
		/* 3e9 cycles of +-0.5 nJ; one second of (1 + 2) / 2 W */
		UNIT_EQUAL_DOUBLE(1.959963984540054 * sqrt(1.5 * 1.5 + 1.5 * 1.5),
				  rig_row(rig, "a")->error_w, EXACT);
		UNIT_EQUAL_I64(STANDING_MEASURED, rig->snapshot.source.standing);
	}
	run_on(rig, 1, 2); /* it works, and nobody knows how fast: the last price, as a guess */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2 * 7.5, rig->snapshot.packages[1].active_w, EXACT);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, rig->snapshot.packages[1].quality);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, marks(rig));
	UNIT_EQUAL_I64(STANDING_ESTIMATE, rig->snapshot.source.standing);
	two_free(two);
}

/* A package that left the calibrated points and sleeps since then marks nothing more. */
static void test_an_idle_package_does_not_extrapolate(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 3 * GIGA);
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	set_clocks(rig, 1 * GIGA, 0);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(0, marks(rig));
	UNIT_EQUAL_U64(0, rig->snapshot.packages[1].quality);
	two_free(two);
}

/* Before it was ever known: the highest point, a guess only once something runs. */
static void test_a_package_that_never_ran(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 0);
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(0, marks(rig));
	UNIT_EQUAL_DOUBLE(110, rig->snapshot.host.cpu_idle_w, EXACT); /* (100 + 120) / 2 */
	run_on(rig, 1, 1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, marks(rig));
	UNIT_EQUAL_DOUBLE(10, rig->snapshot.packages[1].active_w, EXACT);
	two_free(two);
}

/* The host's total came late: nothing is known of packages either, and nothing is lost. */
static void test_packages_wait_with_their_total(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 2 * GIGA);
	RIG_BASELINE(rig);
	run_on(rig, 0, 3);
	rig->packages[1].counter.missing = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.packages[0].active_w));
	UNIT_TRUE(isnan(rig->snapshot.host.cpu_active_w));
	rig->packages[1].counter.missing = false;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(7.5, rig->snapshot.packages[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(15, rig->snapshot.host.cpu_active_j, EXACT);
	two_free(two);
}

/* --- time on a CPU beside events -------------------------------------------- */

static void test_time_beside_events_is_shown_and_costs_nothing(void)
{
	struct two *with = two_new(), *without = two_new();
	struct two *both[] = { with, without };

	without->rig->options.events.count = 1;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = both[i]->rig;

		set_clocks(rig, 1 * GIGA, 2 * GIGA);
		RIG_BASELINE(rig);
		run_on(rig, 0, 3); /* 0.3 s on a CPU */
		run_on(rig, 1, 2);
		rig->packages[0].counter.count[CYCLES] += GIGA; /* and the host's own tasks */
		RIG_TICK(rig, 1);
	}
	UNIT_EQUAL_DOUBLE(50, rig_row(with->rig, "a")->cpu_percent, EXACT);
	UNIT_EQUAL_DOUBLE(50, rig_row(with->rig, "a")->vcpus[0].cpu_percent, EXACT);
	UNIT_TRUE(isnan(rig_row(without->rig, "a")->cpu_percent));
	UNIT_EQUAL_DOUBLE(3 * 5 + 2 * 10 + 5, with->rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(without->rig->snapshot.host.total_j, with->rig->snapshot.host.total_j,
			  EXACT);
	UNIT_EQUAL_DOUBLE(rig_row(without->rig, "a")->total_j, rig_row(with->rig, "a")->total_j,
			  EXACT);
	UNIT_TRUE(rig_row(with->rig, "a")->error_w > 0);
	UNIT_EQUAL_DOUBLE(rig_row(without->rig, "a")->error_w, rig_row(with->rig, "a")->error_w,
			  EXACT);
	UNIT_EQUAL_U64(0, marks(with->rig));
	two_free(with);
	two_free(without);
}

/* A domain that only waited: no cycles, no time, and that is known. */
static void test_no_time_is_zero_and_not_unknown(void)
{
	struct two *two = two_new();
	struct rig *rig = two->rig;

	set_clocks(rig, 1 * GIGA, 2 * GIGA);
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->cpu_percent, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->cpu.active_w, EXACT);
	two_free(two);
}

static void test_standing_is_that_of_the_weights(void)
{
	static const struct {
		enum standing file;
		bool guess;
		enum cpu_source source;
		enum standing expected;
	} cases[] = {
		{ STANDING_MEASURED, false, CPU_SOURCE_PERF, STANDING_MEASURED },
		{ STANDING_MODELLED, false, CPU_SOURCE_PERF, STANDING_MODELLED },
		{ STANDING_ESTIMATE, false, CPU_SOURCE_PERF, STANDING_ESTIMATE },
		{ STANDING_MEASURED, true, CPU_SOURCE_PERF, STANDING_ESTIMATE },
		{ STANDING_MEASURED, false, CPU_SOURCE_CPUTIME, STANDING_ESTIMATE },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct two *two = two_new();
		struct rig *rig = two->rig;

		rig->cpu.standing = cases[i].file;
		rig->cpu.guess = cases[i].guess;
		rig->options.events.source = cases[i].source;
		two->points[0].on_cpu.nj = two->points[1].on_cpu.nj = 3;
		set_clocks(rig, 1 * GIGA, 2 * GIGA);
		RIG_BASELINE(rig);
		run_on(rig, 0, 1);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_I64(cases[i].expected, rig->snapshot.source.standing);
		UNIT_EQUAL_I64(cases[i].source, rig->snapshot.source.cpu);
		UNIT_EQUAL_TEXT("rig.weights", rig->snapshot.source.weights);
		two_free(two);
	}
}

int main(void)
{
	return UNIT_RUN(
		"account-packages",
		{ "model.md 2: each package has its own operating point",
		  test_each_package_has_its_own_point },
		{ "model.md 2: extrapolation is marked where it is, and who rests on it",
		  test_extrapolation_is_marked_where_it_is },
		{ "model.md 2: the ended rest on no later price", test_the_ended_rest_on_no_price },
		{ "model.md 2: an idle package keeps its operating point unmarked",
		  test_an_idle_package_keeps_its_point },
		{ "model.md 2: an idle package does not extrapolate",
		  test_an_idle_package_does_not_extrapolate },
		{ "model.md 2: a package that never ran has the highest point",
		  test_a_package_that_never_ran },
		{ "model.md 5: packages wait with their total",
		  test_packages_wait_with_their_total },
		{ "model.md 2: time on a CPU beside events is shown and costs nothing",
		  test_time_beside_events_is_shown_and_costs_nothing },
		{ "no time on a CPU is zero, and not unknown",
		  test_no_time_is_zero_and_not_unknown },
		{ "the standing is that of the weights", test_standing_is_that_of_the_weights });
}
