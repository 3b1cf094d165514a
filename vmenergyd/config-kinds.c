/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How values of vmenergyd.conf(5) are read. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/ini.h"
#include "base/memory.h"
#include "meter/meter.h"
#include "vmenergyd/config-internal.h"

static const char none_word[] = "none", auto_word[] = "auto";

static void *field(const struct config_key *key, void *base)
{
	return (char *)base + key->offset;
}

static const void *const_field(const struct config_key *key, const void *base)
{
	return (const char *)base + key->offset;
}

/* --- quantities ----------------------------------------------------------------------------- */

/* 0 is the value of no key: it stands for "may not be `none`". */
static bool is_none(const struct config_key *key, const char *value)
{
	return (isnan(key->none) || key->none > 0) && strcmp(value, none_word) == 0;
}

static int parse_quantity(const struct config_key *key, const char *value, void *base,
			  struct error *error)
{
	double *target = field(key, base);

	if (!is_none(key, value))
		return unit_parse(key->quantity, value, key->min, key->max, target, error) ? -EINVAL
											   : 0;
	*target = key->none;
	return 0;
}

const struct config_kind config_kind_quantity = { .parse = parse_quantity };

/* --- an amount per time --------------------------------------------------------------------- */

static const struct {
	const char *name;
	double seconds;
} periods[] = {
	{ "s", 1 },     { "min", 60 },    { "h", 3600 },
	{ "d", 86400 }, { "day", 86400 }, { "week", 604800 },
};

/* "day", or a time: "15min". */
static int parse_period(const struct config_key *key, const char *text, double *seconds,
			struct error *error)
{
	char number[INI_LINE_MAX_BYTES + 8];

	for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++)
		if (strcmp(text, periods[i].name) == 0) {
			snprintf(number, sizeof number, "%.0fs", periods[i].seconds);
			text = number;
			break;
		}
	if (strspn(text, "0123456789.") == 0)
		return error_setf(error, EINVAL,
				  "%s: must be a time: s, min, h, day, week, or as in 15min",
				  *text ? text : "''");
	return unit_parse(QUANTITY_TIME, text, key->period_min_s, key->period_max_s, seconds, error)
		       ? -EINVAL
		       : 0;
}

static void *period_field(const struct config_key *key, void *base)
{
	return (char *)base + key->period_offset;
}

/* "500Wh/day", and blanks about the stroke. */
static int parse_per_time(const struct config_key *key, const char *value, void *base,
			  struct error *error)
{
	double *amount = field(key, base), *period = period_field(key, base);
	const char *stroke = strchr(value, '/');
	char text[INI_LINE_MAX_BYTES + 1];
	double parsed = 0, seconds = 0;
	size_t length = stroke ? (size_t)(stroke - value) : 0;

	if (is_none(key, value)) {
		*amount = *period = key->none;
		return 0;
	}
	if (!stroke)
		return error_setf(error, EINVAL, "%s: must have a period: %s", value,
				  key->quantity == QUANTITY_ENERGY ? "500Wh/day" : "400W/15min");
	while (length > 0 && value[length - 1] == ' ')
		length--;
	if (length >= sizeof text)
		return error_setf(error, EINVAL, "%s: too long", value);
	memcpy(text, value, length);
	text[length] = '\0';
	stroke += 1 + strspn(stroke + 1, " ");
	if (unit_parse(key->quantity, text, key->min, key->max, &parsed, error) ||
	    parse_period(key, stroke, &seconds, error))
		return error_prefixf(error, -EINVAL, "%s", value);
	*amount = parsed;
	*period = seconds;
	return 0;
}

const struct config_kind config_kind_per_time = { .parse = parse_per_time };

/* --- texts ---------------------------------------------------------------------------------- */

int config_check_path(const char *value, struct error *error)
{
	return *value == '/' ? 0 : error_setf(error, EINVAL, "%s: must begin with '/'", value);
}

int config_check_socket(const char *value, struct error *error)
{
	const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;

	if (strlen(value) > most)
		return error_setf(error, EINVAL, "%s: a socket's path has at most %zu bytes", value,
				  most);
	return config_check_path(value, error);
}

int config_check_word(const char *value, struct error *error)
{
	return strpbrk(value, " \t:") ? error_setf(error, EINVAL, "%s: must be one name", value)
				      : 0;
}

int config_check_meter(const char *value, struct error *error)
{
	size_t length = strcspn(value, ":");
	struct meter_kind kind;

	if (strcmp(value, auto_word) == 0)
		return 0;
	for (unsigned i = 0; (kind = meter_kind_at(NULL, i)).name; i++)
		if (strlen(kind.name) == length && memcmp(kind.name, value, length) == 0)
			return 0;
	return error_setf(
		error, EINVAL,
		"%s: must be none, auto or DRIVER:ADDRESS as `calibrate meters` lists them", value);
}

static int check_text(const struct config_key *key, const char *value, struct error *error)
{
	if (!*value)
		return error_setf(error, EINVAL, "'': must not be empty");
	return key->check ? key->check(value, error) : 0;
}

static int parse_text(const struct config_key *key, const char *value, void *base,
		      struct error *error)
{
	bool absent = key->absent && strcmp(value, key->absent) == 0;
	int result = absent ? 0 : check_text(key, value, error);

	return result ? result : text_replace(field(key, base), absent ? NULL : value);
}

