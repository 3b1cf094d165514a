/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leaf.h - the books of one disk's requests: when at least one was in it, and
 * which of them had to move the arm. The same code runs in the kernel
 * (block.bpf.c) and outside (service-time-follow.c); the caller serialises.
 *
 * A request is in the disk from its issue to its completion, or until it is put
 * back into the queue; then it counts for nothing, and its next issue is its
 * first. Seeks are counted at completion, as the kernel counts the requests in
 * /sys/block/DISK/stat, of which they are a part.
 */
#ifndef VMENERGY_PROBE_BPF_LEAF_H
#define VMENERGY_PROBE_BPF_LEAF_H

#include <stdbool.h>
#ifdef __bpf__ /* has no C library */
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
#else
#include <stdint.h>
#endif

enum leaf_kind {
	LEAF_READ,
	LEAF_WRITE,
	LEAF_OTHER, /* flush, discard, a command of its own: no data at a place */
};

#define LEAF_NOWHERE (~(uint64_t)0) /* no request begins there */

struct leaf {
	uint64_t since_ns;     /* requests that were issued before are not in these books */
	uint64_t latest_ns;    /* the latest stamp */
	uint64_t busy_ns;      /* of the busy times that have ended */
	uint64_t busy_from_ns; /* while inflight > 0 */
	uint64_t read_seeks, write_seeks;
	uint64_t sectors;  /* read and written */
	uint64_t arm;      /* the sector behind the last issued request, or LEAF_NOWHERE */
	uint32_t inflight; /* requests in the disk */
	uint32_t missed;   /* requests that there was no room to follow */
};

struct leaf_request {
	uint64_t sector;
	uint32_t sectors;
	uint32_t kind; /* enum leaf_kind */
};

/* A request in the disk. */
struct leaf_flight {
	uint64_t issued_ns;
	uint64_t arm_before, arm_behind; /* where it found the arm, and left it */
	uint32_t device;                 /* the kernel's dev_t: major << 20 | minor */
	uint32_t kind;
	uint32_t sectors;
	bool seek;
	bool ended;
};

/*
 * CPUs take their stamps before they take their turn, so that a later turn may
 * have an earlier stamp: it then counts as just now. Busy times thus never
 * overlap, and what is lost is the time that one CPU waited for another.
 */
static inline uint64_t leaf_stamp(struct leaf *leaf, uint64_t now_ns)
{
	if (now_ns > leaf->latest_ns)
		leaf->latest_ns = now_ns;
	return leaf->latest_ns;
}

static inline void leaf_start(struct leaf *leaf, uint64_t now_ns)
{
	*leaf = (struct leaf){ .since_ns = now_ns, .latest_ns = now_ns, .arm = LEAF_NOWHERE };
}

static inline void leaf_issue(struct leaf *leaf, struct leaf_flight *flight,
			      const struct leaf_request *request, uint64_t now_ns)
{
	now_ns = leaf_stamp(leaf, now_ns);
	if (leaf->inflight++ == 0)
		leaf->busy_from_ns = now_ns;
	flight->issued_ns = now_ns;
	flight->kind = request->kind;
	flight->arm_before = flight->arm_behind = leaf->arm;
	if (request->kind == LEAF_OTHER)
		return;
	flight->sectors = request->sectors;
	flight->seek = request->sector != leaf->arm;
	flight->arm_behind = leaf->arm = request->sector + request->sectors;
}

/* The request left the disk. False: it is not in these books. */
static inline bool leaf_leave(struct leaf *leaf, struct leaf_flight *flight, uint64_t now_ns)
{
	if (flight->ended || flight->issued_ns < leaf->since_ns || leaf->inflight == 0)
		return false;
	flight->ended = true;
	now_ns = leaf_stamp(leaf, now_ns);
	if (--leaf->inflight == 0)
		leaf->busy_ns += now_ns - leaf->busy_from_ns;
	return true;
}

static inline void leaf_complete(struct leaf *leaf, struct leaf_flight *flight, uint64_t now_ns)
{
	if (!leaf_leave(leaf, flight, now_ns))
		return;
	leaf->sectors += flight->sectors;
	if (!flight->seek)
		return;
	if (flight->kind == LEAF_READ)
		leaf->read_seeks++;
	else
		leaf->write_seeks++;
}

/* Back into the queue, or never heard of again. */
static inline void leaf_requeue(struct leaf *leaf, struct leaf_flight *flight, uint64_t now_ns)
{
	if (leaf_leave(leaf, flight, now_ns) && leaf->arm == flight->arm_behind)
		leaf->arm = flight->arm_before;
}

/* Something was not observed: whatever is in flight leaves these books now. */
static inline void leaf_forget(struct leaf *leaf, uint64_t now_ns)
{
	now_ns = leaf_stamp(leaf, now_ns);
	if (leaf->inflight)
		leaf->busy_ns += now_ns - leaf->busy_from_ns;
	leaf->inflight = 0;
	leaf->arm = LEAF_NOWHERE;
	leaf->since_ns = leaf->latest_ns = now_ns + 1;
}

/* Busy time, a request in flight counting up to now. */
static inline uint64_t leaf_busy_ns(const struct leaf *leaf, uint64_t now_ns)
{
	if (leaf->inflight == 0 || now_ns < leaf->busy_from_ns)
		return leaf->busy_ns;
	return leaf->busy_ns + (now_ns - leaf->busy_from_ns);
}

/*
 * A completion may get lost. Where the request's memory is used again, that
 * shows it; where not, its age does: the kernel aborts a read or write after
 * 30 s and a flush after 60 s (SD_TIMEOUT, SD_FLUSH_TIMEOUT in drivers/scsi/sd.h;
 * blk_queue_rq_timeout elsewhere), and puts it back into the queue to try again.
 * Only a disk that has been busy for so long without a break can have one.
 */
#define LEAF_LOST_NS 90000000000ull

static inline bool leaf_is_lost(uint64_t issued_ns, uint64_t now_ns)
{
	return now_ns > issued_ns && now_ns - issued_ns > LEAF_LOST_NS;
}

static inline bool leaf_may_have_lost(const struct leaf *leaf, uint64_t now_ns)
{
	return leaf->inflight && leaf_is_lost(leaf->busy_from_ns, now_ns);
}

#endif
