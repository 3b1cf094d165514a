/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/memory.h"
#include "calibrate/record/record.h"

#define SECOND_NS UINT64_C(1000000000)

static struct session session;
static struct error what;

static void begin(unsigned cpus, bool emulated)
{
	session = (struct session){ 0 };
	trace_about_init(&session.about);
	session.about.has_cpu = true;
	session.about.cpu.cpus = cpus;
	session.about.emulated = emulated;
	what.text[0] = '\0';
}

/* Sixteen seconds with a sample in each, in which so many CPUs are busy. In its warm-up a phase
 * still has what came before. */
static void add_phase(const char *workload, double busy_cpus)
{
	const size_t index = session.phases.count;
	struct session_phase *phase = MEMORY_APPEND(&session.phases);
	uint64_t begin_ns = index * 16 * SECOND_NS, busy_ns = 5 * SECOND_NS * index;

	if (!phase)
		return;
	strcpy(phase->workload, workload);
	phase->begin_ns = begin_ns;
	phase->end_ns = begin_ns + 16 * SECOND_NS;
	phase->complete = true;
	for (uint64_t i = 0; i < 16; i++) {
		struct session_sample *sample = MEMORY_APPEND(&session.samples);

		if (!sample)
			return;
		sample->phase = index;
		sample->time_ns = begin_ns + i * SECOND_NS;
		sample->busy_ns = busy_ns;
		busy_ns += (uint64_t)(((double)i < SUITE_WARM_UP_S ? 8 : busy_cpus) * 1e9);
	}
}

static bool was_busy(void)
{
	bool result = record_was_busy(&session, &what);

	session_clear(&session);
	return result;
}

static void test_load_in_idle_is_told(void)
{
	begin(2, false);
	add_phase("idle", 1.5);
	add_phase("integer", 2);
	add_phase("idle", 2);
	UNIT_TRUE(was_busy());
	UNIT_CONTAINS("1.75 of 2 CPUs", what.text);
}

static void test_workloads_and_warm_up_are_no_load(void)
{
	begin(2, false);
	add_phase("integer", 2);
	UNIT_TRUE(!was_busy());
	begin(2, false);
	add_phase("idle", 0.09);
	add_phase("integer", 2);
	add_phase("idle", 0.09);
	UNIT_TRUE(!was_busy());
	UNIT_EQUAL_TEXT("", what.text);
	begin(2, false);
	UNIT_TRUE(!was_busy());
}

static void test_the_limit_grows_with_the_machine(void)
{
	begin(2, false);
	add_phase("idle", 0.11);
	UNIT_TRUE(was_busy());
	begin(128, false);
	add_phase("idle", 2.5);
	UNIT_TRUE(!was_busy());
	begin(128, false);
	add_phase("idle", 2.6);
	UNIT_TRUE(was_busy());
}

static void test_an_emulated_machine_is_not_watched(void)
{
	begin(2, true);
	add_phase("idle", 2);
	UNIT_TRUE(!was_busy());
}

int main(void)
{
	return UNIT_RUN(
		"record-busy",
		{ "load of others in idle phases is told with its figure",
		  test_load_in_idle_is_told },
		{ "workloads and what is left of them in a warm-up are no load of others",
		  test_workloads_and_warm_up_are_no_load },
		{ "a tenth of a CPU is too much, on large machines 2 % of all",
		  test_the_limit_grows_with_the_machine },
		{ "an emulated machine is not watched", test_an_emulated_machine_is_not_watched });
}
