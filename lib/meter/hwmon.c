/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hwmon: what the kernel's sensor drivers say in watts. One input by its place,
 * or "supplies": the inputs of all power supplies together, which is the machine's power at the
 * wall.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/numbers.h"
#include "meter/driver.h"
#include "meter/hwmon-inputs.h"
#include "meter/pace.h"

#define SUPPLIES "supplies"

static const struct meter_pace_bounds bounds = { 0.1, 60, 1 };

struct hwmon {
	struct meter_pace pace;
	unsigned count;
	struct hwmon_file {
		int fd;
		char path[160]; /* for messages */
	} files[];
};

static const struct {
	bool has_scope;
	enum scope scope;
	const char *measures, *worth;
} kinds[] = {
	[HWMON_MACHINE] = { true, SCOPE_WALL, "what the firmware says that the machine draws",
			    "the whole machine, as its own supply or board senses it: often in "
			    "steps of watts and averaged over seconds; check it with a meter "
			    "once" },
	[HWMON_SUPPLY] = { true, SCOPE_RAIL, "the input of one power supply",
			   "one supply of the machine: hwmon:" SUPPLIES " is all of them" },
	[HWMON_GRAPHICS] = { true, SCOPE_RAIL, "the graphics card",
			     "the graphics card alone: nothing of the CPU's" },
	[HWMON_RAIL] = { true, SCOPE_RAIL, "a rail of the board",
			 "a rail: the board's papers say what hangs on it; to be chosen by hand" },
	[HWMON_OTHER] = { true, SCOPE_RAIL, "what the chip's driver says",
			  "a part of the machine: the chip's papers say which" },
};

/* Steps of a microwatt in the file are no resolution: what the chip has is not told. */
static void describe(const struct hwmon_input *input, struct meter_about *about)
{
	snprintf(about->address, sizeof about->address, "hwmon:%s", input->place);
	snprintf(about->model, sizeof about->model, "%s%s%s", input->chip,
		 input->model[0] ? " " : "", input->model);
	snprintf(about->serial, sizeof about->serial, "%s", input->serial);
	about->has_scope = kinds[input->kind].has_scope;
	about->scope = kinds[input->kind].scope;
	about->window_s = input->window_s;
	about->interval_s = input->window_s > bounds.default_s ? input->window_s : bounds.default_s;
	snprintf(about->measures, sizeof about->measures, "%s%s%s%s", kinds[input->kind].measures,
		 input->label[0] ? " (" : "", input->label, input->label[0] ? ")" : "");
	snprintf(about->worth, sizeof about->worth, "%s", kinds[input->kind].worth);
	if (input->result)
		snprintf(about->missing, sizeof about->missing,
			 "/sys/class/hwmon/%s/power%u_%s: %s", input->folder, input->index,
			 input->is_average ? "average" : "input", strerror(-input->result));
}

static void describe_supplies(const struct hwmon_inputs *inputs, struct meter_about *about)
{
	unsigned count = 0;

	about->window_s = NAN;
	for (size_t i = 0; i < inputs->count; i++) {
		const struct hwmon_input *input = &inputs->items[i];

		if (input->kind != HWMON_SUPPLY)
			continue;
		if (count++ == 0)
			describe(input, about);
		else if (input->result && !about->missing[0])
			snprintf(about->missing, sizeof about->missing, "%s: %s", input->place,
				 strerror(-input->result));
	}
	snprintf(about->address, sizeof about->address, "hwmon:" SUPPLIES);
	snprintf(about->measures, sizeof about->measures, "the inputs of %u power suppl%s", count,
		 count == 1 ? "y" : "ies");
	about->serial[0] = '\0';
	about->scope = SCOPE_WALL;
	snprintf(about->worth, sizeof about->worth,
		 "the whole machine, as far as the kernel sees all of its supplies: a few percent "
		 "of error each; check it with a meter once");
}

static bool has_supplies(const struct hwmon_inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind == HWMON_SUPPLY)
			return true;
	return false;
}

static int hwmon_list(const struct meter_place *place, struct meter_list *list)
{
	struct hwmon_inputs inputs = { 0 };
	struct meter_about *about;
	int result = hwmon_find_inputs(place->root, &inputs);

	if (!result && has_supplies(&inputs)) {
		about = meter_list_add(list, &meter_hwmon);
		if (about)
			describe_supplies(&inputs, about);
		else
			result = -ENOMEM;
	}
	for (size_t i = 0; !result && i < inputs.count; i++) {
		about = meter_list_add(list, &meter_hwmon);
		if (about)
			describe(&inputs.items[i], about);
		else
			result = -ENOMEM;
	}
	hwmon_inputs_clear(&inputs);
	return result;
}

static bool is_chosen(const struct hwmon_input *input, const char *what)
{
	return strcmp(what, SUPPLIES) == 0 ? input->kind == HWMON_SUPPLY
					   : strcmp(what, input->place) == 0;
}

