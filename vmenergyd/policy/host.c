/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's cap: B = cap (1 - m) - P_idle - P_disk - P_service - P_kept_active
 * (model.md 7) is divided among the domains' CPUs in watts of the plant, K k_i
 * per CPU-second per second.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define EMERGENCY 1.05
#define LITTLE 0.025 /* of the cap */
#define OTHERS_SMOOTH_S 15.0

bool host_is_limited(const struct policy_host *host)
{
	return isfinite(host->cap_w) || isfinite(host->peak_w) ||
	       isfinite(host->temperature_limit_c);
}

static struct water_claim claim_of(const struct decision *decision, const struct row *row)
{
	const struct limits *limits = &row->in->limits;
	double slope = decision->policy->host.slope, floor_w = row->cpu_floor_w;
	double wanted_floor_w = first_known(limits->floor_w, decision->in->host.share_floor_w);
	double most_w = fmin(row->cpu_most_w, row->cpu_w);

	floor_w = fmax(floor_w, first_known(wanted_floor_w - row->outside_w - row->disk_w, 0));
	return (struct water_claim){
		.share = row->host_share,
		.floor = slope * fmin(floor_w, fmax(most_w, row->cpu_floor_w)),
		.use = slope * row->inside_w,
		.next = slope * row->cpu_next_w,
		.most = slope * fmax(most_w, row->cpu_floor_w),
		.wants_more = row->wants_more,
	};
}

static void divide(struct decision *decision, double watts)
{
	struct policy_host_allotment *out = &decision->out->host;
	struct policy *policy = decision->policy;
	unsigned reason = out->held_by & -out->held_by;
	double slope = policy->host.slope;
	double deficit_w;
	size_t count = 0;

	for (size_t i = 0; i < decision->count; i++)
		if (policy->rows[i].in->cpu_controllable && policy->rows[i].known) {
			policy->claims[count] = claim_of(decision, &policy->rows[i]);
			policy->members[count++] = i;
		}
	deficit_w =
		water_allow(policy->claims, policy->water, count, fmax(0, watts)) + fmax(0, -watts);
	out->infeasible_w = deficit_w > DEFICIT_LEAST_W ? deficit_w : 0;
	for (size_t i = 0; i < count; i++) {
		struct row *row = &policy->rows[policy->members[i]];
		double given_w = policy->claims[i].given / slope;

		if (given_w >= row->cpu_most_w || given_w >= row->cpu_w)
			continue;
		narrow(&row->cpu_w, &row->cpu_by, given_w, reason);
		narrow(&row->limit_w, &row->limit_by, given_w + row->outside_w + row->disk_w,
		       reason);
	}
}

/* The host's power now: of the meter where it has spoken, else of the model. */
static double power_now_w(const struct decision *decision, double inside_w)
{
	const struct policy_host *host = &decision->in->host;
	double modelled_w = host->total_w + (decision->policy->host.slope - 1) * inside_w;

	if (isfinite(host->metered_w) && decision->policy->host.age_s == 0)
		return host->metered_w;
	return first_known(modelled_w, decision->policy->host.power_w);
}

static void find_cap(struct decision *decision, double power_w)
{
	struct policy_host_allotment *out = &decision->out->host;

	out->cap_w = INFINITY;
	narrow(&out->cap_w, &out->held_by, decision->in->host.cap_w, HELD_BY_HOST);
	narrow(&out->cap_w, &out->held_by, peak_cap_w(decision, power_w), HELD_BY_PEAK);
	narrow(&out->cap_w, &out->held_by, thermal_cap_w(decision, power_w), HELD_BY_THERMAL);
}

/* What little others do is averaged: to follow each timer would cost a write of every quota. What
 * is not known now is what it was. */
static void follow_others(struct host_memory *memory, double others_w, double cap_w, double dt_s)
{
	double change_w = others_w - memory->others_w;

	if (isnan(others_w))
		return;
	if (fabs(change_w) < LITTLE * cap_w)
		memory->others_w += change_w * -expm1(-dt_s / OTHERS_SMOOTH_S);
	else
		memory->others_w = others_w;
}

void host_apply(struct decision *decision)
{
	const struct policy_host *host = &decision->in->host;
	struct host_memory *memory = &decision->policy->host;
	struct policy_host_allotment *out = &decision->out->host;
	double inside_w = 0, fixed_w = 0, others_w, effective_w;

	for (size_t i = 0; i < decision->count; i++) {
		const struct row *row = &decision->policy->rows[i];

		*(row->in->cpu_controllable ? &inside_w : &fixed_w) += row->inside_w;
	}
	slope_update(decision);
	memory->power_w = power_now_w(decision, inside_w + fixed_w);
	find_cap(decision, first_known(memory->power_w, 0));
	out->slope = memory->slope;
	out->margin = memory->margin;
	if (isinf(out->cap_w)) {
		memory->over = 0;
		return;
	}
	memory->over = memory->power_w > EMERGENCY * out->cap_w ? memory->over + 1 : 0;
	others_w = host->idle_w + host->disk_w + host->service_w + host->kept_active_w;
	follow_others(memory, others_w, out->cap_w, decision->dt_s);
	/* What is left of it and what is missing are of the same limit: without its margin. */
	out->margin_w = out->cap_w * memory->margin;
	effective_w = out->cap_w - out->margin_w;
	out->headroom_w = effective_w - memory->power_w;
	if (isnan(memory->others_w))
		return;
	out->controllable_w = effective_w - memory->others_w - memory->slope * fixed_w;
	divide(decision, out->controllable_w);
}
