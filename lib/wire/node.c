/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/node.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/utf8.h"

struct node node_root(const json_t *value, const char *name, struct error *error)
{
	return (struct node){ .key = name, .value = value, .error = error };
}

struct node node_member(const struct node *up, const char *key)
{
	return (struct node){
		.up = up, .key = key, .value = json_object_get(up->value, key), .error = up->error
	};
}

struct node node_element(const struct node *up, size_t index)
{
	return (struct node){ .up = up,
			      .index = index,
			      .value = json_array_get(up->value, index),
			      .error = up->error };
}

bool node_present(const struct node *node)
{
	return node->value && !json_is_null(node->value);
}

/* --- errors ---------------------------------------------------------------- */

/* The format nests six deep; a deeper path shows its end. */
enum { PATH_NODES_MAX = 8 };

static void add_path(struct text *path, const struct node *node)
{
	const struct node *chain[PATH_NODES_MAX];
	size_t depth = 0;

	for (; node && depth < PATH_NODES_MAX; node = node->up)
		chain[depth++] = node;
	while (depth-- > 0) {
		if (chain[depth]->key)
			text_addf(path, "%s%s", path->length > 0 ? "." : "", chain[depth]->key);
		else
			text_addf(path, "[%zu]", chain[depth]->index);
	}
}

int node_fail(const struct node *node, const char *format, ...)
{
	struct text path = { 0 };
	char what[ERROR_TEXT_BYTES];
	va_list arguments;
	int result;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	add_path(&path, node);
	result = error_setf(node->error, EINVAL, "%s: %s", path.bytes ? path.bytes : "?", what);
	text_free(&path);
	return result;
}

int node_no_memory(const struct node *node)
{
	return error_setf(node->error, ENOMEM, "out of memory");
}

static int wrong_type(const struct node *node, const char *expected)
{
	return node_fail(node, node->value ? "must be %s" : "missing (%s)", expected);
}

/* --- values ---------------------------------------------------------------- */

int node_object(const struct node *node)
{
	return json_is_object(node->value) ? 0 : wrong_type(node, "an object");
}

int node_array(const struct node *node, size_t max)
{
	if (!json_is_array(node->value))
		return wrong_type(node, "an array");
	if (json_array_size(node->value) > max)
		return node_fail(node, "has %zu elements: must be 0..%zu",
				 json_array_size(node->value), max);
	return 0;
}

int node_i64(const struct node *node, int64_t min, int64_t max, int64_t *value)
{
	json_int_t number = json_integer_value(node->value);

	if (!json_is_integer(node->value) || number < min || number > max)
		return node_fail(node, "%smust be %" PRId64 "..%" PRId64,
				 node->value ? "" : "missing: ", min, max);
	*value = number;
	return 0;
}

int node_u64(const struct node *node, uint64_t *value)
{
	int64_t number = 0;
	int result = node_i64(node, 0, INT64_MAX, &number);

	if (!result)
		*value = (uint64_t)number;
	return result;
}

int node_unsigned(const struct node *node, unsigned max, unsigned *value)
{
	int64_t number = 0;
	int result = node_i64(node, 0, max, &number);

	if (!result)
		*value = (unsigned)number;
	return result;
}

int node_real(const struct node *node, double *value)
{
	if (!json_is_number(node->value))
		return wrong_type(node, "a number");
	*value = json_number_value(node->value);
	return 0;
}

int node_bool(const struct node *node, bool *value)
{
	if (!json_is_boolean(node->value))
		return wrong_type(node, "true or false");
	*value = json_is_true(node->value);
	return 0;
}

int node_word(const struct node *node, int (*parse)(const char *word), unsigned *value)
{
	int index;

	if (!json_is_string(node->value))
		return wrong_type(node, "a word");
	index = parse(json_string_value(node->value));
	if (index < 0)
		return node_fail(node, "'%.40s' is no word known here",
				 json_string_value(node->value));
	*value = (unsigned)index;
	return 0;
}

/* --- texts ----------------------------------------------------------------- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

static int parse_hex(const struct node *node, size_t max, char **text)
{
	const char *hex = json_string_value(node->value);
	size_t length = json_string_length(node->value) / 2;
	char *bytes;

	if (!hex || json_string_length(node->value) % 2)
		return wrong_type(node, "an even number of hexadecimal digits");
	if (length > max)
		return node_fail(node, "%zu bytes: must be 0..%zu", length, max);
	bytes = calloc(1, length + 1);
	if (!bytes)
		return node_no_memory(node);
	for (size_t i = 0; i < length; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0) {
			free(bytes);
			return node_fail(node, "'%.2s' is no byte (01..ff)", hex + 2 * i);
		}
		bytes[i] = (char)(high << 4 | low);
	}
	*text = bytes;
	return 0;
}

int node_text(const struct node *node, size_t max, char **text)
{
	struct node hex;

	if (json_is_object(node->value)) {
		hex = node_member(node, "hex");
		return parse_hex(&hex, max, text);
	}
	if (!json_is_string(node->value))
		return wrong_type(node, "a string or {\"hex\": ...}");
	if (json_string_length(node->value) > max)
		return node_fail(node, "%zu bytes: must be 0..%zu", json_string_length(node->value),
				 max);
	*text = strdup(json_string_value(node->value));
	return *text ? 0 : node_no_memory(node);
}

static json_t *hex_value(const char *text)
{
	struct text hex = { 0 };
	json_t *value;

	for (; *text; text++)
		text_addf(&hex, "%02x", (unsigned char)*text);
	value = hex.failed ? NULL : json_pack("{s:s#}", "hex", hex.bytes, (int)hex.length);
	text_free(&hex);
	return value;
}

json_t *node_text_value(const char *text)
{
	return utf8_valid(text) ? json_string(text) : hex_value(text);
}

/* --- lists ----------------------------------------------------------------- */

int node_parse_list(const struct node *node, size_t max, size_t item_bytes, node_parser *parse,
		    struct node_list *list)
{
	size_t count = json_array_size(node->value);
	int result = node_array(node, max);

	*list = (struct node_list){ 0 };
	if (result || count == 0)
		return result;
	list->items = calloc(count, item_bytes);
	if (!list->items)
		return node_no_memory(node);
	for (size_t i = 0; i < count && !result; i++) {
		struct node element = node_element(node, i);

		list->count++;
		result = parse(&element, (char *)list->items + i * item_bytes);
	}
	return result;
}
