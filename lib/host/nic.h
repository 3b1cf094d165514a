/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nic.h - the network cards of the machine, the vNICs of a domain, and which
 * card a vNIC's traffic leaves by.
 *
 * A vNIC is the tap that a QEMU process holds open (/proc/PID/fdinfo names it),
 * or the character device of a macvtap. From there /sys/class/net leads on: a
 * tap's bridge to its other ports, a macvtap, VLAN or bond to the interface
 * below it, until a card is met: an interface with a device of its own.
 *
 * Only links are followed. What a bridge without a card routes on, and what Open
 * vSwitch forwards, is not to be seen there: such a vNIC has a reason instead.
 */
#ifndef VMENERGY_HOST_NIC_H
#define VMENERGY_HOST_NIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/rootfs.h"
#include "model/topology.h"

/* Where a bridge or bond leads: asked once, though a thousand taps are on it. */
struct nic_master {
	char *name;
	size_t *leaves; /* indexes, ascending */
	size_t leaf_count;
};

/* Start from {0}. */
struct nic_list {
	struct nic *items; /* ascending by name */
	size_t count, capacity;
	struct {
		struct nic_master *items;
		size_t count, capacity;
	} masters;
};
void nic_list_clear(struct nic_list *list);
void nic_list_forget_masters(struct nic_list *list); /* what only a discovery needs */

/* All cards, into an empty list. 0 or -ENOMEM. */
int nic_leaves(const struct rootfs *root, struct nic_list *nics);
/* Of all that a copied domain depends on: names, not the state of their links. */
uint64_t nic_list_sum(const struct nic_list *nics);

/*
 * Fill vnic->{leaves, leaf_count, reason, unseen, swapped} of an interface of
 * ours by its name. 0 or -ENOMEM.
 */
int nic_resolve(const struct rootfs *root, struct vnic *vnic, struct nic_list *nics);

/*
 * Fill domain->{vnics, vnic_count} from its process (none without one, or where
 * its descriptors may not be seen). 0 or -ENOMEM.
 */
int nic_find(const struct rootfs *root, struct domain *domain, struct nic_list *nics);

/* The vNICs of `from`, a domain of an older topology with those cards. 0 or -ENOMEM. */
int nic_copy(const struct topology *last, const struct domain *from, struct domain *to,
	     const struct nic_list *nics);

#endif
