/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * field.h - structs as tables of fields: one table writes and reads a record
 * of a recording, so that both sides cannot differ. Private to wire/.
 */
#ifndef VMENERGY_WIRE_FIELD_H
#define VMENERGY_WIRE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/build.h"
#include "wire/node.h"

enum { FIELD_TEXT_MAX = 64 * 1024, FIELD_FILE_MAX = 1024 * 1024 };

enum field_type {
	FIELD_U64,      /* uint64_t, 0 .. 2^63-1 */
	FIELD_UNSIGNED, /* unsigned, 0 .. max */
	FIELD_INT,      /* int, min .. max */
	FIELD_BOOL,
	FIELD_REAL,  /* double, finite, 0 or more */
	FIELD_TEXT,  /* char *, owned, at most max bytes; NULL where optional */
	FIELD_CHARS, /* char[max + 1] */
	FIELD_WORD,  /* an enum, by `word` */
};

struct field_word {
	const char *(*name)(unsigned value);
	int (*parse)(const char *word);
};

/* The model's functions take their own enum: one signature for all. */
#define FIELD_WORD(what)                                                                           \
	static const char *what##_word_name(unsigned value)                                        \
	{                                                                                          \
		return what##_name(value);                                                         \
	}                                                                                          \
	static const struct field_word what##_word = { what##_word_name, what##_parse }

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	int min;
	unsigned max;
	bool optional; /* left out when 0, false or NULL, and then read as that */
	const struct field_word *word;
};

struct field_table {
	const struct field *fields;
	size_t count;
};

/* One field of the struct `record`. */
json_t *fields_value(struct build *build, const struct field *field, const void *record);
int fields_parse_one(const struct node *node, const struct field *field, void *record);

/* Members of `object`, from and to the struct `record`. */
void fields_put(struct build *build, json_t *object, const struct field_table *table,
		const void *record);
int fields_parse(const struct node *object, const struct field_table *table, void *record);

/* The same as elements of an array, in the table's order; `optional` has no effect. */
void fields_append(struct build *build, json_t *array, const struct field_table *table,
		   const void *record);
int fields_parse_array(const struct node *array, const struct field_table *table, void *record);

#endif
