/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rootfs.h"
#include "meter/driver.h"
#include "meter/rapl-zones.h"

#define RANGE_UJ 262143328850ull

/* Each test has a machine of its own below the unit's folder. */
static char folder[128];
static struct rootfs root;
static struct meter_place place;

static void put(const char *zone, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s" RAPL_FOLDER "/%s/%s", strrchr(folder, '/') + 1, zone,
		 file);
	unit_write_file(path, text);
}

static void put_energy(const char *zone, unsigned long long energy_uj)
{
	char text[32];

	snprintf(text, sizeof text, "%llu\n", energy_uj);
	put(zone, "energy_uj", text);
}

static void put_zone(const char *zone, const char *name, unsigned long long energy_uj)
{
	char text[32];

	snprintf(text, sizeof text, "%llu\n", RANGE_UJ);
	put(zone, "name", name);
	put(zone, "max_energy_range_uj", text);
	put_energy(zone, energy_uj);
}

static void begin(const char *machine)
{
	char path[256];

	snprintf(folder, sizeof folder, "%s/%s", unit_folder(), machine);
	snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl/enabled", machine);
	unit_write_file(path, "1\n");
	if (rootfs_open(&root, folder, NULL))
		abort();
	place = (struct meter_place){ .root = &root };
}

static void put_server(void)
{
	begin("server");
	put_zone("intel-rapl:0", "package-0\n", 1000);
	put_zone("intel-rapl:0:0", "dram\n", 2000);
	put_zone("intel-rapl:1", "package-1\n", 3000);
	put_zone("intel-rapl:1:0", "core\n", 3500);
	put_zone("intel-rapl:1:1", "dram\n", 4000);
	put_zone("intel-rapl:2", "psys\n", 0);
	/* The same package once more, by another way. */
	put_zone("intel-rapl-mmio:0", "package-0\n", 5000);
}

static struct meter *open_meter(const char *spec)
{
	struct error error = { "" };
	struct meter *meter;

