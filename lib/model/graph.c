/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/graph.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/text.h"

/* The first provider of `node` that is not placed; `nodes` when there is none. */
static size_t open_provider(size_t node, size_t nodes, const struct graph_edge *edges,
			    size_t edge_count, const bool *placed)
{
	for (size_t i = 0; i < edge_count; i++)
		if (edges[i].user == node && !placed[edges[i].provider])
			return edges[i].provider;
	return nodes;
}

/*
 * No node is free: each one left has an open provider. Following those for as
 * many steps as there are nodes ends inside a circle; once around names it.
 */
static int circle(const char *const *names, size_t nodes, const struct graph_edge *edges,
		  size_t edge_count, const bool *placed, struct error *error)
{
	struct text path = { 0 };
	size_t start = 0, node;
	int result;

	while (placed[start])
		start++;
	for (size_t step = 0; step < nodes; step++)
		start = open_provider(start, nodes, edges, edge_count, placed);
	node = start;
	do {
		text_addf(&path, "%s -> ", names[node]);
		node = open_provider(node, nodes, edges, edge_count, placed);
	} while (node != start);
	result = path.failed
			 ? -ENOMEM
			 : error_setf(error, EINVAL, "%s%s: services use each other in a circle",
				      path.bytes, names[start]);
	text_free(&path);
	return result;
}

int graph_order(const char *const *names, size_t nodes, const struct graph_edge *edges,
		size_t edge_count, size_t *order, struct error *error)
{
	bool *placed = calloc(nodes + 1, sizeof *placed);
	size_t count = 0, before;
	int result = 0;

	if (!placed)
		return -ENOMEM;
	do {
		before = count;
		for (size_t i = 0; i < nodes; i++) {
			if (placed[i] || open_provider(i, nodes, edges, edge_count, placed) < nodes)
				continue;
			placed[i] = true;
			order[count++] = i;
		}
	} while (count > before);
	if (count < nodes)
		result = circle(names, nodes, edges, edge_count, placed, error);
	free(placed);
	return result;
}
