/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Was the machine idle where it was to be? */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "calibrate/record/record.h"

/* Of all CPUs, but never less than of one: what a quiet machine's own housekeeping takes. */
#define BUSY_PART_OF_ALL 0.02
#define BUSY_PART_OF_ONE 0.10

struct busy {
	double cpu_ns, time_ns;
};

/* From the first sample behind the warm-up to the last one; `at` moves behind the phase's. */
static void add_phase(const struct session *session, size_t phase, size_t *at, struct busy *busy)
{
	const struct session_phase *it = &session->phases.items[phase];
	uint64_t from_ns = it->begin_ns + (it->continues ? 0 : (uint64_t)(SUITE_WARM_UP_S * 1e9));
	const struct session_sample *first = NULL, *last = NULL;

	for (; *at < session->samples.count && session->samples.items[*at].phase <= phase; ++*at) {
		last = &session->samples.items[*at];
		if (!first && last->phase == phase && last->time_ns >= from_ns)
			first = last;
	}
	if (!first || strcmp(it->workload, "idle") != 0)
		return;
	busy->cpu_ns += (double)last->busy_ns - (double)first->busy_ns;
	busy->time_ns += (double)(last->time_ns - first->time_ns);
}

bool record_was_busy(const struct session *session, struct error *what)
{
	unsigned cpus = session->about.has_cpu ? session->about.cpu.cpus : 0;
	struct busy busy = { 0, 0 };
	double busy_cpus;
	size_t at = 0;

	if (session->about.emulated)
		return false;
	for (size_t i = 0; i < session->phases.count; i++)
		add_phase(session, i, &at, &busy);
	busy_cpus = busy.time_ns > 0 ? busy.cpu_ns / busy.time_ns : 0;
	if (busy_cpus <= fmax(BUSY_PART_OF_ONE, BUSY_PART_OF_ALL * cpus))
		return false;
	error_setf(
		what, EBUSY,
		"the machine is not idle: other programs keep %.2f of %u CPUs busy while nothing "
		"runs here, and their power is taken for idle power: end them, then begin anew",
		busy_cpus, cpus);
	return true;
}
