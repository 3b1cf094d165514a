/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events of whole CPUs: a pinned group on each, of all tasks; a pass is such a group. */
#include "calibrate/record/counters-driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static int open_perf(struct counters *counters, const char *address, struct error *error)
{
	int result;

	(void)address;
	counters_find_pmu(counters->pmu, sizeof counters->pmu);
	result = counters_open_machine(counters, error);
	return result ? result : counters_may_count(counters, error);
}

static void stop(struct counters *counters)
{
	if (counters->counts_events)
		perf_total_close(&counters->total);
	counters->counts_events = false;
}

static void close_perf(struct counters *counters)
{
	stop(counters);
	counters_close_machine(counters);
}

static int list(struct counters *counters, struct event_names *names, struct error *error)
{
	struct event_names all = { 0 };
	int result = counters_list_events(&all);

	for (size_t i = 0; i < all.count && !result; i++) {
		uint64_t count;

		if (counters_try_event(counters, all.items[i], &count, NULL) == 0)
			result = event_names_add(names, all.items[i]);
	}
	event_names_clear(&all);
	return result ? error_setf(error, -result, "events: out of memory") : 0;
}

/* --- a pass -------------------------------------------------------------------------------- */

static int resolve(struct counters *counters, const struct session_pass *pass, struct error *error)
{
	const char *names[SESSION_EVENTS_MAX];

	if (pass->event_count > PERF_EVENTS_MAX)
		return error_setf(error, ENOSPC, "%u events: at most %d are counted at a time",
				  pass->event_count, PERF_EVENTS_MAX);
	for (unsigned i = 0; i < pass->event_count; i++)
		names[i] = pass->names[i];
	return perf_set_resolve(&counters->context.set, names, pass->event_count, error);
}

/* The event that cannot be counted even alone, or that they are too many together. */
static int explain(struct counters *counters, const struct session_pass *pass, struct error *error)
{
	for (unsigned i = 0; i < pass->event_count; i++) {
		uint64_t count;
		int result = counters_try_event(counters, pass->names[i], &count, error);

		if (result)
			return result;
	}
	return error_setf(error, ENOSPC,
			  "%u events: they do not fit on this CPU's counters together with %s "
			  "(the NMI watchdog takes one: kernel.nmi_watchdog=0 frees it)",
			  pass->event_count, pass->names[pass->event_count - 1]);
}

/* Pinned groups that found no place say so when they are read. */
static int check_places(struct counters *counters, const struct session_pass *pass,
			struct error *error)
{
	struct error why;

	counters_burn();
	if (perf_total_read(&counters->total, &counters->sample, &why) == 0)
		return 0;
	return explain(counters, pass, error);
}

static int choose(struct counters *counters, const struct session_pass *pass, struct error *error)
{
	struct perf_context *context = &counters->context;
	int result;

	stop(counters);
	counters->note[0] = '\0';
	if (pass->event_count == 0)
		return 0;
	result = resolve(counters, pass, error);
	if (result)
		return result;
	snprintf(counters->note, sizeof counters->note, "%s", context->set.note);
	counters->counts_events = true;
	result = perf_total_open(&counters->total, context, error);
	if (result == -EMFILE || result == -ENOMEM)
		return result;
	return result ? explain(counters, pass, error) : check_places(counters, pass, error);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Stand-ins are the pass's, and told with it (counters_note), not a flaw of a reading. */
static void read_events(struct counters *counters, struct session_sample *sample)
{
	const struct sample *machine = &counters->sample;
	unsigned events = counters->context.set.count;
	struct error error;

	if (perf_total_refresh(&counters->total, &error) != PERF_CPUS_SAME)
		sample->quality |= QUALITY_GAP;
	perf_total_read(&counters->total, &counters->sample, &error);
	for (unsigned p = 0; p < machine->package_count; p++) {
		const struct cpu_reading *reading = &machine->packages[p].total;

		sample->quality |= reading->quality & ~(unsigned)QUALITY_ESTIMATE;
		for (unsigned e = 0; e < events; e++)
			sample->count[e] += reading->count[e];
	}
}

static int read_perf(struct counters *counters, struct session_sample *sample, struct error *error)
{
	uint64_t begin_ns = clock_now_ns();

	sample->quality = 0;
	memset(sample->count, 0, sizeof sample->count);
	if (counters->counts_events)
		read_events(counters, sample);
	/* CPUs are read one after the other: the middle of it. */
	sample->time_ns = begin_ns + (clock_now_ns() - begin_ns) / 2;
	return counters_read_machine(counters, sample, error);
}

const struct counters_driver counters_perf = {
	.name = "perf",
	.open = open_perf,
	.close = close_perf,
	.free = counters_try_free,
	.candidates = list,
	.choose = choose,
	.read = read_perf,
	.try = counters_try_event,
};
