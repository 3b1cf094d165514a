/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * freq-heat.c - temperatures of the CPU (Documentation/hwmon/sysfs-interface.rst,
 * Documentation/driver-api/thermal/sysfs-api.rst), in thousandths of a degree.
 *
 * A chip is one hwmon device or one thermal zone. Nothing names the package of
 * each: chips of one driver come in the order of their packages, where there are
 * as many of them, or some multiple (a die each).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "model/sample.h"
#include "probe/freq-parts.h"

#define HWMON_FOLDER "/sys/class/hwmon"
#define THERMAL_FOLDER "/sys/class/thermal"

enum { INPUTS_MAX = 160 }; /* of a chip: coretemp numbers its cores from 2 on */

/* Drivers that measure a CPU, the best first; of each, which of its inputs: the first label that
 * there is, "" = the input without one. */
static const struct heat_driver {
	const char *name;
	const char *labels[3];
} hwmon_drivers[] = {
	{ "coretemp", { "Package id *", "Physical id *", "Core *" } },
	{ "k10temp", { "Tdie", "Tctl", "" } }, /* Tctl may be above the real one, for the fan */
	{ "zenpower", { "Tdie", "Tctl" } },
	{ "cpu*thermal*", { "" } },
	{ "soc*thermal*", { "" } },
};
static const char *const zone_types[] = { "x86_pkg_temp", "cpu*thermal*", "soc*thermal*" };

struct chip {
	unsigned number;
	char name[64];
	char device[64]; /* "coretemp.1", "0000:00:19.3"; "" = unknown */
};

struct chips {
	struct chip *items;
	size_t count, capacity;
};

/* --- what there is -------------------------------------------------------- */

static int compare_chips(const void *left, const void *right)
{
	const struct chip *a = left, *b = right;
	size_t a_length = strlen(a->device), b_length = strlen(b->device);
	int order = strcmp(a->device, b->device);

	if (a_length != b_length) /* "coretemp.2" is before "coretemp.10" */
		return a_length < b_length ? -1 : 1;
	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static void read_word(const struct rootfs *root, struct chip *chip, const char *folder,
		      const char *prefix, const char *file)
{
	if (rootfs_readf(root, chip->name, sizeof chip->name, "%s/%s%u/%s", folder, prefix,
			 chip->number, file) < 0)
		chip->name[0] = '\0';
	chip->name[strcspn(chip->name, "\n")] = '\0';
}

static void read_device(const struct rootfs *root, struct chip *chip, const char *folder,
			const char *prefix)
{
	char link[512];
	const char *slash;

	if (rootfs_linkf(root, link, sizeof link, "%s/%s%u/device", folder, prefix, chip->number) <
	    0)
		return;
	slash = strrchr(link, '/');
	snprintf(chip->device, sizeof chip->device, "%.63s", slash ? slash + 1 : link);
}

/* All entries FOLDER/PREFIXn, with the word that `file` holds. */
static int list_chips(const struct rootfs *root, struct chips *chips, const char *folder,
		      const char *prefix, const char *file)
{
	int fd = rootfs_openf(root, O_RDONLY | O_DIRECTORY, "%s", folder);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int result = 0;

	chips->count = 0;
	if (!listing) {
		if (fd >= 0)
			close(fd);
		return fd >= 0 ? -ENOMEM : 0;
	}
	while (!result && (entry = readdir(listing))) {
		struct chip *chip;
		uint64_t number;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    number_parse_u64(entry->d_name + strlen(prefix), &number) || number > INT32_MAX)
			continue;
		chip = MEMORY_APPEND(chips);
		if (!chip) {
			result = -ENOMEM;
			continue;
		}
		chip->number = (unsigned)number;
		read_word(root, chip, folder, prefix, file);
		read_device(root, chip, folder, prefix);
	}
	closedir(listing);
	if (chips->count > 0)
		qsort(chips->items, chips->count, sizeof *chips->items, compare_chips);
	return result;
}

/* --- sensors -------------------------------------------------------------- */

/* 1 = opened, 0 = not to be had, -ENOMEM. */
static int open_sensor(struct freq_heat *heat, struct kept_files *files, const char *folder,
		       unsigned number, const char *file)
{
	struct freq_sensor *sensor =
		memory_grow(heat->sensors, &heat->capacity, heat->count + 1, sizeof *heat->sensors);
	int result;

	if (!sensor)
		return -ENOMEM;
	heat->sensors = sensor;
	sensor += heat->count;
	result = kept_open(files, &sensor->file, "%s%u/%s", folder, number, file);
	if (result)
		return result == -ENOMEM ? result : 0;
	sensor->chip = heat->chips;
	heat->count++;
	return 1;
}

