/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/usb/power.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "meter/plant.h"

enum { PLANT_RETRY_MS = 10 };

struct power {
	struct power_settings settings;
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	struct plant *plant;
	uint64_t retry_ns; /* CLOCK_MONOTONIC: not before, for the plant's file */
};

struct power *power_new(const struct power_settings *settings)
{
	struct power *power = calloc(1, sizeof *power);

	if (!power)
		abort();
	power->settings = *settings;
	power->start_ns = clock_now_ns();
	return power;
}

void power_free(struct power *power)
{
	if (power && power->plant)
		plant_close(power->plant);
	free(power);
}

bool power_ready(struct power *power)
{
	uint64_t now_ns;

	if (!power->settings.plant_path || power->plant)
		return true;
	now_ns = clock_now_ns();
	if (now_ns < power->retry_ns)
		return false;
	power->retry_ns = now_ns + PLANT_RETRY_MS * 1000000ull;
	return plant_open(&power->plant, power->settings.plant_path, NULL) == 0;
}

double power_speed(const struct power *power)
{
	return power->plant ? plant_speed(power->plant) : power->settings.speed;
}

uint64_t power_time_ns(const struct power *power)
{
	uint64_t now_ns = clock_now_ns();

	if (power->plant)
		return plant_time_ns(power->plant, now_ns);
	return (uint64_t)((double)(now_ns - power->start_ns) * power->settings.speed);
}

uint64_t power_index(const struct power *power, const struct power_view *view)
{
	return (uint64_t)((double)power_time_ns(power) / (view->interval_s * 1e9));
}

/* Energy of the square wave from 0 to time_s. */
static double square_j(double time_s)
{
	double whole_s = floor(time_s), rest_s = time_s - whole_s;
	double pairs = floor(whole_s / 2);
	bool high = whole_s - 2 * pairs > 0;

	return pairs * (POWER_LOW_W + POWER_HIGH_W) +
	       (high ? POWER_LOW_W + rest_s * POWER_HIGH_W : rest_s * POWER_LOW_W);
}

static double square_w(double from_s, double to_s)
{
	if (to_s > from_s)
		return (square_j(to_s) - square_j(from_s)) / (to_s - from_s);
	return fmod(floor(to_s), 2) > 0 ? POWER_HIGH_W : POWER_LOW_W;
}

static double mean_w(const struct power *power, const struct power_view *view, uint64_t index)
{
	double window_s =
		isnan(power->settings.window_s) ? view->window_s : power->settings.window_s;
	double to_s = fmax((double)index * view->interval_s - power->settings.lag_s, 0);
	double from_s = fmax(to_s - window_s, 0);

	if (!power->plant)
		return square_w(from_s, to_s) * view->square_scale;
	/* A plant knows means only: an instant is a thousandth of a second. */
	if (to_s - from_s < 1e-3)
		to_s = from_s + 1e-3;
	return plant_power_w(power->plant, (uint64_t)(from_s * 1e9), (uint64_t)(to_s * 1e9));
}

uint64_t power_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* In (0, 1]. */
static double random_fraction(uint64_t *state)
{
	return ((double)(power_random(state) >> 11) + 1) * 0x1p-53;
}

double power_measure_w(const struct power *power, const struct power_view *view, uint64_t index)
{
	const struct power_settings *settings = &power->settings;
	uint64_t state = settings->seed * 0x2545f4914f6cdd1d + index;
	/* Box and Muller: one normal deviate of two uniform ones. */
	double radius = sqrt(-2 * log(random_fraction(&state)));
	double factor = 1 + settings->noise * radius * cos(2 * M_PI * random_fraction(&state));
	double spike = 0.2 + 0.4 * random_fraction(&state);

	if (random_fraction(&state) <= settings->outliers)
		factor *= random_fraction(&state) < 0.5 ? 1 - spike : 1 + spike;
	return mean_w(power, view, index) * factor;
}
