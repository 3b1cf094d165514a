/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/demand.h"

static double in_turns(struct sim_demand *demand, double now_s)
{
	while (now_s >= demand->until_s) {
		double mean_s;

		demand->is_high = !demand->is_high;
		mean_s = demand->is_high ? demand->on_s : demand->off_s;
		demand->until_s += demand->pattern == DEMAND_BURSTS
					   ? sim_exponential(&demand->random, mean_s)
					   : mean_s;
	}
	return demand->is_high ? demand->high_cpus : demand->low_cpus;
}

double sim_demand_cpus(struct sim_demand *demand, double now_s)
{
	switch (demand->pattern) {
	case DEMAND_STEP:
		return now_s < demand->at_s ? demand->low_cpus : demand->high_cpus;
	case DEMAND_BURSTS:
	case DEMAND_DUTY:
		return in_turns(demand, now_s);
	case DEMAND_STEADY:
		break;
	}
	return demand->high_cpus;
}
