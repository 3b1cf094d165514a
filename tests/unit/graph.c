/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/graph.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { NODES_MAX = 40, EDGES_MAX = 200, SEEDS = 200 };

static void test_providers_come_first(void)
{
	const char *names[] = { "user", "middle", "deep" };
	const struct graph_edge edges[] = { { 0, 1 }, { 1, 2 }, { 0, 2 } };
	size_t order[3];
	struct error error;

	UNIT_EQUAL_I64(0, graph_order(names, 3, edges, 3, order, &error));
	UNIT_EQUAL_U64(2, order[0]);
	UNIT_EQUAL_U64(1, order[1]);
	UNIT_EQUAL_U64(0, order[2]);
	UNIT_EQUAL_I64(0, graph_order(names, 0, NULL, 0, order, &error));
}

static void test_a_circle_names_its_path(void)
{
	const char *names[] = { "outside", "a", "b", "c", "sink" };
	const struct graph_edge edges[] = { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 3, 1 }, { 2, 4 } };
	size_t order[5];
	struct error error = { "" };

	UNIT_EQUAL_I64(-EINVAL, graph_order(names, 5, edges, 5, order, &error));
	UNIT_CONTAINS("use each other in a circle", error.text);
	UNIT_TRUE(strstr(error.text, "a -> b -> c -> a") ||
		  strstr(error.text, "b -> c -> a -> b") || strstr(error.text, "c -> a -> b -> c"));
	UNIT_TRUE(!strstr(error.text, "outside"));
}

static void test_a_service_that_uses_itself_is_a_circle(void)
{
	const char *names[] = { "own tail" };
	const struct graph_edge edges[] = { { 0, 0 } };
	size_t order[1];
	struct error error = { "" };

	UNIT_EQUAL_I64(-EINVAL, graph_order(names, 1, edges, 1, order, &error));
	UNIT_CONTAINS("own tail -> own tail", error.text);
}

/* Edges only from higher to lower numbers, under a random numbering: never a circle. */
static void test_random_graphs_are_ordered(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t state = seed;
		size_t nodes = 2 + unit_random(&state) % (NODES_MAX - 2);
		size_t count = unit_random(&state) % EDGES_MAX, place[NODES_MAX];
		size_t number[NODES_MAX], order[NODES_MAX];
		struct graph_edge edges[EDGES_MAX];
		const char *names[NODES_MAX];
		struct error error = { "" };
		bool right = true;

		for (size_t i = 0; i < nodes; i++) {
			size_t k = unit_random(&state) % (i + 1);

			names[i] = "x";
			number[i] = i;
			number[i] = number[k];
			number[k] = i;
		}
		for (size_t i = 0; i < count; i++) {
			size_t high = 1 + unit_random(&state) % (nodes - 1);

			edges[i] = (struct graph_edge){ number[high],
							number[unit_random(&state) % high] };
		}
		UNIT_EQUAL_I64(0, graph_order(names, nodes, edges, count, order, &error));
		for (size_t i = 0; i < nodes; i++)
			place[order[i]] = i;
		for (size_t i = 0; i < count; i++)
			right &= place[edges[i].provider] < place[edges[i].user];
		if (!right)
			fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
		UNIT_TRUE(right);
	}
}

int main(void)
{
	return UNIT_RUN(
		"graph",
		{ "model.md 4: providers come before their users", test_providers_come_first },
		{ "model.md 4: a circle is an error that names its path",
		  test_a_circle_names_its_path },
		{ "model.md 4: a service that uses itself is a circle",
		  test_a_service_that_uses_itself_is_a_circle },
		{ "model.md 4: random graphs are ordered", test_random_graphs_are_ordered });
}
