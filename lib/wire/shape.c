/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/shape.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/topology.h"

static const double exact_integer_max = 9007199254740992.0; /* 2^53 */

/* What a member of a record may be. */
union place {
	const void *at;
	const double *figure;
	const uint64_t *u64;
	const size_t *size;
	const int *integer;
	const bool *truth;
	char *const *text;
	const unsigned *number;
	char *const *const *texts;
	const char *const *items;
};

static union place place_of(const struct shape_member *member, const void *record)
{
	return (union place){ .at = (const char *)record + member->offset };
}

static size_t count_of(const struct shape_member *member, const void *record)
{
	return *(const size_t *)(const void *)((const char *)record + member->count_offset);
}

/* --- writing --------------------------------------------------------------- */

/* Bytes and requests are whole numbers unless a late reading was spread over ticks. */
static json_t *count_value(double value)
{
	if (fabs(value) < exact_integer_max && trunc(value) == value)
		return json_integer((json_int_t)value);
	return build_real(value);
}

static json_t *bits_value(struct build *build, const struct shape_member *member, unsigned bits)
{
	json_t *words = json_array();

	for (unsigned i = 0; i < member->max; i++)
		if (bits & 1u << i)
			build_append(build, words, build_text(member->word->name(i)));
	return words;
}

static json_t *texts_value(struct build *build, char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		build_append(build, array, build_text(texts[i]));
	return array;
}

static json_t *object_value(struct build *build, const struct shape *shape, const void *record)
{
	json_t *object = json_object();

	shape_put(build, object, shape, record);
	return object;
}

static json_t *list_value(struct build *build, const struct shape_member *member, const char *items,
			  size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		build_append(build, array,
			     object_value(build, member->shape, items + i * member->item_bytes));
	return array;
}

static json_t *member_value(struct build *build, const struct shape_member *member,
			    const void *record)
{
	union place place = place_of(member, record);

	switch (member->type) {
	case SHAPE_FIGURE:
		return build_real(*place.figure);
	case SHAPE_COUNT:
		return count_value(*place.figure);
	case SHAPE_U64:
		return build_u64(build, member->key, *place.u64);
	case SHAPE_SIZE:
		return build_u64(build, member->key, *place.size);
	case SHAPE_ID:
		return json_integer(*place.integer);
	case SHAPE_VCPU:
		return *place.integer >= 0 ? json_integer(*place.integer) : json_null();
	case SHAPE_BOOL:
		return json_boolean(*place.truth);
	case SHAPE_NAME:
	case SHAPE_TEXT:
		return build_text(*place.text);
	case SHAPE_WORD:
		return build_text(member->word->name(*place.number));
	case SHAPE_BITS:
		return bits_value(build, member, *place.number);
	case SHAPE_TEXTS:
		return texts_value(build, *place.texts, count_of(member, record));
	case SHAPE_OBJECT:
		return object_value(build, member->shape, place.at);
	case SHAPE_LIST:
	case SHAPE_BESIDE:
		return list_value(build, member, *place.items, count_of(member, record));
	case SHAPE_TYPES:
		break;
	}
	return NULL;
}

void shape_put(struct build *build, json_t *object, const struct shape *shape, const void *record)
{
	for (size_t i = 0; i < shape->count; i++)
		build_put(build, object, shape->members[i].key,
			  member_value(build, &shape->members[i], record));
}

/* --- reading --------------------------------------------------------------- */

struct reader {
	const struct shape_member *member;
	const struct shape_memory *memory;
	void *record;
	void *at; /* of the member in the record */
};

static size_t *count_place(const struct reader *reader)
{
	return (size_t *)(void *)((char *)reader->record + reader->member->count_offset);
}

static void *take(const struct node *node, const struct reader *reader, size_t bytes, int *result)
{
	void *taken = reader->memory->take(reader->memory->context, bytes);

	*result = taken ? 0 : node_no_memory(node);
	return taken;
}

static int parse_figure(const struct node *node, const struct reader *reader)
{
	double *figure = reader->at;

	*figure = NAN;
	return node_present(node) ? node_real(node, figure) : 0;
}

static int parse_u64(const struct node *node, const struct reader *reader)
{
	return node_u64(node, reader->at);
}

static int parse_size(const struct node *node, const struct reader *reader)
{
	uint64_t number = 0;
	int result = node_u64(node, &number);

	*(size_t *)reader->at = number;
	return result;
}

static int parse_id(const struct node *node, const struct reader *reader)
{
	int64_t number = 0;
	int result = node_i64(node, 0, INT_MAX, &number);

	*(int *)reader->at = (int)number;
	return result;
}

static int parse_vcpu(const struct node *node, const struct reader *reader)
{
	if (node_present(node))
		return parse_id(node, reader);
	*(int *)reader->at = VCPU_ALL;
	return 0;
}

static int parse_bool(const struct node *node, const struct reader *reader)
{
	return node_bool(node, reader->at);
}

static int copy_text(const struct node *node, const struct reader *reader, char **text)
{
	const char *string = json_string_value(node->value);
	size_t length = json_string_length(node->value);
	int result;

	if (!string)
		return node_fail(node, node->value ? "must be a string" : "missing (a string)");
	if (length > FIELD_TEXT_MAX)
		return node_fail(node, "%zu bytes: must be 0..%d", length, FIELD_TEXT_MAX);
	*text = take(node, reader, length + 1, &result);
	if (*text)
		memcpy(*text, string, length);
	return result;
}

static int parse_name(const struct node *node, const struct reader *reader)
{
	return copy_text(node, reader, reader->at);
}

