/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which events there are, by libpfm4's tables. */
#include <errno.h>
#include <perfmon/pfmlib.h>
#include <stdio.h>
#include <string.h>

#include "calibrate/record/counters-driver.h"

/* What Linux calls the same on every CPU that has it, perf_event_open(2). */
static const char *const generic_events[] = {
	"perf::INSTRUCTIONS",
	"perf::CPU-CYCLES",
	"perf::REF-CYCLES",
	"perf::BRANCHES",
	"perf::BRANCH-MISSES",
	"perf::CACHE-REFERENCES",
	"perf::CACHE-MISSES",
	"perf::STALLED-CYCLES-FRONTEND",
	"perf::STALLED-CYCLES-BACKEND",
	"perf::L1-DCACHE-LOADS",
	"perf::L1-DCACHE-LOAD-MISSES",
	"perf::L1-DCACHE-STORES",
	"perf::LLC-LOADS",
	"perf::LLC-LOAD-MISSES",
	"perf::LLC-STORES",
	"perf::DTLB-LOADS",
	"perf::DTLB-LOAD-MISSES",
	"perf::NODE-LOADS",
	"perf::NODE-LOAD-MISSES",
};

/* The CPU's own, where libpfm4 knows it; "ix86arch" is what all Intel CPUs have. */
static bool find_core(pfm_pmu_info_t *found)
{
	bool is_found = false;
	pfm_pmu_t pmu;

	if (pfm_initialize() != PFM_SUCCESS)
		return false;
	pfm_for_all_pmus(pmu)
	{
		pfm_pmu_info_t info = { .size = sizeof info };

		if (pfm_get_pmu_info(pmu, &info) != PFM_SUCCESS || !info.is_present ||
		    info.type != PFM_PMU_TYPE_CORE)
			continue;
		if (!is_found || strcmp(found->name, "ix86arch") == 0)
			*found = info;
		is_found = true;
	}
	return is_found;
}

void counters_find_pmu(char *name, size_t size)
{
	pfm_pmu_info_t info;

	snprintf(name, size, "%s", find_core(&info) ? info.name : "");
}

/* The next sub-event (unit mask) from *attribute on. */
static bool next_mask(const pfm_event_info_t *event, int *attribute, pfm_event_attr_info_t *mask)
{
	for (; *attribute < event->nattrs; ++*attribute) {
		*mask = (pfm_event_attr_info_t){ .size = sizeof *mask };
		if (pfm_get_event_attr_info(event->idx, *attribute, PFM_OS_PERF_EVENT_EXT, mask) ==
			    PFM_SUCCESS &&
		    mask->type == PFM_ATTR_UMASK) {
			++*attribute;
			return true;
		}
	}
	return false;
}

/* "pmu::EVENT", or where it has sub-events each of them: "pmu::EVENT:MASK". */
static int add_event(struct event_names *names, const char *pmu, const pfm_event_info_t *event)
{
	char name[EVENT_NAME_BYTES];
	pfm_event_attr_info_t mask;
	int attribute = 0, result = 0;
	bool has_masks = false;

	while (result != -ENOMEM && next_mask(event, &attribute, &mask)) {
		has_masks = true;
		if (snprintf(name, sizeof name, "%s::%s:%s", pmu, event->name, mask.name) <
		    (int)sizeof name)
			result = event_names_add(names, name);
	}
	if (!has_masks &&
	    snprintf(name, sizeof name, "%s::%s", pmu, event->name) < (int)sizeof name)
		result = event_names_add(names, name);
	return result;
}

static int add_generic(struct event_names *names)
{
	int result = 0;

	for (size_t i = 0; i < sizeof generic_events / sizeof *generic_events && !result; i++)
		result = event_names_add(names, generic_events[i]);
	return result;
}

int counters_list_events(struct event_names *names)
{
	pfm_pmu_info_t pmu;
	int result = 0;

	if (!find_core(&pmu))
		return add_generic(names);
	for (int i = pmu.first_event; i != -1 && !result; i = pfm_get_event_next(i)) {
		pfm_event_info_t event = { .size = sizeof event };

		if (pfm_get_event_info(i, PFM_OS_PERF_EVENT_EXT, &event) == PFM_SUCCESS &&
		    !event.equiv)
			result = add_event(names, pmu.name, &event);
	}
	return result;
}

void counters_describe(const struct counters *counters, const char *name, struct text *out)
{
	pfm_event_info_t event = { .size = sizeof event };
	const char *last = strrchr(name, ':');
	pfm_event_attr_info_t mask;
	int attribute = 0, index;

	if (counters_are_emulated(counters)) {
		text_add(out, "of an emulated machine");
		return;
	}
	index = pfm_initialize() == PFM_SUCCESS ? pfm_find_event(name) : -1;
	if (index < 0 || pfm_get_event_info(index, PFM_OS_PERF_EVENT_EXT, &event) != PFM_SUCCESS)
		return;
	text_add(out, event.desc ? event.desc : "");
	while (last && next_mask(&event, &attribute, &mask))
		if (strcmp(last + 1, mask.name) == 0 && mask.desc)
			text_addf(out, ": %s", mask.desc);
}
