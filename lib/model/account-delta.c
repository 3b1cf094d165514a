/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-delta.c - differences of readings, each over its own interval.
 *
 * A reading that comes late brings the joules of all the time since the one
 * before it. They are spread evenly over that interval: what falls into this
 * tick makes its watts, the rest only moves from kept to the domain in the
 * totals (model.md 5).
 */
#include "model/account-internal.h"

#include "base/delta.h"

enum { COUNTER_BITS = 64, IO_COUNTERS = 4, SERVICE_COUNTERS = 3, NET_COUNTERS = 4 };

static double on_time(uint64_t from_ns, uint64_t to_ns, const struct tick *tick)
{
	if (from_ns >= tick->begin_ns)
		return 1;
	if (to_ns <= tick->begin_ns)
		return 0;
	return (double)(to_ns - tick->begin_ns) / (double)(to_ns - from_ns);
}

/* Is there a difference to make? Else the reason. */
static bool comparable(uint64_t previous_ns, uint64_t now_ns, unsigned now_quality,
		       unsigned *reason)
{
	if (now_ns == 0 || now_quality & QUALITY_MISSING)
		*reason = QUALITY_MISSING;
	else if (previous_ns == 0)
		*reason = QUALITY_GAP;
	else if (now_ns <= previous_ns)
		*reason = QUALITY_STALE;
	else
		*reason = 0;
	return *reason == 0;
}

/* count[i] = now[i] - previous[i]; the quality of it: GAP when a counter began again. */
static unsigned differences(const uint64_t *previous, const uint64_t *now, unsigned n,
			    double *count)
{
	unsigned quality = 0;

	for (unsigned i = 0; i < n; i++) {
		struct counter_delta delta = counter_delta(previous[i], now[i], COUNTER_BITS);

		count[i] = (double)delta.value;
		quality |= delta.reset ? QUALITY_GAP : delta.wrapped ? QUALITY_WRAPPED : 0;
	}
	return quality;
}

/* What a reading says of itself; that it was late is seen from its time. */
static unsigned own_quality(unsigned quality)
{
	return quality & ~(unsigned)QUALITY_STALE;
}

bool account_cpu_is_new(const struct cpu_reading *previous, const struct cpu_reading *now)
{
	unsigned reason;

	comparable(previous->at_ns, now->at_ns, now->quality, &reason);
	return reason == 0 || reason == QUALITY_GAP;
}

void account_cpu_delta(struct cpu_delta *delta, struct cpu_reading *previous,
		       const struct cpu_reading *now, unsigned events, const struct tick *tick)
{
	*delta = (struct cpu_delta){ 0 };
	if (comparable(previous->at_ns, now->at_ns, now->quality, &delta->quality)) {
		delta->quality = differences(previous->count, now->count, events, delta->count) |
				 own_quality(now->quality);
		delta->known = !(delta->quality & QUALITY_GAP);
		delta->on_time = on_time(previous->at_ns, now->at_ns, tick);
	} else if (!(delta->quality & QUALITY_GAP)) {
		return;
	}
	if (delta->on_time < 1 && delta->known)
		delta->quality |= QUALITY_STALE;
	*previous = *now;
}

static void io_amounts(struct io_delta *delta, const double count[IO_COUNTERS], bool has_requests)
{
	delta->amount[READ] = (struct amount){ count[0], has_requests ? count[1] : NAN };
	delta->amount[WRITE] = (struct amount){ count[2], has_requests ? count[3] : NAN };
}

/* Following that begins, or began anew, is a baseline; the bytes stand all the same. */
void account_service_delta(struct service_delta *delta, const struct io_reading *previous,
			   const struct io_reading *now)
{
	const uint64_t before[] = { previous->busy_ns, previous->read_seeks,
				    previous->write_seeks };
	const uint64_t after[] = { now->busy_ns, now->read_seeks, now->write_seeks };
	double count[SERVICE_COUNTERS];

	*delta = (struct service_delta){ 0 };
	if (!previous->has_service || !now->has_service ||
	    differences(before, after, SERVICE_COUNTERS, count) & QUALITY_GAP)
		return;
	delta->known = true;
	delta->busy_s = count[0] * 1e-9;
	delta->seeks[READ] = count[1];
	delta->seeks[WRITE] = count[2];
}

void account_net_delta(struct net_delta *delta, struct net_reading *previous,
		       const struct net_reading *now, const struct tick *tick)
{
	*delta = (struct net_delta){ 0 };
	if (comparable(previous->at_ns, now->at_ns, now->quality, &delta->quality)) {
		const uint64_t before[NET_COUNTERS] = { previous->rx_bytes, previous->tx_bytes,
							previous->rx_packets,
							previous->tx_packets };
		const uint64_t after[NET_COUNTERS] = { now->rx_bytes, now->tx_bytes,
						       now->rx_packets, now->tx_packets };
		double count[NET_COUNTERS];

		delta->quality =
			differences(before, after, NET_COUNTERS, count) | own_quality(now->quality);
		delta->known = !(delta->quality & QUALITY_GAP);
		delta->on_time = on_time(previous->at_ns, now->at_ns, tick);
		delta->seconds = (double)(now->at_ns - previous->at_ns) * 1e-9;
		for (int dir = 0; dir < DIRECTIONS; dir++) {
			delta->bytes[dir] = count[dir];
			delta->packets[dir] = count[DIRECTIONS + dir];
		}
	} else if (!(delta->quality & QUALITY_GAP)) {
		return;
	}
	if (delta->on_time < 1 && delta->known)
		delta->quality |= QUALITY_STALE;
	*previous = *now;
}

void account_io_delta(struct io_delta *delta, struct io_reading *previous,
		      const struct io_reading *now, const struct tick *tick)
{
	*delta = (struct io_delta){ 0 };
	if (comparable(previous->at_ns, now->at_ns, now->quality, &delta->quality)) {
		const uint64_t before[IO_COUNTERS] = { previous->read_bytes,
						       previous->read_requests,
						       previous->write_bytes,
						       previous->write_requests };
		const uint64_t after[IO_COUNTERS] = { now->read_bytes, now->read_requests,
						      now->write_bytes, now->write_requests };
		double count[IO_COUNTERS];

		delta->quality =
			differences(before, after, IO_COUNTERS, count) | own_quality(now->quality);
		delta->known = !(delta->quality & QUALITY_GAP);
		delta->on_time = on_time(previous->at_ns, now->at_ns, tick);
		delta->seconds = (double)(now->at_ns - previous->at_ns) * 1e-9;
		io_amounts(delta, count, now->has_requests && previous->has_requests);
	} else if (!(delta->quality & QUALITY_GAP)) {
		return;
	}
	if (delta->on_time < 1 && delta->known)
		delta->quality |= QUALITY_STALE;
	*previous = *now;
}
