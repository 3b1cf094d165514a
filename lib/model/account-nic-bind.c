/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-nic-bind.c - what is remembered of network cards and vNICs, brought in
 * line with a new topology.
 *
 * A vNIC begins with a baseline, also one of a new domain: its end on the host
 * may be older than the domain, and its counters with it.
 */
#include "model/account-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- cards -------------------------------------------------------------------------------- */

static void nic_free(struct account_nic *nic)
{
	if (!nic)
		return;
	free(nic->name);
	free(nic);
}

static void nics_free(struct account_nic **nics, size_t count)
{
	for (size_t i = 0; i < count; i++)
		nic_free(nics[i]);
	free(nics);
}

void account_nics_clear(struct account *account)
{
	nics_free(account->nics, account->nic_count);
	account->nics = NULL;
	account->nic_count = 0;
}

static void choose_weights(const struct account *account, struct account_nic *nic,
			   const struct nic *of)
{
	unsigned best = 0;

	for (size_t i = 0; i < account->options.nic_count; i++) {
		const struct weights *weights = account->options.nics[i];
		unsigned fit = weights_match_nic(weights, of, NULL), quality = 0;

		if (fit <= best ||
		    !account_same_scope(account->options.cpu->scope, weights->scope, &quality))
			continue;
		best = fit;
		if (weights->guess || weights->standing == STANDING_ESTIMATE)
			quality |= QUALITY_ESTIMATE;
		nic->weights = weights;
		nic->quality = quality;
	}
}

static struct account_nic *nic_new(const char *name)
{
	struct account_nic *nic = calloc(1, sizeof *nic);

	if (!nic)
		return NULL;
	nic->name = strdup(name);
	if (!nic->name) {
		free(nic);
		return NULL;
	}
	return nic;
}

/* The old entry of that name, moved out of its place; NULL: none. */
static struct account_nic *take_nic(struct account *account, const char *name)
{
	for (size_t i = 0; i < account->nic_count; i++) {
		struct account_nic *nic = account->nics[i];

		if (nic && strcmp(nic->name, name) == 0) {
			account->nics[i] = NULL;
			return nic;
		}
	}
	return NULL;
}

int account_bind_nics(struct account *account, const struct topology *topology)
{
	struct account_nic **nics = calloc(topology->nic_count + 1, sizeof(*nics));

	if (!nics)
		return -ENOMEM;
	for (size_t i = 0; i < topology->nic_count; i++) {
		const struct nic *of = &topology->nics[i];

		nics[i] = take_nic(account, of->name);
		if (!nics[i])
			nics[i] = nic_new(of->name);
		if (!nics[i]) {
			nics_free(nics, i);
			return -ENOMEM;
		}
		nics[i]->up = of->up;
		/* Its speed may have changed with its link. */
		nics[i]->weights = NULL;
		nics[i]->quality = 0;
		choose_weights(account, nics[i], of);
	}
	account_nics_clear(account);
	account->nics = nics;
	account->nic_count = topology->nic_count;
	return 0;
}

/* --- vNICs -------------------------------------------------------------------------------- */

static void vnic_free(struct account_vnic *vnic)
{
	if (!vnic)
		return;
	free(vnic->name);
	free(vnic);
}

static void vnics_free(struct account_vnic **vnics, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vnic_free(vnics[i]);
	free(vnics);
}

void account_domain_release_nics(struct account_domain *domain)
{
	vnics_free(domain->vnics, domain->vnic_count);
	free(domain->ports);
	domain->vnics = NULL;
	domain->ports = NULL;
	domain->vnic_count = domain->port_count = 0;
}

static struct account_vnic *vnic_new(const char *name)
{
	struct account_vnic *vnic = calloc(1, sizeof *vnic);

	if (!vnic)
		return NULL;
	vnic->name = strdup(name);
	if (!vnic->name) {
		free(vnic);
		return NULL;
	}
	return vnic;
}

static struct account_vnic *take_vnic(struct account_domain *domain, const char *name)
{
	for (size_t i = 0; i < domain->vnic_count; i++) {
		struct account_vnic *vnic = domain->vnics[i];

		if (vnic && strcmp(vnic->name, name) == 0) {
			domain->vnics[i] = NULL;
			return vnic;
		}
	}
	return NULL;
}

static int update_vnics(struct account_domain *domain, const struct domain *now)
{
	struct account_vnic **vnics = calloc(now->vnic_count + 1, sizeof(*vnics));

	if (!vnics)
		return -ENOMEM;
	for (size_t i = 0; i < now->vnic_count; i++) {
		vnics[i] = take_vnic(domain, now->vnics[i].name);
		if (!vnics[i])
			vnics[i] = vnic_new(now->vnics[i].name);
		if (!vnics[i]) {
			vnics_free(vnics, i);
			return -ENOMEM;
		}
		vnics[i]->leaf_count = now->vnics[i].leaf_count;
	}
	vnics_free(domain->vnics, domain->vnic_count);
	domain->vnics = vnics;
	domain->vnic_count = now->vnic_count;
	return 0;
}

int account_domain_update_nics(const struct account *account, struct account_domain *domain,
			       const struct domain *now)
{
	struct account_port *ports;
	size_t count = 0;
	int result = update_vnics(domain, now);

	if (result)
		return result;
	for (size_t i = 0; i < now->vnic_count; i++)
		count += now->vnics[i].leaf_count;
	ports = calloc(count + 1, sizeof *ports);
	if (!ports)
		return -ENOMEM;
	free(domain->ports);
	domain->ports = ports;
	domain->port_count = count;
	for (size_t i = 0; i < now->vnic_count; i++)
		for (size_t k = 0; k < now->vnics[i].leaf_count; k++) {
			ports->vnic = domain->vnics[i];
			ports->nic = account->nics[now->vnics[i].leaves[k]];
			ports++;
		}
	return 0;
}
