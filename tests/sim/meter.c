/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/meter.h"

#include <math.h>

#define WALL_STEP_W 0.1
#define RAPL_UNIT_J 61e-6
/* The counter stands shortly before its end, so that it wraps in every run. */
#define RAPL_BEFORE_END_J 8000

void sim_meter_open(struct sim_meter *meter, const struct sim_meter_options *options, uint64_t seed)
{
	struct meter_about about = { .range_w = 2000,
				     .resolution_w =
					     options->kind == METER_WALL ? WALL_STEP_W : NAN,
				     .interval_s = options->interval_s,
				     .speed = 1 };

	*meter = (struct sim_meter){ .options = *options,
				     .random = sim_random_stream(seed, 0x6d65746572),
				     .last_s = NAN };
	meter->due_s = sim_uniform(&meter->random, 0.5, 0.5 + options->interval_s);
	meter_health_init(&meter->health, &about);
}

void sim_meter_model(struct sim_meter *meter, double begin_s, double end_s, double host_w)
{
	size_t place = meter->modelled_count++ % SIM_MODELLED;

	meter->modelled[place].begin_s = begin_s;
	meter->modelled[place].end_s = end_s;
	meter->modelled[place].host_w = host_w;
}

/* The model's mean over [from, to); NaN where it does not cover nearly all of it. */
static double modelled_mean(const struct sim_meter *meter, double from_s, double to_s)
{
	double covered_s = 0, sum_j = 0;
	size_t count = meter->modelled_count < SIM_MODELLED ? meter->modelled_count : SIM_MODELLED;

	for (size_t i = 0; i < count; i++) {
		double begin_s = fmax(from_s, meter->modelled[i].begin_s);
		double end_s = fmin(to_s, meter->modelled[i].end_s);

		if (end_s <= begin_s || isnan(meter->modelled[i].host_w))
			continue;
		covered_s += end_s - begin_s;
		sum_j += meter->modelled[i].host_w * (end_s - begin_s);
	}
	return covered_s > 0.9 * (to_s - from_s) ? sum_j / covered_s : NAN;
}

static double read_wall(struct sim_meter *meter, const struct sim_plant *plant, double at_s)
{
	const struct sim_meter_options *options = &meter->options;
	double to_s = at_s - options->lag_s, from_s = to_s - options->window_s;
	double watts = (sim_plant_energy_at(plant, to_s) - sim_plant_energy_at(plant, from_s)) /
		       options->window_s;

	watts *= 1 + options->noise * sim_normal(&meter->random);
	return round(watts / WALL_STEP_W) * WALL_STEP_W;
}

/* NaN: the first. */
static double read_rapl(struct sim_meter *meter, const struct sim_plant *plant, double at_s)
{
	double energy_j = sim_plant_energy_at(plant, at_s);
	uint32_t raw = (uint32_t)(uint64_t)(energy_j / RAPL_UNIT_J) -
		       (uint32_t)(RAPL_BEFORE_END_J / RAPL_UNIT_J);
	double watts =
		(double)(uint32_t)(raw - meter->last_raw) * RAPL_UNIT_J / (at_s - meter->last_s);

	meter->last_raw = raw;
	return watts * (1 + meter->options.noise * sim_normal(&meter->random));
}

static bool in_trouble(const struct sim_meter *meter, enum sim_trouble trouble, double at_s)
{
	return meter->options.trouble == trouble && at_s >= meter->options.trouble_from_s &&
	       at_s < meter->options.trouble_to_s;
}

static double read_value(struct sim_meter *meter, const struct sim_plant *plant, double at_s)
{
	double watts = meter->options.kind == METER_RAPL ? read_rapl(meter, plant, at_s)
							 : read_wall(meter, plant, at_s);

	if (in_trouble(meter, TROUBLE_FROZEN, at_s))
		return meter->frozen_w;
	meter->frozen_w = watts;
	if (in_trouble(meter, TROUBLE_NAN, at_s) ||
	    sim_uniform(&meter->random, 0, 1) < meter->options.nan_part)
		return NAN;
	return watts;
}

static void take_reading(struct sim_meter *meter, const struct sim_plant *plant, double at_s)
{
	const struct sim_meter_options *options = &meter->options;
	double to_s = at_s - options->known_lag_s, from_s = to_s - options->known_window_s;
	struct meter_reading reading = { .time_ns = (uint64_t)(at_s * 1e9),
					 .power_w = read_value(meter, plant, at_s),
					 .energy_j = NAN };
	double modelled_w;

	if (options->kind == METER_RAPL)
		from_s = meter->last_s;
	meter->last_s = at_s;
	if (in_trouble(meter, TROUBLE_STALE, at_s)) {
		meter_health_lost(&meter->health);
		return;
	}
	meter_health_check(&meter->health, &reading);
	modelled_w = modelled_mean(meter, from_s, to_s);
	if (isnan(reading.power_w) || isnan(modelled_w) ||
	    (reading.flags & (METER_FROZEN | METER_GAP)))
		return;
	meter->sum_w += reading.power_w;
	meter->sum_modelled_w += modelled_w;
	meter->count++;
}

void sim_meter_match(struct sim_meter *meter, const struct sim_plant *plant, double *metered_w,
		     double *modelled_w)
{
	const struct sim_meter_options *options = &meter->options;
	double now_s = sim_plant_seconds(plant);

	meter->sum_w = meter->sum_modelled_w = 0;
	meter->count = 0;
	while (options->kind != METER_NONE && meter->due_s <= now_s) {
		take_reading(meter, plant, meter->due_s);
		meter->due_s += options->interval_s +
				sim_uniform(&meter->random, -options->jitter_s, options->jitter_s);
	}
	*metered_w = meter->count ? meter->sum_w / meter->count : NAN;
	*modelled_w = meter->count ? meter->sum_modelled_w / meter->count : NAN;
}
