/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metrics.h - what a run is judged by. */
#ifndef VMENERGY_TESTS_SIM_METRICS_H
#define VMENERGY_TESTS_SIM_METRICS_H

#include "tests/sim/run.h"

enum sim_metric {
	METRIC_STEADY,     /* %, mean of the steady minute against the cap */
	METRIC_RMS,        /* %, of the cap: of its seconds about their mean */
	METRIC_SETTLING,   /* control periods until all seconds are within 5 % of the cap */
	METRIC_BELOW,      /* the same, but only what is above the cap counts */
	METRIC_OVERSHOOT,  /* %, the highest second of the steady minute */
	METRIC_BURST,      /* %, the highest second, but for 3 s after the cap came on */
	METRIC_MEAN10,     /* %, the highest mean of 10 s, but for 5 s after the cap came on */
	METRIC_WRITES,     /* of one domain in the steady minute, at most */
	METRIC_JAIN,       /* of watts / share */
	METRIC_WORK,       /* %, of what the cap leaves, with a margin of 1 %, used */
	METRIC_WITHHELD,   /* %, of what it would get free, or of its cap where that is less */
	METRIC_BUDGET,     /* %, over in the worst window, the burst allowed for */
	METRIC_SPENT,      /* %, of the budget, over all windows */
	METRIC_PEAK,       /* %, over in the worst window of the wall clock */
	METRIC_INFEASIBLE, /* control periods until it is reported */
	METRIC_FLOOR,      /* %, of the floor, that is left */
	METRIC_CAREFUL,    /* s, without a meter until the margin has grown */
	METRIC_BLIND,      /* %, the highest second without a meter, from 4 s on */
	METRIC_RECOVERY,   /* %, the highest step up when the meter is back, of power or CPUs */
	METRIC_HEAT,       /* K, over the limit, highest of the steady minute */
	METRIC_RECONCILED, /* s, from the restart until under the cap for good */
	METRIC_ARRIVED,    /* control periods from a domain's coming until under the cap for good */
	METRIC_LOOSENED,   /* domains whose limit grew while no daemon ran */
	METRIC_ACCOUNT,    /* %, that the real account is off the plant's books */
	METRIC_UNCHANGED,  /* writes of what stood there already */
	METRIC_UNRESTORED, /* domains whose limits are not as they were, after the stop */
	METRIC_ERRORS,     /* calls that failed */
};
enum { METRIC_COUNT = METRIC_ERRORS + 1 };

const char *sim_metric_name(enum sim_metric metric);
const char *sim_metric_unit(enum sim_metric metric);
/* How many figures a run gives: one, or one for each domain that is judged. */
size_t sim_metric_items(const struct sim_run *run, enum sim_metric metric);
/* NaN: there is none, which no target allows. */
double sim_metric(const struct sim_run *run, enum sim_metric metric, size_t item);

#endif
