/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's cap that keeps the predicted temperature under its limit. */
#include "vmenergyd/policy/internal.h"

#include <math.h>

/* The limit is approached as if it were to be reached so much later: never passed, and errors
 * of the constants matter little, as the measured temperature corrects them. */
#define HORIZON_S 30.0
#define GUARD_K 0.5

double thermal_cap_w(const struct decision *decision, double power_w)
{
	const struct policy_host *host = &decision->in->host;
	struct host_memory *memory = &decision->policy->host;
	const struct thermal *thermal = &host->thermal;
	double limit_c = host->temperature_limit_c - GUARD_K, decay, steady_c;

	if (!isfinite(host->temperature_limit_c) || !(thermal->c1 > 0) || !(thermal->c2 < 0))
		return INFINITY;
	/* A sensor that is silent is followed by the model. */
	if (isfinite(host->temperature_c))
		memory->temperature_c = host->temperature_c;
	else if (!isnan(memory->temperature_c))
		memory->temperature_c =
			thermal_after_c(thermal, memory->temperature_c, power_w, decision->dt_s);
	if (isnan(memory->temperature_c))
		return fmax(0, thermal_power_w(thermal, limit_c));
	decay = -expm1(thermal->c2 * HORIZON_S);
	steady_c = memory->temperature_c + (limit_c - memory->temperature_c) / decay;
	return fmax(0, thermal_power_w(thermal, steady_c));
}
