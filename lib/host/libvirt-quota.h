/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt-quota.h - one bandwidth of a domain, and the quotas that libvirt has for it. Pure. */
#ifndef VMENERGY_HOST_LIBVIRT_QUOTA_H
#define VMENERGY_HOST_LIBVIRT_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "host/libvirt-write.h"

enum { LIBVIRT_VCPUS_MAX = 4096 };

/* As libvirt says and takes them; a quota that is not above 0 is none. */
struct libvirt_quota {
	int64_t quota_us;
	uint64_t period_us;
};
struct libvirt_quotas {
	bool has_whole; /* libvirt 1.3.3 and newer: one quota of the whole domain */
	struct libvirt_quota whole;
	struct libvirt_quota vcpu, emulator; /* of each vCPU; of all the rest */
};

/*
 * The bandwidth that the quotas allow. Where the whole has none of its own: -EOPNOTSUPP with the
 * reason, if they were set by somebody else in a way that libvirt_quota_split() could not put
 * back, as when vCPUs alone are limited. 1: it was split for another number of vCPUs: this is the
 * bandwidth that was meant, and to be in force it must be split anew.
 */
int libvirt_quota_join(const struct libvirt_quotas *quotas, unsigned vcpus,
		       struct libvirt_bandwidth *cpu, struct error *error);

/*
 * The quotas for a bandwidth; `has_whole` tells which. Of a bandwidth too small to be split into
 * quotas that the kernel takes (1 ms), the period is lengthened, to 1 s at most.
 */
void libvirt_quota_split(const struct libvirt_bandwidth *cpu, unsigned vcpus,
			 struct libvirt_quotas *quotas);

#endif