	if (meter_open(&meter, spec, &place, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return meter;
}

static struct meter_reading next(struct meter *meter)
{
	struct meter_reading reading = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(1,
		       meter_read(meter, clock_now_ns() + UINT64_C(20000000000), &reading, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return reading;
}

static void test_difference(void)
{
	struct rapl_step step = { .before_uj = 10, .now_uj = 30, .range_uj = RANGE_UJ };
	uint64_t difference;
	bool wrapped;

	UNIT_TRUE(rapl_difference(&step, &difference, &wrapped));
	UNIT_EQUAL_U64(20, difference);
	UNIT_TRUE(!wrapped);
	step = (struct rapl_step){ RANGE_UJ - 7, 5, RANGE_UJ };
	UNIT_TRUE(rapl_difference(&step, &difference, &wrapped));
	UNIT_EQUAL_U64(12, difference);
	UNIT_TRUE(wrapped);
	/* Half a range cannot have passed: it was set back. */
	step = (struct rapl_step){ RANGE_UJ / 2, 5, RANGE_UJ };
	UNIT_TRUE(!rapl_difference(&step, &difference, &wrapped));
	/* A range that is not told, or not kept, explains no wrap. */
	step = (struct rapl_step){ 100, 5, 0 };
	UNIT_TRUE(!rapl_difference(&step, &difference, &wrapped));
	step = (struct rapl_step){ RANGE_UJ + 1, 5, RANGE_UJ };
	UNIT_TRUE(!rapl_difference(&step, &difference, &wrapped));
}

/* Energy that passes over many small ranges: the differences' sum is what was put in. */
static void test_difference_sums(void)
{
	uint64_t seed = 20261123, total = 0, sum = 0, difference;
	struct rapl_step step = { .range_uj = 65532610 };
	unsigned wraps = 0;
	bool wrapped, good = true;

	for (unsigned i = 0; i < 5000; i++) {
		uint64_t add = unit_random(&seed) % (step.range_uj / 3);

		total += add;
		step.now_uj = total % step.range_uj;
		good &= rapl_difference(&step, &difference, &wrapped);
		sum += difference;
		wraps += wrapped;
		step.before_uj = step.now_uj;
	}
	UNIT_TRUE(good);
	UNIT_EQUAL_U64(total, sum);
	UNIT_EQUAL_U64(total / step.range_uj, wraps);
}

static void test_list(void)
{
	struct meter_list list = { 0 };

	put_server();
	UNIT_EQUAL_I64(0, meter_rapl.list(&place, &list));
	UNIT_EQUAL_U64(2, list.count);
	UNIT_EQUAL_TEXT("rapl", list.items[0].address);
	UNIT_EQUAL_TEXT("CPU and DRAM of 2 packages", list.items[0].measures);
	UNIT_EQUAL_I64(SCOPE_PACKAGE_DRAM, list.items[0].scope);
	UNIT_EQUAL_TEXT("", list.items[0].missing);
	UNIT_EQUAL_TEXT("rapl:psys", list.items[1].address);
	UNIT_CONTAINS("psys (intel-rapl:2) stands at 0", list.items[1].missing);
	meter_list_clear(&list);
	/* One package's memory is not counted: then no package's is. */
	put_energy("intel-rapl:1:1", 0);
	UNIT_EQUAL_I64(0, meter_rapl.list(&place, &list));
	UNIT_EQUAL_TEXT("CPU of 2 packages", list.items[0].measures);
	UNIT_EQUAL_I64(SCOPE_PACKAGE, list.items[0].scope);
	meter_list_clear(&list);
	rootfs_close(&root);
}

static void test_sum(void)
{
	struct meter_reading reading;
	struct meter *meter;
	uint64_t before_ns, after_ns;

	put_server();
	before_ns = clock_now_ns();
	meter = open_meter("rapl:@100ms");
	after_ns = clock_now_ns();
	UNIT_EQUAL_DOUBLE(0.1, meter_about(meter)->interval_s, 0);
	put_energy("intel-rapl:0", 1000 + 1000000);
	put_energy("intel-rapl:0:0", 2000 + 200000);
	put_energy("intel-rapl:1", 3000 + 30000);
	put_energy("intel-rapl:1:1", 4000 + 4000);
	reading = next(meter);
	UNIT_EQUAL_DOUBLE(1.234, reading.energy_j, 1e-12);
	UNIT_EQUAL_U64(0, reading.flags & ~(unsigned)METER_GAP);
	/* Watts are that energy over the time since the counters were opened. */
	UNIT_TRUE(reading.power_w <= 1.234 / ((double)(reading.time_ns - after_ns) * 1e-9));
	UNIT_TRUE(reading.power_w >= 1.234 / ((double)(reading.time_ns - before_ns) * 1e-9));
	meter_close(meter);
	rootfs_close(&root);
}

static void test_wrap(void)
{
	struct meter_reading reading;
	struct meter *meter;

	put_server();
	put_energy("intel-rapl:1", RANGE_UJ - 1000000);
	meter = open_meter("rapl:package-1@100ms");
	put_energy("intel-rapl:1", 500000);
	reading = next(meter);
	UNIT_EQUAL_DOUBLE(1.5, reading.energy_j, 1e-12);
	UNIT_EQUAL_U64(METER_WRAPPED, reading.flags & ~(unsigned)METER_GAP);
	/* It stands still: no energy is no figure. */
	reading = next(meter);
	UNIT_EQUAL_DOUBLE(NAN, reading.power_w, 0);
	UNIT_EQUAL_U64(METER_IMPLAUSIBLE, reading.flags & ~(unsigned)METER_GAP);
	put_energy("intel-rapl:1", 100);
	reading = next(meter);
	UNIT_EQUAL_DOUBLE(NAN, reading.energy_j, 0);
	UNIT_EQUAL_U64(METER_DAMAGED, reading.flags & ~(unsigned)METER_GAP);
	meter_close(meter);
	rootfs_close(&root);
}

static void test_vanished(void)
{
	struct meter_reading reading;
	struct error error = { "" };
	uint64_t far = clock_now_ns() + UINT64_C(20000000000);
	struct meter *meter;
	unsigned before;

	put_server();
	before = unit_count_descriptors();
	meter = open_meter("rapl:@100ms");
	UNIT_EQUAL_U64(before + 4, unit_count_descriptors());
	put("intel-rapl:1", "energy_uj", "");
	UNIT_EQUAL_I64(-EINVAL, meter_read(meter, far, &reading, &error));
	UNIT_CONTAINS("rapl:@100ms: " RAPL_FOLDER "/intel-rapl:1/energy_uj", error.text);
	UNIT_EQUAL_I64(-ENODEV, meter_read(meter, 0, &reading, &error));
	UNIT_EQUAL_U64(before, unit_count_descriptors());
	meter_close(meter);
	rootfs_close(&root);
}

static void fails(const char *spec, int expected, const char *needle)
{
	struct error error = { "" };
	struct meter *meter;

	UNIT_EQUAL_I64(expected, meter_open(&meter, spec, &place, &error));
	UNIT_CONTAINS(needle, error.text);
	meter_close(meter);
}

static void test_refused(void)
{
	put_server();
	fails("rapl:package-7", -ENODEV, "no zone in " RAPL_FOLDER " is called \"package-7\"");
	fails("rapl:psys", -ENODEV, "stands at 0: nothing feeds it");
	fails("rapl:@5s", -ERANGE, "100ms..1s");
	fails("rapl:@often", -EINVAL, "interval");
	rootfs_close(&root);
	begin("virtual");
	fails("rapl", -ENODEV, "no package in " RAPL_FOLDER);
	rootfs_close(&root);
}

/* The kernel's own mode, 0400 of root; as root, seen by nobody. */
static void test_rights(void)
{
	struct meter_list list = { 0 };
	char path[256];

	put_server();
	snprintf(path, sizeof path, "%s" RAPL_FOLDER "/intel-rapl:0/energy_uj", folder);
	if (chmod(path, geteuid() == 0 ? 0400 : 0) || chmod(unit_folder(), 0755))
		abort();
	if (getuid() == 0 && seteuid(65534))
		abort();
	fails("rapl", -EACCES,
	      "permission denied on " RAPL_FOLDER "/intel-rapl:0/energy_uj: be root");
	UNIT_EQUAL_I64(0, meter_rapl.list(&place, &list));
	UNIT_CONTAINS("be root", list.items[0].missing);
	UNIT_EQUAL_I64(SCOPE_PACKAGE_DRAM, list.items[0].scope);
	meter_list_clear(&list);
	if (getuid() == 0 && seteuid(0))
		abort();
	chmod(path, 0600);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("meter-rapl", { "a counter wraps at its range", test_difference },
			{ "differences add up over wraps", test_difference_sums },
			{ "packages are one meter, the platform another", test_list },
			{ "power is the energy of all zones over the time", test_sum },
			{ "a wrap is right, standing still and reset are no figure", test_wrap },
			{ "a zone that vanished breaks the link", test_vanished },
			{ "what is not there is named", test_refused },
			{ "rights that lack are told", test_rights });
}
