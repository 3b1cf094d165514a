/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node.h - strict reading of JSON, private to wire/.
 *
 * A node is a value with the way to it, so that an error can name the field:
 * "sample.domains[3].threads[0].at_ns: must be 0..9223372036854775807".
 * Nodes live on the stack of whoever descends; `up` is the caller's.
 */
#ifndef VMENERGY_WIRE_NODE_H
#define VMENERGY_WIRE_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct node {
	const struct node *up; /* NULL: the root */
	const char *key;       /* NULL: element `index` of an array */
	size_t index;
	const json_t *value; /* NULL: there is none */
	struct error *error;
};

struct node node_root(const json_t *value, const char *name, struct error *error);
struct node node_member(const struct node *up, const char *key);
struct node node_element(const struct node *up, size_t index);
/* Is it there, and not null? */
bool node_present(const struct node *node);

/* -EINVAL with "PATH: " and the formatted text. */
int node_fail(const struct node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int node_no_memory(const struct node *node); /* -ENOMEM */

/* Each: 0, or -EINVAL (-ENOMEM) with text, a value that is missing included. */
int node_object(const struct node *node);
int node_array(const struct node *node, size_t max); /* of at most `max` elements */
int node_i64(const struct node *node, int64_t min, int64_t max, int64_t *value);
int node_u64(const struct node *node, uint64_t *value); /* 0 .. 2^63-1 */
int node_unsigned(const struct node *node, unsigned max, unsigned *value);
int node_real(const struct node *node, double *value);
int node_bool(const struct node *node, bool *value);
/* Index of a word by its parser (-1 = none). */
int node_word(const struct node *node, int (*parse)(const char *word), unsigned *value);
/* A string, or {"hex": "..."} for bytes that are not UTF-8, of at most `max` bytes; *text is
 * the caller's. */
int node_text(const struct node *node, size_t max, char **text);
/* Writes a text so; NULL when out of memory. */
json_t *node_text_value(const char *text);

/*
 * Parse each element of an array into `item_bytes` of fresh, cleared memory.
 * list->count counts the item that failed, so that a list can always be cleared.
 */
struct node_list {
	void *items; /* NULL when empty */
	size_t count;
};
typedef int node_parser(const struct node *element, void *item);
int node_parse_list(const struct node *node, size_t max, size_t item_bytes, node_parser *parse,
		    struct node_list *list);

#endif
