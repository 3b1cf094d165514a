/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * thermal.h - temperature as the account predicts it: dT/dt = c1 P + c2 (T - T0),
 * the constants of a weights file's [thermal].
 */
#ifndef VMENERGY_MODEL_THERMAL_H
#define VMENERGY_MODEL_THERMAL_H

struct thermal {
	double c1; /* K/J, > 0 */
	double c2; /* 1/s, < 0 */
	double t0_c;
};

/* Where it ends at constant power: t0 - c1 P / c2. */
double thermal_steady_c(const struct thermal *thermal, double power_w);
/* After `seconds` at constant power, exactly. */
double thermal_after_c(const struct thermal *thermal, double from_c, double power_w,
		       double seconds);
/* The power whose steady temperature that is. */
double thermal_power_w(const struct thermal *thermal, double steady_c);

#endif
