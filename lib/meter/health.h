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
 * where the resolution is finer than 1 W and than a 200th of the value: what a meter resolves to
 * 1 W may well stand still while a machine is idle, four and more digits do not.
 *
 * A resolution that is not stated is learned: once the value has changed a few times it is taken
 * for the smallest step between two readings. Before that all there is are the digits of the value
 * itself, and they count from two decimals on: 123.456 has steps of 0.001 W, but 42.5 and 123.125
 * may be of half and eighth watts. An emulated meter's figures are a formula's, which
 * may be constant.
 */
#ifndef VMENERGY_METER_HEALTH_H
#define VMENERGY_METER_HEALTH_H

#include "meter/meter.h"

struct meter_health {
	double range_w, resolution_w, interval_s; /* NaN = unknown */
	double speed;                             /* of the clock of interval_s */
	bool may_be_zero;
	bool has_last, lost;
	uint64_t last_ns;
	/* The run of equal values that the last reading stands in. */
	double same_w;
	uint64_t same_since_ns;
	unsigned same_count; /* 0 = none */
	/* For a resolution that is not stated: the smallest step seen, of so many. */
	double step_w;
	unsigned step_count;
	bool is_learning;
};

void meter_health_init(struct meter_health *health, const struct meter_about *about);
/* Readings were lost: the next one is a METER_GAP. */
void meter_health_lost(struct meter_health *health);
/* Add the flags that the reading deserves; a figure that is none becomes NaN. */
void meter_health_check(struct meter_health *health, struct meter_reading *reading);

#endif
