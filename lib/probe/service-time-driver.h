/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-driver.h - a way to follow the requests of disks; each is one
 * file and one line in the table of service-time.c, the best first.
 */
#ifndef VMENERGY_PROBE_SERVICE_TIME_DRIVER_H
#define VMENERGY_PROBE_SERVICE_TIME_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rootfs.h"

/* One disk that is followed: cumulative since it is. */
struct disk_service {
	uint32_t device;                           /* asked for: major << 20 | minor */
	bool known;                                /* else it could not be followed */
	bool gap;                                  /* requests were missed since the last reading */
	uint64_t busy_ns, read_seeks, write_seeks; /* as in struct io_reading */
	uint64_t bytes;                            /* of the reads and writes that were followed */
};

enum { DISK_SECTOR_BYTES = 512 };

static inline uint32_t disk_service_device(unsigned major, unsigned minor)
{
	return (uint32_t)major << 20 | minor;
}

struct service_driver {
	const char *name;
	/* `root` is borrowed. 0, or -errno and why this way is closed. */
	int (*open)(void **state, const struct rootfs *root, struct error *error);
	void (*close)(void *state);
	/* Follow these disks and no others; those that were followed go on. 0 or -ENOMEM; a disk
	 * that cannot be followed is not known in the readings. */
	int (*follow)(void *state, const struct disk_service *disks, size_t count);
	/* Fill all but .device of each: the disks of the last follow(), in that order. */
	void (*read)(void *state, struct disk_service *disks, size_t count);
};

/*
 * Does a way hear of too little? The bytes that the kernel's statistics count are
 * those of the requests that complete. Some complete between the two readings;
 * but where more than an eighth stays away over tens of megabytes, events do not
 * reach us. (Seen with tracepoints on Linux 6.18 in a paravirtual guest: no record
 * of most requests that complete while the CPU idles, and no word of a loss.)
 */
struct service_window {
	bool begun;
	uint64_t kernel_bytes, followed_bytes; /* when it began */
};
enum {
	SERVICE_WINDOW_BYTES = 64 << 20,
	SERVICE_SLACK_BYTES = 4 << 20,
	SERVICE_SHARE = 8,
};
/* Both are cumulative. After a gap, a reset or enough bytes another window begins. */
bool service_window_is_deaf(struct service_window *window, uint64_t kernel_bytes,
			    uint64_t followed_bytes, bool gap);

#ifdef VMENERGY_BPF
extern const struct service_driver service_time_bpf;
#endif
extern const struct service_driver service_time_trace;

#endif
