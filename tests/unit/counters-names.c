/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calibrate/record/counters-driver.h"

static bool has(const struct event_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

static void check_short(const char *const *all, const char *const *wanted)
{
	struct event_names from = { 0 }, names = { 0 };

	for (size_t i = 0; all[i]; i++)
		event_names_add(&from, all[i]);
	UNIT_EQUAL_I64(0, counters_shorten(&from, &names));
	for (size_t i = 0; wanted[i]; i++) {
		UNIT_TRUE(i < names.count);
		if (i < names.count)
			UNIT_EQUAL_TEXT(wanted[i], names.items[i]);
		UNIT_EQUAL_U64(!wanted[i + 1], i + 1 == names.count);
	}
	event_names_clear(&from);
	event_names_clear(&names);
}

static void test_vendors(void)
{
	check_short((const char *const[]){ "icl::L2_RQSTS:MISS", "icl::INST_RETIRED:PREC_DIST",
					   "icl::INST_RETIRED:ANY_P", "icl::SQ_MISC:SQ_FULL",
					   "icl::CPU_CLK_UNHALTED:THREAD_P",
					   "icl::BR_INST_RETIRED:COND",
					   "icl::BR_INST_RETIRED:ALL_BRANCHES", NULL },
		    (const char *const[]){
			    "icl::INST_RETIRED:ANY_P", "icl::CPU_CLK_UNHALTED:THREAD_P",
			    "icl::BR_INST_RETIRED:ALL_BRANCHES", "icl::L2_RQSTS:MISS", NULL });
	check_short((const char *const[]){ "arm_n1::L1D_CACHE_RD", "arm_n1::CPU_CYCLES",
					   "arm_n1::INST_RETIRED", "arm_n1::ASE_SPEC", NULL },
		    (const char *const[]){ "arm_n1::INST_RETIRED", "arm_n1::CPU_CYCLES",
					   "arm_n1::ASE_SPEC", NULL });
	check_short((const char *const[]){ "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS",
					   "amd64_fam19h_zen4::CYCLES_NOT_IN_HALT",
					   "amd64_fam19h_zen4::SMI_RECEIVED", NULL },
		    (const char *const[]){ "amd64_fam19h_zen4::RETIRED_INSTRUCTIONS",
					   "amd64_fam19h_zen4::CYCLES_NOT_IN_HALT", NULL });
	check_short((const char *const[]){ "perf::CACHE-MISSES", "perf::INSTRUCTIONS", NULL },
		    (const char *const[]){ "perf::INSTRUCTIONS", "perf::CACHE-MISSES", NULL });
}

/* Where libpfm4 knows the CPU its own events are listed, else generic ones; all of them encode. */
static void test_list(void)
{
	struct event_names names = { 0 };
	char pmu[EVENT_NAME_BYTES];
	unsigned resolved = 0;

	counters_find_pmu(pmu, sizeof pmu);
	UNIT_EQUAL_I64(0, counters_list_events(&names));
	UNIT_TRUE(names.count >= 10);
	UNIT_EQUAL_I64(!pmu[0], has(&names, "perf::INSTRUCTIONS"));
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];
		struct perf_set set;

		resolved += perf_set_resolve(&set, &name, 1, NULL) == 0;
	}
	printf("%s: %u of %zu\n", pmu, resolved, names.count);
	UNIT_TRUE(resolved >= names.count / 2);
	event_names_clear(&names);
}

/* What is wrong with the list of this CPU's events, or NULL. */
static const char *judge_skylake(void)
{
	struct event_names names = { 0 }, few = { 0 };
	char pmu[EVENT_NAME_BYTES];
	const char *wrong = NULL;

	counters_find_pmu(pmu, sizeof pmu);
	counters_list_events(&names);
	counters_shorten(&names, &few);
	printf("%s: %zu of %zu\n", pmu, few.count, names.count);
	if (strcmp(pmu, "skl") != 0)
		wrong = "the CPU is not the one that was named";
	else if (names.count < 100 || has(&names, "perf::INSTRUCTIONS"))
		wrong = "not the CPU's own events";
	else if (!has(&names, "skl::INST_RETIRED:ANY_P") ||
		 !has(&names, "skl::LONGEST_LAT_CACHE:MISS"))
		wrong = "well-known events are missing";
	else if (few.count < 16 || few.count > COUNTERS_SHORT)
		wrong = "the short list is too short or too long";
	event_names_clear(&names);
	event_names_clear(&few);
	return wrong;
}

/* libpfm4 takes another CPU for this one when told to, once, when it starts: in a process of its
 * own, before anything else here has started it. */
static void test_other_cpu(void)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		const char *wrong;

		setenv("LIBPFM_FORCE_PMU", "skl", 1);
		wrong = judge_skylake();
		if (wrong)
			printf("%s\n", wrong);
		fflush(stdout);
		_exit(wrong != NULL);
	}
	UNIT_TRUE(waitpid(child, &status, 0) == child);
	UNIT_TRUE(WIFEXITED(status));
	UNIT_EQUAL_I64(0, WEXITSTATUS(status));
}

static void test_long_name(void)
{
	struct event_names names = { 0 };
	char name[EVENT_NAME_BYTES + 1];

	memset(name, 'x', sizeof name);
	name[EVENT_NAME_BYTES] = '\0';
	UNIT_EQUAL_I64(-EINVAL, event_names_add(&names, name));
	name[EVENT_NAME_BYTES - 1] = '\0';
	UNIT_EQUAL_I64(0, event_names_add(&names, name));
	event_names_clear(&names);
}

int main(void)
{
	return UNIT_RUN("counters-names",
			{ "the events of a known CPU are listed, and a short list of them",
			  test_other_cpu },
			{ "each vendor's names for the same are found, none twice", test_vendors },
			{ "what is listed can be encoded", test_list },
			{ "a name that is too long is refused", test_long_name });
}
