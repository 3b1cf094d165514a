/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/freq.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "probe/freq-parts.h"

struct freq {
	struct kept_files files;
	double tsc_hz;
	bool with_frequency;
	bool x86_measures; /* the kernel averages APERF and MPERF by itself */
	bool counts_tsc;   /* this very machine has one that all CPUs share */
	struct kept_file online;
	struct kept_buffer online_now;
	char *online_seen; /* owned; NULL = unknown */
	struct packages packages;
	struct freq_msr msr;
	struct freq_cpufreq cpufreq;
	struct freq_heat heat;
	char source[64];
};

/* --- this machine ---------------------------------------------------------- */

/* A word of the first line "flags : ..." of /proc/cpuinfo. */
static bool has_flag(const char *cpuinfo, const char *flag)
{
	const char *line = strstr(cpuinfo, "\nflags\t");
	const char *end = line ? line + 1 + strcspn(line + 1, "\n") : NULL;
	size_t length = strlen(flag);

	for (const char *at = line; at && (at = strstr(at, flag)) && at < end; at += length)
		if (at[-1] == ' ' && strchr(" \n", at[length]))
			return true;
	return false;
}

static void read_flags(struct freq *freq, const struct rootfs *root)
{
	char *cpuinfo;

	if (rootfs_read_allf(root, &cpuinfo, "/proc/cpuinfo") < 0)
		return;
	freq->x86_measures = has_flag(cpuinfo, "aperfmperf");
	freq->counts_tsc = rootfs_is_real(root) && has_flag(cpuinfo, "constant_tsc") &&
			   has_flag(cpuinfo, "nonstop_tsc");
	free(cpuinfo);
}

static uint64_t read_tsc(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

/* --- opening --------------------------------------------------------------- */

static void name_source(struct freq *freq)
{
	freq->source[0] = '\0';
	if (freq->msr.count > 0)
		snprintf(freq->source, sizeof freq->source, "APERF/MPERF of %zu CPUs",
			 freq->msr.count);
	else if (freq->cpufreq.count > 0)
		snprintf(freq->source, sizeof freq->source, "cpufreq's %s", freq->cpufreq.file);
}

static void close_sources(struct freq *freq)
{
	freq_msr_close(&freq->msr);
	freq_cpufreq_close(&freq->cpufreq);
	freq_heat_close(&freq->heat);
}

static int open_sources(struct freq *freq)
{
	int result = packages_read(&freq->packages, freq->files.root, NULL);

	if (result == -ENOMEM)
		return result;
	if (result) /* nobody knows what CPUs there are: one package without any */
		packages_clear(&freq->packages);
	if (freq->packages.package_count == 0)
		freq->packages.package_count = 1;
	result = 0;
	if (freq->with_frequency && freq->tsc_hz > 0 && rootfs_is_real(freq->files.root))
		result = freq_msr_open(&freq->msr, &freq->files, &freq->packages);
	if (!result && freq->with_frequency && freq->msr.count == 0)
		result = freq_cpufreq_open(&freq->cpufreq, &freq->files, &freq->packages,
					   freq->x86_measures);
	if (!result)
		result = freq_heat_open(&freq->heat, &freq->files);
	name_source(freq);
	return result;
}

int freq_open(struct freq **out, const struct rootfs *root, uint64_t tsc_hz, bool with_frequency,
	      struct error *error)
{
	struct freq *freq = calloc(1, sizeof *freq);
	int result = -ENOMEM;

	*out = NULL;
	if (freq) {
		kept_files_init(&freq->files, root);
		freq->tsc_hz = (double)tsc_hz;
		freq->with_frequency = with_frequency;
		read_flags(freq, root);
		kept_open(&freq->files, &freq->online, "%s", PACKAGES_ONLINE);
		if (kept_read_all(&freq->files, &freq->online, &freq->online_now) > 0)
			freq->online_seen = strdup(freq->online_now.bytes);
		result = open_sources(freq);
	}
	if (result) {
		freq_close(freq);
		return error_setf(error, ENOMEM, "out of memory");
	}
	*out = freq;
	return 0;
}

void freq_close(struct freq *freq)
{
	if (!freq)
		return;
	close_sources(freq);
	packages_clear(&freq->packages);
	kept_close(&freq->online);
	free(freq->online_now.bytes);
	free(freq->online_seen);
	free(freq);
}

const char *freq_source(const struct freq *freq)
{
	return freq->source[0] ? freq->source : NULL;
}

/* --- reading --------------------------------------------------------------- */

/* CPUs came or went: look anew. Out of memory: go on with what there is. */
static void follow_online(struct freq *freq)
{
	if (kept_read_all(&freq->files, &freq->online, &freq->online_now) <= 0 ||
	    text_equal(freq->online_seen, freq->online_now.bytes) ||
	    text_replace(&freq->online_seen, freq->online_now.bytes))
		return;
	close_sources(freq);
	open_sources(freq);
}

static void put(struct package_reading *package, const struct freq_mean *mean, double celsius)
{
	if (mean->weight > 0)
		package->frequency_hz = (uint64_t)llround(mean->sum / mean->weight);
	package->temperature_c = celsius;
}

void freq_read(struct freq *freq, struct sample *sample)
{
	struct freq_mean means[SAMPLE_PACKAGES_MAX] = { { 0, 0 } }, all = { 0, 0 };
	double celsius[SAMPLE_PACKAGES_MAX], hottest = NAN;
	unsigned count;

	follow_online(freq);
	count = freq->packages.package_count;
	if (freq->counts_tsc)
		sample->tsc_ticks = read_tsc();
	freq_msr_read(&freq->msr, freq->tsc_hz, means);
	freq_cpufreq_read(&freq->cpufreq, &freq->files, means);
	freq_heat_read(&freq->heat, &freq->files, count, celsius);
	for (unsigned i = 0; i < count; i++) {
		all.sum += means[i].sum;
		all.weight += means[i].weight;
		hottest = fmax(hottest, celsius[i]);
	}
	if (sample->package_count == count)
		for (unsigned i = 0; i < count; i++)
			put(&sample->packages[i], &means[i], celsius[i]);
	else if (sample->package_count == 1)
		put(&sample->packages[0], &all, hottest);
}
