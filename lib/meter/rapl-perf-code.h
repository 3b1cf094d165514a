/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rapl-perf-code.h - what the kernel's files say of an energy event. Pure. */
#ifndef VMENERGY_METER_RAPL_PERF_CODE_H
#define VMENERGY_METER_RAPL_PERF_CODE_H

#include <stdint.h>

#include "base/error.h"

/* "event=0x02" -> 2. -EINVAL: another form. */
int rapl_perf_parse_event(const char *text, uint64_t *config);
/* "2.3283064365386962890625e-10": joules per count. -EINVAL or -ERANGE. */
int rapl_perf_parse_scale(const char *text, double *scale_j);

/* "0,18" or "0-1,4": the first CPU of each package, ascending. -EINVAL; -E2BIG. */
enum { RAPL_PERF_CPUS_MAX = 64 };
struct rapl_perf_cpus {
	unsigned count;
	int cpus[RAPL_PERF_CPUS_MAX];
};
int rapl_perf_parse_cpus(const char *text, struct rapl_perf_cpus *cpus);

#endif