static void hwmon_close(void *opened)
{
	struct hwmon *state = opened;

	for (unsigned i = 0; i < state->count; i++)
		close(state->files[i].fd);
	free(state);
}

static int open_file(struct hwmon *state, const struct rootfs *root,
		     const struct hwmon_input *input, struct error *error)
{
	struct hwmon_file *file = &state->files[state->count];

	snprintf(file->path, sizeof file->path, "/sys/class/hwmon/%s/power%u_%s", input->folder,
		 input->index, input->is_average ? "average" : "input");
	file->fd = rootfs_openf(root, O_RDONLY, "%s", file->path);
	if (file->fd < 0)
		return error_setf(error, -file->fd, "%s: %s", file->path, strerror(-file->fd));
	state->count++;
	return 0;
}

static int open_chosen(struct hwmon **opened, const struct hwmon_inputs *inputs, const char *what,
		       const struct rootfs *root, struct error *error)
{
	struct hwmon *state =
		calloc(1, sizeof *state + (inputs->count + 1) * sizeof state->files[0]);
	int result = 0;

	if (!state)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; !result && i < inputs->count; i++)
		if (is_chosen(&inputs->items[i], what))
			result = open_file(state, root, &inputs->items[i], error);
	if (!result && state->count == 0)
		result = strcmp(what, SUPPLIES) == 0
				 ? error_setf(
					   error, ENODEV,
					   "neither a power meter of the machine nor a supply that "
					   "tells its input is in /sys/class/hwmon")
				 : error_setf(error, ENODEV,
					      "no power sensor in /sys/class/hwmon is %s", what);
	if (result)
		hwmon_close(state);
	else
		*opened = state;
	return result;
}

/* Without an address: the machine itself; no other sensor is worth being taken unasked. */
static const char *default_place(const struct hwmon_inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind == HWMON_MACHINE)
			return inputs->items[i].place;
	return SUPPLIES;
}

static void describe_chosen(const struct hwmon_inputs *inputs, const char *what,
			    struct meter_about *about)
{
	if (strcmp(what, SUPPLIES) == 0)
		describe_supplies(inputs, about);
	for (size_t i = 0; i < inputs->count; i++)
		if (strcmp(what, inputs->items[i].place) == 0)
			describe(&inputs->items[i], about);
}

static int hwmon_open(void **state, const char *address, const struct meter_place *place,
		      struct meter_about *about, struct error *error)
{
	struct hwmon_inputs inputs = { 0 };
	struct hwmon *opened = NULL;
	double interval_s;
	char what[40];
	int result;

	result = meter_pace_parse(address, &bounds, what, sizeof what, &interval_s, error);
	if (result)
		return result;
	if (hwmon_find_inputs(place->root, &inputs)) {
		result = error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
		goto out;
	}
	if (!what[0])
		snprintf(what, sizeof what, "%s", default_place(&inputs));
	result = open_chosen(&opened, &inputs, what, place->root, error);
	if (result)
		goto out;
	describe_chosen(&inputs, what, about);
	about->missing[0] = '\0';
	if (address && strchr(address, '@')) {
		snprintf(about->address, sizeof about->address, "hwmon:%s", address);
		about->interval_s = interval_s;
	}
	meter_pace_start(&opened->pace, about->interval_s);
	*state = opened;
out:
	hwmon_inputs_clear(&inputs);
	return result;
}

/* 1, 0 = there, but no number; -errno. */
static int read_file(const struct hwmon_file *file, double *power_w, struct error *error)
{
	char text[32];
	double microwatts;
	long length = rootfs_pread(file->fd, text, sizeof text);

	/* A chip that is busy or asleep says so and is asked again. */
	if (length == -EAGAIN || length == -EBUSY || length == -ENODATA)
		return 0;
	if (length < 0)
		return error_setf(error, (int)-length, "%s: %s", file->path,
				  strerror((int)-length));
	text[strcspn(text, "\n")] = '\0';
	if (number_parse_double(text, &microwatts))
		return 0;
	*power_w += microwatts * 1e-6;
	return 1;
}

static int hwmon_read(void *opened, uint64_t deadline_ns, struct meter_reading *reading,
		      struct error *error)
{
	struct hwmon *state = opened;
	double power_w = 0;
	bool is_damaged = false;
	int result;

	if (!meter_pace_wait(&state->pace, deadline_ns))
		return 0;
	for (unsigned i = 0; i < state->count; i++) {
		result = read_file(&state->files[i], &power_w, error);
		if (result < 0)
			return result;
		is_damaged |= result == 0;
	}
	*reading = is_damaged ? meter_reading_none(METER_DAMAGED) : meter_reading_of(power_w);
	return 1;
}

const struct meter_driver meter_hwmon = {
	.name = "hwmon",
	.sentence = "power sensors of the board, its supplies and cards, in /sys/class/hwmon",
	.address = "[hwmonN/powerN | " SUPPLIES "][@INTERVAL]",
	.list = hwmon_list,
	.open = hwmon_open,
	.read = hwmon_read,
	.close = hwmon_close,
};
