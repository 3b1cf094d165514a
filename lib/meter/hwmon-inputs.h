/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hwmon-inputs.h - power sensors that kernel drivers offer in /sys/class/hwmon
 * (Linux, Documentation/hwmon/sysfs-interface.rst): powerN_average or
 * powerN_input, microwatts.
 */
#ifndef VMENERGY_METER_HWMON_INPUTS_H
#define VMENERGY_METER_HWMON_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rootfs.h"

enum hwmon_kind {
	HWMON_MACHINE, /* ACPI's power meter: what the firmware says that the machine draws */
	HWMON_SUPPLY,  /* the input of a power supply */
	HWMON_GRAPHICS,
	HWMON_RAIL, /* a shunt on a board */
	HWMON_OTHER,
};

struct hwmon_input {
	char place[40];  /* "hwmon3/power1" */
	char folder[64]; /* below /sys/class/hwmon: "hwmon3", or (ACPI, old) "hwmon3/device" */
	char chip[48], label[48], model[48], serial[48];
	unsigned index;  /* the N of powerN */
	bool is_average; /* powerN_average, else powerN_input */
	double window_s; /* that it is averaged over; NaN = not told */
	enum hwmon_kind kind;
	int result; /* of reading it: 0 or -errno */
};

struct hwmon_inputs {
	struct hwmon_input *items;
	size_t count, capacity;
};

/* All of them, ascending. 0 (there may be none) or -ENOMEM. */
int hwmon_find_inputs(const struct rootfs *root, struct hwmon_inputs *inputs);
void hwmon_inputs_clear(struct hwmon_inputs *inputs);

/* Pure: by the chip's name and the input's label. */
enum hwmon_kind hwmon_classify(const char *chip, const char *label);

#endif
