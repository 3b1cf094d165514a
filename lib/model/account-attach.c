/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-attach.c - which service works for which vDISKs, directly or through
 * other services (model.md 4).
 */
#include "model/account-internal.h"
#include "model/account-own-thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph.h"

void account_uses_free(struct account_use *use)
{
	while (use) {
		struct account_use *next = use->next;

		free(use->provider);
		free(use);
		use = next;
	}
}

void account_service_free(struct account_service *service)
{
	if (!service)
		return;
	account_uses_free(service->uses);
	free(service->edges);
	free(service->reach);
	free(service->id);
	free(service->name);
	free(service);
}

static void services_free(struct account_service **services, size_t count)
{
	for (size_t i = 0; i < count; i++)
		account_service_free(services[i]);
	free(services);
}

static struct account_service *service_new(const struct service *of)
{
	struct account_service *service = calloc(1, sizeof *service);

	if (!service)
		return NULL;
	service->id = strdup(of->id);
	service->name = strdup(of->name);
	if (!service->id || !service->name) {
		account_service_free(service);
		return NULL;
	}
	return service;
}

static struct account_service *take_service(struct account *account, const char *id)
{
	for (size_t i = 0; i < account->service_count; i++) {
		struct account_service *service = account->services[i];

		if (service && strcmp(service->id, id) == 0) {
			account->services[i] = NULL;
			return service;
		}
	}
	return NULL;
}

static void service_update(struct account_service *service, const struct service *now)
{
	if (service->pid != now->pid || service->start_ticks != now->start_ticks)
		service->previous = (struct cpu_reading){ 0 };
	service->pid = now->pid;
	service->start_ticks = now->start_ticks;
	service->idle_units = now->idle_units;
}

static int bind_nodes(struct account *account, const struct topology *topology)
{
	struct account_service **services = calloc(topology->service_count + 1, sizeof(*services));

	if (!services)
		return -ENOMEM;
	for (size_t i = 0; i < topology->service_count; i++) {
		services[i] = take_service(account, topology->services[i].id);
		if (!services[i])
			services[i] = service_new(&topology->services[i]);
		if (!services[i]) {
			services_free(services, i);
			return -ENOMEM;
		}
		service_update(services[i], &topology->services[i]);
	}
	services_free(account->services, account->service_count);
	account->services = services;
	account->service_count = topology->service_count;
	return 0;
}

/* Attachments are few per client: a short list. Counters of a new one may be older than its client,
 * and hold what was done for another: the first reading is where they count from. */
static struct account_use *use_of(struct account_use **uses, const char *provider)
{
	struct account_use *use;

	for (use = *uses; use; use = use->next)
		if (strcmp(use->provider, provider) == 0)
			return use;
	use = calloc(1, sizeof *use);
	if (!use)
		return NULL;
	use->provider = strdup(provider);
	if (!use->provider) {
		free(use);
		return NULL;
	}
	use->next = *uses;
	*uses = use;
	return use;
}

static int bind_edge(struct account *account, const struct topology *topology, size_t index)
{
	const struct attachment *of = &topology->attachments[index];
	struct account_service *provider = account->services[of->provider];
	struct account_edge *edge = &provider->edges[provider->edge_count];

	*edge = (struct account_edge){ .attachment = index };
	if (of->kind == CLIENT_SERVICE) {
		edge->client = account->services[of->client];
		edge->use = use_of(&edge->client->uses, provider->id);
	} else {
		edge->domain = account->bound[of->domain];
		edge->vdisk = edge->domain->vdisks[of->vdisk];
		edge->vdisk->attached = true;
		edge->use = use_of(&edge->vdisk->uses, provider->id);
	}
	if (!edge->use)
		return -ENOMEM;
	edge->use->bound = true;
	account_own_bind(edge, of, &topology->services[of->provider]);
	provider->has_own |= of->own_thread > 0;
	provider->edge_count++;
	return 0;
}

static void unbind_uses(struct account_use *use)
{
	for (; use; use = use->next)
		use->bound = false;
}

static void detach_all(struct account *account)
{
	for (size_t i = 0; i < account->bound_count; i++) {
		struct account_domain *domain = account->bound[i];

		domain->mark = 0;
		for (size_t k = 0; k < domain->vdisk_count; k++) {
			domain->vdisks[k]->attached = false;
			domain->vdisks[k]->mark = 0;
			unbind_uses(domain->vdisks[k]->uses);
		}
	}
	for (size_t i = 0; i < account->service_count; i++) {
		account->services[i]->edge_count = account->services[i]->reach_count = 0;
		account->services[i]->has_own = false;
		unbind_uses(account->services[i]->uses);
	}
}

