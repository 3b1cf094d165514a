/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate meters - which power meters are here, and what each is worth. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "calibrate/command.h"
#include "calibrate/meters.h"

enum { OPTION_JSON = 256, OPTION_ROOT };

struct options {
	bool json, verbose;
	const char *root;
};

static const struct argp_option argp_options[] = {
	{ "json", OPTION_JSON, NULL, 0, "print one JSON object", 0 },
	{ "verbose", 'v', NULL, 0, "also say what meters that are not here would need", 0 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /sys and /dev", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPTION_JSON:
		options->json = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case OPTION_ROOT:
		options->root = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": there are no arguments", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.doc = "Show the power meters of this machine: how to name each (-m), what it measures and "
	       "what weights made with it are worth.",
};

static bool is_listed(const struct meter_list *list, const char *driver)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].driver, driver) == 0)
			return true;
	return false;
}

/* "rapl: no package ...": the name stands before it anyway. */
static void drop_name(struct error *reason, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(reason->text, name, length) == 0 && reason->text[length] == ':')
		memmove(reason->text, reason->text + length + 2,
			strlen(reason->text + length + 2) + 1);
}

/* A kind of which nothing was found says itself, when it is opened, what it misses. */
static int look_closer(const struct meter_place *place, struct meters_found *found)
{
	struct meter_absence *absence;
	struct meter_kind kind;
	struct meter *meter;

	for (unsigned i = 0; (kind = meter_kind_at(place, i)).name; i++) {
		if (is_listed(&found->list, kind.name))
			continue;
		absence = MEMORY_APPEND(&found->absences);
		if (!absence)
			return -ENOMEM;
		absence->kind = kind;
		if (!kind.is_by_choice &&
		    meter_open(&meter, kind.name, place, &absence->reason) == 0)
			meter_close(meter);
		drop_name(&absence->reason, kind.name);
	}
	return 0;
}

static int print(const struct meters_found *found, bool json)
{
	struct text out = { 0 };
	int result = 0;

	if (json)
		result = meters_print_json(found, &out);
	else
		meters_print_text(found, &out);
	if (!result && !out.failed)
		fputs(out.bytes, stdout);
	else
		result = -ENOMEM;
	if (!result && fflush(stdout))
		result = -errno;
	text_free(&out);
	return result;
}

static int run(int argc, char **argv)
{
	struct options options = { 0 };
	struct meters_found found = { 0 };
	struct rootfs root = { 0 };
	struct meter_place place = { .root = &root, .more = calibrate_meters };
	struct error error = { "" };
	int result;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	result = rootfs_open(&root, options.root, &error);
	if (result)
		return command_fail(&error);
	result = meter_list(&place, &found.list);
	found.best = meter_list_best(&found.list, &place);
	if (!result && options.verbose)
		result = look_closer(&place, &found);
	if (!result)
		result = print(&found, options.json);
	if (result)
		error_setf(&error, -result, "meters: %s", strerror(-result));
	meter_list_clear(&found.list);
	free(found.absences.items);
	rootfs_close(&root);
	return result ? command_fail(&error) : 0;
}

const struct command command_meters = {
	.name = "meters",
	.sentence = "show the power meters of this machine, and what each is worth",
	.run = run,
};
