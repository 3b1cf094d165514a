/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cap and the budget of all domains of an owner together, divided by share among them. */
#include "vmenergyd/policy/internal.h"

#include <math.h>

static struct water_claim claim_of(const struct row *row, double total_w)
{
	double fixed_w = row->outside_w + row->disk_fixed_w;
	double floor_w = fixed_w + row->disk_floor_w;
	double use_w = fixed_w + recent_peak_w(&row->slot->recent) + row->disk_peak_w;

	floor_w += row->in->cpu_controllable ? row->cpu_floor_w : row->inside_w;
	return (struct water_claim){
		.share = row->share,
		.floor = fmax(floor_w, first_known(row->in->limits.floor_w, 0)),
		.use = fmin(row->limit_w, use_w),
		.next = fmin(row->limit_w, use_w + ROOM * total_w),
		.most = fmin(row->limit_w, fixed_w + row->cpu_most_w + row->disk_most_w),
		.wants_more = recent_held(&row->slot->recent) || row->disk_wants_more,
	};
}

static void divide(struct decision *decision, const size_t *members, size_t count, double total_w)
{
	struct policy *policy = decision->policy;
	double deficit_w, floors_w = 0;

	for (size_t i = 0; i < count; i++) {
		policy->claims[i] = claim_of(&policy->rows[members[i]], total_w);
		floors_w += policy->claims[i].floor;
	}
	deficit_w = water_allow(policy->claims, policy->water, count, total_w);
	for (size_t i = 0; i < count; i++) {
		const struct water_claim *claim = &policy->claims[i];
		struct row *row = &policy->rows[members[i]];

		if (claim->given < claim->most || deficit_w > 0)
			narrow(&row->limit_w, &row->limit_by, claim->given, HELD_BY_OWNER);
		if (deficit_w > 0)
			row->deficit_w = deficit_w * claim->floor / floors_w;
	}
}

static void apply(struct decision *decision, size_t owner)
{
	const struct policy_owner *limits = &decision->in->owners[owner];
	struct policy *policy = decision->policy;
	double used_w = 0, limit_w = INFINITY, budget_w = INFINITY;
	bool is_known = false;
	struct slot *slot = NULL;
	size_t count = 0;

	for (size_t i = 0; i < decision->count; i++)
		if (policy->rows[i].owner == owner) {
			policy->members[count++] = i;
			used_w += row_used_w(&policy->rows[i]);
			is_known |= policy->rows[i].known;
		}
	if (isfinite(limits->limits.budget_j))
		slot = slot_of_owner(policy, limits->name);
	if (slot) {
		budget_w = budget_limit_w(&limits->limits, slot, is_known ? used_w : NAN, decision);
		slot->was_seen = true;
	}
	limit_w = fmin(first_known(limits->limits.cap_w, INFINITY), budget_w);
	if (count > 0 && isfinite(limit_w))
		divide(decision, policy->members, count, limit_w);
}

void owner_apply(struct decision *decision)
{
	for (size_t i = 0; i < decision->in->owner_count; i++)
		if (limits_hold_anything(&decision->in->owners[i].limits))
			apply(decision, i);
}

/* A share of its own is divided among its domains by theirs. */
void owner_shares(struct decision *decision)
{
	struct policy *policy = decision->policy;

	for (size_t owner = 0; owner < decision->in->owner_count; owner++) {
		double share = decision->in->owners[owner].limits.share, sum = 0;

		if (!(share > 0))
			continue;
		for (size_t i = 0; i < decision->count; i++)
			sum += policy->rows[i].owner == owner ? policy->rows[i].share : 0;
		for (size_t i = 0; i < decision->count; i++)
			if (policy->rows[i].owner == owner)
				policy->rows[i].host_share = share * policy->rows[i].share / sum;
	}
}
