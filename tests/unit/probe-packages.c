/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/packages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/sample.h"
#include "tests/unit/unit.h"

/* A folder of its own per test, so that CPUs of another do not show. */
static struct rootfs open_root(const char *folder)
{
	struct error error = { "" };
	struct rootfs root;
	char path[512];

	snprintf(path, sizeof path, "%s/here", folder);
	unit_write_file(path, "");
	snprintf(path, sizeof path, "%s/%s", unit_folder(), folder);
	UNIT_EQUAL_I64(0, rootfs_open(&root, path, &error));
	return root;
}

static void write_online(const char *folder, const char *list)
{
	char path[512];

	snprintf(path, sizeof path, "%s%s", folder, PACKAGES_ONLINE);
	unit_write_file(path, list);
}

static void write_package(const char *folder, unsigned cpu, const char *id)
{
	char path[512];

	snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%u/topology/physical_package_id",
		 folder, cpu);
	unit_write_file(path, id);
}

static void check_cpu(const struct packages *packages, size_t index, unsigned cpu, unsigned package)
{
	UNIT_TRUE(index < packages->cpu_count);
	if (index >= packages->cpu_count)
		return;
	UNIT_EQUAL_U64(cpu, packages->cpus[index].cpu);
	UNIT_EQUAL_U64(package, packages->cpus[index].package);
}

static void test_two_sockets(void)
{
	struct rootfs root = open_root("two");
	struct packages packages = { 0 };
	struct error error = { "" };

	write_online("two", "0-2,5\n");
	write_package("two", 0, "36\n");
	write_package("two", 1, "0\n");
	write_package("two", 2, "36\n");
	write_package("two", 5, "0\n");
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(4, packages.cpu_count);
	UNIT_EQUAL_U64(2, packages.package_count);
	check_cpu(&packages, 0, 0, 1);
	check_cpu(&packages, 1, 1, 0);
	check_cpu(&packages, 2, 2, 1);
	check_cpu(&packages, 3, 5, 0);
	UNIT_EQUAL_U64(36, packages.cpus[0].package_id);
	packages_clear(&packages);
	UNIT_EQUAL_U64(0, packages.cpu_count);
	rootfs_close(&root);
}

static void test_unplugged(void)
{
	struct rootfs root = open_root("unplugged");
	struct packages packages = { 0 };
	struct error error = { "" };

	write_online("unplugged", "0-1\n");
	write_package("unplugged", 0, "0\n");
	write_package("unplugged", 1, "1\n");
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	UNIT_EQUAL_U64(2, packages.package_count);
	write_online("unplugged", "1\n");
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	UNIT_EQUAL_U64(1, packages.cpu_count);
	UNIT_EQUAL_U64(1, packages.package_count);
	check_cpu(&packages, 0, 1, 0);
	UNIT_EQUAL_U64(1, packages.cpus[0].package_id);
	packages_clear(&packages);
	rootfs_close(&root);
}

/* Boards whose kernel does not know, and virtual machines without the folder. */
static void test_unknown_package(void)
{
	struct rootfs root = open_root("unknown");
	struct packages packages = { 0 };
	struct error error = { "" };

	write_online("unknown", "0-1\n");
	write_package("unknown", 0, "-1\n");
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	UNIT_EQUAL_U64(1, packages.package_count);
	check_cpu(&packages, 0, 0, 0);
	check_cpu(&packages, 1, 1, 0);
	packages_clear(&packages);
	rootfs_close(&root);
}

static void test_many_packages(void)
{
	enum { MANY = SAMPLE_PACKAGES_MAX + 4 };
	struct rootfs root = open_root("many");
	struct packages packages = { 0 };
	struct error error = { "" };
	char text[32];

	snprintf(text, sizeof text, "0-%d\n", MANY - 1);
	write_online("many", text);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "%u\n", i);
		write_package("many", i, text);
	}
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	UNIT_EQUAL_U64(SAMPLE_PACKAGES_MAX, packages.package_count);
	check_cpu(&packages, SAMPLE_PACKAGES_MAX - 2, SAMPLE_PACKAGES_MAX - 2,
		  SAMPLE_PACKAGES_MAX - 2);
	check_cpu(&packages, MANY - 1, MANY - 1, SAMPLE_PACKAGES_MAX - 1);
	packages_clear(&packages);
	rootfs_close(&root);
}

static void test_refused(void)
{
	static const char *const lists[] = { "",     "\n",    "a\n",     "3-1\n", "0-\n",
					     "0,\n", "1,0\n", "0-1,1\n", "0 1\n", "0-99999999\n" };
	struct rootfs root = open_root("refused");
	struct packages packages = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(-ENOENT, packages_read(&packages, &root, &error));
	UNIT_CONTAINS(PACKAGES_ONLINE, error.text);
	write_online("refused", "0\n");
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		int result;

		write_online("refused", lists[i]);
		result = packages_read(&packages, &root, &error);
		if (result != -EINVAL)
			fprintf(stderr, "\nlist '%s'\n", lists[i]);
		UNIT_EQUAL_I64(-EINVAL, result);
		UNIT_CONTAINS("not a list of CPUs", error.text);
		UNIT_EQUAL_U64(1, packages.cpu_count);
	}
	packages_clear(&packages);
	rootfs_close(&root);
}

/* The machine that runs the tests. */
static void test_real(void)
{
	struct packages packages = { 0 };
	struct error error = { "" };
	struct rootfs root;

	UNIT_EQUAL_I64(0, rootfs_open(&root, NULL, &error));
	UNIT_EQUAL_I64(0, packages_read(&packages, &root, &error));
	UNIT_EQUAL_U64(sysconf(_SC_NPROCESSORS_ONLN), packages.cpu_count);
	UNIT_TRUE(packages.package_count >= 1);
	packages_clear(&packages);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("probe-packages",
			{ "packages are numbered in the kernel's order", test_two_sockets },
			{ "CPUs that left are not listed", test_unplugged },
			{ "CPUs of an unknown package are one package", test_unknown_package },
			{ "packages beyond the most share the last", test_many_packages },
			{ "what is not a list of CPUs is refused, and nothing lost", test_refused },
			{ "the real machine's CPUs are listed", test_real });
}
