/* SPDX-License-Identifier: GPL-3.0-or-later */
/* points-voltage.h - the frequencies at which weights that go with voltage^2 are written. */
#ifndef VMENERGY_CALIBRATE_FIT_POINTS_VOLTAGE_H
#define VMENERGY_CALIBRATE_FIT_POINTS_VOLTAGE_H

#include "calibrate/fit/points.h"

/*
 * Points of the trace's frequencies (some rows have one), each with the voltage that rows have
 * there, which is interpolated where it changes with the clock. As many as there are, or where
 * they are too many to be told apart the lowest, the highest and some between. All rows with a
 * voltage serve. 0 or -ENOMEM.
 */
int points_by_voltage(struct points *points, const struct trace *trace);

#endif
