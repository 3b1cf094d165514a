/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RAPL through powercap: the energy that the CPU's packages, and where all have
 * one their DRAM subzones, count or model themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "meter/driver.h"
#include "meter/pace.h"
#include "meter/rapl-zones.h"

/* Counters move about once a millisecond: at 100 ms that is an error of one percent. */
static const struct meter_pace_bounds bounds = { 0.1, 1, 0.25 };

struct counter {
	char folder[RAPL_NAME_BYTES];
	int fd;
	uint64_t range_uj, last_uj;
};

struct rapl {
	struct meter_pace pace;
	uint64_t last_ns;
	size_t count;
	struct counter counters[];
};

/* The zones that one address stands for. */
struct choice {
	const struct rapl_zone **zones; /* owned */
	size_t count;
	bool has_dram;
};

static size_t count_packages(const struct rapl_zones *zones, bool *all_have_dram)
{
	size_t count = 0;

	*all_have_dram = true;
	for (size_t i = 0; i < zones->count; i++)
		if (rapl_is_package(&zones->items[i])) {
			count++;
			*all_have_dram &= rapl_dram_of(zones, &zones->items[i]) != NULL;
		}
	*all_have_dram &= count > 0;
	return count;
}

static void choose_packages(const struct rapl_zones *zones, struct choice *choice)
{
	count_packages(zones, &choice->has_dram);
	for (size_t i = 0; i < zones->count; i++) {
		const struct rapl_zone *zone = &zones->items[i];

		if (!rapl_is_package(zone))
			continue;
		choice->zones[choice->count++] = zone;
		if (choice->has_dram)
			choice->zones[choice->count++] = rapl_dram_of(zones, zone);
	}
}

/* "" = all packages, else the zones of that name (`dram`: of every package). */
static int choose(const struct rapl_zones *zones, const char *what, struct choice *choice)
{
	*choice = (struct choice){ 0 };
	/* One more, as calloc(0) may give NULL. */
	choice->zones = calloc(zones->count + 1, sizeof *choice->zones);
	if (!choice->zones)
		return -ENOMEM;
	if (!what[0])
		choose_packages(zones, choice);
	for (size_t i = 0; what[0] && i < zones->count; i++)
		if (strcmp(zones->items[i].name, what) == 0)
			choice->zones[choice->count++] = &zones->items[i];
	return 0;
}

/* Why it cannot be used; "" = it can. */
static int check(const struct choice *choice, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < choice->count; i++) {
		const struct rapl_zone *zone = choice->zones[i];

		if (zone->result == -EACCES || zone->result == -EPERM)
			snprintf(text, size,
				 "permission denied on " RAPL_FOLDER
				 "/%s/energy_uj: be root (Linux "
				 "keeps it from others since 5.10)",
				 zone->folder);
		else if (zone->result)
			snprintf(text, size, RAPL_FOLDER "/%s/energy_uj: %s", zone->folder,
				 strerror(-zone->result));
		else if (zone->energy_uj == 0)
			snprintf(text, size, "the counter of %s (%s) stands at 0: nothing feeds it",
				 zone->name, zone->folder);
		if (text[0])
			return zone->result ? zone->result : -ENODEV;
	}
	return 0;
}

static void describe_packages(const struct choice *choice, struct meter_about *about)
{
	about->has_scope = true;
	about->scope = choice->has_dram ? SCOPE_PACKAGE_DRAM : SCOPE_PACKAGE;
	snprintf(about->measures, sizeof about->measures, "CPU%s of %zu package%s",
		 choice->has_dram ? " and DRAM" : "", choice->count / (choice->has_dram ? 2 : 1),
		 choice->count == (choice->has_dram ? 2u : 1u) ? "" : "s");
	snprintf(
		about->worth, sizeof about->worth,
		"the CPU's own figure, fine and fast, within a few percent; weights from it are of "
		"scope %s: without %sboard, disks, fans and losses in the supply",
		scope_name(about->scope), choice->has_dram ? "" : "memory, ");
}

static void describe(const struct choice *choice, const char *what, struct meter_about *about)
{
	snprintf(about->model, sizeof about->model, "RAPL (powercap)");
	about->resolution_w = 61e-6 / bounds.default_s; /* the coarsest unit, 2^-14 J */
	about->interval_s = about->window_s = bounds.default_s;
	if (!what[0]) {
		describe_packages(choice, about);
		return;
	}
	snprintf(about->address, sizeof about->address, "rapl:%s", what);
	snprintf(about->measures, sizeof about->measures, "%s", what);
	about->has_scope = true;
	about->scope =
		strncmp(what, "package", strlen("package")) == 0 ? SCOPE_PACKAGE : SCOPE_RAIL;
	snprintf(about->worth, sizeof about->worth, "%s",
		 strcmp(what, "psys") == 0
			 ? "the platform as the maker of the board has wired it: the whole machine "
			   "on some, a part or nothing on others; compare it with a wall meter once"
			 : "a part of the machine alone: for comparison, no base for weights");
}

static int add(struct meter_list *list, const struct rapl_zones *zones, const char *what)
{
	struct meter_about *about = NULL;
	struct choice choice;
	int result = choose(zones, what, &choice);

	if (!result && choice.count > 0) {
		about = meter_list_add(list, &meter_rapl);
		result = about ? 0 : -ENOMEM;
	}
	if (about) {
		describe(&choice, what, about);
		check(&choice, about->missing, sizeof about->missing);
	}
	free(choice.zones);
	return result;
}

static int rapl_list(const struct meter_place *place, struct meter_list *list)
{
	struct rapl_zones zones = { 0 };
	int result = rapl_find_zones(place->root, &zones);

	if (!result)
		result = add(list, &zones, "");
	if (!result)
		result = add(list, &zones, "psys");
	rapl_zones_clear(&zones);
	return result;
}

