/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/snapshot-parse.h"

#include "wire/snapshot-shape.h"

static void *take(void *context, size_t bytes)
{
	return snapshot_take(context, bytes);
}

static int check_format(const struct node *contract)
{
	struct node format;
	int64_t number;
	int result = node_object(contract);

	if (result)
		return result;
	format = node_member(contract, "format");
	return node_i64(&format, SNAPSHOT_FORMAT, SNAPSHOT_FORMAT, &number);
}

int snapshot_parse(const struct node *contract, const struct node *more, struct snapshot *snapshot)
{
	const struct shape_memory memory = { take, snapshot };
	int result;

	snapshot_reset(snapshot);
	result = check_format(contract);
	if (!result)
		result = shape_parse(contract, &snapshot_shape, &memory, snapshot);
	if (!result)
		result = shape_parse(more, &snapshot_more_shape, &memory, snapshot);
	if (result)
		snapshot_reset(snapshot);
	return result;
}
