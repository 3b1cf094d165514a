/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/rootfs.h"
#include "meter/driver.h"
#include "meter/rapl-perf-code.h"

#define POWER "sys/bus/event_source/devices/power/"

static void test_event(void)
{
	uint64_t config = 0;

	UNIT_EQUAL_I64(0, rapl_perf_parse_event("event=0x02\n", &config));
	UNIT_EQUAL_U64(2, config);
	UNIT_EQUAL_I64(0, rapl_perf_parse_event("event=0xfedcba9876543210", &config));
	UNIT_EQUAL_U64(UINT64_C(0xfedcba9876543210), config);
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_event("", &config));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_event("event=0x", &config));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_event("event=2", &config));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_event("event=0x02,umask=0x1", &config));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_event("event=0x10000000000000000", &config));
}

static void test_scale(void)
{
	double scale = 0;

	UNIT_EQUAL_I64(0, rapl_perf_parse_scale("2.3283064365386962890625e-10\n", &scale));
	UNIT_EQUAL_DOUBLE(1, scale * 4294967296.0, 0); /* 2^-32 */
	UNIT_EQUAL_I64(-ERANGE, rapl_perf_parse_scale("0\n", &scale));
	UNIT_EQUAL_I64(-ERANGE, rapl_perf_parse_scale("-1\n", &scale));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_scale("\n", &scale));
}

static void test_cpus(void)
{
	struct rapl_perf_cpus cpus;

	UNIT_EQUAL_I64(0, rapl_perf_parse_cpus("0\n", &cpus));
	UNIT_EQUAL_U64(1, cpus.count);
	UNIT_EQUAL_I64(0, rapl_perf_parse_cpus("0,18-19,64\n", &cpus));
	UNIT_EQUAL_U64(4, cpus.count);
	UNIT_EQUAL_I64(18, cpus.cpus[1]);
	UNIT_EQUAL_I64(64, cpus.cpus[3]);
	UNIT_EQUAL_I64(-E2BIG, rapl_perf_parse_cpus("0-1000\n", &cpus));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_cpus("5-2\n", &cpus));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_cpus("\n", &cpus));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_cpus("0;1\n", &cpus));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_cpus("0,\n", &cpus));
	UNIT_EQUAL_I64(-EINVAL, rapl_perf_parse_cpus("0-18446744073709551615\n", &cpus));
}

static void fails(const struct meter_place *place, const char *spec, int expected,
		  const char *needle)
{
	struct error error = { "" };
	struct meter *meter;

	UNIT_EQUAL_I64(expected, meter_open(&meter, spec, place, &error));
	UNIT_CONTAINS(needle, error.text);
	meter_close(meter);
}

static void test_files(void)
{
	struct rootfs root;
	struct meter_place place = { .root = &root };
	struct meter_list list = { 0 };

	UNIT_EQUAL_I64(0, rootfs_open(&root, unit_folder(), NULL));
	fails(&place, "rapl-perf", -ENODEV, "no /sys/bus/event_source/devices/power");
	unit_write_file(POWER "type", "9\n");
	unit_write_file(POWER "cpumask", "0,18\n");
	unit_write_file(POWER "events/energy-psys", "event=0x05\n");
	unit_write_file(POWER "events/energy-psys.scale", "2.3283064365386962890625e-10\n");
	fails(&place, "rapl-perf", -ENODEV, "has no event energy-pkg");
	fails(&place, "rapl-perf:cores", -EINVAL, "nothing, or psys");
	/* It is all there, but of another machine. */
	fails(&place, "rapl-perf:psys", -ENODEV, "not below --root");
	unit_write_file(POWER "events/energy-pkg", "event=0x02\n");
	fails(&place, "rapl-perf", -ENOENT, "energy-pkg: No such file");
	unit_write_file(POWER "events/energy-pkg.scale", "2.3283064365386962890625e-10\n");
	unit_write_file(POWER "events/energy-ram", "event=0x03\n");
	unit_write_file(POWER "events/energy-ram.scale", "1.5e-05\n");
	UNIT_EQUAL_I64(0, meter_rapl_perf.list(&place, &list));
	UNIT_EQUAL_U64(2, list.count);
	UNIT_EQUAL_I64(SCOPE_PACKAGE_DRAM, list.items[0].scope);
	UNIT_EQUAL_TEXT("CPU and DRAM of 2 packages", list.items[0].measures);
	UNIT_CONTAINS("not below --root", list.items[0].missing);
	UNIT_EQUAL_TEXT("rapl-perf:psys", list.items[1].address);
	UNIT_EQUAL_I64(SCOPE_RAIL, list.items[1].scope);
	UNIT_EQUAL_TEXT("psys", list.items[1].measures);
	meter_list_clear(&list);
	unit_write_file(POWER "cpumask", "all of them\n");
	fails(&place, "rapl-perf", -EINVAL, "cpumask");
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("meter-rapl-perf", { "events are hexadecimal", test_event },
			{ "scales are exact and positive", test_scale },
			{ "cpumasks are lists of ranges", test_cpus },
			{ "what the PMU lacks is named", test_files });
}
