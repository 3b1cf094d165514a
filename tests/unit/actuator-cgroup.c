/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files are written, with what and in what order: against a kernel that keeps a list. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/unit.h"
#include "vmenergyd/actuator/actuator.h"

enum { FILES = 24 };

/* One cgroup "/vm" below "/top": files by name, what was written, and v1's rule of ratios. */
static struct kernel {
	struct {
		char path[32], file[48], text[96];
	} files[FILES];
	unsigned count;
	struct text written;
	/* A cgroup below has this part of a CPU; 0 = none. */
	double below;
	unsigned refused;
} kernel;

static char *file_of(const char *path, const char *file)
{
	for (unsigned i = 0; i < kernel.count; i++)
		if (strcmp(kernel.files[i].path, path) == 0 &&
		    strcmp(kernel.files[i].file, file) == 0)
			return kernel.files[i].text;
	return NULL;
}

static void have(const char *path, const char *file, const char *text)
{
	unsigned i = kernel.count++;

	snprintf(kernel.files[i].path, sizeof kernel.files[i].path, "%s", path);
	snprintf(kernel.files[i].file, sizeof kernel.files[i].file, "%s", file);
	snprintf(kernel.files[i].text, sizeof kernel.files[i].text, "%s\n", text);
}

static long read_file(void *context, const char *mount, const char *path, const char *file,
		      char *text, size_t size)
{
	const char *found = file_of(path, file);

	(void)context;
	(void)mount;
	return found ? snprintf(text, size, "%s", found) : -ENOENT;
}

static double ratio_of(const char *path)
{
	const char *quota = file_of(path, "cpu.cfs_quota_us"),
		   *period = file_of(path, "cpu.cfs_period_us");
	long long quota_us = -1, period_us = 1;

	if (!quota || !period)
		return 1e9;
	sscanf(quota, "%lld", &quota_us);
	sscanf(period, "%lld", &period_us);
	return quota_us < 0 ? 1e9 : (double)quota_us / (double)period_us;
}

static int write_file(void *context, const char *mount, const char *path, const char *file,
		      const char *text)
{
	char *found = file_of(path, file), before[96];

	(void)context;
	(void)mount;
	if (!found)
		return -ENOENT;
	strcpy(before, found);
	snprintf(found, sizeof before, "%s\n", text);
	if (ratio_of("/top/vm") < kernel.below ||
	    ratio_of("/top/vm") > ratio_of("/top") * (1 + 1e-9)) {
		kernel.refused++;
		strcpy(found, before);
		return -EINVAL;
	}
	text_addf(&kernel.written, "%s=%s;", file, text);
	return 0;
}

static struct actuator_room room = { .cgroup = { NULL, read_file, write_file } };
static const struct target target = {
	.manager = DOMAIN_QEMU,
	.name = "vm",
	.cpu_cgroup = "/top/vm",
	.io_cgroup = "/top/vm",
	.leaf_count = 2,
	.leaves = { { 8, 0 }, { 254, 16 } },
};

static void begin(bool v2)
{
	text_free(&kernel.written);
	kernel = (struct kernel){ .count = 0 };
	text_add(&kernel.written, "");
	room.mounts = v2 ? (struct cgroup_mounts){ .v2 = "/u", .v2_cpu = true, .v2_io = true }
			 : (struct cgroup_mounts){ .cpu = "/c", .blkio = "/b" };
}

static void begin_v1(const char *quota, const char *period)
{
	begin(false);
	have("/top/vm", "cpu.cfs_quota_us", quota);
	have("/top/vm", "cpu.cfs_period_us", period);
}

static int set_cpu(int64_t quota_us, uint64_t period_us, struct error *error)
{
	const struct knob_value value = { .knob = KNOB_CPU, .cpu = { quota_us, period_us } };

	return actuator_cgroup.set(&room, &target, &value, error);
}

static void test_v1_order(void)
{
	static const struct {
		const char *quota, *period;
		int64_t quota_us;
		uint64_t period_us;
		const char *written;
	} cases[] = {
		{ "-1", "100000", 5000, 20000, "cpu.cfs_period_us=20000;cpu.cfs_quota_us=5000;" },
		{ "5000", "20000", -1, 100000, "cpu.cfs_quota_us=-1;cpu.cfs_period_us=100000;" },
		/* both up: the period first is the tighter way; both down: the quota */
		{ "5000", "20000", 50000, 100000,
		  "cpu.cfs_period_us=100000;cpu.cfs_quota_us=50000;" },
		{ "50000", "100000", 5000, 20000,
		  "cpu.cfs_quota_us=5000;cpu.cfs_period_us=20000;" },
		/* one file is enough */
		{ "5000", "20000", 6000, 20000, "cpu.cfs_quota_us=6000;" },
		{ "5000", "20000", 5000, 40000, "cpu.cfs_period_us=40000;" },
		{ "5000", "20000", 5000, 20000, "" },
	};
	struct error error = { "" };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin_v1(cases[i].quota, cases[i].period);
		UNIT_EQUAL_I64(0, set_cpu(cases[i].quota_us, cases[i].period_us, &error));
		UNIT_EQUAL_TEXT(cases[i].written, kernel.written.bytes);
	}
}

