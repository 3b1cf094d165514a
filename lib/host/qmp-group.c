/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Throttle groups, which a storage daemon has as objects: qom-get and qom-set of their `limits`
 * (ThrottleLimits of QEMU's qapi/block-core.json). What is not given stays as it is.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "host/qmp-call.h"

static const char *const fields[IO_LIMIT_COUNT] = {
	[IO_LIMIT_READ_BYTES_S] = "bps-read",
	[IO_LIMIT_WRITE_BYTES_S] = "bps-write",
	[IO_LIMIT_READ_REQUESTS_S] = "iops-read",
	[IO_LIMIT_WRITE_REQUESTS_S] = "iops-write",
	[IO_LIMIT_TOTAL_BYTES_S] = "bps-total",
	[IO_LIMIT_TOTAL_REQUESTS_S] = "iops-total",
	[IO_LIMIT_TOTAL_BYTES_MAX] = "bps-total-max",
	[IO_LIMIT_READ_BYTES_MAX] = "bps-read-max",
	[IO_LIMIT_WRITE_BYTES_MAX] = "bps-write-max",
	[IO_LIMIT_TOTAL_REQUESTS_MAX] = "iops-total-max",
	[IO_LIMIT_READ_REQUESTS_MAX] = "iops-read-max",
	[IO_LIMIT_WRITE_REQUESTS_MAX] = "iops-write-max",
	[IO_LIMIT_REQUEST_BYTES] = "iops-size",
};

static int call(struct qmp *qmp, const char *command, const char *group, json_t *limits,
		json_t **value, struct error *error)
{
	json_t *arguments = json_object();
	char path[256];
	int length = snprintf(path, sizeof path, "/objects/%s", group);

	if (length >= (int)sizeof path || strchr(group, '/')) {
		json_decref(arguments);
		json_decref(limits);
		return error_setf(error, EINVAL, "%.64s: no throttle group is called so", group);
	}
	json_object_set_new(arguments, "path", json_string(path));
	json_object_set_new(arguments, "property", json_string("limits"));
	if (limits)
		json_object_set_new(arguments, "value", limits);
	return qmp_call(qmp, command, arguments, value, error);
}

int qmp_get_group(struct qmp *qmp, const char *group, struct io_throttle *throttle,
		  struct error *error)
{
	json_t *value = NULL;
	int result = call(qmp, "qom-get", group, NULL, &value, error);

	*throttle = (struct io_throttle){ 0 };
	for (unsigned i = 0; i < IO_LIMIT_COUNT && !result; i++)
		qmp_get_count(value, fields[i], &throttle->limits[i]);
	json_decref(value);
	return result;
}

int qmp_set_group(struct qmp *qmp, const char *group, const struct io_throttle *throttle,
		  struct error *error)
{
	json_t *limits = json_object(), *value = NULL;
	int result;

	for (unsigned i = 0; i < IO_LIMIT_COUNT; i++)
		json_object_set_new(limits, fields[i],
				    json_integer((json_int_t)throttle->limits[i]));
	result = call(qmp, "qom-set", group, limits, &value, error);
	json_decref(value);
	return result;
}
