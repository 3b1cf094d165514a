/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "calibrate/workload/caches.h"
#include "calibrate/workload/placement.h"

#define CPU "sys/devices/system/cpu"

static struct rootfs fixture(const char *name)
{
	struct rootfs root;
	char path[512];

	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	UNIT_EQUAL_I64(0, rootfs_open(&root, path, NULL));
	return root;
}

static void write_cpu(const char *name, unsigned cpu, unsigned package, const char *siblings)
{
	char path[256], text[32];

	snprintf(path, sizeof path, "%s/" CPU "/cpu%u/topology/physical_package_id", name, cpu);
	snprintf(text, sizeof text, "%u\n", package);
	unit_write_file(path, text);
	snprintf(path, sizeof path, "%s/" CPU "/cpu%u/topology/thread_siblings_list", name, cpu);
	unit_write_file(path, siblings);
}

static void expect_order(const struct placement_cpus *cpus, enum placement placement,
			 const char *expected)
{
	unsigned order[64];
	char text[256] = "";

	UNIT_TRUE(cpus->count <= 64);
	UNIT_EQUAL_I64(0, placement_order(cpus, placement, order));
	for (size_t i = 0; i < cpus->count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i ? " " : "",
			 order[i]);
	UNIT_EQUAL_TEXT(expected, text);
}

static void expect_counts(const struct placement_cpus *cpus, size_t count, unsigned cores,
			  unsigned packages)
{
	UNIT_EQUAL_U64(count, cpus->count);
	UNIT_EQUAL_U64(cores, cpus->cores);
	UNIT_EQUAL_U64(packages, cpus->packages);
}

/* Two packages of two cores of two threads, numbered as Intel servers do: siblings far apart. */
static void test_two_packages(void)
{
	static const char *const siblings[] = { "0,4\n", "1,5\n", "2,6\n", "3,7\n" };
	struct placement_cpus cpus = { 0 };
	struct rootfs root;

	unit_write_file("two/" CPU "/online", "0-7\n");
	for (unsigned i = 0; i < 8; i++)
		write_cpu("two", i, i % 2, siblings[i % 4]);
	root = fixture("two");
	UNIT_EQUAL_I64(0, placement_read(&cpus, &root, NULL));
	expect_counts(&cpus, 8, 4, 2);
	expect_order(&cpus, PLACEMENT_SPREAD, "0 1 2 3 4 5 6 7");
	expect_order(&cpus, PLACEMENT_PACKED, "0 4 2 6 1 5 3 7");
	placement_clear(&cpus);
	rootfs_close(&root);
}

/* One package whose siblings are neighbours; CPUs 1 and 4 are off line. */
static void test_off_line(void)
{
	static const char *const siblings[] = { "0\n", "", "2-3\n", "2-3\n", "", "5\n" };
	struct placement_cpus cpus = { 0 };
	struct rootfs root;

	unit_write_file("off/" CPU "/online", "0,2-3,5\n");
	for (unsigned i = 0; i < 6; i++)
		if (siblings[i][0])
			write_cpu("off", i, 0, siblings[i]);
	root = fixture("off");
	UNIT_EQUAL_I64(0, placement_read(&cpus, &root, NULL));
	expect_counts(&cpus, 4, 3, 1);
	expect_order(&cpus, PLACEMENT_SPREAD, "0 2 5 3");
	expect_order(&cpus, PLACEMENT_PACKED, "0 2 3 5");
	placement_clear(&cpus);
	rootfs_close(&root);
}

/* A guest that tells nothing of its topology: each CPU is a core. */
static void test_no_topology(void)
{
	struct placement_cpus cpus = { 0 };
	struct error error = { "" };
	struct rootfs root;

	unit_write_file("bare/" CPU "/online", "0-2\n");
	root = fixture("bare");
	UNIT_EQUAL_I64(0, placement_read(&cpus, &root, NULL));
	expect_counts(&cpus, 3, 3, 1);
	expect_order(&cpus, PLACEMENT_PACKED, "0 1 2");
	unit_write_file("bare/" CPU "/online", "nonsense\n");
	UNIT_EQUAL_I64(-EINVAL, placement_read(&cpus, &root, &error));
	UNIT_CONTAINS("not a list of CPUs", error.text);
	expect_counts(&cpus, 0, 0, 0);
	placement_clear(&cpus);
	rootfs_close(&root);
}

