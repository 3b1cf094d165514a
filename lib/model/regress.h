/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * regress.h - what work costs per request and per byte (model.md 4), learned as
 * it is done.
 *
 *     joules = request_j * requests + byte_j * bytes + base_w * seconds
 *
 * What is collected is learned in batches of 128 requests, or of some seconds
 * where there are fewer. Each batch belongs to a load, a place in requests and
 * bytes per second; a load is the mean of its batches, and a few are remembered.
 * So a load that stays for hours does not push out what was learned under
 * others, and what only wavers around one load, as counters read at different
 * moments do, is not taken for a difference of loads.
 *
 * The cost is the non-negative one of least relative squares over these loads,
 * held by a ridge to the proportions that were learned before. It is weakest for
 * requests and strongest for bytes: what cannot be told apart is requests alone.
 * A batch changes the part of no load's energy that goes by requests, by bytes
 * or to the base by more than REGRESS_STEP, but for the first work of all.
 */
#ifndef VMENERGY_MODEL_REGRESS_H
#define VMENERGY_MODEL_REGRESS_H

#include <stdbool.h>

#define REGRESS_HALF_LIFE_S 300.0 /* of evidence, counted in seconds of new evidence */
#define REGRESS_BATCH_REQUESTS 128.0
#define REGRESS_BATCH_S 2.0
#define REGRESS_STEP 0.1

enum { REGRESS_REQUESTS, REGRESS_BYTES, REGRESS_SECONDS, REGRESS_COLUMNS };
enum { REGRESS_LOADS = 16 };

struct regress_load { /* sums, of which the older parts count less */
	double x[REGRESS_COLUMNS], joules;
};

struct regress { /* {0} = has learned nothing */
	struct regress_load batch, loads[REGRESS_LOADS];
	unsigned load_count, batches;
	bool counted, uncounted; /* requests have been seen; bytes without them */
	/* By column: what is held on to, what the loads say, what is in use. */
	double prior[REGRESS_COLUMNS], target[REGRESS_COLUMNS], cost[REGRESS_COLUMNS];
};

struct regress_cost {
	double request_j, byte_j, base_w;
};

/*
 * So much work took `joules`. Bytes whose requests were not counted teach nothing
 * once requests have been.
 */
void regress_add(struct regress *regress, const double x[REGRESS_COLUMNS], double joules);

/* Is the cost more than a first guess? */
bool regress_has_learned(const struct regress *regress);

/*
 * The cost in use. With nothing learned: 1 J per request (per byte, where requests
 * are not counted) and nothing else, which serves as a proportion.
 */
struct regress_cost regress_cost(const struct regress *regress);

/* Mean size of the requests that were learned from; 0: not known. */
double regress_request_bytes(const struct regress *regress);

#endif
