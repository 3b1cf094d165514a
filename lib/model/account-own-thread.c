/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-own-thread.c - threads of a service that work for one client each
 * (model.md 4).
 *
 * What such a thread spent is its client's, as measured. The rest of the service
 * is a pool, which is divided by what was learned (account-service.c), among
 * those who have work done there:
 *
 *     clients without a thread of their own
 *     clients for whom workers of a pool do a part
 *     clients whose thread was not read in this tick: then it is in the pool
 *
 * or all, where there are none of these. Threads are read a little before the
 * service: together they never exceed it. What was read late, and is only spread
 * over the ticks since, never takes from what was read in time.
 *
 * While the service's energy is not read, that of its threads is added up, and
 * counts as late when the service's comes.
 */
#include "model/account-own-thread.h"

void account_own_bind(struct account_edge *edge, const struct attachment *of,
		      const struct service *provider)
{
	const struct thread *thread =
		of->own_thread > 0 ? &provider->threads[of->own_thread - 1] : NULL;
	const struct account_own fresh = {
		.tid = thread ? thread->tid : 0,
		.start_ticks = thread ? thread->start_ticks : 0,
	};
	struct account_own *own = &edge->use->own;

	edge->own_thread = of->own_thread;
	edge->own_alone = of->own_alone;
	if (own->tid != fresh.tid || own->start_ticks != fresh.start_ticks)
		*own = fresh;
}

void account_own_clear(struct account_service *service)
{
	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];

		edge->own = (struct load){ CHARGE_UNKNOWN, { 0 } };
		edge->own_on_time = false;
		edge->pooled = true;
	}
}

void account_own_read(struct account *account, struct account_service *service,
		      const struct service_reading *now)
{
	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];
		struct cpu_delta delta;

		if (edge->own_thread == 0)
			continue;
		account_cpu_delta(&delta, &edge->use->own.previous,
				  &now->threads[edge->own_thread - 1],
				  account->options.events.count, &account->tick);
		edge->own = account_load(account, &delta);
		edge->own_on_time = delta.known && delta.on_time >= 1;
	}
}

static bool is_own(const struct account_edge *edge)
{
	return edge->own_thread > 0 && !isnan(edge->own.charge.now_j);
}

/* Has it a part in what was the pool's in this tick? */
static bool is_pooled(const struct account_edge *edge)
{
	return !is_own(edge) || !edge->own_alone;
}

static void mark_pooled(struct account_service *service)
{
	bool any = false;

	for (size_t i = 0; i < service->edge_count; i++) {
		service->edges[i].pooled = is_pooled(&service->edges[i]);
		any |= service->edges[i].pooled;
	}
	for (size_t i = 0; i < service->edge_count && !any; i++)
		service->edges[i].pooled = true;
}

struct own_sums {
	double on_time_j, spread_j; /* read in this tick alone; a part of a longer time */
	double late_j;
};

/* What is late of threads was kept with what is late of the service, or was charged with
 * the pool: then nothing of the service is late. */
static struct own_sums sum_own(const struct account_service *service)
{
	struct own_sums sums = { 0, 0, 0 };

	for (size_t i = 0; i < service->edge_count; i++) {
		const struct account_edge *edge = &service->edges[i];

		if (edge->own_thread == 0)
			continue;
		*(edge->own_on_time ? &sums.on_time_j : &sums.spread_j) +=
			known(edge->own.charge.now_j);
		sums.late_j += edge->own.charge.late_j + edge->use->own.waiting_j;
	}
	return sums;
}

static void take_part(struct account_edge *edge, double now, double late)
{
	struct charge *charge = &edge->own.charge;

	charge->now_j *= now;
	charge->late_j = (charge->late_j + edge->use->own.waiting_j) * late;
	for (unsigned k = 0; k < SAMPLE_EVENTS_MAX; k++)
		edge->own.count[k] *= known(now);
}

void account_own_split(struct account_service *service, struct load *pool)
{
	const struct charge all = service->own.charge;
	const struct own_sums sums = sum_own(service);
	double on_time = isnan(all.now_j) ? NAN : charge_fit(sums.on_time_j, all.now_j);
	double rest_j = all.now_j - sums.on_time_j * on_time;
	double spread = isnan(all.now_j) ? NAN : charge_fit(sums.spread_j, rest_j);
	double late = charge_fit(sums.late_j, all.late_j);

	*pool = service->own;
	mark_pooled(service);
	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];

		if (edge->own_thread == 0)
			continue;
		take_part(edge, edge->own_on_time ? on_time : spread, late);
		for (unsigned k = 0; k < SAMPLE_EVENTS_MAX; k++)
			pool->count[k] = fmax(0, pool->count[k] - edge->own.count[k]);
	}
	if (!isnan(all.now_j))
		pool->charge.now_j = fmax(0, rest_j - sums.spread_j * spread);
	pool->charge.late_j = fmax(0, all.late_j - sums.late_j * late);
}

void account_own_wait(struct account_service *service)
{
	bool waited = service->waiting_s > 0;

	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];

		if (edge->own_thread == 0)
			continue;
		edge->use->own.waiting_j +=
			known(edge->own.charge.now_j) + (waited ? edge->own.charge.late_j : 0);
	}
}

void account_own_forget(struct account_service *service)
{
	for (size_t i = 0; i < service->edge_count; i++) {
		service->edges[i].use->own.previous = (struct cpu_reading){ 0 };
		service->edges[i].use->own.waiting_j = 0;
	}
}

bool account_own_teaches(const struct account_service *service)
{
	for (size_t i = 0; i < service->edge_count; i++)
		if (service->edges[i].own_thread > 0 && !service->edges[i].own_on_time)
			return false;
	return true;
}
