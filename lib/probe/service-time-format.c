/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time-format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

/* Where tracefs is mounted; below debugfs in older systems. */
static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
enum { PLACE_COUNT = sizeof places / sizeof places[0] };

struct field {
	uint64_t offset, bytes;
};

/* The number behind `key` in the rest of a line. */
static bool find_number(const char *line, const char *end, const char *key, uint64_t *value)
{
	const char *found = strstr(line, key);

	if (!found || found >= end)
		return false;
	found += strlen(key);
	return number_scan_u64(&found, value) == 0;
}

/* "field:dev_t dev;", "field:char rwbs[10];": does the declaration end in the name? */
static bool declares(const char *line, const char *name)
{
	size_t length = strlen(name);
	const char *end = line + strcspn(line, ";[\n");

	return (size_t)(end - line) > length && end[-(long)length - 1] == ' ' &&
	       strncmp(end - length, name, length) == 0;
}

/* A line: "\tfield:sector_t sector;\toffset:16;\tsize:8;\tsigned:0;". */
static bool find_field(const char *text, const char *name, struct field *field)
{
	for (const char *line = strstr(text, "field:"); line; line = strstr(line + 1, "field:")) {
		const char *end = line + strcspn(line, "\n");

		if (declares(line, name))
			return find_number(line, end, "offset:", &field->offset) &&
			       find_number(line, end, "size:", &field->bytes) &&
			       field->offset < 4096;
	}
	return false;
}

static int parse(struct trace_format *format, const char *text, const char *event,
		 struct error *error)
{
	const struct {
		const char *name;
		uint32_t *offset;
		uint64_t bytes;
	} wanted[] = {
		{ "dev", &format->device, 4 },
		{ "sector", &format->sector, 8 },
		{ "nr_sector", &format->sectors, 4 },
	};
	struct field field;
	uint64_t id;

	if (!find_number(text, text + strlen(text), "ID: ", &id) || id == 0 || id > UINT16_MAX)
		return error_setf(error, EINVAL, "tracepoint %s has no ID", event);
	format->id = (uint32_t)id;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (!find_field(text, wanted[i].name, &field) || field.bytes != wanted[i].bytes)
			return error_setf(error, EINVAL,
					  "tracepoint %s has no field %s of %u bytes", event,
					  wanted[i].name, (unsigned)wanted[i].bytes);
		*wanted[i].offset = (uint32_t)field.offset;
	}
	if (!find_field(text, "rwbs", &field) || field.bytes < 2 || field.bytes > 64)
		return error_setf(error, EINVAL, "tracepoint %s has no field rwbs", event);
	format->operation = (uint32_t)field.offset;
	format->rwbs_bytes = (uint32_t)field.bytes;
	return 0;
}

int trace_format_read(struct trace_format *format, const struct rootfs *root, const char *event,
		      struct error *error)
{
	char *text;
	long length = -ENOENT;
	int result;

	for (size_t i = 0; i < PLACE_COUNT && length < 0; i++) {
		length = rootfs_read_allf(root, &text, "%s/events/block/%s/format", places[i],
					  event);
		if (length == -EACCES || length == -EPERM)
			break;
	}
	if (length == -ENOENT)
		return error_setf(error, ENOENT, "no tracefs at %s, or no %s in it", places[0],
				  event);
	if (length < 0)
		return error_setf(error, (int)-length, "%s/events/block/%s: %s", places[0], event,
				  strerror((int)-length));
	result = parse(format, text, event, error);
	free(text);
	return result;
}

/* --- records ------------------------------------------------------------------- */

uint32_t trace_format_id(const void *raw, size_t bytes)
{
	uint16_t id = 0; /* common_type, first in every record */

	if (bytes >= sizeof id)
		memcpy(&id, raw, sizeof id);
	return id;
}

bool trace_format_event(const struct trace_format *format, const void *raw, size_t bytes,
			struct follow_event *event)
{
	const char *record = raw;
	char rwbs[3] = "";

	if (format->device + 4 > bytes || format->sector + 8 > bytes ||
	    format->sectors + 4 > bytes || format->operation + format->rwbs_bytes > bytes)
		return false;
	memcpy(&event->device, record + format->device, 4);
	memcpy(&event->sector, record + format->sector, 8);
	memcpy(&event->sectors, record + format->sectors, 4);
	memcpy(rwbs, record + format->operation, 2);
	event->operation = follow_operation(rwbs);
	return true;
}
