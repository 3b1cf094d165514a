/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload-table.c - the workloads. No event should be caused by one of them alone: what is held
 * out as a whole could not be told from the others then. So each kind is there at least twice,
 * alone and in a mixture.
 */
#include "calibrate/workload/workload.h"

#include <string.h>

#include "calibrate/workload/caches.h"
#include "calibrate/workload/kernels.h"
#include "calibrate/workload/program.h"

#define BRIEF true
#define FULL false
#define KERNEL(in_brief, level, word, function, what)                                              \
	{                                                                                          \
		.name = word, .sentence = what, .kind = WORKLOAD_KERNEL, .brief = in_brief,        \
		.kernel = kernel_##function, .cache_level = level,                                 \
	}
#define STRESS(word, words, what)                                                                  \
	{                                                                                          \
		.name = "stress-" word, .sentence = what, .kind = WORKLOAD_STRESS_NG,              \
		.arguments = "--" words,                                                           \
	}

static const struct workload table[] = {
	{ .name = "idle", .sentence = "nothing", .kind = WORKLOAD_IDLE, .brief = true },
	KERNEL(BRIEF, 0, "integer", integer, "additions that wait for each other"),
	KERNEL(FULL, 0, "integer-wide", integer_wide,
	       "as many additions at once as the core can do"),
	KERNEL(FULL, 0, "multiply", multiply, "integer multiplications"),
	KERNEL(FULL, 0, "divide", divide, "integer divisions"),
	KERNEL(BRIEF, 0, "float", float, "scalar floating point, multiplications and additions"),
	KERNEL(FULL, 0, "square-root", square_root, "floating-point divisions and square roots"),
	KERNEL(FULL, 0, "vector", vector, "floating point in vectors of 16 bytes"),
	KERNEL(BRIEF, 0, "vector-wide", vector_wide,
	       "floating point in the widest vectors there are"),
	KERNEL(FULL, 0, "branches", branches, "branches that are predicted"),
	KERNEL(BRIEF, 0, "branches-random", branches_random, "branches, half of them mispredicted"),
	KERNEL(FULL, 0, "calls", calls, "calls and returns"),
	KERNEL(FULL, 1, "l1", read, "reading what lies in the level 1 cache"),
	KERNEL(FULL, 1, "stores", write, "writing what lies in the level 1 cache"),
	KERNEL(BRIEF, 2, "l2", read, "reading what lies in the level 2 cache"),
	KERNEL(FULL, 3, "l3", read, "reading what lies in the level 3 cache"),
	KERNEL(BRIEF, CACHE_MEMORY, "memory-bandwidth", read, "reading memory, line after line"),
	KERNEL(FULL, CACHE_MEMORY, "memory-write", write, "writing memory, line after line"),
	KERNEL(BRIEF, CACHE_MEMORY, "memory-latency", latency, "loads that wait for each other"),
	KERNEL(FULL, CACHE_MEMORY, "pages", pages, "a load from each page"),
	KERNEL(BRIEF, CACHE_MEMORY, "mixed", mixed,
	       "integers, vectors, branches and memory in turn"),
	KERNEL(FULL, 0, "system-calls", system_calls, "the way into the kernel and back"),
	KERNEL(FULL, 0, "page-faults", page_faults, "pages mapped, touched and given back"),
	KERNEL(FULL, 0, "spin", spin, "waiting in a loop, as a poll does"),
	KERNEL(FULL, 0, "naps", naps, "a millisecond of work, a millisecond of sleep"),
	STRESS("matrix", "matrix 1 --matrix-method prod --matrix-size 128", "matrix products"),
	STRESS("vectors", "vecmath 1", "integers in vectors"),
	STRESS("vectors-wide", "vecwide 1", "vectors of all widths"),
	STRESS("fft", "cpu 1 --cpu-method fft", "Fourier transforms"),
	STRESS("prime", "cpu 1 --cpu-method prime", "a search for primes"),
	STRESS("hash", "hash 1 --hash-method murmur3_32", "hash sums"),
	STRESS("crypt", "crypt 1", "hashed passwords"),
	STRESS("compress", "zlib 1 --zlib-method text", "compression of text"),
	STRESS("strings", "str 1 --str-method all", "string functions of the C library"),
	STRESS("search", "bsearch 1", "binary search"),
	STRESS("sort", "qsort 1 --qsort-size 65536", "sorting"),
	STRESS("tree", "tree 1 --tree-method avl", "balanced trees"),
	STRESS("copy", "memcpy 1 --memcpy-method libc", "memory copied"),
	STRESS("stream", "stream 1 --stream-l3-size 16M",
	       "the STREAM loops: copy, scale, add, triad"),
};

const struct workload *workload_table(size_t *count)
{
	*count = sizeof table / sizeof *table;
	return table;
}

const struct workload *workload_find(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* A level that the machine says it has not; where it tells nothing, it may. */
static bool has_cache(unsigned level)
{
	struct rootfs root;
	struct caches caches;

	if (level == 0 || level > CACHE_LEVELS)
		return true;
	if (rootfs_open(&root, NULL, NULL))
		return true;
	caches_read(&caches, &root);
	rootfs_close(&root);
	return caches.levels[level - 1].bytes > 0;
}

bool workload_is_possible(const struct workload *workload, const char **why)
{
	const char *missing = NULL;
	char path[PROGRAM_PATH_BYTES];

	if (workload->kind == WORKLOAD_STRESS_NG && program_find("stress-ng", path))
		missing = "stress-ng is not installed";
	else if (workload->kind == WORKLOAD_FIO && program_find("fio", path))
		missing = "fio is not installed";
	else if (workload->kind == WORKLOAD_KERNEL && !has_cache(workload->cache_level))
		missing = "this CPU has no cache of that level";
	if (missing && why)
		*why = missing;
	return !missing;
}
