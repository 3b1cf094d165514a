/* SPDX-License-Identifier: GPL-3.0-or-later */
/* freq-parts.h - where frequencies and temperatures come from; private to freq. */
#ifndef VMENERGY_PROBE_FREQ_PARTS_H
#define VMENERGY_PROBE_FREQ_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/kept.h"
#include "probe/packages.h"

/* Of each package in the tick, to be summed: Hz = sum / weight; weight 0 = unknown. */
struct freq_mean {
	double sum, weight;
};

/* --- APERF and MPERF (freq-msr.c) ----------------------------------------- */

struct freq_msr_cpu {
	unsigned package;
	int aperf, mperf; /* descriptors; mperf leads */
	uint64_t aperf_count, mperf_count;
};

struct freq_msr {
	struct freq_msr_cpu *cpus;
	size_t count; /* 0 = not to be had */
};

/* 0 or -ENOMEM. */
int freq_msr_open(struct freq_msr *msr, struct kept_files *files, const struct packages *packages);
void freq_msr_close(struct freq_msr *msr);
/* Since the last reading (the first one: since opening). */
void freq_msr_read(struct freq_msr *msr, double mperf_hz, struct freq_mean *means);

/* --- cpufreq (freq-cpufreq.c) --------------------------------------------- */

struct freq_policy {
	unsigned package;
	double cpus; /* that it governs */
	struct kept_file file;
};

struct freq_cpufreq {
	struct freq_policy *policies;
	size_t count;     /* 0 = not to be had */
	const char *file; /* which of its files */
};

/* x86_measures: scaling_cur_freq is made from APERF and MPERF. 0 or -ENOMEM. */
int freq_cpufreq_open(struct freq_cpufreq *cpufreq, struct kept_files *files,
		      const struct packages *packages, bool x86_measures);
void freq_cpufreq_close(struct freq_cpufreq *cpufreq);
void freq_cpufreq_read(const struct freq_cpufreq *cpufreq, const struct kept_files *files,
		       struct freq_mean *means);

/* --- temperatures (freq-heat.c) ------------------------------------------- */

struct freq_sensor {
	unsigned chip; /* in the order of the hardware */
	struct kept_file file;
};

struct freq_heat {
	struct freq_sensor *sensors;
	size_t count, capacity;
	unsigned chips;
	struct kept_buffer buffer;
};

/* 0 or -ENOMEM. */
int freq_heat_open(struct freq_heat *heat, struct kept_files *files);
void freq_heat_close(struct freq_heat *heat);
/* Of each package the hottest; NaN = unknown. */
void freq_heat_read(struct freq_heat *heat, const struct kept_files *files, unsigned packages,
		    double *celsius);

#endif
