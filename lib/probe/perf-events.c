/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-events.h"

#include <ctype.h>
#include <errno.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * Architectural events under the names that vendors give them, and what Linux
 * calls them (perf_event_open(2), PERF_COUNT_HW_*). Only names that count the
 * same thing: retired, not speculative instructions; no sub-events.
 * Sources: libpfm4's event tables; Intel SDM 3B, architectural events; AMD
 * PPR, PMCx0C0..0C3, 076; Arm ARM, common events 0x08, 0x11, 0x21, 0x22.
 */
static const struct stand_in {
	const char *pattern; /* on the part after "::", in capitals */
	const char *generic;
} stand_ins[] = {
	{ "INST_RETIRED", "perf::INSTRUCTIONS" },
	{ "INST_RETIRED:ANY*", "perf::INSTRUCTIONS" },
	{ "INST_RETIRED:PREC_DIST*", "perf::INSTRUCTIONS" },
	{ "INSTR_RETIRED*", "perf::INSTRUCTIONS" },
	{ "INSTRUCTION_RETIRED", "perf::INSTRUCTIONS" },
	{ "INSTRUCTIONS_RETIRED", "perf::INSTRUCTIONS" },
	{ "RETIRED_INSTRUCTIONS", "perf::INSTRUCTIONS" },
	{ "INSTRUCTIONS", "perf::INSTRUCTIONS" },
	{ "PM_INST_CMPL", "perf::INSTRUCTIONS" },
	{ "CPU_CYCLES", "perf::CPU-CYCLES" },
	{ "CYCLES", "perf::CPU-CYCLES" },
	{ "CPU_CLK_UNHALTED", "perf::CPU-CYCLES" },
	{ "CPU_CLK_UNHALTED:THREAD", "perf::CPU-CYCLES" },
	{ "CPU_CLK_UNHALTED:THREAD_P", "perf::CPU-CYCLES" },
	{ "CPU_CLK_UNHALTED:CORE*", "perf::CPU-CYCLES" },
	{ "UNHALTED_CORE_CYCLES", "perf::CPU-CYCLES" },
	{ "CYCLES_NOT_IN_HALT", "perf::CPU-CYCLES" },
	{ "GLOBAL_POWER_EVENTS*", "perf::CPU-CYCLES" },
	{ "PM_CYC", "perf::CPU-CYCLES" },
	{ "CPU_CLK_UNHALTED:REF_TSC", "perf::REF-CYCLES" },
	{ "UNHALTED_REFERENCE_CYCLES", "perf::REF-CYCLES" },
	{ "BR_RETIRED", "perf::BRANCHES" },
	{ "BR_INST_RETIRED:ALL_BRANCHES", "perf::BRANCHES" },
	{ "BRANCH_INSTRUCTIONS_RETIRED", "perf::BRANCHES" },
	{ "RETIRED_BRANCH_INSTRUCTIONS", "perf::BRANCHES" },
	{ "BR_MIS_PRED_RETIRED", "perf::BRANCH-MISSES" },
	{ "BR_MISP_RETIRED:ALL_BRANCHES", "perf::BRANCH-MISSES" },
	{ "MISPREDICTED_BRANCH_RETIRED", "perf::BRANCH-MISSES" },
	{ "RETIRED_MISPREDICTED_BRANCH_INSTRUCTIONS", "perf::BRANCH-MISSES" },
	{ "RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED", "perf::BRANCH-MISSES" },
	{ "LLC_REFERENCES", "perf::CACHE-REFERENCES" },
	{ "LAST_LEVEL_CACHE_REFERENCES", "perf::CACHE-REFERENCES" },
	{ "LONGEST_LAT_CACHE:REFERENCE", "perf::CACHE-REFERENCES" },
	{ "LLC_MISSES", "perf::CACHE-MISSES" },
	{ "LAST_LEVEL_CACHE_MISSES", "perf::CACHE-MISSES" },
	{ "LONGEST_LAT_CACHE:MISS", "perf::CACHE-MISSES" },
};

static int pfm_status;

static void start_pfm(void)
{
	pfm_status = pfm_initialize();
}

/*
 * libpfm4 leaves guests out unless a name says otherwise (exclude_guest = 1):
 * what a vCPU executes would not be counted. Only user and kernel are taken
 * from what it encodes.
 */
