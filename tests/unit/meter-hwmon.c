/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rootfs.h"
#include "meter/driver.h"
#include "meter/hwmon-inputs.h"

#define CLASS "sys/class/hwmon/"

static struct rootfs root;
static const struct meter_place place = { .root = &root };

static void put_machine(void)
{
	/* ACPI's meter as old kernels show it: files at the device. */
	unit_write_file(CLASS "hwmon10/name", "power_meter\n");
	unit_write_file(CLASS "hwmon10/device/power1_average", "215000000\n");
	unit_write_file(CLASS "hwmon10/device/power1_average_interval", "5000\n");
	unit_write_file(CLASS "hwmon10/device/power1_model_number", "ACME 7\n");
	unit_write_file(CLASS "hwmon10/device/power1_serial_number", "S-1\x1b[2J\n");
	unit_write_file(CLASS "hwmon2/name", "dps920ab\n");
	unit_write_file(CLASS "hwmon2/power1_label", "pin\n");
	unit_write_file(CLASS "hwmon2/power1_input", "110500000\n");
	unit_write_file(CLASS "hwmon2/power2_label", "pout1\n");
	unit_write_file(CLASS "hwmon2/power2_input", "100000000\n");
	unit_write_file(CLASS "hwmon2/power2_cap", "900000000\n");
	unit_write_file(CLASS "hwmon3/name", "dps920ab\n");
	unit_write_file(CLASS "hwmon3/power1_label", "pin\n");
	unit_write_file(CLASS "hwmon3/power1_input", "99500000\n");
	unit_write_file(CLASS "hwmon4/name", "amdgpu\n");
	unit_write_file(CLASS "hwmon4/power1_label", "PPT\n");
	unit_write_file(CLASS "hwmon4/power1_average", "33000000\n");
	unit_write_file(CLASS "hwmon4/power1_input", "34000000\n");
	unit_write_file(CLASS "hwmon5/name", "coretemp\n");
	unit_write_file(CLASS "hwmon5/temp1_input", "45000\n");
}

static void test_classify(void)
{
	UNIT_EQUAL_I64(HWMON_MACHINE, hwmon_classify("power_meter", ""));
	UNIT_EQUAL_I64(HWMON_SUPPLY, hwmon_classify("pfe3000", "pin"));
	UNIT_EQUAL_I64(HWMON_OTHER, hwmon_classify("pfe3000", "pout1"));
	/* A regulator's input is no supply's. */
	UNIT_EQUAL_I64(HWMON_OTHER, hwmon_classify("tps53679", "pin"));
	UNIT_EQUAL_I64(HWMON_RAIL, hwmon_classify("ina226", ""));
	UNIT_EQUAL_I64(HWMON_GRAPHICS, hwmon_classify("amdgpu", "PPT"));
	UNIT_EQUAL_I64(HWMON_OTHER, hwmon_classify("", ""));
}

static void test_list(void)
{
	struct meter_list list = { 0 };

	UNIT_EQUAL_I64(0, meter_hwmon.list(&place, &list));
	UNIT_EQUAL_U64(6, list.count);
	UNIT_EQUAL_TEXT("hwmon:supplies", list.items[0].address);
	UNIT_EQUAL_TEXT("the inputs of 2 power supplies", list.items[0].measures);
	UNIT_EQUAL_I64(SCOPE_WALL, list.items[0].scope);
	UNIT_EQUAL_TEXT("hwmon:hwmon2/power1", list.items[1].address);
	UNIT_EQUAL_I64(SCOPE_RAIL, list.items[1].scope);
	UNIT_EQUAL_TEXT("the input of one power supply (pin)", list.items[1].measures);
	UNIT_EQUAL_TEXT("hwmon:hwmon4/power1", list.items[4].address);
	UNIT_EQUAL_TEXT("hwmon:hwmon10/power1", list.items[5].address);
	UNIT_EQUAL_I64(SCOPE_WALL, list.items[5].scope);
	UNIT_EQUAL_TEXT("power_meter ACME 7", list.items[5].model);
	UNIT_EQUAL_TEXT("S-1?[2J", list.items[5].serial);
	UNIT_EQUAL_DOUBLE(5, list.items[5].window_s, 0);
	UNIT_EQUAL_DOUBLE(5, list.items[5].interval_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, list.items[4].window_s, 0);
	for (size_t i = 0; i < list.count; i++) {
		UNIT_EQUAL_TEXT("", list.items[i].missing);
		UNIT_TRUE(list.items[i].worth[0]);
		UNIT_EQUAL_DOUBLE(NAN, list.items[i].resolution_w, 0);
	}
	meter_list_clear(&list);
}

static double read_w(const char *spec, unsigned flags)
{
	struct meter_reading reading = { .power_w = -1 };
	struct error error = { "" };
	struct meter *meter;

	if (meter_open(&meter, spec, &place, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	UNIT_EQUAL_TEXT(spec, meter_about(meter)->address);
	UNIT_EQUAL_I64(1,
		       meter_read(meter, clock_now_ns() + UINT64_C(20000000000), &reading, &error));
	UNIT_EQUAL_U64(flags, reading.flags);
	meter_close(meter);
	return reading.power_w;
}

static void test_read(void)
{
	UNIT_EQUAL_DOUBLE(210, read_w("hwmon:supplies@100ms", 0), 1e-12);
	UNIT_EQUAL_DOUBLE(215, read_w("hwmon:hwmon10/power1@100ms", 0), 1e-12);
	/* An average is preferred to what is of a moment. */
	UNIT_EQUAL_DOUBLE(33, read_w("hwmon:hwmon4/power1@100ms", 0), 1e-12);
	/* One of two supplies without a number: there is no sum. */
	unit_write_file(CLASS "hwmon3/power1_input", "\n");
	UNIT_EQUAL_DOUBLE(NAN, read_w("hwmon:supplies@100ms", METER_DAMAGED), 0);
	unit_write_file(CLASS "hwmon4/power1_average", "0\n");
	UNIT_EQUAL_DOUBLE(0, read_w("hwmon:hwmon4/power1@100ms", 0), 0);
	unit_write_file(CLASS "hwmon10/device/power1_average", "0\n");
	UNIT_EQUAL_DOUBLE(NAN, read_w("hwmon:hwmon10/power1@100ms", METER_IMPLAUSIBLE), 0);
}

static void test_choice(void)
{
	struct error error = { "" };
	struct meter *meter;

	UNIT_EQUAL_I64(0, meter_open(&meter, "hwmon", &place, &error));
	UNIT_EQUAL_TEXT("hwmon:hwmon10/power1", meter_about(meter)->address);
	UNIT_EQUAL_DOUBLE(5, meter_about(meter)->interval_s, 0);
	meter_close(meter);
	UNIT_EQUAL_I64(-ENODEV, meter_open(&meter, "hwmon:hwmon5/power1", &place, &error));
	UNIT_CONTAINS("no power sensor in /sys/class/hwmon is hwmon5/power1; there is: "
		      "hwmon:supplies, hwmon:hwmon2/power1",
		      error.text);
	UNIT_EQUAL_I64(-ERANGE, meter_open(&meter, "hwmon:@1h", &place, &error));
}

int main(void)
{
	int failed;

	put_machine();
	if (rootfs_open(&root, unit_folder(), NULL))
		return 1;
	failed = UNIT_RUN("meter-hwmon", { "chips are known by their names", test_classify },
			  { "every sensor is listed with what it measures", test_list },
			  { "without an address it is the machine's own meter", test_choice },
			  { "microwatts become watts, supplies a sum", test_read });
	rootfs_close(&root);
	return failed;
}
