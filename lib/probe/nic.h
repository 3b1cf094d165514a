/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nic.h - bytes and packets of vNICs and network cards, all from one reading of
 * /proc/net/dev, so that cards and vNICs are of the same moment.
 */
#ifndef VMENERGY_PROBE_NIC_H
#define VMENERGY_PROBE_NIC_H

#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct nic_probe;

/* `root` is borrowed and outlives the probe. 0 or -ENOMEM. */
int nic_probe_open(struct nic_probe **probe, const struct rootfs *root);
void nic_probe_close(struct nic_probe *probe);

/* Follow a new topology. 0 or -ENOMEM. */
int nic_probe_follow(struct nic_probe *probe, const struct topology *topology);

/*
 * Fill sample->nics and each domain's vnics, these as the guest sees them. What is not
 * listed is MISSING; vNICs that cannot be seen are left as they are (never read). 0, -ENOMEM, or
 * -EINVAL: another topology than is followed.
 */
int nic_probe_read(struct nic_probe *probe, struct sample *sample);

#endif
