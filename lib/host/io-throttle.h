/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io-throttle.h - the limits that QEMU can put on one disk, as its own monitor
 * (qmp.h) and libvirt (libvirt-write.h) both have them.
 */
#ifndef VMENERGY_HOST_IO_THROTTLE_H
#define VMENERGY_HOST_IO_THROTTLE_H

#include <stdint.h>

enum io_limit {
	IO_LIMIT_READ_BYTES_S,
	IO_LIMIT_WRITE_BYTES_S,
	IO_LIMIT_READ_REQUESTS_S,
	IO_LIMIT_WRITE_REQUESTS_S,
	IO_LIMIT_TOTAL_BYTES_S,
	IO_LIMIT_TOTAL_REQUESTS_S,
	IO_LIMIT_TOTAL_BYTES_MAX, /* bursts */
	IO_LIMIT_READ_BYTES_MAX,
	IO_LIMIT_WRITE_BYTES_MAX,
	IO_LIMIT_TOTAL_REQUESTS_MAX,
	IO_LIMIT_READ_REQUESTS_MAX,
	IO_LIMIT_WRITE_REQUESTS_MAX,
	IO_LIMIT_REQUEST_BYTES, /* a larger request counts as several */
};
enum { IO_LIMIT_COUNT = IO_LIMIT_REQUEST_BYTES + 1 };

struct io_throttle {
	uint64_t limits[IO_LIMIT_COUNT]; /* by enum io_limit; 0 = none */
};

#endif