/* Whatever the way, on it no ratio is above both ends. */
static void test_v1_never_looser(void)
{
	uint64_t seed = 20251;
	char quota[24], period[24];

	printf("seed %" PRIu64 "\n", seed);
	for (unsigned i = 0; i < unit_rounds(2000); i++) {
		uint64_t old_period = 1000 + unit_random(&seed) % 999000;
		uint64_t new_period = 1000 + unit_random(&seed) % 999000;
		int64_t old_quota = 1000 + (int64_t)(unit_random(&seed) % 400000);
		int64_t new_quota = 1000 + (int64_t)(unit_random(&seed) % 400000);
		double old_ratio = (double)old_quota / (double)old_period;
		double new_ratio = (double)new_quota / (double)new_period;
		double most = old_ratio > new_ratio ? old_ratio : new_ratio;

		snprintf(quota, sizeof quota, "%" PRId64, old_quota);
		snprintf(period, sizeof period, "%" PRIu64, old_period);
		begin_v1(quota, period);
		snprintf(quota, sizeof quota, "%.0f", most * 1e12);
		have("/top", "cpu.cfs_quota_us", quota);
		have("/top", "cpu.cfs_period_us", "1000000000000");
		UNIT_EQUAL_I64(0, set_cpu(new_quota, new_period, NULL));
		UNIT_EQUAL_U64(0, kernel.refused);
	}
}

static void test_v1_refusals(void)
{
	struct error error = { "" };

	/* Tighter on the way than what a cgroup below has: the other way round works. */
	begin_v1("20000", "100000");
	kernel.below = 0.15;
	UNIT_EQUAL_I64(0, set_cpu(4000, 20000, &error));
	UNIT_EQUAL_TEXT("cpu.cfs_period_us=20000;cpu.cfs_quota_us=4000;", kernel.written.bytes);
	begin_v1("20000", "100000");
	kernel.below = 0.15;
	UNIT_EQUAL_I64(-EINVAL, set_cpu(2000, 20000, &error));
	UNIT_CONTAINS("a cgroup below it has a larger part", error.text);
	UNIT_EQUAL_TEXT("20000\n", file_of("/top/vm", "cpu.cfs_quota_us"));
	UNIT_EQUAL_TEXT("100000\n", file_of("/top/vm", "cpu.cfs_period_us"));
	begin_v1("2000", "20000");
	have("/top", "cpu.cfs_quota_us", "20000");
	have("/top", "cpu.cfs_period_us", "100000");
	UNIT_EQUAL_I64(-EINVAL, set_cpu(6000, 20000, &error));
	UNIT_CONTAINS("is more than /top allows above it: 20000/100000 us", error.text);
	UNIT_EQUAL_TEXT("2000\n", file_of("/top/vm", "cpu.cfs_quota_us"));
}

static void test_burst(void)
{
	begin_v1("50000", "100000");
	have("/top/vm", "cpu.cfs_burst_us", "30000");
	UNIT_EQUAL_I64(0, set_cpu(40000, 100000, NULL));
	UNIT_EQUAL_TEXT("cpu.cfs_quota_us=40000;", kernel.written.bytes);
	text_reset(&kernel.written);
	UNIT_EQUAL_I64(0, set_cpu(20000, 100000, NULL));
	UNIT_EQUAL_TEXT("cpu.cfs_burst_us=20000;cpu.cfs_quota_us=20000;", kernel.written.bytes);
}

/* It shrank with our quota, and comes back with the original's. */
static void test_burst_comes_back(void)
{
	struct knob_value original = { .knob = KNOB_CPU };

	begin_v1("50000", "100000");
	have("/top/vm", "cpu.cfs_burst_us", "30000");
	UNIT_EQUAL_I64(0, actuator_cgroup.get(&room, &target, &original, NULL));
	UNIT_EQUAL_U64(30000, original.burst_us);
	UNIT_EQUAL_I64(0, set_cpu(20000, 100000, NULL));
	UNIT_EQUAL_I64(0, set_cpu(25000, 100000, NULL));
	UNIT_EQUAL_TEXT("20000\n", file_of("/top/vm", "cpu.cfs_burst_us"));
	text_reset(&kernel.written);
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &original, NULL));
	UNIT_EQUAL_TEXT("cpu.cfs_quota_us=50000;cpu.cfs_burst_us=30000;", kernel.written.bytes);
}

static void expect_get(enum knob knob, const char *words)
{
	struct knob_value value = { .knob = knob };
	struct text out = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, actuator_cgroup.get(&room, &target, &value, &error));
	knob_value_print(&value, &out);
	UNIT_EQUAL_TEXT(words, out.bytes);
	text_free(&out);
}

