/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/build.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "wire/utf8.h"

static void out_of_memory(struct build *build)
{
	if (!build->result)
		build->result = error_setf(build->error, ENOMEM, "out of memory");
}

/* Our keys are constants in ASCII: no need to check them. */
void build_put(struct build *build, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(object, key, value))
		out_of_memory(build);
}

void build_append(struct build *build, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		out_of_memory(build);
}

json_t *build_text(const char *text)
{
	struct text replaced = { 0 };
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	utf8_add(&replaced, text);
	value = replaced.failed ? NULL : json_string(replaced.bytes);
	text_free(&replaced);
	return value;
}

json_t *build_real(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *build_u64(struct build *build, const char *what, uint64_t value)
{
	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	if (!build->result)
		build->result =
			error_setf(build->error, EINVAL, "%s: %" PRIu64 " is above %" PRId64, what,
				   value, INT64_MAX);
	return NULL;
}

static int add_piece(const char *bytes, size_t length, void *out)
{
	struct text *text = out;

	text_add_bytes(text, bytes, length);
	return text->failed ? -1 : 0;
}

int build_line(struct build *build, json_t *root, unsigned digits, struct text *out)
{
	size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(digits), before = out->length;

	if (!build->result) {
		if (json_dump_callback(root, add_piece, out, flags) || add_piece("\n", 1, out))
			out_of_memory(build);
	}
	if (build->result && out->length > before) {
		out->length = before;
		out->bytes[before] = '\0';
	}
	json_decref(root);
	return build->result;
}
