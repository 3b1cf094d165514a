/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/list.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "meter/driver.h"

/* In this order among meters of the same worth: instruments before what the machine says
 * of itself. */
static const struct meter_driver *const table[] = {
	&meter_wattsup, &meter_usbtmc, &meter_mcp39f511n, &meter_pzem,
	&meter_fnb58,   &meter_hwmon,  &meter_rapl,       &meter_rapl_perf,
	&meter_command, &meter_replay, &meter_emulated,
};
enum { TABLE_COUNT = sizeof table / sizeof table[0] };

static const struct rootfs real_root = { .prefix = (char[]){ "" } };

struct meter_place meter_place_of(const struct meter_place *place)
{
	struct meter_place filled = place ? *place : (struct meter_place){ 0 };

	if (!filled.root)
		filled.root = &real_root;
	if (!(filled.speed > 0))
		filled.speed = 1;
	return filled;
}

const struct meter_driver *meter_driver_at(const struct meter_place *place, unsigned index)
{
	if (index < TABLE_COUNT)
		return table[index];
	for (unsigned i = 0; place && place->more && place->more[i]; i++)
		if (i == index - TABLE_COUNT)
			return place->more[i];
	return NULL;
}

struct meter_kind meter_kind_at(const struct meter_place *place, unsigned index)
{
	const struct meter_driver *driver = meter_driver_at(place, index);

	if (!driver)
		return (struct meter_kind){ 0 };
	return (struct meter_kind){
		.name = driver->name,
		.sentence = driver->sentence,
		.address = driver->address,
		.is_by_choice = driver->by_choice_only,
	};
}

void meter_about_init(struct meter_about *about, const struct meter_driver *driver)
{
	*about = (struct meter_about){
		.range_w = NAN,
		.resolution_w = NAN,
		.accuracy_percent = NAN,
		.interval_s = NAN,
		.window_s = NAN,
		.speed = 1,
	};
	snprintf(about->driver, sizeof about->driver, "%s", driver->name);
	snprintf(about->address, sizeof about->address, "%s", driver->name);
}

struct meter_about *meter_list_add(struct meter_list *list, const struct meter_driver *driver)
{
	struct meter_about *about = MEMORY_APPEND(list);

	if (about)
		meter_about_init(about, driver);
	return about;
}

void meter_list_clear(struct meter_list *list)
{
	free(list->items);
	*list = (struct meter_list){ 0 };
}

int meter_list(const struct meter_place *place, struct meter_list *list)
{
	struct meter_place filled = meter_place_of(place);
	const struct meter_driver *driver;
	int result = 0;

	for (unsigned i = 0; !result && (driver = meter_driver_at(&filled, i)); i++)
		if (driver->list)
			result = driver->list(&filled, list);
	return result;
}

struct meter_reading meter_reading_of(double power_w)
{
	return (struct meter_reading){
		.time_ns = clock_now_ns(),
		.power_w = power_w,
		.energy_j = NAN,
	};
}

struct meter_reading meter_reading_none(unsigned flags)
{
	struct meter_reading reading = meter_reading_of(NAN);

	reading.flags = flags;
	return reading;
}
