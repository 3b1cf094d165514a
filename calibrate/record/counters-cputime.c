/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time on CPUs alone; and what all real counters have: that time, frequency, temperature. */
#include "calibrate/record/counters-driver.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cgroupfs.h"
#include "base/clock.h"
#include "host/cpu.h"

int counters_open_machine(struct counters *counters, struct error *error)
{
	struct cpu_identity cpu = { 0 };
	struct cgroup_mounts mounts;
	int result;

	kept_files_init(&counters->context.files, counters->root);
	cgroup_find_mounts(counters->root, &mounts);
	result = cputime_total_open(&counters->busy, &counters->context.files, &mounts, error);
	if (result)
		return result;
	result = cpu_identify(counters->root, &cpu, error);
	if (!result)
		result = freq_open(&counters->freq, counters->root, cpu.tsc_hz, true, error);
	cpu_identity_clear(&cpu);
	return result;
}

void counters_close_machine(struct counters *counters)
{
	if (counters->freq)
		freq_close(counters->freq);
	cputime_total_close(&counters->busy);
	packages_clear(&counters->context.packages);
}

/* After the events, whose time is sample->time_ns. */
int counters_read_machine(struct counters *counters, struct session_sample *sample,
			  struct error *error)
{
	struct sample *machine = &counters->sample;
	struct package_reading all = { .temperature_c = NAN };
	unsigned packages = machine->package_count;
	int result = cputime_total_read(&counters->busy, &sample->busy_ns, error);

	/* One for all packages: their mean frequency, the hottest. */
	machine->package_count = 1;
	machine->packages[0] = all;
	freq_read(counters->freq, machine);
	all = machine->packages[0];
	machine->package_count = packages;
	sample->frequency_hz = all.frequency_hz ? (double)all.frequency_hz : NAN;
	sample->temperature_c = all.temperature_c;
	return result;
}

static int open_cputime(struct counters *counters, const char *address, struct error *error)
{
	(void)address;
	return counters_open_machine(counters, error);
}

static int choose(struct counters *counters, const struct session_pass *pass, struct error *error)
{
	(void)counters;
	if (pass->event_count)
		return error_setf(error, ENOSPC, "event %s: time on CPUs alone is counted here",
				  pass->names[0]);
	return 0;
}

static int read_cputime(struct counters *counters, struct session_sample *sample,
			struct error *error)
{
	sample->quality = 0;
	sample->time_ns = clock_now_ns();
	return counters_read_machine(counters, sample, error);
}

const struct counters_driver counters_cputime = {
	.name = "cputime",
	.open = open_cputime,
	.close = counters_close_machine,
	.choose = choose,
	.read = read_cputime,
};
