/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-trial.h - the whole set, tried on ourselves: each event alone, then all
 * of them per thread and CPU-wide together, over a short busy loop.
 */
#ifndef VMENERGY_PROBE_PERF_TRIAL_H
#define VMENERGY_PROBE_PERF_TRIAL_H

#include "probe/perf-context.h"

/*
 * 0 or -errno with a sentence, as perf_open() has them. Sets is_silent; cgroup_mount and
 * cgroup_is_v1 where cgroups can be followed with a third group beside the two.
 */
int perf_trial(struct perf_context *context, struct error *error);

#endif
