/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * freq.h - effective frequency and temperature of each package.
 *
 * Frequency (model.md 2: cycles / reference cycles, CPU-wide): APERF / MPERF of
 * the `msr` PMU, summed over the package's CPUs, times the rate of MPERF (the
 * TSC's); both stand still while a CPU is halted, so that it is the mean of the
 * busy time. Else what cpufreq was told by the hardware: cpuinfo_avg_freq, on x86
 * scaling_cur_freq, cpuinfo_cur_freq; a governor's wish is not one. Else unknown.
 *
 * Temperature: hwmon (coretemp "Package id N", k10temp Tctl/Tdie, ...), else the
 * thermal zone of the CPU; the hottest of a package.
 */
#ifndef VMENERGY_PROBE_FREQ_H
#define VMENERGY_PROBE_FREQ_H

#include <stdbool.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"

struct freq;

/*
 * `root` is borrowed. tsc_hz: rate of the TSC, 0 = unknown. Without
 * `with_frequency` no CPU is interrupted, and frequency stays unknown. Opens what
 * there is: 0 or -ENOMEM.
 */
int freq_open(struct freq **freq, const struct rootfs *root, uint64_t tsc_hz, bool with_frequency,
	      struct error *error);
void freq_close(struct freq *freq);
const char *freq_source(const struct freq *freq); /* a phrase; NULL = unknown frequency */

/*
 * Fill packages[].frequency_hz and temperature_c of the packages that
 * sample->package_count has (one for several packages: the mean frequency and the
 * hottest), and sample->tsc_ticks where it can be read. What is unknown stays so.
 * CPUs that came or went are noticed here. A reading of the
 * frequency interrupts each CPU once.
 */
void freq_read(struct freq *freq, struct sample *sample);

#endif