static void rapl_close(void *state)
{
	struct rapl *rapl = state;

	for (size_t i = 0; i < rapl->count; i++)
		close(rapl->counters[i].fd);
	free(rapl);
}

static int read_counter(const struct counter *counter, uint64_t *energy_uj)
{
	char text[32];
	long length = rootfs_pread(counter->fd, text, sizeof text);

	if (length < 0)
		return (int)length;
	text[strcspn(text, "\n")] = '\0';
	return number_parse_u64(text, energy_uj);
}

static int fail_counter(const struct counter *counter, int result, struct error *error)
{
	return error_setf(error, -result, RAPL_FOLDER "/%s/energy_uj: %s", counter->folder,
			  strerror(-result));
}

static int open_counters(struct rapl *rapl, const struct choice *choice, const struct rootfs *root,
			 struct error *error)
{
	int result;

	for (size_t i = 0; i < choice->count; i++) {
		struct counter *counter = &rapl->counters[i];

		memcpy(counter->folder, choice->zones[i]->folder, sizeof counter->folder);
		counter->range_uj = choice->zones[i]->range_uj;
		counter->fd =
			rootfs_openf(root, O_RDONLY, RAPL_FOLDER "/%s/energy_uj", counter->folder);
		if (counter->fd < 0)
			return fail_counter(counter, counter->fd, error);
		rapl->count++;
		result = read_counter(counter, &counter->last_uj);
		if (result)
			return fail_counter(counter, result, error);
	}
	rapl->last_ns = clock_now_ns();
	return 0;
}

static int open_choice(struct rapl **opened, const struct choice *choice, const struct rootfs *root,
		       struct error *error)
{
	struct rapl *rapl = calloc(1, sizeof *rapl + choice->count * sizeof rapl->counters[0]);
	int result;

	if (!rapl)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	result = open_counters(rapl, choice, root, error);
	if (result)
		rapl_close(rapl);
	else
		*opened = rapl;
	return result;
}

static int fail_choice(const struct choice *choice, const char *what, struct error *error)
{
	char missing[256];
	int result = check(choice, missing, sizeof missing);

	if (result)
		return error_setf(error, -result, "%s", missing);
	if (choice->count > 0)
		return 0;
	if (what[0])
		return error_setf(error, ENODEV, "no zone in " RAPL_FOLDER " is called \"%s\"",
				  what);
	return error_setf(error, ENODEV,
			  "no package in " RAPL_FOLDER ": no RAPL in this CPU, its module "
			  "(intel_rapl_msr) is not loaded, or this is a virtual machine");
}

static int rapl_open(void **state, const char *address, const struct meter_place *place,
		     struct meter_about *about, struct error *error)
{
	struct rapl_zones zones = { 0 };
	struct choice choice = { 0 };
	char what[RAPL_NAME_BYTES];
	struct rapl *rapl = NULL;
	double interval_s;
	int result;

	result = meter_pace_parse(address, &bounds, what, sizeof what, &interval_s, error);
	if (result)
		return result;
	result = rapl_find_zones(place->root, &zones);
	if (!result)
		result = choose(&zones, what, &choice);
	if (result)
		error_setf(error, -result, "%s", strerror(-result));
	if (!result)
		result = fail_choice(&choice, what, error);
	if (!result)
		result = open_choice(&rapl, &choice, place->root, error);
	if (!result) {
		describe(&choice, what, about);
		about->resolution_w *= about->interval_s / interval_s;
		about->interval_s = about->window_s = interval_s;
		snprintf(about->address, sizeof about->address, "rapl%s%s",
			 address && *address ? ":" : "", address ? address : "");
		meter_pace_start(&rapl->pace, interval_s);
		*state = rapl;
	}
	free(choice.zones);
	rapl_zones_clear(&zones);
	return result;
}

/* A counter that stood still or was reset: its part of the sum is not there. */
static int add_counter(struct counter *counter, struct meter_reading *reading, struct error *error)
{
	struct rapl_step step = { .before_uj = counter->last_uj, .range_uj = counter->range_uj };
	uint64_t difference_uj;
	bool wrapped;
	int result = read_counter(counter, &step.now_uj);

	if (result)
		return fail_counter(counter, result, error);
	counter->last_uj = step.now_uj;
	if (!rapl_difference(&step, &difference_uj, &wrapped))
		reading->flags |= METER_DAMAGED;
	else if (difference_uj == 0)
		reading->flags |= METER_IMPLAUSIBLE;
	else if (wrapped)
		reading->flags |= METER_WRAPPED;
	reading->energy_j += (double)difference_uj * 1e-6;
	return 0;
}

static int rapl_read(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		     struct error *error)
{
	struct rapl *rapl = state;
	int result = 0;

	if (!meter_pace_wait(&rapl->pace, deadline_ns))
		return 0;
	*reading = meter_reading_none(0);
	reading->energy_j = 0;
	for (size_t i = 0; !result && i < rapl->count; i++)
		result = add_counter(&rapl->counters[i], reading, error);
	if (result)
		return result;
	reading->power_w = reading->energy_j / ((double)(reading->time_ns - rapl->last_ns) * 1e-9);
	rapl->last_ns = reading->time_ns;
	return 1;
}

const struct meter_driver meter_rapl = {
	.name = "rapl",
	.sentence = "energy counters of the CPU's packages and memory, in " RAPL_FOLDER,
	.address = "[ZONE][@INTERVAL], as psys@100ms",
	.list = rapl_list,
	.open = rapl_open,
	.read = rapl_read,
	.close = rapl_close,
};
