/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One slope K of the whole host, from a meter: what the domains' CPUs really
 * cost over what the account says (model.md 7). The only state of the host's
 * loop; it moves on fresh figures alone, so that nothing winds up.
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define SLOPE_LEAST 0.25
#define SLOPE_MOST 4.0
#define GAIN_LARGE 0.7
#define GAIN_SMALL 0.5
#define GAIN_LEAST 0.04
#define BIAS_GAIN 0.15
#define BIASED 0.85 /* three standard deviations of such a mean */
#define BIASED_UPDATES 5
#define IN_FLIGHT_MOST 2 /* decisions in a row; where some limit always is, still learn */
#define LARGE_ONCE 0.25
#define LARGE_TWICE 0.10
#define MARGIN 0.01
#define MARGIN_UNSTATED 0.10 /* without a meter, and weights that state no error */
#define MARGIN_PER_S 0.10
#define MARGIN_STALE_MOST 0.50
#define MARGIN_RETURN 0.08 /* per decision, so that a meter's return is no step */
#define DECAY_AFTER_S 30.0
#define DECAY_S 60.0
#define ACTIVE_LEAST 0.02 /* of the host's power: less says nothing of K */
#define NOISE_FIRST 0.005 /* of a meter's figures */
#define NOISE_GAIN 0.1
#define NOISE_OF_STEPS 0.886 /* sqrt(pi) / 2: standard deviation over the mean of steps */
#define CLEAR 10.0           /* so many times the noise says all that a figure can say */
#define WEIGHT_LEAST 0.05

static bool is_plausible(const struct policy_host *host)
{
	return isfinite(host->metered_w) && isfinite(host->modelled_w) && host->metered_w > 0 &&
	       host->metered_w > 0.1 * host->modelled_w && host->metered_w < 10 * host->modelled_w;
}

static void learn_interval(struct host_memory *memory)
{
	memory->intervals[0] = memory->intervals[1];
	memory->intervals[1] = memory->intervals[2];
	memory->intervals[2] = memory->age_s;
}

/* How often a meter speaks that is well: one outage does not make it a slow one. */
static double usual_interval_s(const struct host_memory *memory, double dt_s)
{
	double least = fmin(fmin(memory->intervals[0], memory->intervals[1]), memory->intervals[2]);

	return fmax(dt_s, least);
}

/* `noise`: of such a figure, by the meter's. */
static double gain_for(struct host_memory *memory, double inn, double noise)
{
	double limit = fmax(LARGE_TWICE, 3 * fmax(memory->noise, noise));
	double once = fmax(LARGE_ONCE, 4 * noise);
	bool twice =
		fabs(inn) > limit && fabs(memory->last_inn) > limit && inn * memory->last_inn > 0;

	memory->last_inn = inn;
	if (fabs(inn) > once || twice) {
		memory->updates = 1;
		memory->bias = 0;
		return GAIN_LARGE;
	}
	/* 1.25: the standard deviation over the mean of magnitudes. */
	memory->noise += 0.1 * (1.25 * fabs(inn) - memory->noise);
	memory->updates++;
	/* Small ones that do not cancel out over some time: it has moved. */
	memory->bias += BIAS_GAIN * (inn - memory->bias);
	if (fabs(memory->bias) > BIASED * memory->noise && memory->updates > BIASED_UPDATES)
		memory->updates = BIASED_UPDATES;
	return fmin(GAIN_SMALL, fmax(GAIN_LEAST, 1.0 / memory->updates));
}

/* How much a figure says of K: little where the domains' power drowns in the meter's noise. That
 * shows in steps of what is left unexplained, however wrong K is. */
static double weight_of(struct host_memory *memory, double left_w, double active_w,
			double metered_w)
{
	double part;

	if (!(memory->noise_w > 0))
		memory->noise_w = NOISE_FIRST * metered_w;
	else
		memory->noise_w +=
			NOISE_GAIN *
			(NOISE_OF_STEPS * fabs(left_w - memory->last_left_w) - memory->noise_w);
	memory->last_left_w = left_w;
	part = active_w / (CLEAR * memory->noise_w);
	return fmin(1, part * part);
}

static void learn(struct decision *decision)
{
	const struct policy_host *host = &decision->in->host;
	struct host_memory *memory = &decision->policy->host;
	double others_w = host->idle_w + host->disk_w + host->service_w + host->kept_active_w;
	/* Of the time that the meter spoke of. */
	double active_w = host->modelled_w - others_w, inn, weight;

	if (!(active_w > ACTIVE_LEAST * host->modelled_w) ||
	    (host->in_flight && memory->skipped++ < IN_FLIGHT_MOST))
		return;
	memory->skipped = 0;
	inn = (host->metered_w - others_w - memory->slope * active_w) / (memory->slope * active_w);
	weight = weight_of(memory, inn * memory->slope * active_w, memory->slope * active_w,
			   host->metered_w);
	if (weight < WEIGHT_LEAST)
		return;
	memory->slope *=
		1 +
		weight * gain_for(memory, inn, memory->noise_w / (memory->slope * active_w)) * inn;
	memory->slope = fmin(fmax(memory->slope, SLOPE_LEAST), SLOPE_MOST);
}

static double margin_now(const struct decision *decision)
{
	const struct host_memory *memory = &decision->policy->host;
	double stated = fmax(MARGIN, first_known(decision->in->host.energy_error, MARGIN_UNSTATED));
	double late_s = memory->age_s - 2 * usual_interval_s(memory, decision->dt_s);

	/* One that has never spoken: no worse than none. */
	if (!decision->in->host.has_meter || !memory->ever_fresh)
		return stated;
	return MARGIN + fmin(MARGIN_STALE_MOST, MARGIN_PER_S * fmax(0, late_s));
}

void slope_update(struct decision *decision)
{
	struct host_memory *memory = &decision->policy->host;
	double margin;

	memory->age_s += decision->dt_s;
	if (decision->in->host.has_meter && is_plausible(&decision->in->host)) {
		learn_interval(memory);
		memory->age_s = 0;
		memory->ever_fresh = true;
		learn(decision);
	} else if (memory->age_s > DECAY_AFTER_S || !decision->in->host.has_meter)
		memory->slope += (1 - memory->slope) * -expm1(-decision->dt_s / DECAY_S);
	margin = fmin(0.9, margin_now(decision));
	memory->margin = decision->first ? margin : fmax(margin, memory->margin - MARGIN_RETURN);
}
