/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * meter.h - a power meter on the plant: means over a window that come late, with
 * noise, in steps; and everything that goes wrong with meters. Readings pass the checks of all
 * meters (lib/meter/health.h) and are compared with what the model said of the same time.
 */
#ifndef VMENERGY_TESTS_SIM_METER_H
#define VMENERGY_TESTS_SIM_METER_H

#include "meter/health.h"
#include "tests/sim/plant.h"

enum sim_meter_kind {
	METER_NONE,
	METER_WALL, /* 0.1 W steps, noise, lag, window */
	METER_RAPL, /* an energy counter of 61 uJ and 32 bits */
};
enum sim_trouble { TROUBLE_NONE, TROUBLE_STALE, TROUBLE_FROZEN, TROUBLE_NAN };

struct sim_meter_options {
	enum sim_meter_kind kind;
	double interval_s, jitter_s, noise; /* noise: standard deviation, a fraction */
	double lag_s, window_s;             /* true */
	double known_lag_s, known_window_s; /* as the weights file says */
	enum sim_trouble trouble;
	double trouble_from_s, trouble_to_s;
	double nan_part; /* of readings, at random, all the time */
};

enum { SIM_MODELLED = 64 };

struct sim_meter {
	struct sim_meter_options options;
	struct sim_random random;
	struct meter_health health;
	double due_s, frozen_w;
	uint32_t last_raw;
	double last_s; /* of the last reading; NaN = none */
	struct {       /* what the model said: the last ticks, a ring */
		double begin_s, end_s, host_w;
	} modelled[SIM_MODELLED];
	size_t modelled_count;
	double sum_w, sum_modelled_w; /* readings since the last match */
	unsigned count;
};

void sim_meter_open(struct sim_meter *meter, const struct sim_meter_options *options,
		    uint64_t seed);
/* What the model says of [begin, end): before the readings of that time are matched. */
void sim_meter_model(struct sim_meter *meter, double begin_s, double end_s, double host_w);
/* Readings that have come due up to now; their mean and the model's. NaN = nothing new. */
void sim_meter_match(struct sim_meter *meter, const struct sim_plant *plant, double *metered_w,
		     double *modelled_w);

#endif
