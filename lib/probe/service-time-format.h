/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-format.h - where the block tracepoints of this kernel keep their
 * fields: tracefs, events/block/NAME/format (Documentation/trace/events.rst, 2.2).
 */
#ifndef VMENERGY_PROBE_SERVICE_TIME_FORMAT_H
#define VMENERGY_PROBE_SERVICE_TIME_FORMAT_H

#include "base/error.h"
#include "base/rootfs.h"
#include "probe/service-time-follow.h"

/* Offsets in the raw record of the tracepoint. */
struct trace_format {
	uint32_t id;         /* as perf_event_open(2) and the record call it */
	uint32_t device;     /* 4 bytes */
	uint32_t sector;     /* 8 bytes */
	uint32_t sectors;    /* 4 bytes */
	uint32_t operation;  /* text, rwbs */
	uint32_t rwbs_bytes; /* its size */
};

/*
 * Of "block_rq_issue" and its like. 0, or -errno with the reason: -ENOENT (no
 * tracefs is mounted, or no such event), -EINVAL (a field is missing or has
 * another size).
 */
int trace_format_read(struct trace_format *format, const struct rootfs *root, const char *event,
		      struct error *error);

/* The id of a record, or 0 if it is too short. */
uint32_t trace_format_id(const void *raw, size_t bytes);
/* All of *event but .what and .time_ns. False: the record is too short. */
bool trace_format_event(const struct trace_format *format, const void *raw, size_t bytes,
			struct follow_event *event);

#endif
