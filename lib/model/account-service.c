/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-service.c - the recursion: what services spend is charged to the
 * vDISKs they work for (model.md 4).
 *
 * Providers are settled before their users. Of a service's active energy, what
 * is learned to follow requests and bytes goes along its attachments, and
 * through another service on to that one's own; the base, which is spent
 * without requests, goes equally to all vDISKs that it serves, directly or
 * through others. Only the proportions are learned: the charges always sum to
 * what was measured. Without a vDISK at the end it is kept.
 *
 *     charge(client) = measured * (request_j * its requests + byte_j * its bytes
 *                                  + base_w * seconds * its part of the base)
 *                      / the sum of these over all clients
 *
 * No cost is negative, so that whatever has been learned a client pays between
 * the least and the most of its shares of requests, of bytes and of the base.
 *
 * When the service's own energy comes late, what belongs to earlier ticks is
 * divided by what was asked for in those.
 */
#include "model/account-internal.h"
#include "model/account-own-thread.h"

#include <string.h>

void account_attachments(struct account *account, const struct sample *sample)
{
	for (size_t i = 0; i < account->service_count; i++)
		for (size_t k = 0; k < account->services[i]->edge_count; k++) {
			const struct account_edge *edge = &account->services[i]->edges[k];

			account_io_delta(&edge->use->delta, &edge->use->previous,
					 &sample->attachments[edge->attachment], &account->tick);
		}
}

/* A tick in which more than this part of the clients' cost was not read does not teach. */
#define UNSURE_MAX 0.1

static void charge_vdisk(struct account_domain *domain, struct account_vdisk *vdisk,
			 const struct load *load, double factor)
{
	if (factor <= 0)
		return;
	vdisk->service_active_j += known(load->charge.now_j) * factor;
	domain->tick.service = charge_sum(domain->tick.service, charge_scale(load->charge, factor));
	account_load_add(&domain->tick.load, load, factor);
}

/* Equally to every vDISK that was there (the parts that idle power is shared by). */
static void charge_equally(struct account_service *service, const struct load *load, double factor)
{
	double sum = 0;

	for (size_t i = 0; i < service->reach_count; i++)
		sum += service->reach[i].part;
	for (size_t i = 0; i < service->reach_count && sum > 0; i++) {
		struct account_reach *reach = &service->reach[i];

		charge_vdisk(reach->domain, reach->vdisk, load, factor * reach->part / sum);
	}
}

/* Parts of `load` that the edge's requests and its bytes cost. */
static void charge_edge(struct account_edge *edge, const struct load *load,
			const double part[WORKS])
{
	if (edge->domain) /* then it is of a vDISK */
		charge_vdisk(edge->domain, edge->vdisk, load, part[BY_REQUEST] + part[BY_BYTE]);
	for (int k = 0; k < WORKS && edge->client; k++)
		if (edge->client->reach_count > 0)
			account_load_add(&edge->client->inherited[k], load, part[k]);
}

enum when { NOW, WAITING };

/* Sets the cost of each edge that has a part in what is divided; returns the sum of them. */
static double price_edges(struct account_service *service, const struct regress_cost *cost,
			  enum when when)
{
	double sum = 0;

	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];
		const struct account_work *work = when == NOW ? &edge->work : &edge->use->waiting;

		edge->cost[BY_REQUEST] =
			edge->pooled ? cost->request_j * work->amount[BY_REQUEST] : 0;
		edge->cost[BY_BYTE] = edge->pooled ? cost->byte_j * work->amount[BY_BYTE] : 0;
		sum += edge->cost[BY_REQUEST] + edge->cost[BY_BYTE];
	}
	return sum;
}

/* Of edges that are priced: along those, and `base` beside them equally. */
static void charge_all(struct account_service *service, const struct load *load, double by_work,
		       double base)
{
	double all = by_work + base;

	for (size_t i = 0; i < service->edge_count && by_work > 0; i++) {
		struct account_edge *edge = &service->edges[i];
		const double part[WORKS] = { edge->cost[BY_REQUEST] / all,
					     edge->cost[BY_BYTE] / all };

		charge_edge(edge, load, part);
	}
	charge_equally(service, load, by_work > 0 ? base / all : 1);
}

