/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-demand.c - what the clients of a service asked it for (model.md 4).
 *
 * A reading counts with the part of it that fell into the tick. A client that
 * was not read goes on as it was last seen to, for a while; else the others
 * would pay for it, and it would pay for nobody. One that nobody counts asks
 * for what its own clients ask it for, where it is a service, else for as much
 * as the mean of the others. What is guessed so is not put right later: totals
 * never fall. Requests that are not counted are bytes by the size they had on
 * average, or that the others' have, or those that the service's cost was learned of.
 */
#include "model/account-internal.h"

/* How long a client is believed to go on as it did. */
#define RATE_KEEP_NS 60000000000u
/* Of the mean size of requests: no one tick's, of which some may not have been counted. */
#define SIZE_MEMORY_S 60.0

static struct account_work work_scale(struct account_work work, double factor)
{
	for (int k = 0; k < WORKS; k++)
		work.amount[k] *= factor;
	return work;
}

static void work_add(struct account_work *work, const struct account_work *other)
{
	for (int k = 0; k < WORKS; k++)
		work->amount[k] += other->amount[k];
}

static bool is_recent(const struct account_use *use, const struct tick *tick)
{
	return use->seen_ns > 0 && tick->to_ns - use->seen_ns <= RATE_KEEP_NS;
}

static void note_rate(struct account_use *use, const struct account_edge *edge,
		      const struct io_delta *delta, const struct tick *tick)
{
	double seconds = delta->seconds * delta->on_time;

	if (!(seconds > 0))
		return;
	use->rate = work_scale(edge->work, 1 / seconds);
	use->seen_ns = tick->to_ns;
	if (edge->uncounted || edge->work.amount[BY_REQUEST] <= 0)
		return;
	use->counted = work_scale(use->counted, exp(-seconds / SIZE_MEMORY_S));
	work_add(&use->counted, &edge->work);
}

static void take_reading(struct account_edge *edge, const struct io_delta *delta,
			 const struct tick *tick)
{
	edge->sure = delta->on_time >= 1;
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		edge->uncounted |= isnan(delta->amount[dir].requests);
		edge->work.amount[BY_REQUEST] +=
			known(delta->amount[dir].requests) * delta->on_time;
		edge->work.amount[BY_BYTE] += delta->amount[dir].bytes * delta->on_time;
	}
	if (edge->uncounted && edge->use->counted.amount[BY_BYTE] > 0)
		edge->work.amount[BY_REQUEST] = edge->work.amount[BY_BYTE] *
						edge->use->counted.amount[BY_REQUEST] /
						edge->use->counted.amount[BY_BYTE];
	note_rate(edge->use, edge, delta, tick);
}

/* The part of the tick that a client was there. */
static double presence_s(const struct account_edge *edge, const struct tick *tick)
{
	if (!edge->domain)
		return tick->seconds;
	return (double)(edge->domain->tick.to_ns - edge->domain->tick.from_ns) * 1e-9;
}

static void take_last_rate(struct account_edge *edge, const struct tick *tick)
{
	edge->work = work_scale(edge->use->rate, presence_s(edge, tick));
	edge->uncounted = edge->work.amount[BY_REQUEST] <= 0;
	edge->unread = true;
}

/* What a service asks for is what it is asked for. */
static void take_own_demand(struct account_edge *edge)
{
	const struct account_service *client = edge->client;

	edge->unread = edge->sure = true;
	for (size_t i = 0; i < client->edge_count; i++) {
		work_add(&edge->work, &client->edges[i].work);
		edge->sure &= client->edges[i].sure;
	}
}

/* Bytes of NaN: nothing says what it asked for. */
static void read_edge(struct account_edge *edge, const struct tick *tick)
{
	const struct io_delta *delta = &edge->use->delta;

	edge->work = (struct account_work){ { 0, 0 } };
	edge->uncounted = edge->unread = edge->sure = false;
	if (edge->domain && domain_is_over(edge->domain, tick)) {
		edge->sure = true;
		return;
	}
	if (!delta->known && edge->vdisk) /* what the vDISK says of itself is as good */
		delta = &edge->vdisk->delta;
	if (delta->known)
		take_reading(edge, delta, tick);
	else if (is_recent(edge->use, tick))
		take_last_rate(edge, tick);
	else if (edge->client)
		take_own_demand(edge);
	else if (!(edge->use->delta.quality & QUALITY_GAP)) /* a baseline: it has only just come */
		edge->work.amount[BY_BYTE] = NAN;
}

struct others { /* of a service's clients of which something is known */
	double count;
	struct account_work sum, counted;
	double size;  /* mean bytes of a request; 0: not known */
	bool nowhere; /* requests of this service have never been counted */
};

static struct others sum_known(const struct account_service *service)
{
	struct others others = { 0 };

	for (size_t i = 0; i < service->edge_count; i++) {
		const struct account_edge *edge = &service->edges[i];

		if (isnan(edge->work.amount[BY_BYTE]))
			continue;
		others.count++;
		work_add(&others.sum, &edge->work);
		if (edge->work.amount[BY_REQUEST] > 0)
			work_add(&others.counted, &edge->work);
	}
	others.nowhere = others.counted.amount[BY_REQUEST] <= 0 && !service->regress.counted;
	if (others.counted.amount[BY_BYTE] > 0)
		others.size = others.counted.amount[BY_BYTE] / others.counted.amount[BY_REQUEST];
	else
		others.size = regress_request_bytes(&service->regress);
	return others;
}

static void guess(struct account_edge *edge, const struct others *others)
{
	double *requests = &edge->work.amount[BY_REQUEST];

	if (isnan(edge->work.amount[BY_BYTE])) {
		edge->work = work_scale(others->sum, 1 / fmax(1, others->count));
		edge->unread = true;
	}
	if (edge->uncounted && *requests <= 0 && others->size > 0)
		*requests = edge->work.amount[BY_BYTE] / others->size;
	/* where nobody counts requests, bytes are all there is, and no guess */
	edge->uncounted &= !others->nowhere;
	edge->sure &= !edge->uncounted;
}

void account_demand(struct account_service *service, const struct tick *tick)
{
	struct others others;

	for (size_t i = 0; i < service->edge_count; i++)
		read_edge(&service->edges[i], tick);
	others = sum_known(service);
	for (size_t i = 0; i < service->edge_count; i++)
		guess(&service->edges[i], &others);
}
