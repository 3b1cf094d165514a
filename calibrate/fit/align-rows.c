/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/align-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* What makes counts of a stretch wrong or guessed; an estimate from time is as good as it is. */
static const unsigned bad_quality =
	QUALITY_MULTIPLEXED | QUALITY_SKEW | QUALITY_STALE | QUALITY_MISSING | QUALITY_GAP;
/* A difference that is right although the counter passed its end. */
static const unsigned harmless_flags = METER_WRAPPED;

/* The samples of one phase: [first, end). */
struct span {
	size_t first, end;
};

static struct span find_span(const struct session *session, size_t phase)
{
	struct span span = { 0, 0 };

	for (size_t i = 0; i < session->samples.count; i++)
		if (session->samples.items[i].phase == phase) {
			if (span.end != i)
				span.first = i;
			span.end = i + 1;
		}
	return span;
}

/* The last sample of the span that is not after time_ns; at least one is. */
static size_t find_sample(const struct session *session, struct span span, uint64_t time_ns)
{
	size_t low = span.first, high = span.end;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (session->samples.items[middle].time_ns <= time_ns)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* A counter that was set back makes nonsense of a difference. */
static bool goes_on(const struct session_sample *a, const struct session_sample *b, unsigned events)
{
	if (b->time_ns <= a->time_ns || b->busy_ns < a->busy_ns)
		return false;
	for (unsigned i = 0; i < events; i++)
		if (b->count[i] < a->count[i])
			return false;
	return true;
}

/* Find the samples about the row's window; false: it is not covered by good ones. */
static bool cover(const struct session *session, struct span span, struct align_row *row)
{
	const struct session_sample *samples = session->samples.items;
	unsigned pass = session->phases.items[row->phase].pass;
	unsigned events = session->passes.items[pass].event_count;

	if (span.end - span.first < 2 || row->from_ns < samples[span.first].time_ns ||
	    row->to_ns > samples[span.end - 1].time_ns)
		return false;
	row->from_sample = find_sample(session, span, row->from_ns);
	row->sample = find_sample(session, span, row->to_ns);
	if (row->sample + 1 == span.end) /* exactly at the last one */
		row->sample--;
	if (row->from_sample > row->sample)
		row->from_sample = row->sample;
	if (samples[row->from_sample].quality & bad_quality)
		return false;
	for (size_t i = row->from_sample; i <= row->sample; i++)
		if ((samples[i + 1].quality & bad_quality) ||
		    !goes_on(&samples[i], &samples[i + 1], events))
			return false;
	return true;
}

/* Shorter windows than the samples' distance are taken as that long, about the same middle. */
static uint64_t least_window_ns(const struct session *session, struct span span)
{
	const struct session_sample *samples = session->samples.items;

	if (span.end - span.first < 2)
		return 0;
	return (samples[span.end - 1].time_ns - samples[span.first].time_ns) /
	       (span.end - span.first - 1);
}

static uint64_t to_ns(double seconds)
{
	return (uint64_t)llround(seconds * 1e9);
}

static int consider(const struct session *session, size_t phase, const struct align *align,
		    double settle_s, struct align_rows *rows)
{
	const struct session_phase *of = &session->phases.items[phase];
	struct span span = find_span(session, phase);
	uint64_t window = to_ns(align->window_s), lag = to_ns(align->lag_s);
	uint64_t least = least_window_ns(session, span);
	uint64_t wider = least > window ? (least - window) / 2 : 0;
	/* What goes on has settled long ago. */
	uint64_t settle = of->continues ? 0 : to_ns(settle_s);

	for (size_t i = 0; i < session->readings.count; i++) {
		const struct meter_reading *reading = &session->readings.items[i];
		struct align_row row = { .reading = i, .phase = phase }, *added;

		if (reading->time_ns < of->begin_ns || reading->time_ns > of->end_ns + lag)
			continue;
		if ((reading->flags & ~harmless_flags) || !isfinite(reading->power_w)) {
			rows->flagged++;
			continue;
		}
		if (reading->time_ns < of->begin_ns + lag + window + wider + settle ||
		    reading->time_ns - lag + wider > of->end_ns) {
			rows->unsettled++;
			continue;
		}
		row.to_ns = reading->time_ns - lag + wider;
		row.from_ns = row.to_ns - window - 2 * wider;
		if (!cover(session, span, &row)) {
			rows->unsampled++;
			continue;
		}
		added = MEMORY_APPEND(rows);
		if (!added)
			return -ENOMEM;
		*added = row;
	}
	return 0;
}

int align_rows_find(const struct session *session, long pass, const struct align *align,
		    double settle_s, struct align_rows *rows)
{
	int result = 0;

	memset(rows, 0, sizeof *rows);
	for (size_t i = 0; i < session->phases.count && !result; i++) {
		const struct session_phase *phase = &session->phases.items[i];

		if (phase->complete && (pass == ALIGN_ANY_PASS || phase->pass == pass))
			result = consider(session, i, align, settle_s, rows);
	}
	if (result)
		align_rows_clear(rows);
	return result;
}

void align_rows_clear(struct align_rows *rows)
{
	free(rows->items);
	memset(rows, 0, sizeof *rows);
}

/* How far the counter had come at time_ns, from the row's first sample on. */
static double progress(const struct session_sample *sample, uint64_t time_ns, uint64_t at,
		       uint64_t next, uint64_t base)
{
	double part =
		(double)(time_ns - sample->time_ns) / (double)(sample[1].time_ns - sample->time_ns);

	return (double)(at - base) + part * (double)(next - at);
}

void align_row_rates(const struct session *session, const struct align_row *row, double *rates)
{
	const struct session_sample *from = &session->samples.items[row->from_sample];
	const struct session_sample *to = &session->samples.items[row->sample];
	unsigned pass = session->phases.items[row->phase].pass;
	unsigned events = session->passes.items[pass].event_count;
	double seconds = (double)(row->to_ns - row->from_ns) * 1e-9;

	for (unsigned i = 0; i < events; i++)
		rates[i] = (progress(to, row->to_ns, to->count[i], to[1].count[i], from->count[i]) -
			    progress(from, row->from_ns, from->count[i], from[1].count[i],
				     from->count[i])) /
			   seconds;
	rates[events] =
		(progress(to, row->to_ns, to->busy_ns, to[1].busy_ns, from->busy_ns) -
		 progress(from, row->from_ns, from->busy_ns, from[1].busy_ns, from->busy_ns)) /
		seconds;
}

double align_row_temperature_c(const struct session *session, const struct align_row *row)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = row->from_sample; i <= row->sample + 1; i++)
		if (isfinite(session->samples.items[i].temperature_c)) {
			sum += session->samples.items[i].temperature_c;
			count++;
		}
	return count ? sum / (double)count : NAN;
}
