/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/meters.h"

/* What is unknown ("" or NaN) becomes null. */
static json_t *text_value(const char *text)
{
	char printable[256];

	return text[0] ? json_string(text_printable(text, printable, sizeof printable))
		       : json_null();
}

static json_t *figure(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *meter_value(const struct meter_about *about)
{
	const char *scope = about->has_scope ? scope_name(about->scope) : "";

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
			 "address", text_value(about->address), "driver", text_value(about->driver),
			 "scope", text_value(scope), "measures", text_value(about->measures),
			 "model", text_value(about->model), "serial", text_value(about->serial),
			 "range_w", figure(about->range_w), "resolution_w",
			 figure(about->resolution_w), "accuracy_percent",
			 figure(about->accuracy_percent), "interval_s", figure(about->interval_s),
			 "window_s", figure(about->window_s), "usable", !about->missing[0],
			 "missing", text_value(about->missing), "worth", text_value(about->worth));
}

static json_t *absence_value(const struct meter_absence *absence)
{
	const char *address = absence->kind.address ? absence->kind.address : "";

	return json_pack("{s:s, s:o, s:o, s:o}", "driver", absence->kind.name, "address",
			 text_value(address), "sentence", text_value(absence->kind.sentence),
			 "reason", text_value(absence->reason.text));
}

static int append(json_t *array, json_t *value)
{
	return !value || json_array_append_new(array, value) ? -ENOMEM : 0;
}

static int fill(const struct meters_found *found, json_t *meters, json_t *absent)
{
	int result = 0;

	for (size_t i = 0; !result && i < found->list.count; i++)
		result = append(meters, meter_value(&found->list.items[i]));
	for (size_t i = 0; !result && i < found->absences.count; i++)
		result = append(absent, absence_value(&found->absences.items[i]));
	return result;
}

int meters_print_json(const struct meters_found *found, struct text *out)
{
	json_t *meters = json_array(), *absent = json_array(), *root;
	int result = meters && absent ? fill(found, meters, absent) : -ENOMEM;
	char *line = NULL;

	/* Takes both arrays, also when it fails. */
	root = json_pack("{s:o, s:o, s:o}", "meters", meters, "auto",
			 text_value(found->best ? found->best->address : ""), "absent", absent);
	if (!result && root)
		line = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(root);
	if (!line)
		return -ENOMEM;
	text_addf(out, "%s\n", line);
	free(line);
	return out->failed ? -ENOMEM : 0;
}
