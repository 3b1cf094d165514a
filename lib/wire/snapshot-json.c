/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/snapshot-shape.h"
#include "wire/wire.h"

int snapshot_json(const struct snapshot *snapshot, struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *root = json_object();

	build_put(&build, root, "format", json_integer(SNAPSHOT_FORMAT));
	shape_put(&build, root, &snapshot_shape, snapshot);
	return build_line(&build, root, SNAPSHOT_DIGITS, out);
}
