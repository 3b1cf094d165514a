/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * freq-cpufreq.c - what cpufreq says of the frequency, where the hardware told it
 * (Documentation/admin-guide/pm/cpufreq.rst):
 *
 *   cpuinfo_avg_freq  measured over the last milliseconds; not while a CPU is idle
 *   scaling_cur_freq  on x86 made from APERF and MPERF; elsewhere the governor's wish
 *   cpuinfo_cur_freq  asked of the hardware; slow in some drivers, hence the last
 *
 * Moments, and not the mean of a tick: CPUs count alike, however busy they are.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/numbers.h"
#include "probe/freq-parts.h"

#define CPUFREQ_FORMAT "/sys/devices/system/cpu/cpu%u/cpufreq/%s"

static const struct {
	const char *name;
	bool x86_alone;
} cpufreq_files[] = {
	{ .name = "cpuinfo_avg_freq" },
	{ .name = "scaling_cur_freq", .x86_alone = true },
	{ .name = "cpuinfo_cur_freq" },
};

/* How many CPUs the policy of `cpu` governs; 0: none, or `cpu` is not its first one. */
static unsigned count_governed(const struct rootfs *root, unsigned cpu)
{
	char text[4096];
	const char *cursor = text;
	unsigned count = 0;
	uint64_t number;

	if (rootfs_readf(root, text, sizeof text, CPUFREQ_FORMAT, cpu, "affected_cpus") < 0)
		return 0;
	while (number_scan_u64(&cursor, &number) == 0) {
		if (count == 0 && number != cpu)
			return 0;
		count++;
	}
	return count;
}

static int open_policies(struct freq_cpufreq *cpufreq, struct kept_files *files,
			 const struct packages *packages)
{
	for (size_t i = 0; i < packages->cpu_count; i++) {
		const struct package_cpu *cpu = &packages->cpus[i];
		struct freq_policy *policy = &cpufreq->policies[cpufreq->count];
		unsigned governed = count_governed(files->root, cpu->cpu);
		int result;

		if (governed == 0)
			continue;
		result = kept_open(files, &policy->file, CPUFREQ_FORMAT, cpu->cpu, cpufreq->file);
		if (result == -ENOMEM)
			return result;
		if (result)
			continue;
		policy->package = cpu->package;
		policy->cpus = governed;
		cpufreq->count++;
	}
	return 0;
}

int freq_cpufreq_open(struct freq_cpufreq *cpufreq, struct kept_files *files,
		      const struct packages *packages, bool x86_measures)
{
	int result = 0;

	*cpufreq = (struct freq_cpufreq){ 0 };
	cpufreq->policies = calloc(packages->cpu_count + 1, sizeof *cpufreq->policies);
	if (!cpufreq->policies)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof cpufreq_files / sizeof *cpufreq_files; i++) {
		if (cpufreq_files[i].x86_alone && !x86_measures)
			continue;
		cpufreq->file = cpufreq_files[i].name;
		result = open_policies(cpufreq, files, packages);
		if (result || cpufreq->count > 0)
			break;
	}
	return result;
}

void freq_cpufreq_close(struct freq_cpufreq *cpufreq)
{
	for (size_t i = 0; i < cpufreq->count; i++)
		kept_close(&cpufreq->policies[i].file);
	free(cpufreq->policies);
	*cpufreq = (struct freq_cpufreq){ 0 };
}

void freq_cpufreq_read(const struct freq_cpufreq *cpufreq, const struct kept_files *files,
		       struct freq_mean *means)
{
	for (size_t i = 0; i < cpufreq->count; i++) {
		const struct freq_policy *policy = &cpufreq->policies[i];
		uint64_t khz;

		if (kept_read_u64(files, &policy->file, &khz) || khz == 0)
			continue;
		means[policy->package].sum += (double)khz * 1e3 * policy->cpus;
		means[policy->package].weight += policy->cpus;
	}
}
