/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metering-history.h - what the model said of the host, tick by tick, for as long
 * as a meter may be behind. No I/O; the time is an argument. For metering*.c alone.
 */
#ifndef VMENERGY_ENGINE_METERING_HISTORY_H
#define VMENERGY_ENGINE_METERING_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct history_piece {
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
	double power_w;            /* NaN = no figure of this time */
};

struct metering_history { /* start from {0} with span_ns set */
	uint64_t span_ns; /* how far back anybody asks */
	struct history_piece *items;
	size_t first, count, capacity; /* items[first .. count): what is kept, ascending */
};

/* Out of memory, or a piece before the last one's end, is left out: a gap. */
void metering_history_add(struct metering_history *history, const struct history_piece *piece);
/* Until when anything is known; 0 = nothing. */
uint64_t metering_history_end(const struct metering_history *history);
/* Mean over [begin, end); NaN where less than nine tenths of it are known. */
double metering_history_mean(const struct metering_history *history, uint64_t begin_ns,
			     uint64_t end_ns);
void metering_history_clear(struct metering_history *history);

#endif
