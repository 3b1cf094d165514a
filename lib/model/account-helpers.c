/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-helpers.c - what a domain's own helpers spent, as a memo of the vDISKs
 * that they worked for (model.md 4).
 *
 * A thread that serves one vDISK is that vDISK's. What is left when these, and
 * the threads that serve no vDISK (vhost and KVM workers), are taken away works
 * for all other vDISKs and for display, network, migration. Its cost per request
 * and byte is learned (regress.h):
 *
 *     disks = request_j * requests + byte_j * bytes
 *
 * no more of it than disks / (disks + base_w * seconds), so that a cost that has
 * fallen charges nothing that was not spent; and no less than I/O threads spent,
 * who have no other work. What is above the learned cost was other work that
 * came at the same time: it stays with the domain, as the base does.
 */
#include "model/account-internal.h"

#include <errno.h>
#include <stdlib.h>

enum account_helper account_helper_of(const struct thread *thread)
{
	if (!thread->sampled || thread->role == THREAD_VCPU)
		return HELPER_POOL;
	if (thread->vdisk != VDISK_NONE)
		return HELPER_VDISK;
	if (thread->role == THREAD_VHOST || thread->role == THREAD_KVM)
		return HELPER_OTHER;
	return thread->role == THREAD_IOTHREAD ? HELPER_IO : HELPER_POOL;
}

int account_helpers_bind(struct account_domain *domain)
{
	bool pooled = false;

	for (size_t i = 0; i < domain->vdisk_count; i++)
		domain->vdisks[i]->pooled = !domain->vdisks[i]->attached;
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].helper == HELPER_VDISK)
			domain->vdisks[domain->threads[i].vdisk]->pooled = false;
	for (size_t i = 0; i < domain->vdisk_count; i++)
		pooled |= domain->vdisks[i]->pooled;
	if (!pooled) {
		free(domain->helpers);
		domain->helpers = NULL;
	} else if (!domain->helpers) {
		domain->helpers = calloc(1, sizeof *domain->helpers);
		if (!domain->helpers)
			return -ENOMEM;
	}
	return 0;
}

/* --- energy ------------------------------------------------------------------------------- */

struct pool { /* of the helpers that are nobody's alone */
	double joules;
	double io_j; /* of it: I/O threads' */
	bool known;
};

static double sum_threads(const struct account_domain *domain, enum account_helper helper,
			  bool *known_all)
{
	double sum = 0;

	for (size_t i = 0; i < domain->thread_count; i++) {
		if (domain->threads[i].helper != helper)
			continue;
		sum += known(domain->threads[i].active.now_j);
		*known_all &= !isnan(domain->threads[i].active.now_j);
	}
	return sum;
}

/* Threads were read a little before the total: together they never exceed it. */
static struct pool read_pool(const struct account_domain *domain, double *scale)
{
	bool all = !isnan(domain->tick.helpers_j);
	double helpers_j = known(domain->tick.helpers_j);
	double own_j = sum_threads(domain, HELPER_VDISK, &all);
	double other_j = sum_threads(domain, HELPER_OTHER, &all);
	double io_j = sum_threads(domain, HELPER_IO, &all);
	struct pool pool = { .known = all };

	*scale = charge_fit(own_j, helpers_j);
	pool.joules = fmax(0, helpers_j - own_j - other_j);
	pool.io_j = fmin(pool.joules, io_j);
	return pool;
}

static void charge_own(struct account_domain *domain, double scale)
{
	for (size_t i = 0; i < domain->thread_count; i++) {
		const struct account_thread *thread = &domain->threads[i];

		if (thread->helper == HELPER_VDISK)
			domain->vdisks[thread->vdisk]->service_active_j +=
				known(thread->active.now_j) * scale;
	}
}

/* --- work --------------------------------------------------------------------------------- */

struct asked {
	struct account_work work;
	bool known;   /* else it was not read */
	bool counted; /* its requests; else they are a guess, or none */
};

/* What it asked for; where nobody says, what of it reached the leaves. Requests NaN: not counted.
 */
