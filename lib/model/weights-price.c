/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/weights.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/weights-fields.h"

/* Between two calibrated points: their indexes and how far towards the upper one. */
struct between {
	const struct operating_point *low, *high;
	double part; /* 0..1 */
};

/* At a point the next one does not matter, not even a NaN of it. */
static double mix(double low, double high, double part)
{
	return part == 0 ? low : low + (high - low) * part;
}

static struct between locate(const struct weights *weights, double frequency_hz, unsigned *quality)
{
	const struct operating_point *first = &weights->points[0];
	const struct operating_point *last = &weights->points[weights->point_count - 1];
	struct between between = { last, last, 0 };

	if (last->frequency_hz == 0)
		return between;
	if (frequency_hz <= 0) {
		*quality |= weights->point_count > 1 ? QUALITY_ESTIMATE : 0;
		return between;
	}
	if (frequency_hz < first->frequency_hz * (1 - WEIGHTS_FREQUENCY_TOLERANCE) ||
	    frequency_hz > last->frequency_hz * (1 + WEIGHTS_FREQUENCY_TOLERANCE))
		*quality |= QUALITY_EXTRAPOLATED;
	if (frequency_hz >= last->frequency_hz)
		return between;
	between.low = between.high = first;
	for (const struct operating_point *point = first; point < last; point++)
		if (frequency_hz >= point->frequency_hz) {
			between.low = point;
			between.high = point + 1;
			between.part = (frequency_hz - point->frequency_hz) /
				       (point[1].frequency_hz - point->frequency_hz);
		}
	return between;
}

static bool counts(const struct event_set *events, const char *event)
{
	for (unsigned i = 0; i < events->count; i++)
		if (strcmp(events->names[i], event) == 0)
			return true;
	return false;
}

/* The stand-in: one price for time on a CPU, W = nJ per ns. */
static int price_time(const struct weights *weights, const struct event_set *events,
		      const struct between *at, struct price *price, struct error *error)
{
	if (isnan(at->low->on_cpu.nj))
		return error_setf(error, ENOENT, "%s: has no on-cpu price for time on a CPU",
				  weights->path);
	price->quality |= QUALITY_ESTIMATE;
	for (unsigned i = 0; i < events->count; i++) {
		if (strcmp(events->names[i], CPUTIME_EVENT) != 0)
			continue;
		price->event_nj[i] = mix(at->low->on_cpu.nj, at->high->on_cpu.nj, at->part);
		price->event_se_nj[i] =
			mix(at->low->on_cpu.se_nj, at->high->on_cpu.se_nj, at->part);
	}
	return 0;
}

static int price_events(const struct weights *weights, const struct event_set *events,
			const struct between *at, struct price *price, struct error *error)
{
	if (at->low->weight_count == 0)
		return error_setf(error, ENOENT, "%s: has no weights for events", weights->path);
	/* A priced event that nobody counts would make active energy vanish. */
	for (unsigned i = 0; i < at->low->weight_count; i++)
		if (!counts(events, at->low->weights[i].event))
			return error_setf(error, ENOENT, "%s: prices %s, which is not counted",
					  weights->path, at->low->weights[i].event);
	for (unsigned i = 0; i < events->count; i++) {
		int k = point_find_weight(at->low, events->names[i]);

		if (k < 0)
			continue;
		price->event_nj[i] = mix(at->low->weights[k].nj, at->high->weights[k].nj, at->part);
		price->event_se_nj[i] =
			mix(at->low->weights[k].se_nj, at->high->weights[k].se_nj, at->part);
	}
	return 0;
}

/* model.md 2: idle_w = base_w - P_idle of disks and network cards; w_tsc = idle_w / (cpus *
 * tsc_hz). */
static void price_idle(const struct weights *weights, unsigned cpus_present,
		       const struct between *at, struct price *price)
{
	double scale = weights->per_cpu ? cpus_present : 1;
	double cpus = weights->per_cpu ? cpus_present : weights->cpus;

	price->idle_w = mix(at->low->base_w, at->high->base_w, at->part) * scale -
			weights->disks_idle_w - weights->nics_idle_w;
	price->idle_se_w = mix(at->low->base_se_w, at->high->base_se_w, at->part) * scale;
	price->tsc_nj = NAN;
	if (weights->tsc_hz > 0 && cpus > 0)
		price->tsc_nj = price->idle_w / (cpus * weights->tsc_hz) * 1e9;
}

int weights_price(const struct weights *weights, const struct event_set *events,
		  unsigned cpus_present, double frequency_hz, struct price *price,
		  struct error *error)
{
	struct between at;

	memset(price, 0, sizeof *price);
	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		price->event_se_nj[i] = NAN;
	if (weights->kind != WEIGHTS_CPU || weights->point_count == 0)
		return error_setf(error, ENOENT, "%s: is not for a CPU", weights->path);
	if (weights->guess || weights->standing == STANDING_ESTIMATE)
		price->quality |= QUALITY_ESTIMATE;
	at = locate(weights, frequency_hz, &price->quality);
	price_idle(weights, cpus_present, &at, price);
	if (event_set_is_time(events))
		return price_time(weights, events, &at, price, error);
	return price_events(weights, events, &at, price, error);
}
