/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.h - the order in which services that use services are settled (model.md 4). */
#ifndef VMENERGY_MODEL_GRAPH_H
#define VMENERGY_MODEL_GRAPH_H

#include <stddef.h>

#include "base/error.h"

struct graph_edge { /* `user` uses `provider`: both are nodes */
	size_t user, provider;
};

/*
 * order[0 .. nodes-1]: every provider stands before its users. 0, -ENOMEM, or
 * -EINVAL with "a -> b -> a: services use each other in a circle".
 */
int graph_order(const char *const *names, size_t nodes, const struct graph_edge *edges,
		size_t edge_count, size_t *order, struct error *error);

#endif
