/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/record/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/record/counters-driver.h"

static const struct counters_driver *const drivers[] = {
	&counters_perf,
	&counters_cputime,
	&counters_emulated,
};

static int open_driver(struct counters **counters, const struct counters_driver *driver,
		       const char *address, const struct rootfs *root, struct error *error)
{
	struct counters *fresh = calloc(1, sizeof *fresh);
	int result;

	if (!fresh)
		return error_setf(error, ENOMEM, "counters: out of memory");
	fresh->driver = driver;
	fresh->root = root;
	result = driver->open(fresh, address, error);
	if (result) {
		counters_close(fresh);
		return error_prefixf(error, result, "counters %s", driver->name);
	}
	*counters = fresh;
	return 0;
}

/* Events where the CPU counts them and we may; else time on CPUs, and why. */
static int open_auto(struct counters **counters, const struct rootfs *root, struct error *error)
{
	struct error why = { "counters perf: this machine has no hardware counters (no PMU, or a "
			     "virtual machine that was given none)" };
	int result = open_driver(counters, &counters_perf, NULL, root, &why);

	if (!result && counters_has_hardware(*counters))
		return 0;
	if (!result)
		counters_close(*counters);
	result = open_driver(counters, &counters_cputime, NULL, root, error);
	if (!result)
		text_printable(why.text, (*counters)->note, sizeof(*counters)->note);
	return result;
}

static int no_such_driver(const char *spec, struct error *error)
{
	struct text list = { 0 };
	int result;

	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		text_addf(&list, ", %s%s%s", drivers[i]->name, drivers[i]->address ? ":" : "",
			  drivers[i]->address ? drivers[i]->address : "");
	result = error_setf(error, EINVAL, "counters '%s': must be auto%s", spec,
			    list.bytes ? list.bytes : "");
	text_free(&list);
	return result;
}

int counters_open(struct counters **counters, const char *spec, const struct rootfs *root,
		  struct error *error)
{
	size_t length = strcspn(spec, ":");

	*counters = NULL;
	if (strcmp(spec, "auto") == 0)
		return open_auto(counters, root, error);
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
		const struct counters_driver *driver = drivers[i];

		if (strlen(driver->name) == length && strncmp(spec, driver->name, length) == 0 &&
		    !spec[length] == !driver->address)
			return open_driver(counters, driver,
					   spec[length] ? spec + length + 1 : NULL, root, error);
	}
	return no_such_driver(spec, error);
}

void counters_close(struct counters *counters)
{
	if (!counters)
		return;
	counters->driver->close(counters);
	free(counters);
}

const char *counters_name(const struct counters *counters)
{
	return counters->driver->name;
}

bool counters_are_emulated(const struct counters *counters)
{
	return counters->plant != NULL;
}

const char *counters_note(const struct counters *counters)
{
	return counters->note[0] ? counters->note : NULL;
}

const char *counters_pmu(const struct counters *counters)
{
	return counters->pmu[0] ? counters->pmu : NULL;
}

struct plant *counters_plant(const struct counters *counters)
{
	return counters->plant;
}

unsigned counters_free(struct counters *counters)
{
	return counters->driver->free ? counters->driver->free(counters) : 0;
}

int counters_candidates(struct counters *counters, struct event_names *names, struct error *error)
{
	return counters->driver->candidates ? counters->driver->candidates(counters, names, error)
					    : 0;
}

int counters_try(struct counters *counters, const char *name, uint64_t *count, struct error *error)
{
	if (!counters->driver->try)
		return error_setf(error, ENOTSUP, "event %s: %s counts no events", name,
				  counters->driver->name);
	return counters->driver->try(counters, name, count, error);
}

int counters_choose(struct counters *counters, const struct session_pass *pass, struct error *error)
{
	int result = counters->driver->choose(counters, pass, error);

	if (!result)
		counters->pass = *pass;
	return result;
}

int counters_read(struct counters *counters, struct session_sample *sample, struct error *error)
{
	return counters->driver->read(counters, sample, error);
}

/* --- lists of names ---------------------------------------------------------------------- */

int event_names_add(struct event_names *names, const char *name)
{
	char(*entry)[EVENT_NAME_BYTES];

	if (strlen(name) >= EVENT_NAME_BYTES)
		return -EINVAL;
	entry = MEMORY_APPEND(names);
	if (!entry)
		return -ENOMEM;
	strcpy(*entry, name);
	return 0;
}

void event_names_clear(struct event_names *names)
{
	free(names->items);
	*names = (struct event_names){ 0 };
}
