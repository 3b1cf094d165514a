/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watts to CPUs. A quota that is in force is held until it is worth a write
 * (hold.h); it rises by steps, and falls at once.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#include "vmenergyd/policy/bandwidth.h"

#define LEAST_PER_VCPU 0.02 /* less would stop a guest for longer than its watchdogs bear */
#define RISE_PER_VCPU 0.25  /* per decision */
/* A domain's cap is aimed at from below: quotas give a little more than they say. */
#define AIM 0.993
#define NEAR 0.01            /* two quotas are the same */
#define RELEASE_AFTER_S 30.0 /* without need of it: longer than pauses between bursts */
#define RELEASE_PART 0.9     /* of the target, that all it could use must stay below */
#define NOT_NEEDED 1.2       /* of all that it could use */
#define LEAK_PART 0.003  /* a write leaks one period's quota: rest so long that it is that part */
#define REST_MOST_S 60.0 /* even with the longest periods */
#define TRIM_LEAST 0.8   /* measured inaccuracies are far inside; more is a mistake */
#define TRIM_MOST 1.3    /* the same, upwards */
#define IDLE_DOWN 0.13   /* while it is not used up, a quota may be so much more than allotted */
#define IDLE_UP 0.10     /* what is not used up is worth no write for less */
#define IDLE_UP_REST_S 15.0 /* nor sooner: once it is used up, it rises at once */
#define URGENT 0.05         /* such a fall jumps the queue of writes */
#define THROUGHOUT 0.9      /* of the periods used up: that the quota alone held it */

double policy_least_cpus(unsigned vcpus)
{
	return LEAST_PER_VCPU * fmax(1, vcpus);
}

static bool same(double a, double b)
{
	return a == b || (isfinite(b) && fabs(a - b) <= NEAR * b);
}

/* Were the figures made under this quota? Not those of the first period with it, which hold the
 * delay until it took effect and the quota that the write gave away. */
static bool governs(const struct row *row, const struct slot *slot)
{
	double now = row->in->quota_cpus;

	if (!isfinite(now) || !same(now, slot->last_quota))
		return false;
	/* Rounded by whoever writes it, or a tighter one of the operator's. */
	return same(now, slot->hold.setting) || (slot->hold.age_s > 5 && now < slot->hold.setting);
}

/* And by nothing else? In a period that was throttled only in part, or the first that was, the
 * demand was less. */
static bool is_full(const struct row *row, const struct slot *slot)
{
	return row->in->throttled_part >= THROUGHOUT && slot->last_part >= THROUGHOUT;
}

static double bandwidth_s(const struct row *row, double cpus)
{
	struct bandwidth bandwidth = bandwidth_from_cpus(cpus, row->in->vcpus);

	return (double)bandwidth.period_us * 1e-6;
}

static double rest_s(const struct row *row, double cpus)
{
	return fmin(REST_MOST_S, bandwidth_s(row, cpus) / LEAK_PART);
}

/* While it is used up: by what came of it. */
static double used_up(const struct decision *decision, const struct row *row, struct slot *slot)
{
	slot->hold.quantum = bandwidth_s(row, slot->hold.setting) / decision->dt_s;
	if (governs(row, slot)) {
		hold_sample(&slot->hold, row->inside_w, is_full(row, slot));
		if (row->in->cpus > 0 && is_full(row, slot))
			slot->trim += 0.1 * (slot->hold.setting / row->in->cpus - slot->trim);
		slot->trim = fmin(fmax(slot->trim, TRIM_LEAST), TRIM_MOST);
	}
	return slot->hold.setting * (1 + hold_error(&slot->hold));
}

/* While it is not: by the watts per CPU alone, with more room. */
static double unused(const struct row *row, const struct slot *slot, double cpus)
{
	const struct hold *hold = &slot->hold;
	double change;
	bool own = row->cpu_by < HELD_BY_OWNER;

	cpus *= slot->trim;
	change = cpus / hold->setting - 1;
	if (change < -(own ? URGENT : IDLE_DOWN))
		return cpus;
	if (change > IDLE_UP && hold->age_s > IDLE_UP_REST_S)
		return cpus;
	return hold->setting;
}

/* Where no more than the least is left, that: there is nothing that feedback could mend. */
static double bounded(const struct row *row, double cpus, double fed_forward)
{
	double least = policy_least_cpus(row->in->vcpus);

	if (same(fed_forward, least))
		return least;
	return fmax(least, fmin(fmax(cpus, TRIM_LEAST * fed_forward), TRIM_MOST * fed_forward));
}

static void write_quota(struct row *row, struct slot *slot, double cpus, bool emergency)
{
	struct hold *hold = &slot->hold;
	double step = hold->setting + RISE_PER_VCPU * fmax(1, row->in->vcpus);
	double change = cpus / hold->setting - 1;

	if (fabs(change) < 1e-3)
		return;
	if (!hold_may_write(hold, change, rest_s(row, cpus)) && !(emergency && change < 0))
		return;
	row->out->urgent = change < -URGENT || (emergency && change < 0);
	hold_written(hold, fmin(cpus, step), cpus);
}

/* Where all are at their floors there is nothing left to be had in a hurry. */
static bool is_emergency(const struct decision *decision, const struct row *row)
{
	return decision->policy->host.over >= 2 && row->cpu_by >= HELD_BY_HOST &&
	       !(decision->out->host.infeasible_w > 0);
}

static void regulate(const struct decision *decision, struct row *row, struct slot *slot,
		     double target_w)
{
	bool emergency = is_emergency(decision, row);
	double fed_forward = target_w / row->k, cpus;

	if (isinf(slot->hold.setting)) {
		if (row->cpu_most_w <= target_w)
			return;
		cpus = bounded(row, fed_forward * slot->trim, fed_forward);
		row->out->urgent = true;
		slot->free_s = 0;
		hold_written(&slot->hold, cpus, cpus);
		return;
	}
	slot->free_s += decision->dt_s;
	if (row->throttled || row->cpu_most_w >= RELEASE_PART * target_w)
		slot->free_s = 0;
	if (slot->free_s >= RELEASE_AFTER_S) {
		hold_written(&slot->hold, INFINITY, INFINITY);
		return;
	}
	cpus = row->throttled ? used_up(decision, row, slot) : unused(row, slot, fed_forward);
	if (emergency && same(row->in->quota_cpus, slot->last_quota) && row->inside_w > target_w)
		cpus = fmin(cpus, slot->hold.setting * target_w / row->inside_w);
	write_quota(row, slot, bounded(row, cpus, fed_forward), emergency);
}

void quota_row(const struct decision *decision, struct row *row)
{
	struct slot *slot = row->slot;
	double target_w = row->cpu_by < HELD_BY_HOST ? AIM * row->cpu_w : row->cpu_w;

	/* Nothing narrows it now: up to where no quota is needed, and after a while none. */
	target_w = fmin(target_w, NOT_NEEDED * row->cpu_most_w);

	if (!row->in->cpu_controllable) {
		row->out->cpus = INFINITY;
		return;
	}
	if (isinf(row->cpu_w) && !row->limited)
		hold_reset(&slot->hold);
	else if (row->in->fresh && row->known) {
		hold_aim(&slot->hold, fmax(target_w, row->cpu_floor_w), decision->dt_s);
		regulate(decision, row, slot, fmax(target_w, row->cpu_floor_w));
		slot->last_quota = row->in->quota_cpus;
		slot->last_part = row->in->throttled_part;
	}
	row->out->cpus = slot->hold.setting;
}
