/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-cgroups.h - services that stand in the cgroup of a domain, where libvirt puts a
 * virtiofsd. A service has a total of its own: the cgroup's would have it once more, and is none
 * of the domain alone.
 */
#ifndef VMENERGY_PROBE_SERVICE_CGROUPS_H
#define VMENERGY_PROBE_SERVICE_CGROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rootfs.h"
#include "model/topology.h"

struct service_cgroups { /* {0} = none */
	char **items;    /* paths of all services, in whatever hierarchy they have one */
	size_t count, capacity;
};

/* 0 or -ENOMEM. */
int service_cgroups_find(struct service_cgroups *cgroups, const struct rootfs *root,
			 const struct topology *topology);
void service_cgroups_clear(struct service_cgroups *cgroups);

/* The domain's cgroup; NULL: it has none, or a service is in it. Borrowed. */
char *service_cgroups_free_of(const struct service_cgroups *cgroups, const struct domain *domain);

#endif