static bool has_label(const struct rootfs *root, const struct chip *chip, unsigned input,
		      const char *pattern)
{
	char label[64];

	if (rootfs_readf(root, label, sizeof label, HWMON_FOLDER "/hwmon%u/temp%u_label",
			 chip->number, input) < 0)
		label[0] = '\0';
	label[strcspn(label, "\n")] = '\0';
	return *pattern ? text_matches(pattern, label) : !*label;
}

/* How many sensors were opened, or -ENOMEM. */
static int open_labelled(struct freq_heat *heat, struct kept_files *files, const struct chip *chip,
			 const char *pattern)
{
	int opened = 0, result = 0;

	for (unsigned input = 1; input <= INPUTS_MAX && result >= 0; input++) {
		char file[32];

		if (!has_label(files->root, chip, input, pattern))
			continue;
		snprintf(file, sizeof file, "temp%u_input", input);
		result = open_sensor(heat, files, HWMON_FOLDER "/hwmon", chip->number, file);
		opened += result;
	}
	return result < 0 ? result : opened;
}

static int open_hwmon_chip(struct freq_heat *heat, struct kept_files *files,
			   const struct chip *chip, const struct heat_driver *driver)
{
	int result = 0;

	for (size_t i = 0; i < sizeof driver->labels / sizeof *driver->labels && result == 0; i++)
		if (driver->labels[i])
			result = open_labelled(heat, files, chip, driver->labels[i]);
	heat->chips += result > 0;
	return result < 0 ? result : 0;
}

static int open_hwmon(struct freq_heat *heat, struct kept_files *files, const struct chips *chips)
{
	int result = 0;

	for (size_t k = 0; k < sizeof hwmon_drivers / sizeof *hwmon_drivers && heat->chips == 0;
	     k++)
		for (size_t i = 0; i < chips->count && !result; i++)
			if (text_matches(hwmon_drivers[k].name, chips->items[i].name))
				result = open_hwmon_chip(heat, files, &chips->items[i],
							 &hwmon_drivers[k]);
	return result;
}

static int open_zones(struct freq_heat *heat, struct kept_files *files, const struct chips *zones)
{
	int result = 0;

	for (size_t k = 0; k < sizeof zone_types / sizeof *zone_types && heat->chips == 0; k++)
		for (size_t i = 0; i < zones->count && result >= 0; i++) {
			if (!text_matches(zone_types[k], zones->items[i].name))
				continue;
			result = open_sensor(heat, files, THERMAL_FOLDER "/thermal_zone",
					     zones->items[i].number, "temp");
			heat->chips += result > 0;
		}
	return result < 0 ? result : 0;
}

int freq_heat_open(struct freq_heat *heat, struct kept_files *files)
{
	struct chips chips = { 0 };
	int result;

	*heat = (struct freq_heat){ 0 };
	result = list_chips(files->root, &chips, HWMON_FOLDER, "hwmon", "name");
	if (!result)
		result = open_hwmon(heat, files, &chips);
	if (!result && heat->chips == 0)
		result = list_chips(files->root, &chips, THERMAL_FOLDER, "thermal_zone", "type");
	if (!result && heat->chips == 0)
		result = open_zones(heat, files, &chips);
	free(chips.items);
	return result;
}

void freq_heat_close(struct freq_heat *heat)
{
	for (size_t i = 0; i < heat->count; i++)
		kept_close(&heat->sensors[i].file);
	free(heat->sensors);
	free(heat->buffer.bytes);
	*heat = (struct freq_heat){ 0 };
}

/* --- reading -------------------------------------------------------------- */

static double read_celsius(struct freq_heat *heat, const struct kept_files *files,
			   const struct kept_file *file)
{
	const char *cursor;
	uint64_t value;
	bool below_zero;

	if (kept_read_all(files, file, &heat->buffer) <= 0)
		return NAN;
	cursor = heat->buffer.bytes;
	below_zero = *cursor == '-';
	cursor += below_zero;
	if (number_scan_u64(&cursor, &value) || value > 1000000)
		return NAN;
	return (below_zero ? -1e-3 : 1e-3) * (double)value;
}

void freq_heat_read(struct freq_heat *heat, const struct kept_files *files, unsigned packages,
		    double *celsius)
{
	bool told = heat->chips > 0 && heat->chips % packages == 0;

	for (unsigned i = 0; i < packages; i++)
		celsius[i] = NAN;
	for (size_t i = 0; i < heat->count; i++) {
		const struct freq_sensor *sensor = &heat->sensors[i];
		double value = read_celsius(heat, files, &sensor->file);

		for (unsigned k = 0; k < packages; k++)
			if (!told || sensor->chip / (heat->chips / packages) == k)
				celsius[k] = fmax(celsius[k], value);
	}
}
