/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * emulated: watts of an emulated machine (plant.h), for trying and testing what
 * is made from a meter. Readings come at the pace of the plant's own clock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/driver.h"
#include "meter/emulated-code.h"
#include "meter/pace.h"
#include "meter/plant.h"

struct emulated {
	struct plant *plant;
	struct meter_pace pace;
	struct emulated_settings settings;
	uint64_t noise_state;
};

static void emulated_close(void *opened)
{
	struct emulated *emulated = opened;

	if (emulated->plant)
		plant_close(emulated->plant);
	free(emulated);
}

static void describe(const struct emulated *emulated, const char *address,
		     struct meter_about *about)
{
	snprintf(about->address, sizeof about->address, "emulated:%s", address);
	snprintf(about->model, sizeof about->model, "EMULATED plant (no meter)");
	snprintf(about->measures, sizeof about->measures, "an emulated machine");
	about->has_scope = true;
	about->scope = SCOPE_WALL;
	about->interval_s = about->window_s = emulated->settings.window_s;
	about->emulated = true;
	about->speed = plant_speed(emulated->plant);
	snprintf(about->worth, sizeof about->worth,
		 "no machine's power at all: to try a program, nothing else");
}

static int emulated_open(void **state, const char *address, const struct meter_place *place,
			 struct meter_about *about, struct error *error)
{
	struct emulated *emulated = calloc(1, sizeof *emulated);
	int result;

	(void)place;
	if (!emulated)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	result = emulated_parse(address, &emulated->settings, error);
	if (!result)
		result = plant_open(&emulated->plant, emulated->settings.path, error);
	if (result) {
		emulated_close(emulated);
		return result;
	}
	describe(emulated, address, about);
	emulated->noise_state = emulated->settings.seed;
	meter_pace_start(&emulated->pace, about->interval_s / about->speed);
	*state = emulated;
	return 0;
}

static uint64_t before(uint64_t time_ns, double seconds)
{
	uint64_t ns = (uint64_t)(seconds * 1e9);

	return time_ns > ns ? time_ns - ns : 0;
}

static int emulated_read(void *opened, uint64_t deadline_ns, struct meter_reading *reading,
			 struct error *error)
{
	struct emulated *emulated = opened;
	uint64_t to_ns, from_ns;
	double power_w;

	(void)error;
	if (!meter_pace_wait(&emulated->pace, deadline_ns))
		return 0;
	*reading = meter_reading_of(0);
	to_ns = before(plant_time_ns(emulated->plant, reading->time_ns), emulated->settings.lag_s);
	from_ns = before(to_ns, emulated->settings.window_s);
	/* Lag, and the plant is not that old: there was nothing to measure yet. */
	if (from_ns == to_ns)
		return 0;
	power_w = plant_power_w(emulated->plant, from_ns, to_ns);
	if (emulated->settings.noise > 0)
		power_w *= 1 + emulated->settings.noise * emulated_normal(&emulated->noise_state);
	reading->power_w = power_w;
	return 1;
}

const struct meter_driver meter_emulated = {
	.name = "emulated",
	.sentence = "an emulated machine's power, for trying programs (no physical meter)",
	.address = "FILE[?noise=1%&lag=0.8s&window=1s&seed=N]",
	.open = emulated_open,
	.read = emulated_read,
	.close = emulated_close,
	.by_choice_only = true,
};
