/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-events.h"

#include <ctype.h>
#include <errno.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/*
 * Architectural events under the names that vendors give them, and what Linux
 * calls them (perf_event_open(2), PERF_COUNT_HW_*). Only names that count the
 * same thing: retired, not speculative instructions; no sub-events, and no
 * attributes behind them (":C=1:I" counts cycles).
 * Sources: libpfm4's event tables; Intel SDM 3B, architectural events; AMD
 * PPR, PMCx0C0..0C3, 076; Arm ARM, common events 0x08, 0x11, 0x21, 0x22.
 */
static const struct stand_in {
	const char *event; /* the part after "::", in capitals */
	const char *generic;
} stand_ins[] = {
	{ "INST_RETIRED", "perf::INSTRUCTIONS" },
	{ "INST_RETIRED:ANY", "perf::INSTRUCTIONS" },
	{ "INST_RETIRED:ANY_P", "perf::INSTRUCTIONS" },
	{ "INST_RETIRED:PREC_DIST", "perf::INSTRUCTIONS" },
	{ "INSTR_RETIRED", "perf::INSTRUCTIONS" },
	{ "INSTR_RETIRED:NBOGUSNTAG", "perf::INSTRUCTIONS" },
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
	{ "CPU_CLK_UNHALTED:CORE", "perf::CPU-CYCLES" },
	{ "CPU_CLK_UNHALTED:CORE_P", "perf::CPU-CYCLES" },
	{ "UNHALTED_CORE_CYCLES", "perf::CPU-CYCLES" },
	{ "CYCLES_NOT_IN_HALT", "perf::CPU-CYCLES" },
	{ "GLOBAL_POWER_EVENTS", "perf::CPU-CYCLES" },
	{ "GLOBAL_POWER_EVENTS:RUNNING", "perf::CPU-CYCLES" },
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
		if (strcmp(stand_ins[i].event, capitals) == 0)
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

/*
 * What the trial's loop (perf-trial.c) surely causes: clocks, and what every
 * program does. Not cache misses: some caches hold all that it touches.
 */
static bool is_common(const struct perf_code *code)
{
	static const uint64_t hardware[] = {
		PERF_COUNT_HW_CPU_CYCLES,       PERF_COUNT_HW_INSTRUCTIONS,
		PERF_COUNT_HW_CACHE_REFERENCES, PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
		PERF_COUNT_HW_BRANCH_MISSES,    PERF_COUNT_HW_REF_CPU_CYCLES,
	};

	if (code->type == PERF_TYPE_SOFTWARE)
		return code->config == PERF_COUNT_SW_TASK_CLOCK ||
		       code->config == PERF_COUNT_SW_CPU_CLOCK;
	for (size_t i = 0; i < sizeof hardware / sizeof *hardware; i++)
		if (code->type == PERF_TYPE_HARDWARE && code->config == hardware[i])
			return true;
	return false;
}

/* A raw event under a vendor's name is as common as the generic one that counts the same. */
static bool must_count(const struct perf_code *code, const char *name)
{
	char generic[EVENT_NAME_BYTES];
	struct perf_code same;

	return is_common(code) || (perf_code_is_hardware(code) && find_generic(name, generic) &&
				   encode(&same, generic) == PFM_SUCCESS && is_common(&same));
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
	code->must_count = must_count(code, name);
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
