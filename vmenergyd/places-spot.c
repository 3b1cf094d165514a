/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where one domain is held: found, checked, read. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/numbers.h"
#include "vmenergyd/places-internal.h"

void spot_init(struct spot *spot)
{
	*spot = (struct spot){ .stat_fd = -1, .quota_fd = -1, .period_fd = -1, .usage_fd = -1 };
}

static void close_file(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void spot_clear(struct spot *spot)
{
	close_file(&spot->stat_fd);
	close_file(&spot->quota_fd);
	close_file(&spot->period_fd);
	close_file(&spot->usage_fd);
	spot->cpu_cgroup[0] = spot->io_cgroup[0] = '\0';
	spot->inode = 0;
	spot->vanished = spot->doubted = false;
}

/* --- finding -------------------------------------------------------------------------------- */

/* Enough to see that a text has changed. 0 = unknown. */
static uint64_t whereabouts(const struct spot_room *room, pid_t pid)
{
	char *text = NULL;
	long length = rootfs_read_allf(room->root, &text, "/proc/%d/cgroup", (int)pid);
	uint64_t hash = length < 0 ? 0 : hash_bytes(HASH_START, text, (size_t)length);

	free(text);
	return hash;
}

/* One that does not fit is as good as none. */
static void find(const struct spot_room *room, enum cgroup_resource resource, pid_t pid,
		 char target[TARGET_TEXT])
{
	char *path = cgroup_limited(room->root, &room->mounts, resource, pid);

	if (path && strlen(path) < TARGET_TEXT)
		strcpy(target, path);
	free(path);
}

static uint64_t inode_of(const struct spot_room *room, const char *mount, const char *cgroup)
{
	int fd = rootfs_openf(room->root, O_PATH | O_DIRECTORY, "%s%s", mount, cgroup);
	struct stat status;
	uint64_t inode = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0)
		inode = status.st_ino;
	close(fd);
	return inode;
}

static int open_file(const struct spot_room *room, const char *mount, const char *cgroup,
		     const char *file)
{
	return rootfs_openf(room->root, O_RDONLY, "%s%s/%s", mount, cgroup, file);
}

static void open_files(const struct spot_room *room, struct spot *spot, const char *mount)
{
	const char *cgroup = spot->cpu_cgroup;

	spot->inode = inode_of(room, mount, cgroup);
	spot->stat_fd = open_file(room, mount, cgroup, "cpu.stat");
	spot->quota_fd =
		open_file(room, mount, cgroup, spot->is_v2 ? "cpu.max" : "cpu.cfs_quota_us");
	if (!spot->is_v2)
		spot->period_fd = open_file(room, mount, cgroup, "cpu.cfs_period_us");
}

void spot_look(const struct spot_room *room, struct spot *spot, uint64_t now_ns)
{
	const char *mount = cgroup_resource_mount(&room->mounts, CGROUP_CPU, &spot->is_v2);

	spot_clear(spot);
	spot->looked_ns = spot->checked_ns = now_ns;
	/* First: where it moves to meanwhile is seen by the next check. */
	spot->whereabouts = whereabouts(room, spot->pid);
	find(room, CGROUP_CPU, spot->pid, spot->cpu_cgroup);
	find(room, CGROUP_IO, spot->pid, spot->io_cgroup);
	if (mount && spot->cpu_cgroup[0])
		open_files(room, spot, mount);
	spot_open_usage(room, spot);
}

/* --- checking ------------------------------------------------------------------------------- */

#define CHECK_NS UINT64_C(1000000000)
/* Somebody may have moved it; others may have left the cgroup that it shares. */
#define LOOK_NS (30 * CHECK_NS)

/* A cgroup that no controller could have is not missing. */
static bool is_uncertain(const struct spot_room *room, const struct spot *spot)
{
	return spot->vanished || spot->doubted ||
	       (!spot->cpu_cgroup[0] && cgroup_resource_mount(&room->mounts, CGROUP_CPU, NULL)) ||
	       (!spot->io_cgroup[0] && cgroup_resource_mount(&room->mounts, CGROUP_IO, NULL));
}

bool spot_must_look(const struct spot_room *room, struct spot *spot, uint64_t now_ns)
{
	bool uncertain;

	if (spot->pid <= 0)
		return false;
	if (spot->looked_ns == 0)
		return true;
	uncertain = is_uncertain(room, spot);
	if (spot->checked_ns != 0 && now_ns - spot->checked_ns < (uncertain ? CHECK_NS : LOOK_NS))
		return false;
	spot->checked_ns = now_ns;
	return whereabouts(room, spot->pid) != spot->whereabouts ||
	       (uncertain && now_ns - spot->looked_ns >= LOOK_NS);
}

/* --- reading -------------------------------------------------------------------------------- */

bool spot_find_count(const char *text, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ' ') {
			const char *cursor = line + length;

			return number_scan_u64(&cursor, value) == 0;
		}
	}
	return false;
}

static bool read_counts(const struct spot *spot, struct enforce_reading *reading)
{
	char text[1024];

	if (spot->stat_fd < 0 || rootfs_pread(spot->stat_fd, text, sizeof text) <= 0 ||
	    !spot_find_count(text, "nr_periods", &reading->periods) ||
	    !spot_find_count(text, "nr_throttled", &reading->throttled))
		return false;
	spot_read_usage(spot, text, reading);
	return true;
}

static bool read_limit(const struct spot *spot, struct cpu_limit *limit)
{
	char text[128], period[64];
	const char *cursor = text;

	if (spot->quota_fd < 0 || rootfs_pread(spot->quota_fd, text, sizeof text) <= 0)
		return false;
	if (spot->is_v2)
		return cgroup_parse_cpu_max(text, &limit->quota_us, &limit->period_us) == 0;
	if (cgroup_scan_quota(&cursor, &limit->quota_us))
		return false;
	cursor = period;
	return spot->period_fd >= 0 && rootfs_pread(spot->period_fd, period, sizeof period) > 0 &&
	       number_scan_u64(&cursor, &limit->period_us) == 0;
}

void spot_read(struct spot *spot, struct enforce_reading *reading)
{
	reading->in_force = (struct cpu_limit){ .quota_us = -1 };
	if (!spot->cpu_cgroup[0])
		spot_read_usage(spot, "", reading);
	if (!spot->cpu_cgroup[0] || spot->vanished)
		return;
	reading->has_bandwidth = read_counts(spot, reading) && read_limit(spot, &reading->in_force);
	/* Files of a removed cgroup give ENODEV for ever. */
	spot->vanished = !reading->has_bandwidth;
}
