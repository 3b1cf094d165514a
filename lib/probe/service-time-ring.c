/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time-ring.h"

#include <string.h>

enum { RECORD_BYTES_MAX = 512 }; /* a block tracepoint's is about 100 */

/* Records go on at the beginning when they reach the end. */
static void copy(const struct trace_ring *ring, uint64_t at, void *target, size_t bytes)
{
	size_t begin = (size_t)at & (ring->bytes - 1);
	size_t first = ring->bytes - begin < bytes ? ring->bytes - begin : bytes;

	memcpy(target, ring->data + begin, first);
	memcpy((uint8_t *)target + first, ring->data, bytes - first);
}

bool trace_ring_records(const struct trace_ring *ring, trace_ring_record *record, void *context)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	bool complete = head - tail + RECORD_BYTES_MAX <= ring->bytes;
	struct perf_event_header header;
	uint8_t body[RECORD_BYTES_MAX];

	while (tail < head) {
		size_t bytes;

		copy(ring, tail, &header, sizeof header);
		if (header.size < sizeof header || header.size > head - tail) {
			complete = false;
			tail = head;
			break;
		}
		bytes = header.size - sizeof header;
		if (bytes <= sizeof body)
			copy(ring, tail + sizeof header, body, bytes);
		if (bytes > sizeof body || !record(context, &header, body, bytes))
			complete = false;
		tail += header.size;
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	return complete;
}

/* --- samples of tracepoints ------------------------------------------------------ */

struct receiver {
	trace_ring_sample *sample;
	void *context;
};

/* u64 time; u32 size; char data[size]. */
static bool hand_over(const struct receiver *receiver, const uint8_t *body, size_t bytes)
{
	uint64_t time_ns;
	uint32_t raw_bytes;
	const size_t head = sizeof time_ns + sizeof raw_bytes;

	if (bytes < head)
		return false;
	memcpy(&time_ns, body, sizeof time_ns);
	memcpy(&raw_bytes, body + sizeof time_ns, sizeof raw_bytes);
	if (raw_bytes > bytes - head)
		return false;
	receiver->sample(receiver->context, time_ns, body + head, raw_bytes);
	return true;
}

static bool take_record(void *context, const struct perf_event_header *header, const uint8_t *body,
			size_t bytes)
{
	if (header->type == PERF_RECORD_LOST || header->type == PERF_RECORD_LOST_SAMPLES)
		return false;
	return header->type != PERF_RECORD_SAMPLE || hand_over(context, body, bytes);
}

bool trace_ring_read(const struct trace_ring *ring, trace_ring_sample *sample, void *context)
{
	struct receiver receiver = { sample, context };

	return trace_ring_records(ring, take_record, &receiver);
}
