/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * health.h - what can be told of a reading without knowing the machine: is it a
 * number, is it within what the meter can measure, did others get lost before it,
 * does the meter still measure at all. Pure; for lib/meter alone.
 *
 * Implausible is what is negative, beyond one and a half times the range (a
 * margin for crest and overload, which meters stand), or exactly zero: a machine that runs this
 * program draws power, and a meter says 0.0 when its range is wrong, its lead is out or its
 * figure does not fit the message. Only a rail or a DC branch may be switched off in earnest.
 *
 * Frozen is the same value bit for bit in 20 readings over 20 seconds, and only
 * where the resolution is finer than a 200th of the value: what a meter resolves to 1 W may well
 * stand still while a machine is idle, four and more digits do not.
 */
#ifndef VMENERGY_METER_HEALTH_H
#define VMENERGY_METER_HEALTH_H

#include "meter/meter.h"

struct meter_health {
	double range_w, resolution_w, interval_s; /* NaN = unknown: not judged */
	double speed;                             /* of the clock of interval_s */
	bool may_be_zero;
	bool has_last, lost;
	uint64_t last_ns;
	/* The run of equal values that the last reading stands in. */
	double same_w;
	uint64_t same_since_ns;
	unsigned same_count; /* 0 = none */
};

void meter_health_init(struct meter_health *health, const struct meter_about *about);
/* Readings were lost: the next one is a METER_GAP. */
void meter_health_lost(struct meter_health *health);
/* Add the flags that the reading deserves; a figure that is none becomes NaN. */
void meter_health_check(struct meter_health *health, struct meter_reading *reading);

#endif
