/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/meter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/driver.h"
#include "meter/health.h"
#include "meter/list.h"
#include "meter/pace.h"
#include "model/words.h"

#define ATTEMPT_NS UINT64_C(1000000000)
#define RULES "60-vmenergy-meters.rules"

struct meter {
	const struct meter_driver *driver;
	void *state; /* NULL: the link is broken */
	bool has_ended;
	struct meter_place place;
	char *address; /* that opens the very same meter; owned, "" = the first */
	struct meter_about about;
	struct meter_health health;
	uint64_t next_attempt_ns;
	struct error broken; /* why the link is, or why it has ended */
};

const char *meter_flag_name(unsigned index)
{
	static const char *const names[METER_FLAGS] = { "damaged", "overrange", "frozen",
							"gap",     "wrapped",   "implausible" };

	return words_name(names, METER_FLAGS, index);
}

const struct meter_about *meter_about(const struct meter *meter)
{
	return &meter->about;
}

/* --- errors that help ------------------------------------------------------- */

/* Append to a text that is already there, as far as it fits. */
static __attribute__((format(printf, 2, 3))) void add(struct error *error, const char *format, ...)
{
	size_t length = strlen(error->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text + length, sizeof error->text - length, format, arguments);
	va_end(arguments);
}

static int fail_no_driver(const struct meter_place *place, const char *name, size_t length,
			  struct error *error)
{
	const struct meter_driver *driver;

	error_setf(error, EINVAL, "no kind of meter is called \"%.*s\"; there are: auto",
		   (int)length, name);
	for (unsigned i = 0; (driver = meter_driver_at(place, i)); i++)
		add(error, ", %s", driver->name);
	return -EINVAL;
}

/* What is there of that kind, where the one that was asked for is not. */
static void add_attached(const struct meter_driver *driver, const struct meter_place *place,
			 struct error *error)
{
	struct meter_list list = { 0 };

	if (driver->list && driver->list(place, &list) == 0)
		for (size_t i = 0; i < list.count; i++)
			add(error, "%s%s%s%s%s", i == 0 ? "; there is: " : ", ",
			    list.items[i].address, list.items[i].missing[0] ? " (" : "",
			    list.items[i].missing, list.items[i].missing[0] ? ")" : "");
	meter_list_clear(&list);
}

/* A node that a udev rule can open to others than root? */
static bool is_ruled(const char *text)
{
	static const char *const nodes[] = { "/dev/bus/usb/", "/dev/tty", "/dev/usbtmc",
					     "/dev/hidraw", "/dev/serial/" };

	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
		if (strstr(text, nodes[i]))
			return !strstr(text, RULES);
	return false;
}

static int explain(const struct meter_driver *driver, const struct meter_place *place, int result,
		   struct error *error)
{
	if (result == -ENODEV || result == -EINVAL)
		add_attached(driver, place, error);
	if ((result == -EACCES || result == -EPERM) && is_ruled(error->text))
		add(error, "; be root, or install the udev rules contrib/" RULES
			   " and plug the meter in anew");
	return result;
}

/* --- opening ----------------------------------------------------------------- */

/* "usbtmc:C2TA" of driver usbtmc: "C2TA"; NULL: the text names no address. */
static const char *address_of(const struct meter_driver *driver, const char *text)
{
	size_t length = strlen(driver->name);

	return strncmp(text, driver->name, length) == 0 && text[length] == ':' ? text + length + 1
									       : NULL;
}

static int open_driver(struct meter *meter, const char *address, struct error *error)
{
	const struct meter_driver *driver = meter->driver;
	const char *same;
	int result;

	if (address && *address && !driver->address)
		return error_setf(error, EINVAL, "takes no address (\"%s\")", address);
	meter_about_init(&meter->about, driver);
	meter->next_attempt_ns = clock_now_ns() + ATTEMPT_NS;
	result = driver->open(&meter->state, address, &meter->place, &meter->about, error);
	if (result)
		return explain(driver, &meter->place, result, error);
	/* Cut to METER_TEXT_BYTES it would name another one: then as it was given. */
	same = address_of(driver, meter->about.address);
	if (!same || strlen(meter->about.address) + 1 >= sizeof meter->about.address)
		same = address ? address : "";
	meter->address = strdup(same);
	if (!meter->address)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	meter_health_init(&meter->health, &meter->about);
	return 0;
}

static const struct meter_driver *find_driver(const struct meter_place *place, const char *name,
					      size_t length)
{
	const struct meter_driver *driver;

	for (unsigned i = 0; (driver = meter_driver_at(place, i)); i++)
		if (strlen(driver->name) == length && memcmp(driver->name, name, length) == 0)
			return driver;
	return NULL;
}

static int open_named(struct meter **meter, const char *spec, const struct meter_place *place,
		      struct error *error)
{
	size_t length = strcspn(spec, ":");
	const struct meter_driver *driver = find_driver(place, spec, length);
	struct meter *opened;
	int result;