static void test_v2(void)
{
	struct knob_value value = { .knob = KNOB_DISK,
				    .disk = { .write_bytes_s = 4000000, .read_requests_s = 50 } };

	begin(true);
	have("/top/vm", "cpu.max", "max 100000");
	have("/top/vm", "cpu.weight", "100");
	have("/top/vm", "io.max",
	     "8:16 rbps=1 wbps=max riops=max wiops=max\n"
	     "8:0 rbps=max wbps=900 riops=max wiops=7");
	expect_get(KNOB_CPU, "unlimited");
	expect_get(KNOB_SHARES, "shares 100");
	expect_get(KNOB_DISK, "write 900 B/s, write 7 requests/s");
	UNIT_EQUAL_I64(0, set_cpu(5000, 20000, NULL));
	expect_get(KNOB_CPU, "5000/20000 us");
	UNIT_EQUAL_I64(0, set_cpu(-1, 20000, NULL));
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &value, NULL));
	value = (struct knob_value){ .knob = KNOB_SHARES, .shares = 250 };
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &value, NULL));
	UNIT_EQUAL_TEXT("cpu.max=5000 20000;cpu.max=max 20000;"
			"io.max=8:0 rbps=max wbps=4000000 riops=50 wiops=max;"
			"io.max=254:16 rbps=max wbps=4000000 riops=50 wiops=max;"
			"cpu.weight=250;",
			kernel.written.bytes);
}

static void test_v1_disk_and_shares(void)
{
	struct knob_value value = { .knob = KNOB_DISK,
				    .disk = { .read_bytes_s = 7, .write_requests_s = 1ULL << 40 } };

	begin(false);
	have("/top/vm", "cpu.shares", "2048");
	have("/top/vm", "blkio.throttle.read_bps_device", "254:16 90\n8:0 100");
	have("/top/vm", "blkio.throttle.write_bps_device", "8:01 5");
	have("/top/vm", "blkio.throttle.read_iops_device", "");
	have("/top/vm", "blkio.throttle.write_iops_device", "8:0 12");
	expect_get(KNOB_SHARES, "shares 200");
	expect_get(KNOB_DISK, "read 90 B/s, write 12 requests/s");
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &value, NULL));
	/* What has no limit already is not written. */
	UNIT_EQUAL_TEXT("blkio.throttle.read_bps_device=8:0 7;"
			"blkio.throttle.write_iops_device=8:0 4294967295;"
			"blkio.throttle.read_bps_device=254:16 7;"
			"blkio.throttle.write_iops_device=254:16 4294967295;",
			kernel.written.bytes);
	value = (struct knob_value){ .knob = KNOB_SHARES, .shares = 50 };
	text_reset(&kernel.written);
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &value, NULL));
	UNIT_EQUAL_TEXT("cpu.shares=512;", kernel.written.bytes);
}

static void test_v1_shares_come_back(void)
{
	struct knob_value original = { .knob = KNOB_SHARES }, value = original;

	begin(false);
	have("/top/vm", "cpu.shares", "1500");
	UNIT_EQUAL_I64(0, actuator_cgroup.get(&room, &target, &original, NULL));
	UNIT_EQUAL_U64(146, original.shares);
	value.shares = 146;
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &value, NULL));
	UNIT_EQUAL_I64(0, actuator_cgroup.get(&room, &target, &value, NULL));
	UNIT_TRUE(!knob_value_equal(&original, &value));
	UNIT_EQUAL_I64(0, actuator_cgroup.set(&room, &target, &original, NULL));
	UNIT_EQUAL_TEXT("cpu.shares=1495;cpu.shares=1500;", kernel.written.bytes);
	UNIT_EQUAL_I64(0, actuator_cgroup.get(&room, &target, &value, NULL));
	UNIT_TRUE(knob_value_equal(&original, &value));
}

static void test_gone(void)
{
	struct knob_value value = { .knob = KNOB_CPU };
	struct error error = { "" };

	begin(false);
	UNIT_EQUAL_I64(-ENOENT, actuator_cgroup.get(&room, &target, &value, &error));
	UNIT_CONTAINS("cpu.cfs_quota_us of /top/vm: No such file", error.text);
	text_free(&kernel.written);
}

int main(void)
{
	return UNIT_RUN(
		"actuator-cgroup",
		{ "v1: quota and period are written in the tighter order, changed ones only",
		  test_v1_order },
		{ "v1: no value on the way is looser than both ends", test_v1_never_looser },
		{ "v1: a refusal names the cgroup and leaves what was", test_v1_refusals },
		{ "a burst shrinks with the quota", test_burst },
		{ "a burst that shrank comes back with the original", test_burst_comes_back },
		{ "v2: one write each, max is unlimited", test_v2 },
		{ "v1: shares are converted, each device has its line", test_v1_disk_and_shares },
		{ "v1: shares that no weight stands for come back as they were",
		  test_v1_shares_come_back },
		{ "a cgroup that is gone is said so", test_gone });
}
