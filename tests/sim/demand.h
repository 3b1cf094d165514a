/* SPDX-License-Identifier: GPL-3.0-or-later */
/* demand.h - how many CPUs a domain would use if nothing held it. */
#ifndef VMENERGY_TESTS_SIM_DEMAND_H
#define VMENERGY_TESTS_SIM_DEMAND_H

#include <stdbool.h>

#include "tests/sim/random.h"

enum sim_pattern {
	DEMAND_STEADY, /* high */
	DEMAND_STEP,   /* low, and high from at_s on */
	DEMAND_BURSTS, /* high and low in turns of random length, on_s and off_s on average */
	DEMAND_DUTY,   /* high and low in turns of that length */
};

struct sim_demand {
	enum sim_pattern pattern;
	double low_cpus, high_cpus;
	double at_s, on_s, off_s;
	struct sim_random random;
	bool is_high;
	double until_s;
};

/* To be asked in the order of time. */
double sim_demand_cpus(struct sim_demand *demand, double now_s);

#endif
