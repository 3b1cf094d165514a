/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-follow.h - requests matched from what tracepoints tell: events
 * in, busy times and seeks out. Pure: no file, clock or log.
 *
 * Tracepoints do not name a request. Issue and completion are matched by device,
 * operation and sector; a request may complete in parts, from its beginning.
 * Flushes and commands have no sector: a completion ends the oldest one of its
 * operation. The second completion of a write that was part of a flush sequence,
 * and those of requests that never reached the disk, match nothing and are ignored.
 */
#ifndef VMENERGY_PROBE_SERVICE_TIME_FOLLOW_H
#define VMENERGY_PROBE_SERVICE_TIME_FOLLOW_H

#include "probe/bpf/leaf.h"
#include "probe/service-time-driver.h"

enum follow_what { FOLLOW_ISSUE, FOLLOW_COMPLETE, FOLLOW_REQUEUE };
enum { FOLLOW_WHATS = 3 };

struct follow_event {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	enum follow_what what;
	uint32_t device; /* major << 20 | minor */
	uint64_t sector;
	uint32_t sectors; /* completed now; 0 = without data */
	char operation;   /* of blk_fill_rwbs() in kernel/trace/blktrace.c: R W D F Z N */
};

/* The operation in a tracepoint's rwbs: its first letter, a flush before it aside. */
char follow_operation(const char *rwbs);

struct follow_flight {
	struct leaf_flight flight;
	uint64_t sector; /* of what has not completed yet */
	uint32_t sectors;
	bool has_data;
	char operation;
};

enum { FOLLOW_FLIGHTS_MAX = 4096 };
struct follow_flights {
	struct follow_flight *items; /* oldest first */
	size_t count, capacity;
};

struct follow_disk {
	uint32_t device;
	uint32_t missed; /* as of the last reading */
	bool gap;
	struct leaf leaf;
	struct follow_flights flights;
};

/* Start from {0}. */
struct follow {
	struct follow_disk *disks;
	size_t count;
};

/* These disks and no others; those that were there go on. 0 or -ENOMEM. */
int follow_set(struct follow *follow, const struct disk_service *services, size_t count,
	       uint64_t now_ns);
void follow_clear(struct follow *follow);

/* In the order of their times; events of other disks do nothing. */
void follow_feed(struct follow *follow, const struct follow_event *event);
/* Events were lost: whatever is in flight is forgotten, and each disk has a gap. */
void follow_lose(struct follow *follow, uint64_t now_ns);
/* The disks of follow_set(), in that order. Clears their gaps. */
void follow_read(struct follow *follow, struct disk_service *services, size_t count,
		 uint64_t now_ns);

#endif