	if (!driver)
		return fail_no_driver(place, spec, length, error);
	opened = calloc(1, sizeof *opened);
	if (!opened)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	opened->place = *place;
	opened->driver = driver;
	result = open_driver(opened, spec[length] ? spec + length + 1 : NULL, error);
	if (result) {
		meter_close(opened);
		return error_prefixf(error, result, "%s", spec);
	}
	*meter = opened;
	return 0;
}

static int fail_none(const struct meter_place *place, const struct meter_list *list,
		     struct error *error)
{
	const struct meter_driver *driver;
	const char *before = "";

	error_setf(error, ENODEV, "no meter was found; looked for: ");
	for (unsigned i = 0; (driver = meter_driver_at(place, i)); i++)
		if (driver->list && !driver->by_choice_only) {
			add(error, "%s%s", before, driver->name);
			before = ", ";
		}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].missing[0])
			add(error, "; %s: %s", list->items[i].address, list->items[i].missing);
	return -ENODEV;
}

/* One that cannot be opened after all (another program has it) leaves the next one; if none can,
 * the best one's text tells. */
static int open_best(struct meter **meter, struct meter_list *list, const struct meter_place *place,
		     struct error *error)
{
	const struct meter_about *best;
	struct error later = { "" };
	int result = 0, opened;

	while ((best = meter_list_best(list, place))) {
		struct meter_about *tried = &list->items[best - list->items];

		opened = open_named(meter, best->address, place, result ? &later : error);
		if (!opened)
			return 0;
		if (!result)
			result = opened;
		snprintf(tried->missing, sizeof tried->missing, "cannot be opened");
	}
	return result ? result : fail_none(place, list, error);
}

static int open_auto(struct meter **meter, const struct meter_place *place, struct error *error)
{
	struct meter_list list = { 0 };
	int result = meter_list(place, &list);

	result = result ? error_setf(error, -result, "%s", strerror(-result))
			: open_best(meter, &list, place, error);
	meter_list_clear(&list);
	return result;
}

int meter_open(struct meter **meter, const char *spec, const struct meter_place *place,
	       struct error *error)
{
	struct meter_place filled = meter_place_of(place);
	struct error unheard = { "" };

	*meter = NULL;
	if (!error)
		error = &unheard;
	return strcmp(spec, "auto") == 0 ? open_auto(meter, &filled, error)
					 : open_named(meter, spec, &filled, error);
}

static void close_state(struct meter *meter)
{
	if (meter->state)
		meter->driver->close(meter->state);
	meter->state = NULL;
}

void meter_close(struct meter *meter)
{
	if (!meter)
		return;
	close_state(meter);
	free(meter->address);
	free(meter);
}

/* --- reading ----------------------------------------------------------------- */

/* The same meter, not just one of its kind, nor one that has taken over its place. */
static int open_again(struct meter *meter, struct error *error)
{
	struct meter_about about;
	int result;

	meter_about_init(&about, meter->driver);
	result = meter->driver->open(&meter->state, meter->address, &meter->place, &about, error);
	if (!result && (strcmp(about.serial, meter->about.serial) != 0 ||
			strcmp(about.model, meter->about.model) != 0)) {
		close_state(meter);
		result = error_setf(error, ENODEV,
				    "another meter is there: %s, serial number \"%s\"", about.model,
				    about.serial);
	}
	return result;
}

static int reconnect(struct meter *meter, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns < meter->next_attempt_ns) {
		meter_sleep_until(deadline_ns < meter->next_attempt_ns ? deadline_ns
								       : meter->next_attempt_ns);
		now_ns = clock_now_ns();
	}
	if (now_ns < meter->next_attempt_ns)
		return -ENODEV;
	meter->next_attempt_ns = now_ns + ATTEMPT_NS;
	return open_again(meter, &meter->broken) ? -ENODEV : 0;
}

static int fail_broken(const struct meter *meter, int result, struct error *error)
{
	return error_setf(error, -result, "%s: %s", meter->about.address, meter->broken.text);
}

int meter_read(struct meter *meter, uint64_t deadline_ns, struct meter_reading *reading,
	       struct error *error)
{
	int result;

	if (meter->has_ended)
		return fail_broken(meter, -ENODATA, error);
	if (!meter->state && reconnect(meter, deadline_ns))
		return fail_broken(meter, -ENODEV, error);
	result = meter->driver->read(meter->state, deadline_ns, reading, &meter->broken);
	if (result == -EINTR)
		return 0;
	if (result < 0) {
		meter->has_ended = result == -ENODATA;
		close_state(meter);
		meter_health_lost(&meter->health);
		return fail_broken(meter, result, error);
	}
	if (result > 0)
		meter_health_check(&meter->health, reading);
	return result;
}
