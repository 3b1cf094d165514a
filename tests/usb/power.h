/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * power.h - the power behind an emulated meter, and what its measuring does to it.
 *
 * The meter's clock ("model time") starts when the rig does and runs `speed`
 * times as fast as CLOCK_MONOTONIC; with a plant it is the plant's. A meter
 * measures at multiples of its interval: the k-th figure is the mean over
 * [k * interval - lag - window, k * interval - lag), times noise. Noise and
 * outliers are functions of the seed and k alone, so that asking twice within one
 * interval gives the same figure.
 */
#ifndef VMENERGY_TESTS_USB_POWER_H
#define VMENERGY_TESTS_USB_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* The square wave: so many watts for one second of model time, then so many for the next. */
enum { POWER_LOW_W = 100, POWER_HIGH_W = 150 };

struct power_settings {
	const char *plant_path; /* NULL: the square wave */
	double speed;           /* of the square wave; a plant has its own */
	double noise;           /* standard deviation, a fraction of the figure */
	double outliers;        /* fraction of figures that are off by 20 to 60 % */
	double lag_s;           /* model time */
	double window_s;        /* model time; NaN: the meter's own; 0: an instant */
	uint64_t seed;
};

/* How a model measures. */
struct power_view {
	double interval_s;
	double window_s;
	double square_scale; /* of the square wave, for a meter of small loads */
};

struct power;

struct power *power_new(const struct power_settings *settings); /* aborts without memory */
void power_free(struct power *power);

/* False while the plant's file is not there: a meter then has no figures. */
bool power_ready(struct power *power);
/* The following need power_ready(). */
double power_speed(const struct power *power);
uint64_t power_time_ns(const struct power *power);
/* The last multiple of the interval that is over. */
uint64_t power_index(const struct power *power, const struct power_view *view);
double power_measure_w(const struct power *power, const struct power_view *view, uint64_t index);

/* splitmix64 (Steele, Lea, Flood 2014): the next of a sequence. */
uint64_t power_random(uint64_t *state);

#endif
