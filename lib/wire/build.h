/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * build.h - building JSON with jansson, private to wire/.
 *
 * The first failure sticks in the build and is returned by build_line(), so
 * that the code between reads like the format that it writes.
 */
#ifndef VMENERGY_WIRE_BUILD_H
#define VMENERGY_WIRE_BUILD_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct build {
	int result; /* 0, or the -errno of the first failure */
	struct error *error;
};

/* Both take the reference to value; NULL counts as out of memory. */
void build_put(struct build *build, json_t *object, const char *key, json_t *value);
void build_append(struct build *build, json_t *array, json_t *value);

/* Values: what is missing (NULL, NaN) becomes null. */
json_t *build_text(const char *text); /* bad bytes replaced by U+FFFD */
json_t *build_real(double value);
/* jansson's integers end at 2^63-1: above, -EINVAL with the name `what`. */
json_t *build_u64(struct build *build, const char *what, uint64_t value);

/*
 * Print `root` (the reference is taken) as one line behind what `out` holds.
 * `digits` are the significant ones of a real. On failure `out` stays as it was.
 */
int build_line(struct build *build, json_t *root, unsigned digits, struct text *out);

#endif
