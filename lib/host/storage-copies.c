/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * storage-copies.c - how often the parts of a device write what is written to it.
 *
 * An array of md tells (Documentation/admin-guide/md.rst) its level, its members and its layout.
 * Parity is counted for whole stripes, the least that it costs: what is written in smaller pieces
 * makes it read and write more, and that is kept.
 */
#include <stdbool.h>
#include <string.h>

#include "host/storage-walk.h"

/* md(4), "near", "far" and "offset": copies in the two low bytes of the layout. */
static double raid10_copies(unsigned long long layout)
{
	return (double)(layout & 0xff) * (double)(layout >> 8 & 0xff);
}

static double with_parity(double members, double parity)
{
	return members > parity ? members / (members - parity) : 1;
}

double storage_copies(const struct rootfs *root, struct device_id id)
{
	unsigned long long members, layout, degraded;
	double copies = 1;
	char level[32];

	if (rootfs_readf(root, level, sizeof level, "/sys/dev/block/%u:%u/md/level", id.major,
			 id.minor) <= 0 ||
	    rootfs_read_u64f(root, &members, "/sys/dev/block/%u:%u/md/raid_disks", id.major,
			     id.minor))
		return 1;
	level[strcspn(level, "\n")] = '\0';
	if (strcmp(level, "raid1") == 0) {
		copies = (double)members;
		if (!rootfs_read_u64f(root, &degraded, "/sys/dev/block/%u:%u/md/degraded", id.major,
				      id.minor))
			copies -= (double)degraded; /* members that are not there */
	} else if (strcmp(level, "raid4") == 0 || strcmp(level, "raid5") == 0)
		copies = with_parity((double)members, 1);
	else if (strcmp(level, "raid6") == 0)
		copies = with_parity((double)members, 2);
	else if (strcmp(level, "raid10") == 0 &&
		 !rootfs_read_u64f(root, &layout, "/sys/dev/block/%u:%u/md/layout", id.major,
				   id.minor))
		copies = raid10_copies(layout);
	return copies >= 1 ? copies : 1;
}
