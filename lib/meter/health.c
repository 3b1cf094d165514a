/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/health.h"

#include <math.h>
#include <string.h>

#define RANGE_MARGIN 1.5
#define LATE_INTERVALS 2.5
#define FROZEN_READINGS 20
#define FROZEN_S 20.0
#define FINE_STEPS 200.0

void meter_health_init(struct meter_health *health, const struct meter_about *about)
{
	*health = (struct meter_health){
		.range_w = about->range_w,
		.resolution_w = about->resolution_w,
		.interval_s = about->interval_s,
		.speed = about->speed > 0 ? about->speed : 1,
		.may_be_zero = about->has_scope &&
			       (about->scope == SCOPE_RAIL || about->scope == SCOPE_DC),
	};
}

void meter_health_lost(struct meter_health *health)
{
	health->lost = health->has_last;
}

static double seconds(const struct meter_health *health, uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) * 1e-9 * health->speed : 0;
}

/* Comparisons with an unknown (NaN) limit are false, which is what is wanted. */
static bool is_implausible(const struct meter_health *health, double power_w)
{
	return !isfinite(power_w) || power_w < 0 || power_w > RANGE_MARGIN * health->range_w ||
	       (!(power_w > 0) && !health->may_be_zero);
}

static void check_value(const struct meter_health *health, struct meter_reading *reading)
{
	const unsigned none = METER_DAMAGED | METER_OVERRANGE | METER_IMPLAUSIBLE;

	if (isnan(reading->power_w) && !(reading->flags & none))
		reading->flags |= METER_DAMAGED;
	if (!(reading->flags & none) && is_implausible(health, reading->power_w))
		reading->flags |= METER_IMPLAUSIBLE;
	if (reading->flags & none)
		reading->power_w = reading->energy_j = NAN;
}

static void check_gap(struct meter_health *health, struct meter_reading *reading)
{
	if (health->lost ||
	    (health->has_last && seconds(health, health->last_ns, reading->time_ns) >
					 LATE_INTERVALS * health->interval_s)) {
		reading->flags |= METER_GAP;
		health->same_count = 0;
	}
	health->lost = false;
	health->has_last = true;
	health->last_ns = reading->time_ns;
}

/* What has no value neither ends a run of equal ones nor belongs to it. */
static void check_frozen(struct meter_health *health, struct meter_reading *reading)
{
	if (isnan(reading->power_w))
		return;
	if (health->same_count == 0 ||
	    memcmp(&reading->power_w, &health->same_w, sizeof health->same_w) != 0) {
		health->same_w = reading->power_w;
		health->same_since_ns = reading->time_ns;
		health->same_count = 0;
	}
	health->same_count++;
	if (health->same_count >= FROZEN_READINGS &&
	    seconds(health, health->same_since_ns, reading->time_ns) >= FROZEN_S &&
	    reading->power_w > FINE_STEPS * health->resolution_w)
		reading->flags |= METER_FROZEN;
}

void meter_health_check(struct meter_health *health, struct meter_reading *reading)
{
	check_value(health, reading);
	check_gap(health, reading);
	check_frozen(health, reading);
}
