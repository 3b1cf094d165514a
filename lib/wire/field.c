/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/field.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What `at` points to, by type; the same member is read and written. */
union place {
	const void *at;
	const uint64_t *u64;
	const unsigned *number;
	const int *integer;
	const bool *truth;
	const double *real;
	char *const *text;
	const char *chars;
};

static union place place_of(const struct field *field, const void *record)
{
	return (union place){ .at = (const char *)record + field->offset };
}

/* --- writing --------------------------------------------------------------- */

/* A recording holds what was measured: a figure that is not finite is a defect of its maker. */
static json_t *real_value(struct build *build, const char *key, double value)
{
	if (isfinite(value) && value >= 0)
		return json_real(value);
	if (!build->result)
		build->result =
			error_setf(build->error, EINVAL, "%s: %g is not recordable", key, value);
	return NULL;
}

static json_t *text_value(const char *text)
{
	return text ? node_text_value(text) : json_null();
}

json_t *fields_value(struct build *build, const struct field *field, const void *record)
{
	union place place = place_of(field, record);

	switch (field->type) {
	case FIELD_U64:
		return build_u64(build, field->key, *place.u64);
	case FIELD_UNSIGNED:
		return json_integer(*place.number);
	case FIELD_INT:
		return json_integer(*place.integer);
	case FIELD_BOOL:
		return json_boolean(*place.truth);
	case FIELD_REAL:
		return real_value(build, field->key, *place.real);
	case FIELD_TEXT:
		return text_value(*place.text);
	case FIELD_CHARS:
		return text_value(place.chars);
	case FIELD_WORD:
		return json_string(field->word->name(*place.number));
	}
	return NULL;
}

static bool is_empty(const struct field *field, const void *record)
{
	union place place = place_of(field, record);

	switch (field->type) {
	case FIELD_U64:
		return *place.u64 == 0;
	case FIELD_UNSIGNED:
	case FIELD_WORD:
		return *place.number == 0;
	case FIELD_INT:
		return *place.integer == 0;
	case FIELD_BOOL:
		return !*place.truth;
	case FIELD_REAL:
		return fpclassify(*place.real) == FP_ZERO;
	case FIELD_TEXT:
		return !*place.text;
	case FIELD_CHARS:
		return !*place.chars;
	}
	return false;
}

void fields_put(struct build *build, json_t *object, const struct field_table *table,
		const void *record)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct field *field = &table->fields[i];

		if (!field->optional || !is_empty(field, record))
			build_put(build, object, field->key, fields_value(build, field, record));
	}
}

void fields_append(struct build *build, json_t *array, const struct field_table *table,
		   const void *record)
{
	for (size_t i = 0; i < table->count; i++)
		build_append(build, array, fields_value(build, &table->fields[i], record));
}

/* --- reading --------------------------------------------------------------- */

static int parse_real(const struct node *node, double *value)
{
	int result = node_real(node, value);

	if (!result && *value < 0)
		return node_fail(node, "must be 0 or more");
	return result;
}

static int parse_int(const struct node *node, const struct field *field, int *value)
{
	int64_t number = 0;
	int result = node_i64(node, field->min, field->max, &number);

	if (!result)
		*value = (int)number;
	return result;
}

static int parse_chars(const struct node *node, size_t max, char *chars)
{
	char *text = NULL;
	int result = node_text(node, max, &text);

	if (!result)
		memcpy(chars, text, strlen(text) + 1);
	free(text);
	return result;
}

int fields_parse_one(const struct node *node, const struct field *field, void *record)
{
	void *at = (char *)record + field->offset;

	switch (field->type) {
	case FIELD_U64:
		return node_u64(node, at);
	case FIELD_UNSIGNED:
		return node_unsigned(node, field->max, at);
	case FIELD_INT:
		return parse_int(node, field, at);
	case FIELD_BOOL:
		return node_bool(node, at);
	case FIELD_REAL:
		return parse_real(node, at);
	case FIELD_TEXT:
		return node_text(node, field->max, at);
	case FIELD_CHARS:
		return parse_chars(node, field->max, at);
	case FIELD_WORD:
		return node_word(node, field->word->parse, at);
	}
	return node_fail(node, "not a field");
}

int fields_parse(const struct node *object, const struct field_table *table, void *record)
{
	int result = node_object(object);

	for (size_t i = 0; i < table->count && !result; i++) {
		const struct field *field = &table->fields[i];
		struct node member = node_member(object, field->key);

		if (!field->optional || node_present(&member))
			result = fields_parse_one(&member, field, record);
	}
	return result;
}

int fields_parse_array(const struct node *array, const struct field_table *table, void *record)
{
	int result = node_array(array, SIZE_MAX); /* later versions may append */

	for (size_t i = 0; i < table->count && !result; i++) {
		struct node element = node_element(array, i);

		element.key = table->fields[i].key; /* says more than the index */
		result = fields_parse_one(&element, &table->fields[i], record);
	}
	return result;
}
