/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPU time of the tasks under the quota. Of the cgroup: cpu.stat in v2, cpuacct.usage in v1 if the
 * process stands in the same cgroup there. Else of the process alone, without the kernel's workers
 * for it: a tick of the clock is 1 % of a second, and better than nothing.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroupfs.h"
#include "base/numbers.h"
#include "vmenergyd/places-internal.h"

static bool has_it_in_stat(const struct spot *spot)
{
	return spot->is_v2 && spot->cpu_cgroup[0];
}

void spot_open_usage(const struct spot_room *room, struct spot *spot)
{
	const char *mount = room->mounts.cpuacct;

	if (has_it_in_stat(spot))
		return;
	if (spot->cpu_cgroup[0] && mount[0] &&
	    cgroup_holds(room->root, "cpuacct", spot->cpu_cgroup, spot->pid))
		spot->usage_fd = rootfs_openf(room->root, O_RDONLY, "%s%s/cpuacct.usage", mount,
					      spot->cpu_cgroup);
	spot->usage_of_process = spot->usage_fd < 0;
	if (spot->usage_of_process)
		spot->usage_fd =
			rootfs_openf(room->root, O_RDONLY, "/proc/%d/stat", (int)spot->pid);
}

/* Fields 14 and 15, utime and stime, of /proc/PID/stat; a name may hold blanks and parentheses. */
static bool parse_process(const char *text, uint64_t *usage_ns)
{
	const uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	const char *cursor = strrchr(text, ')');
	uint64_t user, system;

	for (int field = 2; cursor && field < 14; field++) {
		cursor = strchr(cursor, ' ');
		cursor += cursor ? 1 : 0;
	}
	if (!cursor || number_scan_u64(&cursor, &user) || number_scan_u64(&cursor, &system))
		return false;
	*usage_ns = (user + system) * tick_ns;
	return true;
}

void spot_read_usage(const struct spot *spot, const char *stat, struct enforce_reading *reading)
{
	char text[1024];
	const char *cursor = text;
	uint64_t usage_us;

	if (has_it_in_stat(spot)) {
		reading->has_usage = spot_find_count(stat, "usage_usec", &usage_us);
		if (reading->has_usage)
			reading->usage_ns = usage_us * 1000;
		return;
	}
	if (spot->usage_fd < 0 || rootfs_pread(spot->usage_fd, text, sizeof text) <= 0)
		return;
	reading->has_usage = spot->usage_of_process
				     ? parse_process(text, &reading->usage_ns)
				     : number_scan_u64(&cursor, &reading->usage_ns) == 0;
}
