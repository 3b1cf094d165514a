/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For all that is not libvirt's, and for libvirt's when it is silent (helper.h). */
#include "vmenergyd/actuator/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/numbers.h"
#include "host/cgroup.h"

/* --- files -------------------------------------------------------------------- */

static long read_real(void *context, const char *mount, const char *path, const char *file,
		      char *text, size_t size)
{
	return rootfs_readf(context, text, size, "%s%s/%s", mount, path, file);
}

/* To the kernel, each write is a setting of its own: never in pieces. */
static int write_real(void *context, const char *mount, const char *path, const char *file,
		      const char *text)
{
	int fd = rootfs_openf(context, O_WRONLY | O_TRUNC, "%s%s/%s", mount, path, file);
	size_t length = strlen(text);
	ssize_t written;
	int result = 0;

	if (fd < 0)
		return fd;
	do
		written = write(fd, text, length);
	while (written < 0 && errno == EINTR);
	if (written != (ssize_t)length)
		result = written < 0 ? -errno : -EIO;
	close(fd);
	return result;
}

struct cgroup_io cgroup_io_real(const struct rootfs *root)
{
	return (struct cgroup_io){
		.context = (struct rootfs *)(uintptr_t)root,
		.read = read_real,
		.write = write_real,
	};
}

static int refuse(const struct cgroup_at *at, const char *file, int result, struct error *error)
{
	return error_setf(error, -result, "%s of %s: %s", file, at->path, strerror(-result));
}

int cgroup_read(const struct cgroup_at *at, const char *file, char text[CGROUP_FILE_BYTES],
		struct error *error)
{
	long length =
		at->io->read(at->io->context, at->mount, at->path, file, text, CGROUP_FILE_BYTES);

	return length < 0 ? refuse(at, file, (int)length, error) : 0;
}

int cgroup_read_u64(const struct cgroup_at *at, const char *file, uint64_t *value,
		    struct error *error)
{
	char text[CGROUP_FILE_BYTES];
	int result = cgroup_read(at, file, text, error);

	if (result)
		return result;
	text[strcspn(text, "\n")] = '\0';
	result = number_parse_u64(text, value);
	return result ? refuse(at, file, result, error) : 0;
}

int cgroup_writef(const struct cgroup_at *at, const char *file, struct error *error,
		  const char *format, ...)
{
	char text[128];
	va_list arguments;
	int result, length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof text)
		return refuse(at, file, -E2BIG, error);
	result = at->io->write(at->io->context, at->mount, at->path, file, text);
	return result ? error_setf(error, -result, "%s of %s: cannot write %s: %s", file, at->path,
				   text, strerror(-result))
		      : 0;
}

/* --- hierarchies -------------------------------------------------------------- */

static struct cgroup_at locate(const struct actuator_room *room, enum cgroup_resource resource)
{
	struct cgroup_at at = { .io = &room->cgroup, .path = "" };
	const char *mount = cgroup_resource_mount(&room->mounts, resource, &at.v2);

	at.mount = mount ? mount : "";
	return at;
}

struct cgroup_at cgroup_cpu(const struct actuator_room *room)
{
	return locate(room, CGROUP_CPU);
}

struct cgroup_at cgroup_disk(const struct actuator_room *room)
{
	return locate(room, CGROUP_IO);
}

const char *cgroup_cpu_controller(const struct actuator_room *room)
{
	return cgroup_cpu(room).v2 ? NULL : "cpu";
}

const char *cgroup_disk_controller(const struct actuator_room *room)
{
	return cgroup_disk(room).v2 ? NULL : "blkio";
}

/* --- shares ------------------------------------------------------------------- */

static int get_shares(const struct cgroup_at *at, struct knob_value *value, struct error *error)
{
	uint64_t number;
	int result = cgroup_read_u64(at, at->v2 ? "cpu.weight" : "cpu.shares", &number, error);

	if (result)
		return result;
	value->shares = number;
	value->raw_shares = 0;
	if (!at->v2)
		knob_value_from_v1(number, value);
	return 0;
}

static int set_shares(const struct cgroup_at *at, const struct knob_value *value,
		      struct error *error)
{
	return cgroup_writef(at, at->v2 ? "cpu.weight" : "cpu.shares", error, "%" PRIu64,
			     at->v2 ? value->shares : knob_value_to_v1(value));
}

/* --- the table's entry -------------------------------------------------------- */

static bool serves(const struct actuator_room *room, const struct target *target, enum knob knob)
{
	if (target->manager == DOMAIN_LIBVIRT)
		return false;
	switch (knob) {
	case KNOB_CPU:
	case KNOB_SHARES:
		return *cgroup_cpu(room).mount && *target->cpu_cgroup;
	case KNOB_DISK:
		return *cgroup_disk(room).mount && *target->io_cgroup && target->leaf_count > 0;
	case KNOB_PLACE:
		return target->pid > 0 && (*cgroup_cpu(room).mount || *cgroup_disk(room).mount);
	}
	return false;
}

/* Where the knob's files are. */
static struct cgroup_at locate_knob(const struct actuator_room *room, const struct target *target,
				    enum knob knob)
{
	struct cgroup_at at = knob == KNOB_DISK ? cgroup_disk(room) : cgroup_cpu(room);

	at.path = knob == KNOB_DISK ? target->io_cgroup : target->cpu_cgroup;
	return at;
}

static int get(struct actuator_room *room, const struct target *target, struct knob_value *value,
	       struct error *error)
{
	struct cgroup_at at = locate_knob(room, target, value->knob);

	switch (value->knob) {
	case KNOB_CPU:
		return cgroup_get_cpu(&at, value, error);
	case KNOB_SHARES:
		return get_shares(&at, value, error);
	case KNOB_DISK:
		return cgroup_get_disk(&at, target, &value->disk, error);
	case KNOB_PLACE:
		return cgroup_get_place(room, target, &value->place, error);
	}
	return -EINVAL;
}

static int set(struct actuator_room *room, const struct target *target,
	       const struct knob_value *value, struct error *error)
{
	struct cgroup_at at = locate_knob(room, target, value->knob);

	switch (value->knob) {
	case KNOB_CPU:
		return cgroup_set_cpu(&at, value, error);
	case KNOB_SHARES:
		return set_shares(&at, value, error);
	case KNOB_DISK:
		return cgroup_set_disk(&at, target, &value->disk, error);
	case KNOB_PLACE:
		return cgroup_set_place(room, target, &value->place, error);
	}
	return -EINVAL;
}

const struct actuator actuator_cgroup = {
	.name = "cgroup",
	.serves = serves,
	.get = get,
	.set = set,
};
