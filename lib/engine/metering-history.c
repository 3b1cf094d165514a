/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/metering-history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define KNOWN_LEAST 0.9

/* Forget what nobody asks for; the room is won back once half of it is of that kind. */
static void prune(struct metering_history *history, uint64_t now_ns)
{
	while (history->first < history->count &&
	       history->items[history->first].end_ns + history->span_ns < now_ns)
		history->first++;
	if (history->first * 2 < history->count || history->first == 0)
		return;
	history->count -= history->first;
	memmove(history->items, history->items + history->first,
		history->count * sizeof *history->items);
	history->first = 0;
}

void metering_history_add(struct metering_history *history, const struct history_piece *piece)
{
	struct history_piece *added;

	if (piece->end_ns <= piece->begin_ns || piece->begin_ns < metering_history_end(history))
		return;
	prune(history, piece->end_ns);
	added = MEMORY_APPEND(history);
	if (added)
		*added = *piece;
}

uint64_t metering_history_end(const struct metering_history *history)
{
	return history->count > history->first ? history->items[history->count - 1].end_ns : 0;
}

double metering_history_mean(const struct metering_history *history, uint64_t begin_ns,
			     uint64_t end_ns)
{
	double energy = 0, known_ns = 0;

	for (size_t i = history->count; i > history->first; i--) {
		const struct history_piece *piece = &history->items[i - 1];
		uint64_t from = piece->begin_ns > begin_ns ? piece->begin_ns : begin_ns;
		uint64_t to = piece->end_ns < end_ns ? piece->end_ns : end_ns;

		if (piece->end_ns <= begin_ns)
			break;
		if (from >= to || isnan(piece->power_w))
			continue;
		energy += piece->power_w * (double)(to - from);
		known_ns += (double)(to - from);
	}
	if (end_ns <= begin_ns || known_ns < KNOWN_LEAST * (double)(end_ns - begin_ns))
		return NAN;
	return energy / known_ns;
}

void metering_history_clear(struct metering_history *history)
{
	free(history->items);
	*history = (struct metering_history){ 0 };
}
