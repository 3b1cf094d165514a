/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shape.h - structs as trees of tables: one table writes and reads an object
 * and all that it nests, so that both sides cannot differ. Private to wire/.
 *
 * For what programs tell one another. Unlike in the records of field.h a figure
 * may be unknown (NaN <-> null), texts are always strings (bad bytes replaced by U+FFFD), and
 * the memory of what is read is asked of the caller.
 */
#ifndef VMENERGY_WIRE_SHAPE_H
#define VMENERGY_WIRE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/build.h"
#include "wire/field.h"
#include "wire/node.h"

/* A figure and a text may be null, or missing; everything else must be there, unless it is
 * `optional`: its list is empty then, the figures of its object are unknown. */
enum shape_type {
	SHAPE_FIGURE, /* double; not finite = null */
	SHAPE_COUNT,  /* the same; whole numbers are written without a point */
	SHAPE_U64,    /* uint64_t, 0 .. 2^63-1 */
	SHAPE_SIZE,   /* size_t, 0 .. 2^63-1 */
	SHAPE_ID,     /* int, 0 or more; pid_t too */
	SHAPE_VCPU,   /* int; VCPU_ALL = null */
	SHAPE_BOOL,
	SHAPE_NAME,   /* char *, never NULL */
	SHAPE_TEXT,   /* char *; NULL = null */
	SHAPE_WORD,   /* an enum, by `word` */
	SHAPE_BITS,   /* unsigned: `max` bits as a list of words; `word` parses to the bit */
	SHAPE_TEXTS,  /* char **, and how many */
	SHAPE_OBJECT, /* a struct inside this one */
	SHAPE_LIST,   /* pointer to structs, and how many */
	SHAPE_BESIDE, /* a list that another table made: more of its items, as many */
	SHAPE_TYPES,
};

struct shape_member {
	const char *key;
	enum shape_type type;
	size_t offset;
	size_t count_offset; /* TEXTS, LIST, BESIDE: of the size_t that says how many */
	size_t item_bytes;   /* LIST, BESIDE */
	size_t max;          /* TEXTS, LIST: items; BITS: words */
	const struct field_word *word;
	const struct shape *shape; /* OBJECT, LIST, BESIDE */
	bool optional;             /* OBJECT, LIST, BESIDE: earlier versions had it not */
};

struct shape {
	const struct shape_member *members;
	size_t count;
};

struct shape_memory {
	void *(*take)(void *context, size_t bytes); /* zeroed; NULL = there is none */
	void *context;
};

/* Append the members of `record` to an object, in the table's order. */
void shape_put(struct build *build, json_t *object, const struct shape *shape, const void *record);

/* 0; -EINVAL with text; -ENOMEM. After a failure what was read so far is in *record, whole. */
int shape_parse(const struct node *object, const struct shape *shape,
		const struct shape_memory *memory, void *record);

/* Memory of calloc(3), for records that shape_clear() releases. */
extern const struct shape_memory shape_heap;
/* Free all texts and lists, and zero the record of `bytes`. */
void shape_clear(const struct shape *shape, void *record, size_t bytes);

/* Rows of tables: SHAPE(struct, member, TYPE), and for what has more to say the others. */
#define SHAPE_AT(key_, struct_, member_, type_)                                                    \
	.key = (key_), .type = SHAPE_##type_, .offset = offsetof(struct struct_, member_)
#define SHAPE_LIST_AT(key_, struct_, items_, count_, type_)                                        \
	SHAPE_AT(key_, struct_, items_, type_),                                                    \
		.count_offset = offsetof(struct struct_, count_),                                  \
		.item_bytes = sizeof *((struct struct_ *)0)->items_
#define SHAPE_OF(members_)                                                                         \
	{                                                                                          \
		members_, sizeof(members_) / sizeof *(members_)                                    \
	}

#endif