/* What requests cost further down was caused by requests here, and so for bytes. */
static void pass_on(struct account_service *service, int work)
{
	double sum = 0;

	if (charge_total(service->inherited[work].charge) <= 0)
		return;
	for (size_t i = 0; i < service->edge_count; i++)
		sum += service->edges[i].work.amount[work];
	for (size_t i = 0; i < service->edge_count && sum > 0; i++) {
		double part[WORKS] = { 0 };

		part[work] = service->edges[i].work.amount[work] / sum;
		charge_edge(&service->edges[i], &service->inherited[work], part);
	}
	if (sum <= 0)
		charge_equally(service, &service->inherited[work], 1);
}

static bool is_charged(const struct account_edge *edge)
{
	return edge->vdisk || edge->client->reach_count > 0;
}

/* The part of what clients cost that `doubt` is true of. */
static double part_of_cost(const struct account_service *service, double all,
			   bool (*doubt)(const struct account_edge *))
{
	double sum = 0;

	for (size_t i = 0; i < service->edge_count; i++)
		if (is_charged(&service->edges[i]) && doubt(&service->edges[i]))
			sum += service->edges[i].cost[BY_REQUEST] + service->edges[i].cost[BY_BYTE];
	return all > 0 ? sum / all : 0;
}

static bool is_unsure(const struct account_edge *edge)
{
	return !edge->sure;
}

static bool is_a_guess(const struct account_edge *edge)
{
	return edge->unread || edge->uncounted;
}

/* Is there anybody else who would have been charged? */
static bool is_divided(const struct account_service *service)
{
	size_t domains = 0, clients = 0;

	for (size_t i = 0; i < service->reach_count; i++)
		domains += service->reach[i].first && service->reach[i].part > 0;
	for (size_t i = 0; i < service->edge_count; i++)
		clients += is_charged(&service->edges[i]);
	return domains > 1 && clients > 1 && charge_total(service->own.charge) > 0;
}

/* `pool`: what was divided of its energy. */
static bool is_guessed(const struct account_service *service, const struct load *pool,
		       double by_work)
{
	double part = charge_total(pool->charge) / charge_total(service->own.charge);
	bool unread = false;

	for (size_t i = 0; i < service->edge_count; i++)
		unread |= service->edges[i].unread && service->edges[i].pooled;
	return (by_work > 0 ? part_of_cost(service, by_work, is_a_guess) : unread) * part >
	       ACCOUNT_GUESS_MAX;
}

/* A tick teaches when nearly all of its work and all of its energy were read together. */
static void learn(struct account_service *service, struct regress *regress, const struct load *load,
		  const struct tick *tick)
{
	const struct regress_cost cost = regress_cost(regress);
	double x[REGRESS_COLUMNS] = { [REGRESS_SECONDS] = tick->seconds };
	double sum = price_edges(service, &cost, NOW);

	if (!service->delta.known || service->delta.on_time < 1 ||
	    part_of_cost(service, sum, is_unsure) > UNSURE_MAX)
		return;
	for (size_t i = 0; i < service->edge_count; i++) {
		const struct account_edge *edge = &service->edges[i];

		if (!edge->pooled)
			continue;
		/* bytes of requests that have no number at all */
		if (edge->uncounted && edge->work.amount[BY_BYTE] > 0 &&
		    edge->work.amount[BY_REQUEST] <= 0)
			return;
		x[REGRESS_REQUESTS] += edge->work.amount[BY_REQUEST];
		x[REGRESS_BYTES] += edge->work.amount[BY_BYTE];
	}
	regress_add(regress, x, charge_total(load->charge));
}

/* Its energy is not read yet: what is asked for meanwhile will divide it. */
static void add_waiting(struct account_service *service, double seconds)
{
	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];

		for (int k = 0; k < WORKS; k++)
			edge->use->waiting.amount[k] += edge->work.amount[k];
	}
	service->waiting_s += seconds;
}

