/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * block.bpf.c - follow the requests of some disks from issue to completion.
 *
 * Needs a kernel whose block_rq_issue has the request alone for an argument
 * (Linux 5.11 and later); service-time-bpf.c looks before it loads this.
 *
 * Requests of other disks cost an issue three loads and one lookup, a
 * completion one lookup. A disk's books are under a lock of their own, taken
 * with interrupts off for some ten instructions: the step from idle to busy
 * and back touches several fields, which atomic additions could not keep in
 * agreement. Helpers may not be called under it; stamps are taken before.
 */
#include <stdbool.h>

#include "probe/bpf/block.h"
#include "probe/bpf/types.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Of include/uapi/linux/bpf.h, which wants the headers of a machine. */
enum { BPF_MAP_TYPE_HASH = 1 };
enum { BPF_ANY = 0 };

/* Of include/linux/blk_types.h and blkdev.h. */
enum {
	REQ_OP_MASK = 0xff,
	REQ_OP_READ = 0,
	REQ_OP_DISCARD = 3,
	REQ_OP_SECURE_ERASE = 5,
	REQ_OP_PASSTHROUGH = 32, /* and all above */
	SECTOR_SHIFT = 9,
	MINOR_BITS = 20,
};

#define RELOCATED __attribute__((preserve_access_index))

struct gendisk {
	int major;
	int first_minor;
} RELOCATED;

struct request_queue {
	struct gendisk *disk; /* since 5.15 */
} RELOCATED;

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	__u64 __sector;
} RELOCATED;

struct request___before_5_17 {
	struct gendisk *rq_disk;
} RELOCATED;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BLOCK_LEAVES_MAX);
	__type(key, __u32);
	__type(value, struct block_leaf);
} leaves SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BLOCK_FLIGHTS_MAX);
	__type(key, __u64);
	__type(value, struct leaf_flight);
} flights SEC(".maps");

static __always_inline __u32 device_of(struct request *request)
{
	struct request___before_5_17 *old = (void *)request;
	struct gendisk *disk;

	if (bpf_core_field_exists(old->rq_disk))
		disk = old->rq_disk;
	else
		disk = request->q->disk;
	return disk ? (__u32)disk->major << MINOR_BITS | (__u32)disk->first_minor : 0;
}

/* As the kernel's own statistics sort them: odd operations write (op_is_write). */
static __always_inline __u32 kind_of(struct request *request)
{
	unsigned int operation = request->cmd_flags & REQ_OP_MASK;

	if (request->__data_len == 0 || operation >= REQ_OP_PASSTHROUGH)
		return LEAF_OTHER;
	if (operation == REQ_OP_READ)
		return LEAF_READ;
	if (operation == REQ_OP_DISCARD || operation == REQ_OP_SECURE_ERASE)
		return LEAF_OTHER;
	return operation & 1 ? LEAF_WRITE : LEAF_OTHER;
}

/*
 * A flight that is still there under this address has completed, or the address
 * would not be used again, but nobody told us when: the busy time, which is an
 * upper bound, is too long by what has passed since. (Or its entry could not be
 * deleted; then it has ended.)
 */
static __always_inline void issue(struct block_leaf *leaf, struct leaf_flight *flight,
				  struct leaf_flight *before, const struct leaf_request *asked)
{
	__u64 now_ns = bpf_ktime_get_ns();
	bool lost = before && before->device == flight->device && !before->ended;

	bpf_spin_lock(&leaf->lock);
	if (lost)
		leaf_complete(&leaf->leaf, before, now_ns);
	leaf_issue(&leaf->leaf, flight, asked, now_ns);
	bpf_spin_unlock(&leaf->lock);
}

static __always_inline void leave(struct leaf_flight *flight, bool completed)
{
	__u32 device = flight->device;
	struct block_leaf *leaf = bpf_map_lookup_elem(&leaves, &device);
	__u64 now_ns = bpf_ktime_get_ns();

	if (!leaf)
		return;
	bpf_spin_lock(&leaf->lock);
	if (completed)
		leaf_complete(&leaf->leaf, flight, now_ns);
	else
		leaf_requeue(&leaf->leaf, flight, now_ns);
	bpf_spin_unlock(&leaf->lock);
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_issue, struct request *request)
{
	__u32 device = device_of(request);
	struct block_leaf *leaf = bpf_map_lookup_elem(&leaves, &device);
	struct leaf_flight flight = { .device = device };
	struct leaf_request asked;
	__u64 key = (__u64)request;

	if (!leaf)
		return 0;
	asked.sector = request->__sector;
	asked.sectors = request->__data_len >> SECTOR_SHIFT;
	asked.kind = kind_of(request);
	issue(leaf, &flight, bpf_map_lookup_elem(&flights, &key), &asked);
	if (bpf_map_update_elem(&flights, &key, &flight, BPF_ANY)) {
		leave(&flight, false);
		__sync_fetch_and_add(&leaf->leaf.missed, 1);
	}
	return 0;
}

/* A request may complete in parts: the last is not smaller than what is left of it. */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *request, int status, unsigned int bytes)
{
	__u64 key = (__u64)request;
	struct leaf_flight *flight = bpf_map_lookup_elem(&flights, &key);

	if (!flight || bytes < request->__data_len)
		return 0;
	leave(flight, true);
	bpf_map_delete_elem(&flights, &key);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(on_requeue, struct request *request)
{
	__u64 key = (__u64)request;
	struct leaf_flight *flight = bpf_map_lookup_elem(&flights, &key);

	if (!flight)
		return 0;
	leave(flight, false);
	bpf_map_delete_elem(&flights, &key);
	return 0;
}

char block_license[] SEC("license") = "GPL";
