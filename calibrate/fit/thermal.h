/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * thermal.h - dT/dt = c1 P + c2 (T - T0) from a heating and a cooling run, pure.
 */
#ifndef VMENERGY_CALIBRATE_FIT_THERMAL_H
#define VMENERGY_CALIBRATE_FIT_THERMAL_H

#include <stddef.h>

#include "base/error.h"
#include "model/thermal.h"

struct thermal_row {
	double time_s, power_w, temperature_c;
};

struct thermal_fit {
	struct thermal constants;
	double c1_se, c2_se, t0_se_c; /* NaN = unknown */
	double rmse_c;                /* of the simulated temperature against the measured one */
	double time_constant_s;       /* -1 / c2 */
	double steady_c, steady_se_c; /* at the highest power seen, spikes aside */
	struct error_list warnings;   /* never cooled, sensor steps, power did not change */
};

/*
 * Temperatures are steps of a whole degree, so that differences are useless: the
 * simulated course is fitted, by least squares over (c1, c2, t0) and the first temperature.
 * 0, -EINVAL with text (fewer than 20 rows, no change of temperature), -ENOMEM.
 */
int thermal_fit_solve(const struct thermal_row *rows, size_t count, struct thermal_fit *fit,
		      struct error *error);
void thermal_fit_clear(struct thermal_fit *fit);

#endif
