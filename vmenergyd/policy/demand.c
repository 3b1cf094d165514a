/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each domain uses, and what it would like to: from the quota that was in
 * force while the figures were made, never from the one just written (which
 * makes controllers overshoot).
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define BUSY_CPUS 0.02 /* less says nothing of the watts per CPU */
#define K_JUMP 0.10    /* another kind of work */
#define K_FAST 0.7
#define K_SLOW 0.2
#define USED_UP 0.9   /* of a quota */
#define FULL 0.8      /* the same, of who is short of it and does not just work by fits */
#define THROTTLED 0.1 /* part of the periods */
#define MEAN_S 10.0
#define GROW_FACTOR 1.3 /* how much more than now it may want next */
#define GROW_CPUS 0.1
/* Decisions: a strangled domain has few periods in each, and in some it is not throttled. */
#define STRAINED 3

double first_known(double value, double otherwise)
{
	return isnan(value) ? otherwise : value;
}

static void keep(double *kept, double value)
{
	if (!isnan(value))
		*kept = value;
}

/* Of about ten seconds. */
static void follow_mean(double *mean_w, double watts, double dt_s)
{
	*mean_w = first_known(*mean_w, watts);
	*mean_w += (watts - *mean_w) * -expm1(-dt_s / MEAN_S);
}

/* model.md 7: k_i = (cpu.active_i + helpers' active_i) / u_i over the threads under the quota. */
static void learn_k(struct slot *slot, const struct policy_domain *in)
{
	double k = in->inside_w / in->cpus;

	if (!(in->cpus > BUSY_CPUS) || !(k > 1e-6) || isinf(k))
		return;
	if (isnan(slot->k))
		slot->k = k;
	else
		slot->k += (k - slot->k) * (fabs(k / slot->k - 1) > K_JUMP ? K_FAST : K_SLOW);
}

/* Of services, what limits of its disks hold. */
static double learn_drivers(struct slot *slot, const struct policy_domain *in, double dt_s)
{
	double leaf_w = 0, driver_w = 0;

	for (size_t i = 0; i < in->disk_count; i++) {
		const struct policy_disk *disk = &in->disks[i];

		if (!disk_is_held_here(disk) || !(disk->active_w >= disk->driver_w))
			continue;
		driver_w += disk->driver_w;
		leaf_w += disk->active_w - disk->driver_w;
	}
	if (leaf_w + driver_w > 0) {
		follow_mean(&slot->leaf_mean_w, leaf_w, dt_s);
		follow_mean(&slot->driver_mean_w, driver_w, dt_s);
	}
	return fmin(driver_w, first_known(in->outside_w, 0));
}

static void learn(struct slot *slot, const struct policy_domain *in, double dt_s)
{
	double driver_w = learn_drivers(slot, in, dt_s);

	learn_k(slot, in);
	keep(&slot->cpus, in->cpus);
	keep(&slot->inside_w, in->inside_w);
	keep(&slot->outside_w, in->outside_w - driver_w);
	keep(&slot->disk_w, in->disk_active_w + driver_w);
	keep(&slot->idle_w, in->cpu_idle_w + in->disk_idle_w + in->service_idle_w);
}

double demand_cpus_most(const struct row *row)
{
	double vcpus = row->in->vcpus ? row->in->vcpus : 1;

	/* Its helpers may come on top. */
	return fmax(vcpus, 1.1 * first_known(row->slot->cpus, 0)) + GROW_CPUS;
}

/* What it uses while no quota keeps it from more. */
static void learn_wanted(struct row *row, double cpus)
{
	struct slot *slot = row->slot;

	if (!row->in->fresh)
		return;
	if (row->throttled)
		slot->strained = STRAINED;
	else if (slot->strained > 0)
		slot->strained = isinf(row->in->quota_cpus) ? 0 : slot->strained - 1;
	if (slot->strained == 0 && !(row->in->throttled_part > THROTTLED) && cpus > 0)
		slot->wanted_cpus = cpus;
}

static void demand_cpu(struct row *row, double dt_s)
{
	const struct policy_domain *in = row->in;
	double cpus = first_known(row->slot->cpus, 0), most = demand_cpus_most(row);
	double part = in->throttled_part, next = GROW_FACTOR * cpus + GROW_CPUS;
	bool used_up = cpus >= USED_UP * in->quota_cpus;

	row->throttled = in->fresh && isfinite(in->quota_cpus) &&
			 (part > 0.5 || (used_up && !(part <= THROTTLED)));
	if (row->throttled)
		next = most;
	else if (part > THROTTLED && isfinite(in->quota_cpus))
		next = fmax(next, GROW_FACTOR * in->quota_cpus);
	learn_wanted(row, cpus);
	if (in->fresh) {
		follow_mean(&row->slot->cpu_mean_w, row->inside_w, dt_s);
		recent_follow(&row->slot->recent, row->inside_w, row->throttled, dt_s);
		recent_follow(&row->slot->full, row->inside_w,
			      row->throttled && cpus >= FULL * in->quota_cpus, dt_s);
	}
	row->wants_more = row->throttled;
	row->cpu_next_w = row->k * fmin(next, most);
	row->cpu_most_w = row->k * most;
	row->cpu_floor_w = row->k * policy_least_cpus(in->vcpus);
}

static void demand_disk(struct row *row, double dt_s)
{
	double held_w = 0;

	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];
		struct disk_slot *slot = &row->slot->disks[i];

		if (!disk_is_held_here(disk))
			continue;
		if (row->in->fresh)
			disk_follow(slot, disk, dt_s);
		held_w += first_known(disk->active_w, 0);
		row->disk_most_w += disk->span_w;
		row->disk_peak_w += recent_peak_w(&slot->recent);
		row->disk_mean_w += slot->mean_w;
		row->disk_held |= disk->held && row->in->fresh;
		row->disk_wants_more |= recent_held(&slot->recent) && row->in->fresh;
	}
	row->disk_fixed_w = row->disk_most_w > 0 ? fmax(0, row->disk_w - held_w) : row->disk_w;
	row->disk_floor_w = disk_floor_w(row);
}

void demand_row(const struct decision *decision, struct row *row)
{
	struct slot *slot = row->slot;
	double share = row->in->limits.share;

	if (row->in->fresh)
		learn(slot, row->in, decision->dt_s);
	row->known = !isnan(slot->inside_w) && !isnan(slot->cpus);
	row->k = first_known(slot->k, decision->policy->default_k);
	row->share = share > 0 ? share : POLICY_SHARE_DEFAULT;
	row->idle_w = slot->idle_w;
	row->inside_w = first_known(slot->inside_w, 0);
	row->outside_w = first_known(slot->outside_w, 0);
	row->disk_w = first_known(slot->disk_w, 0);
	/* Without constants of the leaves they have no power, and no limit of theirs says anything.
	 */
	row->disk_factor = first_known(1 + slot->driver_mean_w / slot->leaf_mean_w, 1);
	row->limit_w = row->cpu_w = row->disk_allot_w = INFINITY;
	demand_cpu(row, decision->dt_s);
	demand_disk(row, decision->dt_s);
}
