/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rapl-zones.h - energy counters of the CPU in /sys/class/powercap (Linux,
 * Documentation/power/powercap/powercap.rst): one zone per package, subzones for its cores and
 * its DRAM, and sometimes one for the platform ("psys"). AMD's are shown the same way.
 */
#ifndef VMENERGY_METER_RAPL_ZONES_H
#define VMENERGY_METER_RAPL_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rootfs.h"

#define RAPL_FOLDER "/sys/class/powercap"

enum { RAPL_NAME_BYTES = 48 };

struct rapl_zone {
	char folder[RAPL_NAME_BYTES]; /* "intel-rapl:0:1" */
	char name[RAPL_NAME_BYTES];   /* "package-0", "dram", "psys" */
	uint64_t range_uj;            /* after which the counter begins at 0 again; 0 = unknown */
	uint64_t energy_uj;           /* when it was found */
	int result;                   /* of reading energy_uj: 0 or -errno */
};

struct rapl_zones {
	struct rapl_zone *items;
	size_t count, capacity;
};

/* All zones, ascending by folder. 0 (there may be none) or -ENOMEM. */
int rapl_find_zones(const struct rootfs *root, struct rapl_zones *zones);
void rapl_zones_clear(struct rapl_zones *zones);

bool rapl_is_package(const struct rapl_zone *zone);
/* The DRAM subzone of that package; NULL = none, or one whose counter stands at 0. */
const struct rapl_zone *rapl_dram_of(const struct rapl_zones *zones,
				     const struct rapl_zone *package);

/*
 * Microjoules from `before` to `now` of a counter that ends at range_uj. That is no
 * power of two, and the kernel tells the last value rather than the modulus: after a wrap one
 * unit (15 to 61 uJ) is missing. false: it went backwards without having wrapped (reset).
 */
struct rapl_step {
	uint64_t before_uj, now_uj, range_uj;
};
bool rapl_difference(const struct rapl_step *step, uint64_t *difference_uj, bool *wrapped);

#endif
