/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of block devices. Only reads and writes: there is no total, and there are no bursts. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "vmenergyd/actuator/cgroup.h"

/* v1 has a file per limit ("MAJ:MIN VALUE", 0 removes), v2 one line per device in io.max. */
static const struct {
	const char *v1, *v2;
	size_t field;
	uint64_t most; /* that the kernel takes: requests are 32 bits wide */
} limits[] = {
	{ "blkio.throttle.read_bps_device", "rbps", offsetof(struct disk_limit, read_bytes_s),
	  UINT64_MAX },
	{ "blkio.throttle.write_bps_device", "wbps", offsetof(struct disk_limit, write_bytes_s),
	  UINT64_MAX },
	{ "blkio.throttle.read_iops_device", "riops", offsetof(struct disk_limit, read_requests_s),
	  UINT32_MAX },
	{ "blkio.throttle.write_iops_device", "wiops",
	  offsetof(struct disk_limit, write_requests_s), UINT32_MAX },
};
enum { LIMITS = sizeof limits / sizeof *limits };

static uint64_t *field_of(struct disk_limit *disk, unsigned index)
{
	return (uint64_t *)(void *)((char *)disk + limits[index].field);
}

static uint64_t value_of(const struct disk_limit *disk, unsigned index)
{
	uint64_t value;

	memcpy(&value, (const char *)disk + limits[index].field, sizeof value);
	return value < limits[index].most ? value : limits[index].most;
}

/* The rest of the line that begins with this device; NULL = none. */
static const char *find_line(const char *text, unsigned major, unsigned minor)
{
	char start[32];
	int length = snprintf(start, sizeof start, "%u:%u ", major, minor);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, start, (size_t)length) == 0)
			return text + length;
	}
	return NULL;
}

/* Of several leaves the tightest counts. */
static void tighten(uint64_t *limit, uint64_t other)
{
	if (other && (!*limit || other < *limit))
		*limit = other;
}

/* Of any device, where it is not known which. */
static void tighten_by_all(const char *text, uint64_t *limit)
{
	for (const char *line = text; *line; line += *line == '\n') {
		const char *at = line + strcspn(line, " \n");
		uint64_t value;

		if (*at == ' ' && number_scan_u64(&(const char *){ at + 1 }, &value) == 0)
			tighten(limit, value);
		line = at + strcspn(at, "\n");
	}
}

static int get_v1(const struct cgroup_at *at, const struct target *target, struct disk_limit *disk,
		  struct error *error)
{
	char text[CGROUP_FILE_BYTES];

	for (unsigned i = 0; i < LIMITS; i++) {
		int result = cgroup_read(at, limits[i].v1, text, error);

		if (result)
			return result;
		for (unsigned leaf = 0; leaf < target->leaf_count; leaf++) {
			const char *line = find_line(text, target->leaves[leaf].major,
						     target->leaves[leaf].minor);
			uint64_t value;

			if (line && number_scan_u64(&line, &value) == 0)
				tighten(field_of(disk, i), value);
		}
		if (target->leaf_count == 0)
			tighten_by_all(text, field_of(disk, i));
	}
	return 0;
}

/* "rbps=max wbps=4000000 riops=max wiops=max", up to the end of the line. */
static void parse_io_max(const char *line, struct disk_limit *disk)
{
	for (unsigned i = 0; i < LIMITS; i++) {
		size_t length = strlen(limits[i].v2);

		for (const char *at = line; *at && *at != '\n'; at += strcspn(at, " \n")) {
			uint64_t value;

			at += strspn(at, " ");
			if (strncmp(at, limits[i].v2, length) != 0 || at[length] != '=')
				continue;
			at += length + 1;
			if (number_scan_u64(&at, &value) == 0)
				tighten(field_of(disk, i), value);
		}
	}
}

static int get_v2(const struct cgroup_at *at, const struct target *target, struct disk_limit *disk,
		  struct error *error)
{
	char text[CGROUP_FILE_BYTES];
	int result = cgroup_read(at, "io.max", text, error);

	for (unsigned leaf = 0; !result && leaf < target->leaf_count; leaf++) {
		const char *line =
			find_line(text, target->leaves[leaf].major, target->leaves[leaf].minor);

		if (line)
			parse_io_max(line, disk);
	}
	return result;
}

int cgroup_get_disk(const struct cgroup_at *at, const struct target *target,
		    struct disk_limit *disk, struct error *error)
{
	*disk = (struct disk_limit){ 0 };
	return at->v2 ? get_v2(at, target, disk, error) : get_v1(at, target, disk, error);
}

/* --- setting ------------------------------------------------------------------ */

/* Only what differs: each write is a setting of its own, which the kernel begins anew. */
static int set_leaf_v1(const struct cgroup_at *at, unsigned major, unsigned minor,
		       const struct disk_limit *disk, struct error *error)
{
	char text[CGROUP_FILE_BYTES];
	int result = 0;

	for (unsigned i = 0; i < LIMITS && !result; i++) {
		uint64_t value = value_of(disk, i), now = 0;
		const char *line;

		result = cgroup_read(at, limits[i].v1, text, error);
		line = result ? NULL : find_line(text, major, minor);
		if (line && number_scan_u64(&line, &now))
			now = 0;
		if (!result && now != value)
			result = cgroup_writef(at, limits[i].v1, error, "%u:%u %" PRIu64, major,
					       minor, value);
	}
	return result;
}

static int set_leaf_v2(const struct cgroup_at *at, unsigned major, unsigned minor,
		       const struct disk_limit *disk, struct error *error)
{
	char words[LIMITS][32];

	for (unsigned i = 0; i < LIMITS; i++) {
		uint64_t value = value_of(disk, i);

		if (value)
			snprintf(words[i], sizeof words[i], "%s=%" PRIu64, limits[i].v2, value);
		else
			snprintf(words[i], sizeof words[i], "%s=max", limits[i].v2);
	}
	return cgroup_writef(at, "io.max", error, "%u:%u %s %s %s %s", major, minor, words[0],
			     words[1], words[2], words[3]);
}

int cgroup_set_disk(const struct cgroup_at *at, const struct target *target,
		    const struct disk_limit *disk, struct error *error)
{
	int result = 0;

	for (unsigned leaf = 0; !result && leaf < target->leaf_count; leaf++)
		result = (at->v2 ? set_leaf_v2 : set_leaf_v1)(
			at, target->leaves[leaf].major, target->leaves[leaf].minor, disk, error);
	return result;
}