static bool equal_text(const struct config_key *key, const void *a, const void *b)
{
	char *const *first = const_field(key, a), *const *second = const_field(key, b);

	return text_equal(*first, *second);
}

const struct config_kind config_kind_text = { parse_text, equal_text, false };

static int parse_owner(const struct config_key *key, const char *value, void *base,
		       struct error *error)
{
	int result = check_text(key, value, error);

	return result ? result
		      : text_replace(field(key, base), strcmp(value, none_word) ? value : "");
}

const struct config_kind config_kind_owner = { .parse = parse_owner };

/* --- lists ---------------------------------------------------------------------------------- */

int config_strings_add(struct config_strings *strings, const char *text)
{
	char *copy = strdup(text), **item = copy ? MEMORY_APPEND(strings) : NULL;

	if (!item) {
		free(copy);
		return -ENOMEM;
	}
	*item = copy;
	return 0;
}

void config_strings_clear(struct config_strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	*strings = (struct config_strings){ 0 };
}

static int parse_list(const struct config_key *key, const char *value, void *base,
		      struct error *error)
{
	struct config_strings *strings = field(key, base);
	int result;

	if (strcmp(value, key->absent) == 0) {
		config_strings_clear(strings);
		return 0;
	}
	result = check_text(key, value, error);
	return result ? result : config_strings_add(strings, value);
}

static bool equal_list(const struct config_key *key, const void *a, const void *b)
{
	const struct config_strings *first = const_field(key, a), *second = const_field(key, b);
	bool equal = first->count == second->count;

	for (size_t i = 0; equal && i < first->count; i++)
		equal = strcmp(first->items[i], second->items[i]) == 0;
	return equal;
}

const struct config_kind config_kind_list = { parse_list, equal_list, true };

/* --- words ---------------------------------------------------------------------------------- */

static int refuse_word(const char *value, const char *(*name)(unsigned), unsigned count,
		       struct error *error)
{
	char list[128] = "";

	for (unsigned i = 0; i < count; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof list - used, "%s%s",
			 i == 0          ? ""
			 : i + 1 < count ? ", "
					 : " or ",
			 name(i));
	}
	return error_setf(error, EINVAL, "%s: must be %s", *value ? value : "''", list);
}

static int find_word(const char *value, const char *(*name)(unsigned), unsigned count,
		     struct error *error)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(name(i), value) == 0)
			return (int)i;
	return refuse_word(value, name, count, error);
}

static const char *switch_name(unsigned index)
{
	return index ? "yes" : "no";
}

static int parse_switch(const struct config_key *key, const char *value, void *base,
			struct error *error)
{
	int word = find_word(value, switch_name, 2, error);

	if (word < 0)
		return word;
	*(bool *)field(key, base) = word;
	return 0;
}

static bool equal_switch(const struct config_key *key, const void *a, const void *b)
{
	const bool *first = const_field(key, a), *second = const_field(key, b);

	return *first == *second;
}

const struct config_kind config_kind_switch = { parse_switch, equal_switch, false };

/* Fields of an enum, or of one that -1 stands before. */
static bool equal_int(const struct config_key *key, const void *a, const void *b)
{
	return memcmp(const_field(key, a), const_field(key, b), sizeof(int)) == 0;
}

enum { SOURCE_COUNT = CPU_SOURCE_SWITCH + 1 };

static const char *source_word(unsigned index)
{
	return index == 0 ? auto_word : cpu_source_name((enum cpu_source)(index - 1));
}

static int parse_source(const struct config_key *key, const char *value, void *base,
			struct error *error)
{
	int word = find_word(value, source_word, SOURCE_COUNT + 1, error);

	if (word < 0)
		return word;
	*(int *)field(key, base) = word - 1;
	return 0;
}

const struct config_kind config_kind_source = { parse_source, equal_int, false };

static const char *idle_word(unsigned index)
{
	return idle_policy_name((enum idle_policy)index);
}

_Static_assert(sizeof(enum idle_policy) == sizeof(int), "written and compared as int");

static int parse_idle(const struct config_key *key, const char *value, void *base,
		      struct error *error)
{
	int word = find_word(value, idle_word, IDLE_POLICY_COUNT, error);

	if (word < 0)
		return word;
	memcpy(field(key, base), &word, sizeof word);
	return 0;
}

const struct config_kind config_kind_idle = { parse_idle, equal_int, false };

/* --- libvirt -------------------------------------------------------------------------------- */

static int parse_libvirt(const struct config_key *key, const char *value, void *base,
			 struct error *error)
{
	struct config *config = base;
	bool is_none_word = strcmp(value, none_word) == 0;
	bool is_uri = !is_none_word && strcmp(value, auto_word) != 0;
	int result;

	(void)key;
	if (is_uri && !strstr(value, "://"))
		return error_setf(error, EINVAL, "%s: must be a URI (qemu:///system), auto or none",
				  *value ? value : "''");
	result = text_replace(&config->libvirt, is_uri ? value : NULL);
	if (!result)
		config->without_libvirt = is_none_word;
	return result;
}

static bool equal_libvirt(const struct config_key *key, const void *a, const void *b)
{
	const struct config *first = a, *second = b;

	(void)key;
	return first->without_libvirt == second->without_libvirt &&
	       text_equal(first->libvirt, second->libvirt);
}

const struct config_kind config_kind_libvirt = { parse_libvirt, equal_libvirt, false };
