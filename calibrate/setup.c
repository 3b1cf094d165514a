/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/setup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "calibrate/command.h"
#include "calibrate/meters.h"
#include "calibrate/setup-about.h"
#include "calibrate/workload/placement.h"
#include "meter/plant.h"

static const char emulated[] = "emulated";

/* --- the emulated machine --------------------------------------------------------------------- */

struct place { /* of a plant that nobody named */
	char folder[32];
	char path[48];
};

static void remove_place(const struct place *place)
{
	if (place->path[0])
		unlink(place->path);
	if (place->folder[0])
		rmdir(place->folder);
}

static int make_plant(struct place *place, uint64_t seed, struct error *error)
{
	const struct plant_settings settings = { .seed = seed, .speed = SETUP_PLANT_SPEED };
	struct plant *plant;
	int result;

	strcpy(place->folder, "/tmp/calibrate-XXXXXX");
	if (!mkdtemp(place->folder)) {
		place->folder[0] = '\0';
		return error_setf(error, errno, "/tmp: %s", strerror(errno));
	}
	snprintf(place->path, sizeof place->path, "%s/plant", place->folder);
	result = plant_create(&plant, place->path, &settings, error);
	if (!result)
		plant_close(plant);
	return result;
}

/* "emulated", or "emulated:?noise=1%": of the plant that is there anyway. */
static bool is_of_any_plant(const char *meter)
{
	const char *behind = meter + strlen(emulated);

	return strncmp(meter, emulated, strlen(emulated)) == 0 &&
	       (!*behind || strcmp(behind, ":") == 0 || strncmp(behind, ":?", 2) == 0);
}

/* --- meter and counters -------------------------------------------------------------------------
 */

static int open_counters(struct setup *setup, const struct setup_options *options,
			 const char *plant, struct error *error)
{
	struct text spec = { 0 };
	int result;

	if (plant && strcmp(options->counters, "auto") != 0)
		return error_setf(error, EINVAL,
				  "counters %s: an emulated machine has its own (--plant, or the "
				  "meter `emulated')",
				  options->counters);
	text_addf(&spec, plant ? "emulated:%s" : "%s", plant ? plant : options->counters);
	result = spec.failed ? error_setf(error, ENOMEM, "counters: out of memory")
			     : counters_open(&setup->counters, spec.bytes, &setup->root, error);
	text_free(&spec);
	return result;
}

/* What a meter of the emulated machine does where nobody says: as a real one would. */
static const char as_a_meter[] = "?noise=1%&lag=0.8s";

static int open_meter(struct setup *setup, const struct setup_options *options, const char *plant,
		      struct error *error)
{
	const struct meter_place place = {
		.root = &setup->root,
		.speed = plant ? plant_speed(counters_plant(setup->counters)) : 1,
		.more = calibrate_meters,
	};
	bool any = is_of_any_plant(options->meter);
	struct text spec = { 0 };
	int result;

	if (plant && (any || strcmp(options->meter, "auto") == 0))
		text_addf(&spec, "emulated:%s%s", plant, strchr(options->meter, '?') ?: as_a_meter);
	else
		text_add(&spec, options->meter);
	result = spec.failed ? error_setf(error, ENOMEM, "meter: out of memory")
			     : meter_open(&setup->meter, spec.bytes, &place, error);
	text_free(&spec);
	return result;
}

static int open_both(struct setup *setup, const struct setup_options *options, struct error *error)
{
	const char *plant = options->plant;
	struct place place = { .path = "" };
	int result = 0;

	if (!plant && is_of_any_plant(options->meter)) {
		result = make_plant(&place, options->seed, error);
		plant = place.path;
	}
	if (!result)
		result = open_counters(setup, options, plant, error);
	if (!result)
		result = open_meter(setup, options, plant, error);
	remove_place(&place);
	return result;
}

/* --- the machine
 * ---------------------------------------------------------------------------------- */

static int parse_frequencies(struct setup *setup, const char *list, struct error *error)
{
	const struct frequencies *all = &setup->frequencies;
	uint64_t chosen[64] = { 0 };
	size_t count = 0;
	char word[32];

	for (const char *at = list, *end; at; at = *end ? end + 1 : NULL) {
		double hz;

		end = strchrnul(at, ',');
		snprintf(word, sizeof word, "%.*s", (int)(end - at), at);
		if (unit_parse(QUANTITY_FREQUENCY, word, (double)all->items[0],
			       (double)all->items[all->count - 1], &hz, error))
			return error_prefixf(error, -EINVAL, "frequencies");
		if (count == sizeof chosen / sizeof *chosen || count == all->capacity)
			return error_setf(error, EINVAL, "frequencies: at most %zu", count);
		chosen[count++] = (uint64_t)llrint(hz);
	}
	memcpy(setup->frequencies.items, chosen, count * sizeof *chosen);
	setup->frequencies.count = count;
	return 0;
}

static int choose_frequencies(struct setup *setup, const char *list, struct error *error)
{
	int result;

	if (!list || strcmp(list, "governor") == 0)
		return 0;
	if (setup->machine.emulated)
		return error_setf(error, ENOTSUP, "frequencies: the emulated machine has one");
	result = frequency_list(&setup->frequencies, &setup->root, error);
	if (!result && strcmp(list, "all") != 0)
		result = parse_frequencies(setup, list, error);
	if (result)
		return result;
	setup->machine.frequencies_hz = setup->frequencies.items;
	setup->machine.frequency_count = (unsigned)setup->frequencies.count;
	return 0;
}

static int describe_machine(struct setup *setup, struct error *error)
{
	const struct plant *plant = counters_plant(setup->counters);
	struct placement_cpus cpus = { 0 };
	int result = 0;

	if (plant) {
		unsigned count = plant_cpus(plant);

		setup->machine = (struct suite_machine){
			.cpus = count, .cores = (count + 1) / 2, .packages = 1, .emulated = true
		};
		return 0;
	}
	result = placement_read(&cpus, &setup->root, error);
	setup->machine = (struct suite_machine){ .cpus = (unsigned)cpus.count,
						 .cores = cpus.cores,
						 .packages = cpus.packages };
	placement_clear(&cpus);
	return result;
}

/* --- all of it
 * -------------------------------------------------------------------------------------- */

int setup_open(struct setup *setup, const struct setup_options *options, struct session *session,
	       struct error *error)
{
	int result;

	*setup = (struct setup){ 0 };
	*session = (struct session){ 0 };
	trace_about_init(&session->about);
	result = rootfs_open(&setup->root, options->root, error);
	if (!result)
		result = open_both(setup, options, error);
	if (!result)
		result = describe_machine(setup, error);
	if (!result)
		result = choose_frequencies(setup, options->frequencies, error);
	if (!result)
		result = setup_describe(setup, options, session, error);
	if (result) {
		setup_close(setup);
		session_clear(session);
	}
	return result;
}

void setup_close(struct setup *setup)
{
	if (setup->meter)
		meter_close(setup->meter);
	counters_close(setup->counters);
	frequency_list_clear(&setup->frequencies);
	error_list_clear(&setup->warnings);
	rootfs_close(&setup->root);
	*setup = (struct setup){ 0 };
}
