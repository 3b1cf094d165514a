/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cgroupfs.h"

#include <errno.h>

#include "tests/unit/unit.h"

static void test_cpu_max(void)
{
	static const char *const bad[] = { "",       "max",     "12",
					   "12 max", "x 1",     "18446744073709551615 1",
					   "-",      "m 100000" };
	int64_t quota_us = 7;
	uint64_t period_us = 7;

	UNIT_EQUAL_I64(0, cgroup_parse_cpu_max("max 100000\n", &quota_us, &period_us));
	UNIT_EQUAL_I64(-1, quota_us);
	UNIT_EQUAL_U64(100000, period_us);
	UNIT_EQUAL_I64(0, cgroup_parse_cpu_max("5000 20000\n", &quota_us, &period_us));
	UNIT_EQUAL_I64(5000, quota_us);
	UNIT_EQUAL_U64(20000, period_us);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		UNIT_EQUAL_I64(-EINVAL, cgroup_parse_cpu_max(bad[i], &quota_us, &period_us));
}

static void test_quota_alone(void)
{
	const char *cursor = "-1\n";
	int64_t quota_us = 7;

	UNIT_EQUAL_I64(0, cgroup_scan_quota(&cursor, &quota_us));
	UNIT_EQUAL_I64(-1, quota_us);
	UNIT_EQUAL_TEXT("\n", cursor);
	cursor = "50000\n";
	UNIT_EQUAL_I64(0, cgroup_scan_quota(&cursor, &quota_us));
	UNIT_EQUAL_I64(50000, quota_us);
	cursor = "none";
	UNIT_EQUAL_I64(-EINVAL, cgroup_scan_quota(&cursor, &quota_us));
	UNIT_EQUAL_TEXT("none", cursor);
}

int main(void)
{
	return UNIT_RUN("base-cgroupfs", { "v2's cpu.max", test_cpu_max },
			{ "v1's quota", test_quota_alone });
}
