/* SPDX-License-Identifier: GPL-3.0-or-later */
/* protocol-internal.h - what the parts of the protocol share. */
#ifndef VMENERGY_WIRE_PROTOCOL_INTERNAL_H
#define VMENERGY_WIRE_PROTOCOL_INTERNAL_H

#include "wire/build.h"
#include "wire/node.h"
#include "wire/protocol.h"
#include "wire/shape.h"

/* Significant digits of reals in requests and answers. */
enum { PROTOCOL_DIGITS = 15 };

/* One object with the right "format"; *root is the caller's. 0, -EINVAL with text, -ENOMEM. */
int protocol_load(const char *line, size_t length, json_t **root, struct error *error);
/* Is its format ours? */
int protocol_check_format(const struct node *root);
/* An object with the format, and the id unless it is -1. */
json_t *protocol_object(struct build *build, int64_t id);
/* "id": absent or null = -1. */
int protocol_parse_id(const struct node *root, int64_t *id);

/* Of struct protocol_about. */
extern const struct shape protocol_about_shape;

#endif