/* What a cpuset leaves of the machine with two packages: two siblings and one CPU more. */
static void test_cpuset(void)
{
	struct placement_cpu items[] = { { 1, 1, 1 }, { 2, 2, 0 }, { 6, 2, 0 } };
	const struct placement_cpus cpus = { .items = items, .count = 3 };

	expect_order(&cpus, PLACEMENT_SPREAD, "2 1 6");
	expect_order(&cpus, PLACEMENT_PACKED, "2 6 1");
}

static void test_own_mask(void)
{
	struct placement_cpus cpus = { 0 };
	struct rootfs root;
	cpu_set_t all, one;
	size_t first = 0;

	UNIT_EQUAL_I64(0, rootfs_open(&root, NULL, NULL));
	UNIT_EQUAL_I64(0, sched_getaffinity(0, sizeof all, &all));
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	UNIT_EQUAL_I64(0, sched_setaffinity(0, sizeof one, &one));
	UNIT_EQUAL_I64(0, placement_read(&cpus, &root, NULL));
	expect_counts(&cpus, 1, 1, 1);
	UNIT_EQUAL_U64(first, cpus.items[0].cpu);
	sched_setaffinity(0, sizeof all, &all);
	placement_clear(&cpus);
	rootfs_close(&root);
}

static void write_cache(unsigned index, const char *level, const char *type, const char *size,
			const char *list)
{
	const char *const names[] = { "level", "type", "size", "shared_cpu_list" };
	const char *const texts[] = { level, type, size, list };
	char path[256];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "caches/" CPU "/cpu0/cache/index%u/%s", index,
			 names[i]);
		unit_write_file(path, texts[i]);
	}
}

static void test_caches(void)
{
	struct caches caches;
	struct rootfs root;

	write_cache(0, "1\n", "Data\n", "48K\n", "0,8\n");
	write_cache(1, "1\n", "Instruction\n", "32K\n", "0,8\n");
	write_cache(2, "2\n", "Unified\n", "1024K\n", "0,8\n");
	write_cache(3, "3\n", "Unified\n", "32M\n", "0-7,8-15\n");
	unit_write_file("caches/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    4194304 kB\n");
	root = fixture("caches");
	caches_read(&caches, &root);
	UNIT_EQUAL_U64(48 << 10, caches.levels[0].bytes);
	UNIT_EQUAL_U64(2, caches.levels[0].shared_by);
	UNIT_EQUAL_U64(1 << 20, caches.levels[1].bytes);
	UNIT_EQUAL_U64(32 << 20, caches.levels[2].bytes);
	UNIT_EQUAL_U64(16, caches.levels[2].shared_by);
	UNIT_EQUAL_U64(0, caches_share(&caches, 0, 1));
	UNIT_EQUAL_U64(24 << 10, caches_share(&caches, 1, 1));
	UNIT_EQUAL_U64(12 << 10, caches_share(&caches, 1, 16));
	UNIT_EQUAL_U64(256 << 10, caches_share(&caches, 2, 16));
	UNIT_EQUAL_U64(16 << 20, caches_share(&caches, 3, 1));
	/* Sixteen of them must still miss level 2. */
	UNIT_EQUAL_U64(2 << 20, caches_share(&caches, 3, 16));
	UNIT_EQUAL_U64(128 << 20, caches_share(&caches, CACHE_MEMORY, 1));
	/* A quarter of what is free is for all together. */
	UNIT_EQUAL_U64(1 << 26, caches_share(&caches, CACHE_MEMORY, 16));
	UNIT_EQUAL_U64(1 << 24, caches_share(&caches, CACHE_MEMORY, 64));
	rootfs_close(&root);
}

static void test_unknown_caches(void)
{
	struct caches caches;
	struct rootfs root = fixture("bare");

	caches_read(&caches, &root);
	for (unsigned level = 1; level <= CACHE_MEMORY; level++)
		for (unsigned threads = 1; threads < 300; threads += 7)
			UNIT_TRUE(caches_share(&caches, level, threads) >= 4096);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"workload-placement",
		{ "siblings of two packages are spread and packed", test_two_packages },
		{ "CPUs that are off line are left out", test_off_line },
		{ "without topology each CPU is a core", test_no_topology },
		{ "what a cpuset leaves is filled in the same order", test_cpuset },
		{ "only CPUs that the process may use are taken", test_own_mask },
		{ "a thread's share lies in its cache and beyond the one below", test_caches },
		{ "caches that are not told have sizes all the same", test_unknown_caches });
}
