/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf-pmu.h - what the CPU itself says of the events that it has. */
#ifndef VMENERGY_PROBE_PERF_PMU_H
#define VMENERGY_PROBE_PERF_PMU_H

#include "base/rootfs.h"
#include "probe/perf-events.h"

/*
 * Is the CPU known not to have this event? Only Arm tells: PMUv3 has a register
 * of the common events that are implemented (PMCEID), of which the kernel makes
 * the PMU's folder `events`. false: it has it, or nothing is known.
 */
bool perf_pmu_lacks(const struct rootfs *root, const struct perf_code *code);

#endif
