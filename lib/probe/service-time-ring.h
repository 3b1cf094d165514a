/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-ring.h - records out of a ring buffer that perf_event_open(2) shares
 * with us.
 */
#ifndef VMENERGY_PROBE_SERVICE_TIME_RING_H
#define VMENERGY_PROBE_SERVICE_TIME_RING_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_ring {
	struct perf_event_mmap_page *page; /* NULL = closed */
	const uint8_t *data;               /* behind the page */
	size_t bytes;                      /* of data: a power of two */
};

/* One record behind its header; valid during the call only. False: what it would have told is
 * lost. */
typedef bool trace_ring_record(void *context, const struct perf_event_header *header,
			       const uint8_t *body, size_t bytes);

/*
 * Hand over all records and give their room back. False: one of them said so, or the
 * ring was found with no room for one more, so that the next may be lost already.
 */
bool trace_ring_records(const struct trace_ring *ring, trace_ring_record *record, void *context);

/* Of a sample with PERF_SAMPLE_TIME | PERF_SAMPLE_RAW. raw is valid during the call only. */
typedef void trace_ring_sample(void *context, uint64_t time_ns, const void *raw, size_t bytes);

/* All such samples. False: some were lost. The kernel says so only with the next record that
 * fits; a full ring counts as lost already. */
bool trace_ring_read(const struct trace_ring *ring, trace_ring_sample *sample, void *context);

#endif