static int parse_text(const struct node *node, const struct reader *reader)
{
	return node_present(node) ? copy_text(node, reader, reader->at) : 0;
}

static int parse_word(const struct node *node, const struct reader *reader)
{
	return node_word(node, reader->member->word->parse, reader->at);
}

static int parse_bits(const struct node *node, const struct reader *reader)
{
	unsigned *bits = reader->at, bit = 0;
	int result = node_array(node, reader->member->max);

	for (size_t i = 0; i < json_array_size(node->value) && !result; i++) {
		struct node word = node_element(node, i);

		result = node_word(&word, reader->member->word->parse, &bit);
		*bits |= bit;
	}
	return result;
}

static int parse_texts(const struct node *node, const struct reader *reader)
{
	size_t count = json_array_size(node->value);
	int result = node_array(node, reader->member->max);
	char **texts;

	if (result || count == 0)
		return result;
	texts = take(node, reader, count * sizeof *texts, &result);
	if (!texts)
		return result;
	*(char ***)reader->at = texts;
	for (size_t i = 0; i < count && !result; i++) {
		struct node element = node_element(node, i);

		++*count_place(reader);
		result = copy_text(&element, reader, &texts[i]);
	}
	return result;
}

static int parse_object(const struct node *node, const struct reader *reader)
{
	return shape_parse(node, reader->member->shape, reader->memory, reader->at);
}

static int parse_items(const struct node *node, const struct reader *reader, char *items)
{
	int result = 0;

	for (size_t i = 0; i < json_array_size(node->value) && !result; i++) {
		struct node element = node_element(node, i);

		result = shape_parse(&element, reader->member->shape, reader->memory,
				     items + i * reader->member->item_bytes);
	}
	return result;
}

static int parse_list(const struct node *node, const struct reader *reader)
{
	size_t count = json_array_size(node->value);
	int result = node_array(node, reader->member->max);
	char *items;

	if (result || count == 0)
		return result;
	items = take(node, reader, count * reader->member->item_bytes, &result);
	if (!items)
		return result;
	*(void **)reader->at = items;
	*count_place(reader) = count;
	return parse_items(node, reader, items);
}

static int parse_beside(const struct node *node, const struct reader *reader)
{
	size_t count = *count_place(reader);
	int result = node_array(node, SIZE_MAX);

	if (!result && json_array_size(node->value) != count)
		return node_fail(node, "has %zu elements: must be %zu",
				 json_array_size(node->value), count);
	return result ? result : parse_items(node, reader, *(char **)reader->at);
}

static int (*const parsers[])(const struct node *node, const struct reader *reader) = {
	[SHAPE_FIGURE] = parse_figure, [SHAPE_COUNT] = parse_figure, [SHAPE_U64] = parse_u64,
	[SHAPE_SIZE] = parse_size,     [SHAPE_ID] = parse_id,        [SHAPE_VCPU] = parse_vcpu,
	[SHAPE_BOOL] = parse_bool,     [SHAPE_NAME] = parse_name,    [SHAPE_TEXT] = parse_text,
	[SHAPE_WORD] = parse_word,     [SHAPE_BITS] = parse_bits,    [SHAPE_TEXTS] = parse_texts,
	[SHAPE_OBJECT] = parse_object, [SHAPE_LIST] = parse_list,    [SHAPE_BESIDE] = parse_beside,
};
_Static_assert(sizeof parsers / sizeof *parsers == SHAPE_TYPES, "a parser for each type");

static void leave_out(const struct shape_member *member, void *at)
{
	if (member->type != SHAPE_OBJECT)
		return;
	for (size_t i = 0; i < member->shape->count; i++)
		if (member->shape->members[i].type == SHAPE_FIGURE)
			*(double *)(void *)((char *)at + member->shape->members[i].offset) = NAN;
}

int shape_parse(const struct node *object, const struct shape *shape,
		const struct shape_memory *memory, void *record)
{
	int result = node_object(object);

	for (size_t i = 0; i < shape->count && !result; i++) {
		const struct shape_member *member = &shape->members[i];
		struct node node = node_member(object, member->key);
		const struct reader reader = { member, memory, record,
					       (char *)record + member->offset };

		if (member->optional && !node_present(&node))
			leave_out(member, reader.at);
		else
			result = parsers[member->type](&node, &reader);
	}
	return result;
}

/* --- memory ---------------------------------------------------------------- */

static void *heap_take(void *context, size_t bytes)
{
	(void)context;
	return calloc(1, bytes);
}

const struct shape_memory shape_heap = { heap_take, NULL };

static void release(const struct shape *shape, void *record);

static void release_member(const struct shape_member *member, void *record)
{
	char *at = (char *)record + member->offset;

	if (member->type == SHAPE_OBJECT)
		release(member->shape, at);
	if (member->type == SHAPE_NAME || member->type == SHAPE_TEXT)
		free(*(char **)(void *)at);
	if (member->type == SHAPE_TEXTS)
		for (size_t i = 0; i < count_of(member, record); i++)
			free((*(char ***)(void *)at)[i]);
	if (member->type == SHAPE_LIST)
		for (size_t i = 0; i < count_of(member, record); i++)
			release(member->shape, *(char **)(void *)at + i * member->item_bytes);
	if (member->type == SHAPE_TEXTS || member->type == SHAPE_LIST)
		free(*(void **)(void *)at);
}

static void release(const struct shape *shape, void *record)
{
	for (size_t i = 0; i < shape->count; i++)
		release_member(&shape->members[i], record);
}

void shape_clear(const struct shape *shape, void *record, size_t bytes)
{
	release(shape, record);
	memset(record, 0, bytes);
}
