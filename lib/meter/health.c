/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/health.h"

#include <math.h>
#include <string.h>

#define RANGE_MARGIN 1.5
#define LATE_INTERVALS 2.5
#define FROZEN_READINGS 20
#define FROZEN_S 20.0
#define FINE_STEPS 200.0
#define COARSE_W 1.0
/* To learn a resolution. */
#define ENOUGH_STEPS 3
#define FINE_DIGITS_W 0.01
#define FINEST_DIGITS_W 1e-6
#define DIGITS_TOLERANCE 1e-9 /* of what was scaled, such as 123400 mW */

void meter_health_init(struct meter_health *health, const struct meter_about *about)
{
	*health = (struct meter_health){
		.range_w = about->range_w,
		.resolution_w = about->resolution_w,
		.interval_s = about->interval_s,
		.speed = about->speed > 0 ? about->speed : 1,
		.may_be_zero = about->has_scope &&
			       (about->scope == SCOPE_RAIL || about->scope == SCOPE_DC),
		.step_w = INFINITY,
		.is_learning = isnan(about->resolution_w) && !about->emulated,
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

static bool is_multiple(double value, double step)
{
	double steps = value / step;

	return fabs(steps - round(steps)) <= DIGITS_TOLERANCE * steps;
}

/* The coarsest of 1, 0.1, 0.01... and of 1, 1/2, 1/4... W that a positive value is a multiple of.
 */
static double digits_step_w(double power_w)
{
	double decimal_w = 1, binary_w = 1;

	while (decimal_w > FINEST_DIGITS_W && !is_multiple(power_w, decimal_w))
		decimal_w /= 10;
	while (binary_w > decimal_w && !is_multiple(power_w, binary_w))
		binary_w /= 2;
	return fmax(decimal_w, binary_w);
}

static void learn_step(struct meter_health *health, double power_w)
{
	if (health->same_count == 0 || !health->is_learning)
		return;
	health->step_w = fmin(health->step_w, fabs(power_w - health->same_w));
	if (health->step_count < ENOUGH_STEPS)
		health->step_count++;
}

/* NaN = unknown. */
static double resolution_w(const struct meter_health *health, double power_w)
{
	double digits_w;

	if (!health->is_learning)
		return health->resolution_w;
	if (health->step_count >= ENOUGH_STEPS)
		return health->step_w;
	digits_w = digits_step_w(power_w);
	return digits_w <= FINE_DIGITS_W * (1 + DIGITS_TOLERANCE) ? digits_w : NAN;
}

/* Comparisons with an unknown resolution are false. */
static bool is_fine(const struct meter_health *health, double power_w)
{
	double step_w = resolution_w(health, power_w);

	return step_w < COARSE_W * (1 - DIGITS_TOLERANCE) && power_w > FINE_STEPS * step_w;
}

/* What has no value neither ends a run of equal ones nor belongs to it. */
static void check_frozen(struct meter_health *health, struct meter_reading *reading)
{
	if (isnan(reading->power_w))
		return;
	if (health->same_count == 0 ||
	    memcmp(&reading->power_w, &health->same_w, sizeof health->same_w) != 0) {
		learn_step(health, reading->power_w);
		health->same_w = reading->power_w;
		health->same_since_ns = reading->time_ns;
		health->same_count = 0;
	}
	health->same_count++;
	if (health->same_count >= FROZEN_READINGS &&
	    seconds(health, health->same_since_ns, reading->time_ns) >= FROZEN_S &&
	    is_fine(health, reading->power_w))
		reading->flags |= METER_FROZEN;
}

void meter_health_check(struct meter_health *health, struct meter_reading *reading)
{
	check_value(health, reading);
	check_gap(health, reading);
	check_frozen(health, reading);
}