static void drop_unused(struct account_use **uses)
{
	while (*uses) {
		struct account_use *use = *uses;

		if (use->bound) {
			uses = &use->next;
			continue;
		}
		*uses = use->next;
		use->next = NULL;
		account_uses_free(use);
	}
}

static void drop_detached(struct account *account)
{
	for (size_t i = 0; i < account->bound_count; i++)
		for (size_t k = 0; k < account->bound[i]->vdisk_count; k++)
			drop_unused(&account->bound[i]->vdisks[k]->uses);
	for (size_t i = 0; i < account->service_count; i++)
		drop_unused(&account->services[i]->uses);
}

static int bind_edges(struct account *account, const struct topology *topology)
{
	int result = 0;

	detach_all(account);
	for (size_t i = 0; i < account->service_count; i++) {
		size_t count = 0;
		struct account_edge *edges;

		for (size_t k = 0; k < topology->attachment_count; k++)
			count += topology->attachments[k].provider == i;
		edges = reallocarray(account->services[i]->edges, count + 1, sizeof *edges);
		if (!edges)
			return -ENOMEM;
		account->services[i]->edges = edges;
	}
	for (size_t k = 0; result == 0 && k < topology->attachment_count; k++)
		result = bind_edge(account, topology, k);
	if (result == 0)
		drop_detached(account);
	return result;
}

static int order_services(struct account *account, const struct topology *topology,
			  struct error *error)
{
	size_t nodes = account->service_count, count = 0;
	const char **names = calloc(nodes + 1, sizeof(*names));
	struct graph_edge *edges = calloc(topology->attachment_count + 1, sizeof *edges);
	size_t *order = reallocarray(account->order, nodes + 1, sizeof *order);
	int result = -ENOMEM;

	if (order)
		account->order = order;
	if (!names || !edges || !order)
		goto out;
	for (size_t i = 0; i < nodes; i++)
		names[i] = account->services[i]->name;
	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment *of = &topology->attachments[i];

		if (of->kind == CLIENT_SERVICE)
			edges[count++] = (struct graph_edge){ of->client, of->provider };
	}
	result = graph_order(names, nodes, edges, count, order, error);
out:
	free(names);
	free(edges);
	return result;
}

static void reach_add(struct account_service *service, struct account_domain *domain,
		      struct account_vdisk *vdisk, unsigned mark)
{
	if (vdisk->mark == mark)
		return;
	vdisk->mark = mark;
	service->reach[service->reach_count++] =
		(struct account_reach){ domain, vdisk, 0, domain->mark != mark };
	domain->mark = mark;
}

/* Each vDISK once, however many ways lead to it; the clients' own reach is known already. */
static int bind_reach(struct account_service *service, unsigned mark)
{
	size_t most = service->edge_count;
	struct account_reach *reach;

	for (size_t i = 0; i < service->edge_count; i++)
		if (service->edges[i].client)
			most += service->edges[i].client->reach_count;
	reach = reallocarray(service->reach, most + 1, sizeof *reach);
	if (!reach)
		return -ENOMEM;
	service->reach = reach;
	for (size_t i = 0; i < service->edge_count; i++) {
		const struct account_edge *edge = &service->edges[i];

		if (edge->vdisk)
			reach_add(service, edge->domain, edge->vdisk, mark);
		for (size_t k = 0; edge->client && k < edge->client->reach_count; k++)
			reach_add(service, edge->client->reach[k].domain,
				  edge->client->reach[k].vdisk, mark);
	}
	return 0;
}

int account_bind_services(struct account *account, const struct topology *topology,
			  struct error *error)
{
	int result = bind_nodes(account, topology);

	if (result == 0)
		result = bind_edges(account, topology);
	if (result == 0)
		result = order_services(account, topology, error);
	for (size_t i = account->service_count; result == 0 && i-- > 0;)
		result = bind_reach(account->services[account->order[i]], (unsigned)i + 1);
	for (size_t i = 0; i < account->bound_count; i++) {
		account->bound[i]->fresh = false;
		if (result == 0)
			result = account_helpers_bind(account->bound[i]);
	}
	return result;
}
