/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calibrate/workload/frequency.h"

#define FOLDER "sys/devices/system/cpu/cpufreq"

static struct rootfs fixture(const char *name)
{
	struct rootfs root;
	char path[512];

	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	UNIT_EQUAL_I64(0, rootfs_open(&root, path, NULL));
	return root;
}

static void write_policy(const char *folder, const char *lowest, const char *highest,
			 const char *min, const char *max)
{
	const char *const names[] = { "cpuinfo_min_freq", "cpuinfo_max_freq", "scaling_min_freq",
				      "scaling_max_freq" };
	const char *const texts[] = { lowest, highest, min, max };
	char path[256];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unit_write_file(path, texts[i]);
	}
}

static void expect_limits(const struct rootfs *root, const char *policy, unsigned long long min,
			  unsigned long long max)
{
	unsigned long long khz = 0;

	UNIT_EQUAL_I64(0, rootfs_read_u64f(root, &khz, "/" FOLDER "/%s/scaling_min_freq", policy));
	UNIT_EQUAL_U64(min, khz);
	UNIT_EQUAL_I64(0, rootfs_read_u64f(root, &khz, "/" FOLDER "/%s/scaling_max_freq", policy));
	UNIT_EQUAL_U64(max, khz);
}

static void expect_list(const struct rootfs *root, const uint64_t *expected, size_t count)
{
	struct frequencies list = { 0 };

	UNIT_EQUAL_I64(0, frequency_list(&list, root, NULL));
	UNIT_EQUAL_U64(count, list.count);
	for (size_t i = 0; i < count && i < list.count; i++)
		UNIT_EQUAL_U64(expected[i], list.items[i]);
	frequency_list_clear(&list);
}

static void test_lists(void)
{
	const uint64_t steps[] = { 800000000, 1700000000, 2600000000, 3500000000 };
	const uint64_t own[] = { 1000000000, 2000000000, 3500000000 };
	struct rootfs root;

	/* The slower policy does not count. */
	write_policy("list/" FOLDER "/policy0", "500000\n", "2000000\n", "500000\n", "2000000\n");
	write_policy("list/" FOLDER "/policy4", "800000\n", "3500000\n", "800000\n", "3500000\n");
	root = fixture("list");
	expect_list(&root, steps, 4);
	/* As acpi-cpufreq prints it; what the hardware cannot do is left out. */
	unit_write_file("list/" FOLDER "/policy4/scaling_available_frequencies",
			"3500000 2000000 1000000 10 \n");
	expect_list(&root, own, 3);
	rootfs_close(&root);
}

static void test_none(void)
{
	struct frequencies list = { 0 };
	struct frequency_hold *hold = NULL;
	struct error error = { "" };
	struct rootfs root;

	unit_write_file("none/proc/stat", "");
	root = fixture("none");
	UNIT_EQUAL_I64(-ENOTSUP, frequency_list(&list, &root, &error));
	UNIT_CONTAINS("cannot be set on this machine", error.text);
	UNIT_EQUAL_I64(-ENOTSUP, frequency_hold_begin(&hold, &root, &error));
	UNIT_TRUE(hold == NULL);
	UNIT_EQUAL_I64(0, frequency_hold_end(hold, NULL));
	rootfs_close(&root);
}

static void test_hold(void)
{
	struct frequency_hold *hold = NULL;
	unsigned descriptors;
	struct rootfs root;

	write_policy("hold/" FOLDER "/policy0", "800000\n", "3500000\n", "900000\n", "3000000\n");
	write_policy("hold/" FOLDER "/policy1", "500000\n", "2000000\n", "500000\n", "2000000\n");
	/* Of CPUs that are off line. */
	unit_write_file("hold/" FOLDER "/policy9/cpuinfo_min_freq", "1\n");
	root = fixture("hold");
	descriptors = unit_count_descriptors();
	UNIT_EQUAL_I64(0, frequency_hold_begin(&hold, &root, NULL));
	expect_limits(&root, "policy0", 900000, 3000000);
	UNIT_EQUAL_I64(0, frequency_hold_set(hold, 3200000000, NULL));
	expect_limits(&root, "policy0", 3200000, 3200000);
	expect_limits(&root, "policy1", 2000000, 2000000);
	UNIT_EQUAL_I64(0, frequency_hold_set(hold, 600000000, NULL));
	expect_limits(&root, "policy0", 800000, 800000);
	expect_limits(&root, "policy1", 600000, 600000);
	UNIT_EQUAL_I64(0, frequency_hold_set(hold, 0, NULL));
	expect_limits(&root, "policy0", 900000, 3000000);
	UNIT_EQUAL_I64(0, frequency_hold_set(hold, 1000000000, NULL));
	UNIT_EQUAL_I64(0, frequency_hold_end(hold, NULL));
	expect_limits(&root, "policy0", 900000, 3000000);
	expect_limits(&root, "policy1", 500000, 2000000);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
	rootfs_close(&root);
}

static void test_lost(void)
{
	struct frequency_hold *hold = NULL;
	struct error error = { "" };
	struct rootfs root;
	char path[512];

	write_policy("lost/" FOLDER "/policy0", "800000\n", "3500000\n", "900000\n", "3000000\n");
	root = fixture("lost");
	UNIT_EQUAL_I64(0, frequency_hold_begin(&hold, &root, NULL));
	snprintf(path, sizeof path, "%s/lost/" FOLDER "/policy0/scaling_min_freq", unit_folder());
	UNIT_EQUAL_I64(0, unlink(path));
	UNIT_EQUAL_I64(0, mkdir(path, 0700));
	UNIT_EQUAL_I64(-EISDIR, frequency_hold_set(hold, 1000000000, &error));
	UNIT_CONTAINS("policy0: cannot set 1000000 kHz", error.text);
	UNIT_EQUAL_I64(-EIO, frequency_hold_end(hold, &error));
	UNIT_CONTAINS("could not be set back", error.text);
	rmdir(path);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("workload-frequency",
			{ "the driver's list, or steps over the range", test_lists },
			{ "a machine without frequencies says so", test_none },
			{ "limits are set within each policy's range and given back", test_hold },
			{ "limits that cannot be given back are told", test_lost });
}
