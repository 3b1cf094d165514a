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
 */
#include "model/account-internal.h"

void account_attachments(struct account *account, const struct sample *sample)
{
	for (size_t i = 0; i < account->service_count; i++)
		for (size_t k = 0; k < account->services[i]->edge_count; k++) {
			const struct account_edge *edge = &account->services[i]->edges[k];

			account_io_delta(&edge->use->delta, &edge->use->previous,
					 &sample->attachments[edge->attachment], &account->tick);
		}
}

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

static void charge_edge(struct account_edge *edge, const struct load *load, double factor)
{
	if (edge->vdisk)
		charge_vdisk(edge->domain, edge->vdisk, load, factor);
	else if (edge->client->reach_count > 0)
		account_load_add(&edge->client->inherited, load, factor);
}

/* What a client asked for: at the attachment, else as its vDISK says. False: not known. */
static bool read_edge(struct account_edge *edge, const struct tick *tick)
{
	const struct io_delta *delta = &edge->use->delta;

	if (!delta->known && edge->vdisk)
		delta = &edge->vdisk->delta;
	edge->requests = edge->bytes = 0;
	if (edge->domain && domain_is_over(edge->domain, tick))
		return true;
	for (int dir = 0; dir < DIRECTIONS && delta->known; dir++) {
		edge->requests += known(delta->amount[dir].requests);
		edge->bytes += delta->amount[dir].bytes;
	}
	return delta->known;
}

/* Sum of the clients' work in this tick; false when some is not known. */
static bool read_edges(struct account_service *service, const struct tick *tick,
		       double x[REGRESS_COLUMNS])
{
	bool all = true;

	for (size_t i = 0; i < service->edge_count; i++) {
		all &= read_edge(&service->edges[i], tick);
		x[REGRESS_REQUESTS] += service->edges[i].requests;
		x[REGRESS_BYTES] += service->edges[i].bytes;
	}
	return all;
}

/* Sets each edge's cost; returns the sum of them. */
static double price_edges(struct account_service *service, const struct regress_cost *cost)
{
	double sum = 0;

	for (size_t i = 0; i < service->edge_count; i++) {
		struct account_edge *edge = &service->edges[i];

		edge->cost = cost->request_j * edge->requests + cost->byte_j * edge->bytes;
		sum += edge->cost;
	}
	return sum;
}

static void settle_active(struct account_service *service, const struct tick *tick)
{
	double x[REGRESS_COLUMNS] = { [REGRESS_SECONDS] = tick->seconds };
	bool complete = read_edges(service, tick, x);
	struct regress_cost cost;
	double by_work, base;

	if (complete && service->delta.known && service->delta.on_time >= 1)
		regress_add(&service->regress, x, charge_total(service->own.charge));
	cost = regress_solve(&service->regress);
	by_work = price_edges(service, &cost);
	base = cost.base_w * tick->seconds;
	for (size_t i = 0; i < service->edge_count && by_work > 0; i++) {
		struct account_edge *edge = &service->edges[i];

		charge_edge(edge, &service->own, edge->cost / (by_work + base));
		charge_edge(edge, &service->inherited, edge->cost / by_work);
	}
	charge_equally(service, &service->own, by_work > 0 ? base / (by_work + base) : 1);
	if (by_work <= 0)
		charge_equally(service, &service->inherited, 1);
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

static void mark_clients(struct account_service *service)
{
	for (size_t i = 0; i < service->reach_count; i++)
		if (service->reach[i].part > 0)
			service->reach[i].domain->tick.quality |= service->delta.quality;
}

/*
 * A domain's own helpers: what worked for one disk is a memo of that vDISK. Its
 * threads were read a little before the total: the memo never exceeds it.
 */
static void settle_helpers(struct account_domain *domain)
{
	double sum = 0, factor;

	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].vdisk != VDISK_NONE)
			sum += known(domain->threads[i].active.now_j);
	if (sum <= 0)
		return;
	factor = fmin(1, known(domain->tick.helpers_j) / sum);
	for (size_t i = 0; i < domain->thread_count; i++) {
		const struct account_thread *thread = &domain->threads[i];

		if (thread->vdisk != VDISK_NONE)
			domain->vdisks[thread->vdisk]->service_active_j +=
				known(thread->active.now_j) * factor;
	}
}

void account_services(struct account *account)
{
	for (size_t i = 0; i < account->bound_count; i++)
		settle_helpers(account->bound[i]);
	for (size_t i = 0; i < account->service_count; i++)
		account->services[i]->inherited = (struct load){ 0 };
	for (size_t i = 0; i < account->service_count; i++) {
		struct account_service *service = account->services[account->order[i]];

		settle_active(service, &account->tick);
		settle_idle(service, account->head_idle_j);
		mark_clients(service);
	}
}