static int encode(struct perf_code *code, const char *name)
{
	struct perf_event_attr attributes = { .size = sizeof attributes };
	pfm_perf_encode_arg_t argument = { .attr = &attributes, .size = sizeof argument };
	int result = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3 | PFM_PLMH,
					       PFM_OS_PERF_EVENT_EXT, &argument);

	if (result != PFM_SUCCESS)
		return result;
	*code = (struct perf_code){
		.type = attributes.type,
		.exclude_user = attributes.exclude_user,
		.exclude_kernel = attributes.exclude_kernel,
		.config = attributes.config,
		.config1 = attributes.config1,
		.config2 = attributes.config2,
	};
	return PFM_SUCCESS;
}

/* Where the modifiers of whose instructions are meant begin: ":u", ":k", ":u:k"; the end if none.
 */
static size_t modifiers_of(const char *event)
{
	size_t at = strlen(event);

	while (at >= 2 && event[at - 2] == ':' && strchr("UK", event[at - 1]))
		at -= 2;
	return at;
}

/* false: no generic event counts the same. */
static bool find_generic(const char *name, char generic[EVENT_NAME_BYTES])
{
	const char *event = strstr(name, "::");
	char capitals[EVENT_NAME_BYTES] = "", modifiers[EVENT_NAME_BYTES];
	size_t end;

	event = event ? event + 2 : name;
	for (size_t i = 0; event[i] && i + 1 < sizeof capitals; i++)
		capitals[i] = (char)toupper((unsigned char)event[i]);
	end = modifiers_of(capitals);
	strcpy(modifiers, event + end);
	capitals[end] = '\0';
	for (size_t i = 0; i < sizeof stand_ins / sizeof *stand_ins; i++)
		if (text_matches(stand_ins[i].pattern, capitals))
			return snprintf(generic, EVENT_NAME_BYTES, "%s%s", stand_ins[i].generic,
					modifiers) < EVENT_NAME_BYTES;
	return false;
}

static void note_stand_in(struct perf_set *set, const char *name, const char *generic)
{
	size_t length = strlen(set->note);

	snprintf(set->note + length, sizeof set->note - length, "%s%s stands in for %s",
		 length ? ", " : "", generic, name);
}

static int resolve_one(struct perf_set *set, const char *name, struct error *error)
{
	struct perf_code *code = &set->codes[set->count];
	char generic[EVENT_NAME_BYTES];
	int status;

	if (strlen(name) >= EVENT_NAME_BYTES)
		return error_setf(error, EINVAL, "event '%s': a name has at most %d bytes", name,
				  EVENT_NAME_BYTES - 1);
	status = encode(code, name);
	if (status != PFM_SUCCESS) {
		if (!find_generic(name, generic) || encode(code, generic) != PFM_SUCCESS)
			return error_setf(error, ENOENT,
					  "event %s: %s (libpfm4 does not know it on this CPU, "
					  "and no generic event counts the same)",
					  name, pfm_strerror(status));
		note_stand_in(set, name, generic);
		set->quality = QUALITY_ESTIMATE;
	}
	strcpy(set->names[set->count++], name);
	return 0;
}

int perf_set_resolve(struct perf_set *set, const char *const *names, unsigned count,
		     struct error *error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t length;

	*set = (struct perf_set){ 0 };
	if (count == 0 || count > PERF_EVENTS_MAX)
		return error_setf(error, EINVAL, "%u events: a group has 1 to %d", count,
				  PERF_EVENTS_MAX);
	pthread_once(&once, start_pfm);
	if (pfm_status != PFM_SUCCESS)
		return error_setf(error, ENOENT, "libpfm4: %s", pfm_strerror(pfm_status));
	for (unsigned i = 0; i < count; i++) {
		int result = resolve_one(set, names[i], error);

		if (result)
			return result;
	}
	length = strlen(set->note);
	if (length)
		snprintf(set->note + length, sizeof set->note - length,
			 ": libpfm4 does not know this CPU, and the figures are estimates");
	return 0;
}

bool perf_code_is_hardware(const struct perf_code *code)
{
	return code->type != PERF_TYPE_SOFTWARE && code->type != PERF_TYPE_TRACEPOINT &&
	       code->type != PERF_TYPE_BREAKPOINT;
}

bool perf_code_must_count(const struct perf_code *code)
{
	return perf_code_is_hardware(code) ||
	       (code->type == PERF_TYPE_SOFTWARE && (code->config == PERF_COUNT_SW_TASK_CLOCK ||
						     code->config == PERF_COUNT_SW_CPU_CLOCK));
}
