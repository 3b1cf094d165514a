/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/thermal.h"

#include <math.h>

double thermal_steady_c(const struct thermal *thermal, double power_w)
{
	return thermal->t0_c - thermal->c1 * power_w / thermal->c2;
}

double thermal_after_c(const struct thermal *thermal, double from_c, double power_w, double seconds)
{
	double steady = thermal_steady_c(thermal, power_w);

	/* The solution of the linear equation; expm1 keeps short steps exact. */
	return from_c + (from_c - steady) * expm1(thermal->c2 * seconds);
}

double thermal_power_w(const struct thermal *thermal, double steady_c)
{
	return (thermal->t0_c - steady_c) * thermal->c2 / thermal->c1;
}
