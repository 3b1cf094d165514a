/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "meter/emulated-code.h"
#include "meter/meter.h"
#include "meter/plant.h"

static void refused(const char *address, const char *needle)
{
	struct emulated_settings settings;
	struct error error = { "" };
	int result = emulated_parse(address, &settings, &error);

	UNIT_TRUE(result == -EINVAL || result == -ERANGE);
	UNIT_CONTAINS(needle, error.text);
}

static void test_address(void)
{
	struct emulated_settings settings;

	UNIT_EQUAL_I64(0, emulated_parse("/tmp/plant", &settings, NULL));
	UNIT_EQUAL_TEXT("/tmp/plant", settings.path);
	UNIT_EQUAL_DOUBLE(0, settings.noise, 0);
	UNIT_EQUAL_DOUBLE(0, settings.lag_s, 0);
	UNIT_EQUAL_DOUBLE(1, settings.window_s, 0);
	UNIT_EQUAL_I64(0,
		       emulated_parse("p?noise=2.5%&lag=800ms&window=2s&seed=9", &settings, NULL));
	UNIT_EQUAL_TEXT("p", settings.path);
	UNIT_EQUAL_DOUBLE(0.025, settings.noise, 1e-12);
	UNIT_EQUAL_DOUBLE(0.8, settings.lag_s, 1e-12);
	UNIT_EQUAL_DOUBLE(2, settings.window_s, 0);
	UNIT_EQUAL_U64(9, settings.seed);
	refused(NULL, "which plant");
	refused("?noise=1%", "which plant");
	refused("p?noise", "OPTION=VALUE");
	refused("p?noise=2", "noise");
	refused("p?lag=2h", "lag");
	refused("p?window=0s", "window");
	refused("p?seed=-1", "seed=-1");
	refused("p?colour=red", "colour=red");
}

static void test_normal(void)
{
	const unsigned count = 20000;
	uint64_t state = 1;
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < count; i++) {
		double value = emulated_normal(&state);

		sum += value;
		squares += value * value;
	}
	/* Standard errors are 0.007 and 0.01. */
	UNIT_TRUE(fabs(sum / count) < 0.03);
	UNIT_TRUE(fabs(squares / count - 1) < 0.04);
}

static struct meter *open_meter(const char *options)
{
	struct error error = { "" };
	struct meter *meter;
	char spec[256];

	snprintf(spec, sizeof spec, "emulated:%s/plant%s", unit_folder(), options);
	if (meter_open(&meter, spec, NULL, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return meter;
}

static struct meter_reading next(struct meter *meter)
{
	struct meter_reading reading = { .power_w = -1 };
	int result;

	/* 0: the plant is younger than the meter's lag. */
	while ((result = meter_read(meter, clock_now_ns() + UINT64_C(20000000000), &reading,
				    NULL)) == 0)
		;
	UNIT_EQUAL_I64(1, result);
	return reading;
}

static void test_plant(void)
{
	const struct plant_settings settings = { .seed = 5, .speed = 100 };
	struct meter_reading reading;
	struct error error = { "" };
	struct plant *plant = NULL;
	struct meter *meter;
	char path[128];
	uint64_t to_ns;

	snprintf(path, sizeof path, "%s/plant", unit_folder());
	if (plant_create(&plant, path, &settings, &error) ||
	    plant_run(plant, 0, "spin", 4, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	meter = open_meter("");
	UNIT_TRUE(meter_about(meter)->emulated);
	UNIT_EQUAL_TEXT("EMULATED plant (no meter)", meter_about(meter)->model);
	UNIT_EQUAL_DOUBLE(100, meter_about(meter)->speed, 0);
	for (unsigned i = 0; i < 5; i++) {
		reading = next(meter);
		to_ns = plant_time_ns(plant, reading.time_ns);
		UNIT_EQUAL_DOUBLE(
			plant_power_w(plant, to_ns > 1000000000 ? to_ns - 1000000000 : 0, to_ns),
			reading.power_w, 1e-12);
	}
	meter_close(meter);
	meter = open_meter("?lag=1s&noise=10%");
	reading = next(meter);
	to_ns = plant_time_ns(plant, reading.time_ns) - 1000000000;
	/* Six standard deviations. */
	UNIT_EQUAL_DOUBLE(
		1,
		reading.power_w /
			plant_power_w(plant, to_ns > 1000000000 ? to_ns - 1000000000 : 0, to_ns),
		0.6);
	meter_close(meter);
	plant_close(plant);
}

static void test_no_plant(void)
{
	struct error error = { "" };
	struct meter *meter;

	UNIT_EQUAL_I64(-ENOENT, meter_open(&meter, "emulated:/nonexistent", NULL, &error));
	UNIT_CONTAINS("/nonexistent", error.text);
	UNIT_EQUAL_I64(-EINVAL, meter_open(&meter, "emulated", NULL, &error));
}

int main(void)
{
	return UNIT_RUN("meter-emulated", { "an address has options", test_address },
			{ "noise is normal", test_normal },
			{ "a reading is the plant's mean power", test_plant },
			{ "without a plant there is no meter", test_no_plant });
}