static struct asked read_work(const struct account_domain *domain,
			      const struct account_vdisk *vdisk)
{
	struct asked asked = { .known = vdisk->delta.known };
	double *amount = asked.work.amount;

	for (int dir = 0; dir < DIRECTIONS && vdisk->delta.known; dir++) {
		amount[BY_REQUEST] += vdisk->delta.amount[dir].requests * vdisk->delta.on_time;
		amount[BY_BYTE] += vdisk->delta.amount[dir].bytes * vdisk->delta.on_time;
	}
	for (size_t i = 0; i < domain->claim_count && !vdisk->delta.known; i++) {
		const struct account_claim *claim = &domain->claims[i];

		if (claim->vdisk != vdisk || !claim->known)
			continue;
		asked.known = true;
		for (int dir = 0; dir < DIRECTIONS; dir++) {
			amount[BY_REQUEST] += claim->amount[dir].requests;
			amount[BY_BYTE] += claim->amount[dir].bytes;
		}
	}
	return asked;
}

/* Requests that were not counted are of `size`, where that is known (0: it is not). */
static struct asked work_of(const struct account_domain *domain, const struct account_vdisk *vdisk,
			    double size)
{
	struct asked asked = read_work(domain, vdisk);
	double *amount = asked.work.amount;

	asked.counted = !isnan(amount[BY_REQUEST]) || amount[BY_BYTE] <= 0;
	if (isnan(amount[BY_REQUEST]))
		amount[BY_REQUEST] = size > 0 ? amount[BY_BYTE] / size : 0;
	return asked;
}

/* The sum of the pooled vDISKs' work; false: not all of it is known, and it teaches nothing. */
static bool sum_work(const struct account_domain *domain, double size, double x[REGRESS_COLUMNS])
{
	bool known_all = true, counted_all = true;

	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct asked asked;

		if (!domain->vdisks[i]->pooled)
			continue;
		asked = work_of(domain, domain->vdisks[i], size);
		known_all &= asked.known;
		counted_all &= asked.counted;
		x[REGRESS_REQUESTS] += asked.work.amount[BY_REQUEST];
		x[REGRESS_BYTES] += asked.work.amount[BY_BYTE];
	}
	/* where nobody counts requests, bytes are all there is */
	return known_all && (counted_all || x[REGRESS_REQUESTS] <= 0);
}

static double cost_of(const struct regress_cost *cost, const struct account_work *work)
{
	return cost->request_j * work->amount[BY_REQUEST] + cost->byte_j * work->amount[BY_BYTE];
}

/* --- charges ------------------------------------------------------------------------------ */

static double disks_part(const struct account_domain *domain, const struct pool *pool,
			 double by_work, double base)
{
	double disks_j = by_work;

	if (domain->helpers->batches == 0) /* a proportion, and no joules */
		disks_j = 0;
	else if (pool->joules < by_work + base)
		disks_j = pool->joules * by_work / (by_work + base);
	return fmax(disks_j, pool->io_j);
}

static void charge_pool(struct account_domain *domain, const struct pool *pool,
			const struct tick *tick)
{
	double x[REGRESS_COLUMNS] = { [REGRESS_SECONDS] = tick->seconds };
	const double size = regress_request_bytes(domain->helpers);
	struct regress_cost cost;
	double by_work, disks_j;

	if (sum_work(domain, size, x) && pool->known)
		regress_add(domain->helpers, x, pool->joules);
	cost = regress_cost(domain->helpers);
	by_work =
		cost_of(&cost, &(struct account_work){ { x[REGRESS_REQUESTS], x[REGRESS_BYTES] } });
	if (by_work <= 0)
		return;
	disks_j = disks_part(domain, pool, by_work, cost.base_w * tick->seconds);
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct account_work work;

		if (!domain->vdisks[i]->pooled)
			continue;
		work = work_of(domain, domain->vdisks[i], size).work;
		domain->vdisks[i]->service_active_j += disks_j * cost_of(&cost, &work) / by_work;
	}
}

void account_helpers(struct account_domain *domain, const struct tick *tick)
{
	struct pool pool;
	double scale;

	if (isnan(domain->tick.helpers_j) || domain_is_over(domain, tick))
		return;
	pool = read_pool(domain, &scale);
	charge_own(domain, scale);
	if (domain->helpers && !tick->first)
		charge_pool(domain, &pool, tick);
}
