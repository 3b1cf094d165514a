/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account-rig-nic.h - network cards and vNICs of the simulated host of account-rig.h. */
#ifndef VMENERGY_TESTS_ACCOUNT_RIG_NIC_H
#define VMENERGY_TESTS_ACCOUNT_RIG_NIC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/account-rig-types.h"

static inline size_t rig_nic(struct rig *rig, const char *name)
{
	snprintf(rig->nics[rig->nic_count].name, 16, "%s", name);
	return rig->nic_count++;
}

static inline struct rig_vnic *rig_vnic(struct rig_domain *domain, const char *name, size_t leaf)
{
	struct rig_vnic *vnic = &domain->vnics[domain->vnic_count++];

	*vnic = (struct rig_vnic){ .leaves = { leaf }, .leaf_count = 1 };
	snprintf(vnic->name, sizeof vnic->name, "%s", name);
	return vnic;
}

/* Packets of 1000 bytes. */
static inline void rig_move(struct rig_net *io, uint64_t received, uint64_t sent)
{
	io->net.rx_bytes += received;
	io->net.rx_packets += received / 1000;
	io->net.tx_bytes += sent;
	io->net.tx_packets += sent / 1000;
}

static inline void rig_list_vnics(const struct rig_domain *from, struct domain *to)
{
	to->vnics = calloc(from->vnic_count + 1, sizeof *to->vnics);
	to->vnic_count = from->vnic_count;
	for (size_t i = 0; i < from->vnic_count; i++) {
		struct vnic *vnic = &to->vnics[i];

		vnic->name = strdup(from->vnics[i].name);
		vnic->leaf_count = from->vnics[i].leaf_count;
		vnic->leaves = calloc(vnic->leaf_count + 1, sizeof *vnic->leaves);
		memcpy(vnic->leaves, from->vnics[i].leaves,
		       vnic->leaf_count * sizeof *vnic->leaves);
	}
}

static inline void rig_list_nics(const struct rig *rig, struct topology *to)
{
	to->nics = calloc(rig->nic_count + 1, sizeof *to->nics);
	to->nic_count = rig->nic_count;
	for (size_t i = 0; i < rig->nic_count; i++)
		to->nics[i] = (struct nic){ .name = strdup(rig->nics[i].name),
					    .driver = strdup(""),
					    .model = strdup(""),
					    .up = !rig->nics[i].down };
}

static inline void rig_put_net(const struct rig *rig, const struct rig_net *io,
			       struct net_reading *to)
{
	if (io->missing) {
		to->quality = QUALITY_MISSING;
		return;
	}
	*to = io->net;
	to->at_ns = rig->now_ns;
}

#endif