static void stop_waiting(struct account_service *service)
{
	for (size_t i = 0; i < service->edge_count; i++) {
		service->edges[i].use->waiting = (struct account_work){ { 0, 0 } };
		service->edges[i].use->own.waiting_j = 0;
	}
	service->waiting_s = 0;
}

/* What came late, by the work of then. */
static void settle_late(struct account_service *service, const struct load *pool,
			const struct regress_cost *cost)
{
	const struct load late = { { NAN, pool->charge.late_j }, { 0 } };
	enum when when = service->waiting_s > 0 ? WAITING : NOW;

	if (pool->charge.late_j > 0)
		charge_all(service, &late, price_edges(service, cost, when),
			   cost->base_w * service->waiting_s);
	stop_waiting(service);
}

static void mark_clients(struct account_service *service, unsigned quality)
{
	for (size_t i = 0; i < service->reach_count; i++)
		if (service->reach[i].part > 0)
			service->reach[i].domain->tick.quality |= quality;
}

static void note_guess(struct account_service *service)
{
	for (size_t i = 0; i < service->reach_count; i++)
		service->reach[i].domain->tick.guessed |= service->reach[i].part > 0;
}

/* What threads spent for one client each; one that has ended is charged nothing more. */
static void settle_own(struct account_service *service, const struct tick *tick)
{
	const struct regress_cost cost = regress_cost(&service->regress);

	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];
		double requests = cost.request_j * edge->work.amount[BY_REQUEST];
		double bytes = cost.byte_j * edge->work.amount[BY_BYTE];
		double part = bytes > 0 ? bytes / (requests + bytes) : 0;

		if (charge_total(edge->own.charge) > 0 &&
		    !(edge->domain && domain_is_over(edge->domain, tick)))
			charge_edge(edge, &edge->own, (const double[WORKS]){ 1 - part, part });
	}
}

/* What is left of the service: by what was learned of that. */
static struct regress_cost learn_pool(struct account_service *service, const struct load *pool,
				      const struct tick *tick)
{
	if (!service->has_own)
		return regress_cost(&service->regress);
	if (account_own_teaches(service))
		learn(service, &service->pool, pool, tick);
	return regress_cost(&service->pool);
}

static void settle_active(struct account_service *service, const struct tick *tick)
{
	struct regress_cost cost;
	struct load pool;
	double by_work;

	learn(service, &service->regress, &service->own, tick);
	if (!service->delta.known)
		account_own_wait(service);
	account_own_split(service, &pool);
	settle_own(service, tick);
	cost = learn_pool(service, &pool, tick);
	if (!service->delta.known)
		add_waiting(service, tick->seconds);
	if (service->delta.known || service->delta.quality & QUALITY_GAP)
		settle_late(service, &pool, &cost);
	by_work = price_edges(service, &cost, NOW);
	if (is_divided(service) && is_guessed(service, &pool, by_work))
		note_guess(service);
	pool.charge.late_j = 0;
	charge_all(service, &pool, by_work, cost.base_w * tick->seconds);
	for (int k = 0; k < WORKS; k++)
		pass_on(service, k);
}

static void settle_idle(struct account_service *service, double head_idle_j)
{
	for (size_t i = 0; i < service->reach_count; i++) {
		struct account_reach *reach = &service->reach[i];
		double part = service->idle_part * reach->part;

		reach->vdisk->service_idle_j += head_idle_j * part;
		reach->domain->tick.service_idle_j += head_idle_j * part;
		reach->domain->tick.service_part += part;
	}
}

void account_services(struct account *account)
{
	size_t count = account->service_count;

	for (size_t i = 0; i < account->bound_count; i++)
		account_helpers(account->bound[i], &account->tick);
	for (size_t i = count; i-- > 0;)
		account_demand(account->services[account->order[i]], &account->tick);
	for (size_t i = 0; i < count; i++)
		memset(account->services[i]->inherited, 0, sizeof account->services[i]->inherited);
	for (size_t i = 0; i < count; i++) {
		struct account_service *service = account->services[account->order[i]];

		settle_active(service, &account->tick);
		settle_idle(service, account->head_idle_j);
		mark_clients(service, service->delta.quality);
	}
}
