/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "host/qmp-call.h"

/* QEMU's qapi/block-core.json: BlockDeviceInfo and BlockIOThrottle use the same names. */
static const struct {
	const char *name;
	const char *length; /* of the burst, in seconds; NULL = not a burst */
	bool always;        /* must be given */
} fields[IO_LIMIT_COUNT] = {
	[IO_LIMIT_READ_BYTES_S] = { "bps_rd", NULL, true },
	[IO_LIMIT_WRITE_BYTES_S] = { "bps_wr", NULL, true },
	[IO_LIMIT_READ_REQUESTS_S] = { "iops_rd", NULL, true },
	[IO_LIMIT_WRITE_REQUESTS_S] = { "iops_wr", NULL, true },
	[IO_LIMIT_TOTAL_BYTES_S] = { "bps", NULL, true },
	[IO_LIMIT_TOTAL_REQUESTS_S] = { "iops", NULL, true },
	[IO_LIMIT_TOTAL_BYTES_MAX] = { "bps_max", "bps_max_length", false },
	[IO_LIMIT_READ_BYTES_MAX] = { "bps_rd_max", "bps_rd_max_length", false },
	[IO_LIMIT_WRITE_BYTES_MAX] = { "bps_wr_max", "bps_wr_max_length", false },
	[IO_LIMIT_TOTAL_REQUESTS_MAX] = { "iops_max", "iops_max_length", false },
	[IO_LIMIT_READ_REQUESTS_MAX] = { "iops_rd_max", "iops_rd_max_length", false },
	[IO_LIMIT_WRITE_REQUESTS_MAX] = { "iops_wr_max", "iops_wr_max_length", false },
	[IO_LIMIT_REQUEST_BYTES] = { "iops_size", NULL, false },
};

/* The entry of query-block, owned by the caller. */
static int find_block(struct qmp *qmp, const char *disk, json_t **found, struct error *error)
{
	json_t *list = NULL, *entry;
	char name[64];
	size_t index;
	int result = qmp_call(qmp, "query-block", NULL, &list, error);

	if (result)
		return result;
	*found = NULL;
	json_array_foreach(list, index, entry)
	{
		const json_t *inserted = json_object_get(entry, "inserted");

		if (!*found && inserted &&
		    (strcmp(qmp_block_name(entry, name), disk) == 0 ||
		     strcmp(qmp_get_text(inserted, "node-name"), disk) == 0))
			*found = json_incref(entry);
	}
	json_decref(list);
	return *found ? 0 : error_setf(error, ENODEV, "QMP: no disk %s with a medium in it", disk);
}

int qmp_get_throttle(struct qmp *qmp, const char *disk, struct io_throttle *throttle,
		     struct error *error)
{
	json_t *block;
	int result = find_block(qmp, disk, &block, error);

	if (result)
		return result;
	*throttle = (struct io_throttle){ 0 };
	for (unsigned i = 0; i < IO_LIMIT_COUNT; i++)
		qmp_get_count(json_object_get(block, "inserted"), fields[i].name,
			      &throttle->limits[i]);
	json_decref(block);
	return 0;
}

static json_t *throttle_arguments(const json_t *block, const struct io_throttle *throttle)
{
	const char *device = qmp_get_text(block, "qdev");
	json_t *arguments = json_object(), *length;

	if (*device)
		json_object_set_new(arguments, "id", json_string(device));
	else
		json_object_set_new(arguments, "device",
				    json_string(qmp_get_text(block, "device")));
	for (unsigned i = 0; i < IO_LIMIT_COUNT; i++) {
		if (!fields[i].always && throttle->limits[i] == 0)
			continue;
		json_object_set_new(arguments, fields[i].name,
				    json_integer((json_int_t)throttle->limits[i]));
		length = fields[i].length ? json_object_get(json_object_get(block, "inserted"),
							    fields[i].length)
					  : NULL;
		if (length)
			json_object_set(arguments, fields[i].length, length);
	}
	return arguments;
}

int qmp_set_throttle(struct qmp *qmp, const char *disk, const struct io_throttle *throttle,
		     struct error *error)
{
	json_t *block, *value = NULL;
	int result = find_block(qmp, disk, &block, error);

	if (result)
		return result;
	result = qmp_call(qmp, "block_set_io_throttle", throttle_arguments(block, throttle), &value,
			  error);
	json_decref(value);
	json_decref(block);
	return result;
}
