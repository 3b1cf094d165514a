/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/water.h"

#include <math.h>

/* By comparisons: this is the innermost loop, and nothing here is NaN. */
static double clamp(const struct water *part, double lambda)
{
	double given = lambda * part->share;

	if (given < part->floor)
		given = part->floor;
	return given < part->demand ? given : part->demand;
}

/* Sum at this level, and how fast it rises there. */
static double level(const struct water *parts, size_t count, double lambda, double *slope)
{
	double sum = 0;

	*slope = 0;
	for (size_t i = 0; i < count; i++) {
		double given = clamp(&parts[i], lambda);

		sum += given;
		if (given == lambda * parts[i].share)
			*slope += parts[i].share;
	}
	return sum;
}

/* Newton's steps on a function of straight pieces, kept inside a bracket that also halves. */
static double find(const struct water *parts, size_t count, double total, double high)
{
	double low = 0, lambda = high / 2;

	for (unsigned round = 0; round < 200; round++) {
		double slope, sum = level(parts, count, lambda, &slope), next;

		if (fabs(sum - total) <= 1e-12 * total)
			break;
		*(sum < total ? &low : &high) = lambda;
		next = slope > 0 ? lambda + (total - sum) / slope : NAN;
		lambda = next > low && next < high ? next : low + (high - low) / 2;
	}
	return lambda;
}

double water_fill(struct water *parts, size_t count, double total)
{
	double floors = 0, demands = 0, high = 0, lambda = INFINITY;

	for (size_t i = 0; i < count; i++) {
		floors += fmin(parts[i].floor, parts[i].demand);
		demands += parts[i].demand;
	}
	if (floors >= total)
		lambda = 0;
	else if (demands > total) {
		for (size_t i = 0; i < count; i++)
			high = fmax(high, fmin(parts[i].demand, total) / parts[i].share);
		lambda = find(parts, count, total, high);
	}
	for (size_t i = 0; i < count; i++)
		parts[i].given = isinf(lambda) ? parts[i].demand : clamp(&parts[i], lambda);
	return fmax(0, floors - total);
}

static double wanted(const struct water_claim *claim)
{
	return claim->wants_more ? claim->most : fmin(claim->use, claim->most);
}

static void spread(struct water_claim *claims, struct water *scratch, size_t count, double total)
{
	for (size_t i = 0; i < count; i++)
		scratch[i] = (struct water){ .share = claims[i].share,
					     .floor = claims[i].given,
					     .demand = fmax(claims[i].most, claims[i].given) };
	water_fill(scratch, count, total);
	for (size_t i = 0; i < count; i++)
		claims[i].given = scratch[i].given;
}

double water_allow(struct water_claim *claims, struct water *scratch, size_t count, double total)
{
	double deficit, sum = 0;

	for (size_t i = 0; i < count; i++)
		scratch[i] = (struct water){ .share = claims[i].share,
					     .floor = claims[i].floor,
					     .demand = wanted(&claims[i]) };
	deficit = water_fill(scratch, count, total);
	for (size_t i = 0; i < count; i++)
		sum += claims[i].given = scratch[i].given;
	if (sum < total)
		spread(claims, scratch, count, total);
	for (size_t i = 0; i < count && deficit == 0; i++) {
		struct water_claim *claim = &claims[i];

		/* What it does not want now stays its own; held below its use, it may not grow. */
		if (!claim->wants_more && claim->given >= claim->use)
			claim->given = fmax(claim->given, fmin(claim->next, claim->most));
	}
	for (size_t i = 0; i < count; i++)
		claims[i].given = fmax(claims[i].given, fmin(claims[i].floor, claims[i].most));
	return deficit;
}
