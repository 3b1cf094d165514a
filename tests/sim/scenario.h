/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenario.h - what is tried, and what must come out of it. */
#ifndef VMENERGY_TESTS_SIM_SCENARIO_H
#define VMENERGY_TESTS_SIM_SCENARIO_H

#include "tests/sim/metrics.h"

enum sim_statistic { WORST, P95 }; /* of all seeds: which of them must lie inside */

struct sim_target {
	int metric; /* METRIC_COUNT = no more */
	double low, high;
	enum sim_statistic statistic;
};

#define TARGETS_END                                                                                \
	{                                                                                          \
		METRIC_COUNT, 0, 0, WORST                                                          \
	}
/* The table of targets, as far as many scenarios share it. */
#define TARGET_STEADY                                                                              \
	{                                                                                          \
		METRIC_STEADY, -2, 0.5, WORST                                                      \
	}
#define TARGET_SETTLING                                                                            \
	{                                                                                          \
		METRIC_SETTLING, -INFINITY, 3, WORST                                               \
	}
#define TARGET_OVERSHOOT                                                                           \
	{                                                                                          \
		METRIC_OVERSHOOT, -INFINITY, 5, WORST                                              \
	}
#define TARGET_BURST                                                                               \
	{                                                                                          \
		METRIC_BURST, -INFINITY, 15, WORST                                                 \
	}
#define TARGET_MEAN10                                                                              \
	{                                                                                          \
		METRIC_MEAN10, -INFINITY, 3, WORST                                                 \
	}
#define TARGET_WRITES                                                                              \
	{                                                                                          \
		METRIC_WRITES, -INFINITY, 6, WORST                                                 \
	}
#define TARGET_WORK                                                                                \
	{                                                                                          \
		METRIC_WORK, 97, INFINITY, WORST                                                   \
	}

/* Each ends with one without a name. */
extern const struct sim_scenario sim_scenarios_domain[], sim_scenarios_host[],
	sim_scenarios_change[], sim_scenarios_fault[];
/* Of every scenario, and no matter of power: not looked at where limits are ignored. */
extern const struct sim_target sim_targets_always[];

#endif
