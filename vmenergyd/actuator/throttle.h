/* SPDX-License-Identifier: GPL-3.0-or-later */
/* throttle.h - inside this room: disk limits as lib/host has them, number by number the same. */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_THROTTLE_H
#define VMENERGY_VMENERGYD_ACTUATOR_THROTTLE_H

#include <string.h>

#include "host/io-throttle.h"
#include "vmenergyd/actuator/actuator.h"

#define THROTTLE_SAME_PLACE(field, limit)                                                          \
	_Static_assert(offsetof(struct disk_limit, field) ==                                       \
			       offsetof(struct io_throttle, limits[limit]),                        \
		       #field)
THROTTLE_SAME_PLACE(read_bytes_s, IO_LIMIT_READ_BYTES_S);
THROTTLE_SAME_PLACE(write_bytes_s, IO_LIMIT_WRITE_BYTES_S);
THROTTLE_SAME_PLACE(read_requests_s, IO_LIMIT_READ_REQUESTS_S);
THROTTLE_SAME_PLACE(write_requests_s, IO_LIMIT_WRITE_REQUESTS_S);
THROTTLE_SAME_PLACE(total_bytes_s, IO_LIMIT_TOTAL_BYTES_S);
THROTTLE_SAME_PLACE(total_requests_s, IO_LIMIT_TOTAL_REQUESTS_S);
THROTTLE_SAME_PLACE(total_bytes_max, IO_LIMIT_TOTAL_BYTES_MAX);
THROTTLE_SAME_PLACE(read_bytes_max, IO_LIMIT_READ_BYTES_MAX);
THROTTLE_SAME_PLACE(write_bytes_max, IO_LIMIT_WRITE_BYTES_MAX);
THROTTLE_SAME_PLACE(total_requests_max, IO_LIMIT_TOTAL_REQUESTS_MAX);
THROTTLE_SAME_PLACE(read_requests_max, IO_LIMIT_READ_REQUESTS_MAX);
THROTTLE_SAME_PLACE(write_requests_max, IO_LIMIT_WRITE_REQUESTS_MAX);
THROTTLE_SAME_PLACE(request_bytes, IO_LIMIT_REQUEST_BYTES);
_Static_assert(sizeof(struct disk_limit) == sizeof(struct io_throttle), "no number more");

static inline struct io_throttle throttle_of_limit(const struct disk_limit *limit)
{
	struct disk_limit usable = disk_limit_usable(limit);
	struct io_throttle throttle;

	memcpy(&throttle, &usable, sizeof throttle);
	return throttle;
}

static inline struct disk_limit limit_of_throttle(const struct io_throttle *throttle)
{
	struct disk_limit limit;

	memcpy(&limit, throttle, sizeof limit);
	return limit;
}

#endif
