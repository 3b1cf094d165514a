/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/hwmon-inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define CLASS "/sys/class/hwmon"

/*
 * Chip names are those that the kernel's drivers register (drivers/hwmon). A
 * supply's input is labelled "pin" or "pin1" by the PMBus core; the same label on another PMBus
 * chip is a regulator's.
 */
enum hwmon_kind hwmon_classify(const char *chip, const char *label)
{
	static const struct {
		const char *chip, *label;
		enum hwmon_kind kind;
	} rules[] = {
		{ "power_meter", "*", HWMON_MACHINE }, { "cffps*", "pin*", HWMON_SUPPLY },
		{ "ipsps*", "pin*", HWMON_SUPPLY },    { "pfe*", "pin*", HWMON_SUPPLY },
		{ "dps*", "pin*", HWMON_SUPPLY },      { "ym2151*", "pin*", HWMON_SUPPLY },
		{ "yh5151*", "pin*", HWMON_SUPPLY },   { "fsg032*", "pin*", HWMON_SUPPLY },
		{ "crps*", "pin*", HWMON_SUPPLY },     { "pmbus", "pin*", HWMON_SUPPLY },
		{ "amdgpu", "*", HWMON_GRAPHICS },     { "i915", "*", HWMON_GRAPHICS },
		{ "xe", "*", HWMON_GRAPHICS },         { "nouveau", "*", HWMON_GRAPHICS },
		{ "ina*", "*", HWMON_RAIL },           { "ltc*", "*", HWMON_RAIL },
		{ "lm250*", "*", HWMON_RAIL },         { "adm127*", "*", HWMON_RAIL },
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (text_matches(rules[i].chip, chip) && text_matches(rules[i].label, label))
			return rules[i].kind;
	return HWMON_OTHER;
}

static int compare_inputs(const void *a, const void *b)
{
	return strverscmp(((const struct hwmon_input *)a)->place,
			  ((const struct hwmon_input *)b)->place);
}

static void read_line(const struct rootfs *root, const char *folder, const char *file, char *text,
		      size_t size)
{
	char line[128];

	rootfs_readf(root, line, sizeof line, CLASS "/%s/%s", folder, file);
	line[strcspn(line, "\n")] = '\0';
	text_printable(line, text, size);
}

static void read_text(const struct rootfs *root, const struct hwmon_input *input, const char *what,
		      char text[48])
{
	char file[64];

	snprintf(file, sizeof file, "power%u_%s", input->index, what);
	read_line(root, input->folder, file, text, 48);
}

/* No sensor averages over more than an hour: what says so is no figure. */
enum { WINDOW_MOST_MS = 3600 * 1000 };

static double read_window_s(const struct rootfs *root, const struct hwmon_input *input)
{
	unsigned long long ms;

	if (!input->is_average ||
	    rootfs_read_u64f(root, &ms, CLASS "/%s/power%u_average_interval", input->folder,
			     input->index) ||
	    ms > WINDOW_MOST_MS)
		return NAN;
	return (double)ms * 1e-3;
}

static void read_input(const struct rootfs *root, const char *place, struct hwmon_input *input)
{
	unsigned long long value;

	snprintf(input->place, sizeof input->place, "%.24s/power%u", place, input->index);
	read_line(root, input->folder, "name", input->chip, sizeof input->chip);
	if (!input->chip[0])
		read_line(root, place, "name", input->chip, sizeof input->chip);
	read_text(root, input, "label", input->label);
	read_text(root, input, "model_number", input->model);
	read_text(root, input, "serial_number", input->serial);
	input->window_s = read_window_s(root, input);
	input->kind = hwmon_classify(input->chip, input->label);
	input->result = rootfs_read_u64f(root, &value, CLASS "/%s/power%u_%s", input->folder,
					 input->index, input->is_average ? "average" : "input");
}

/* "power2_input": which one. An average is better than what is of one moment. */
static bool parse_name(const char *name, unsigned *index, bool *is_average)
{
	char what[16];
	int end = 0;

	if (sscanf(name, "power%3u_%15[a-z]%n", index, what, &end) != 2 || name[end])
		return false;
	*is_average = strcmp(what, "average") == 0;
	return *is_average || strcmp(what, "input") == 0;
}

static bool has_average(const struct rootfs *root, const char *folder, unsigned index)
{
	char text[64];

	return rootfs_readf(root, text, sizeof text, CLASS "/%s/power%u_average", folder, index) !=
	       -ENOENT;
}

static DIR *open_folder(const struct rootfs *root, const char *folder)
{
	int fd = rootfs_openf(root, O_RDONLY | O_DIRECTORY, CLASS "%s%s", *folder ? "/" : "",
			      folder);
	DIR *opened = fd >= 0 ? fdopendir(fd) : NULL;

	if (!opened && fd >= 0)
		close(fd);
	return opened;
}

static int find_in(const struct rootfs *root, const char *place, const char *folder,
		   struct hwmon_inputs *inputs)
{
	DIR *opened = open_folder(root, folder);
	struct hwmon_input *input;
	struct dirent *entry;
	unsigned index = 0;
	bool is_average;
	int result = 0;

	while (opened && !result && (entry = readdir(opened))) {
		if (!parse_name(entry->d_name, &index, &is_average) ||
		    (!is_average && has_average(root, folder, index)))
			continue;
		input = MEMORY_APPEND(inputs);
		if (!input) {
			result = -ENOMEM;
			continue;
		}
		input->index = index;
		input->is_average = is_average;
		snprintf(input->folder, sizeof input->folder, "%s", folder);
		read_input(root, place, input);
	}
	if (opened)
		closedir(opened);
	return result;
}

int hwmon_find_inputs(const struct rootfs *root, struct hwmon_inputs *inputs)
{
	DIR *class = open_folder(root, "");
	struct dirent *entry;
	char device[64];
	int result = 0;

	while (class && !result && (entry = readdir(class))) {
		if (strncmp(entry->d_name, "hwmon", 5) != 0 || strlen(entry->d_name) > 24)
			continue;
		result = find_in(root, entry->d_name, entry->d_name, inputs);
		/* Drivers that registered before Linux 3.13's interface put files there. */
		snprintf(device, sizeof device, "%.24s/device", entry->d_name);
		if (!result)
			result = find_in(root, entry->d_name, device, inputs);
	}
	if (class)
		closedir(class);
	if (inputs->count > 0)
		qsort(inputs->items, inputs->count, sizeof inputs->items[0], compare_inputs);
	return result;
}

void hwmon_inputs_clear(struct hwmon_inputs *inputs)
{
	free(inputs->items);
	*inputs = (struct hwmon_inputs){ 0 };
}
