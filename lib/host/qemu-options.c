/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/qemu-options.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { JSON_DEPTH_MAX = 16 };

int qemu_options_add(struct qemu_options *options, const char *key, const char *value)
{
	struct qemu_option *option = MEMORY_APPEND(options);

	if (!option)
		return -ENOMEM;
	option->key = strdup(key);
	option->value = strdup(value);
	if (option->key && option->value)
		return 0;
	free(option->key);
	free(option->value);
	options->count--;
	return -ENOMEM;
}

void qemu_options_clear(struct qemu_options *options)
{
	for (size_t i = 0; i < options->count; i++) {
		free(options->items[i].key);
		free(options->items[i].value);
	}
	free(options->items);
	*options = (struct qemu_options){ 0 };
}

const char *qemu_options_get(const struct qemu_options *options, const char *prefix,
			     const char *key)
{
	size_t length = strlen(prefix);

	for (size_t i = options->count; i-- > 0;)
		if (strncmp(options->items[i].key, prefix, length) == 0 &&
		    strcmp(options->items[i].key + length, key) == 0)
			return options->items[i].value;
	return NULL;
}

bool qemu_options_on(const struct qemu_options *options, const char *prefix, const char *key)
{
	static const char *const words[] = { "on", "yes", "true", "y" };
	const char *value = qemu_options_get(options, prefix, key);

	for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

/* --- JSON ------------------------------------------------------------------ */

static int add_json(struct qemu_options *options, const char *path, json_t *value, unsigned depth);

static int add_json_child(struct qemu_options *options, const char *path, const char *name,
			  json_t *value, unsigned depth)
{
	struct text full = { 0 };
	int result;

	text_addf(&full, *path ? "%s.%s" : "%s%s", path, name);
	result = full.failed ? -ENOMEM : add_json(options, full.bytes, value, depth + 1);
	text_free(&full);
	return result;
}

static int add_json_children(struct qemu_options *options, const char *path, json_t *value,
			     unsigned depth)
{
	char number[24];
	int result = 0;
	const char *key;
	json_t *child;
	size_t i;

	if (depth >= JSON_DEPTH_MAX)
		return -EINVAL;
	json_object_foreach(value, key, child)
	{
		result = add_json_child(options, path, key, child, depth);
		if (result)
			return result;
	}
	json_array_foreach(value, i, child)
	{
		snprintf(number, sizeof number, "%zu", i);
		result = add_json_child(options, path, number, child, depth);
		if (result)
			return result;
	}
	return 0;
}

static int add_json(struct qemu_options *options, const char *path, json_t *value, unsigned depth)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return add_json_children(options, path, value, depth);
	case JSON_STRING:
		return qemu_options_add(options, path, json_string_value(value));
	case JSON_INTEGER:
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
		return qemu_options_add(options, path, number);
	case JSON_TRUE:
	case JSON_FALSE:
		return qemu_options_add(options, path, json_is_true(value) ? "on" : "off");
	case JSON_REAL:
	case JSON_NULL:
		break;
	}
	return 0;
}

static int parse_json(struct qemu_options *options, const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	int result = json_is_object(value) ? add_json(options, "", value, 0) : -EINVAL;

	json_decref(value);
	return result;
}

/* --- key=value ------------------------------------------------------------- */

/* Up to the comma that ends the item; ",," is a comma of the value. */
static const char *take_value(const char *cursor, struct text *value)
{
	text_reset(value);
	for (;;) {
		size_t run = strcspn(cursor, ",");

		text_add_bytes(value, cursor, run);
		cursor += run;
		if (cursor[0] != ',' || cursor[1] != ',')
			return cursor;
		text_add_bytes(value, ",", 1);
		cursor += 2;
	}
}

static int parse_item(struct qemu_options *options, const char **cursor, const char *implied)
{
	struct text key = { 0 }, value = { 0 };
	size_t run = strcspn(*cursor, "=,");
	int result;

	if ((*cursor)[run] == '=') {
		text_add_bytes(&key, *cursor, run);
		*cursor = take_value(*cursor + run + 1, &value);
	} else if (implied) {
		text_add(&key, implied);
		*cursor = take_value(*cursor, &value);
	} else {
		text_add_bytes(&key, *cursor, run);
		text_add(&value, "on");
		*cursor += run;
	}
	if (**cursor == ',')
		(*cursor)++;
	result = key.failed || value.failed ? -ENOMEM
					    : qemu_options_add(options, key.bytes ? key.bytes : "",
							       value.bytes ? value.bytes : "");
	text_free(&key);
	text_free(&value);
	return result;
}

int qemu_options_parse(struct qemu_options *options, const char *text, const char *implied)
{
	int result = 0;

	if (*text == '{')
		return parse_json(options, text);
	while (*text && !result) {
		result = parse_item(options, &text, implied);
		implied = NULL;
	}
	return result;
}
