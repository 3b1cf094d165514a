/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/rootfs.h"
#include "meter/driver.h"
#include "meter/ipmi-code.h"

/* 215 W now, 98 to 402 W, 187 W in the mean of 60 s; DCMI 1.5, table 6-16. */
static const uint8_t golden[IPMI_RESPONSE_BYTES] = {
	0x02, 0x00, 0xdc, 0xd7, 0x00, 0x62, 0x00, 0x92, 0x01, 0xbb,
	0x00, 0x80, 0x5a, 0x1e, 0x65, 0x60, 0xea, 0x00, 0x00, 0x40,
};

static int decode(const uint8_t *bytes, size_t length, struct ipmi_power *power,
		  struct error *error)
{
	error->text[0] = '\0';
	return ipmi_decode_power(bytes, length, power, error);
}

static void test_golden(void)
{
	struct ipmi_power power;
	struct error error;

	UNIT_EQUAL_I64(0, decode(golden, sizeof golden, &power, &error));
	UNIT_EQUAL_U64(215, power.current_w);
	UNIT_EQUAL_U64(98, power.least_w);
	UNIT_EQUAL_U64(402, power.most_w);
	UNIT_EQUAL_U64(187, power.average_w);
	UNIT_EQUAL_DOUBLE(60, power.period_s, 0);
	UNIT_TRUE(power.is_measuring);
}

static void test_not_measuring(void)
{
	uint8_t bytes[IPMI_RESPONSE_BYTES];
	struct ipmi_power power;
	struct error error;

	memcpy(bytes, golden, sizeof bytes);
	bytes[19] = 0xbf;
	UNIT_EQUAL_I64(0, decode(bytes, sizeof bytes, &power, &error));
	UNIT_TRUE(!power.is_measuring);
}

static void test_refused(void)
{
	const uint8_t unknown[] = { 0x02, 0xc1 }, busy[] = { 0x02, 0xc0 }, odd[] = { 0x02, 0xff };
	uint8_t bytes[IPMI_RESPONSE_BYTES];
	struct ipmi_power power;
	struct error error;

	UNIT_EQUAL_I64(-EOPNOTSUPP, decode(unknown, 2, &power, &error));
	UNIT_CONTAINS("no DCMI power reading", error.text);
	UNIT_EQUAL_I64(-EAGAIN, decode(busy, 2, &power, &error));
	UNIT_EQUAL_I64(-EIO, decode(odd, 2, &power, &error));
	UNIT_CONTAINS("0xff", error.text);
	for (size_t length = 0; length < IPMI_RESPONSE_BYTES; length++)
		UNIT_EQUAL_I64(-EBADMSG, decode(golden, length, &power, &error));
	memcpy(bytes, golden, sizeof bytes);
	bytes[2] = 0xdd;
	UNIT_EQUAL_I64(-EBADMSG, decode(bytes, sizeof bytes, &power, &error));
	memcpy(bytes, golden, sizeof bytes);
	bytes[0] = 0x03;
	UNIT_EQUAL_I64(-EBADMSG, decode(bytes, sizeof bytes, &power, &error));
}

static void test_device(void)
{
	static const struct meter_driver *const more[] = { &meter_ipmi, NULL };
	struct rootfs root;
	struct meter_place place = { .root = &root, .more = more };
	struct meter_list list = { 0 };
	struct error error = { "" };
	struct meter *meter;

	UNIT_EQUAL_I64(0, rootfs_open(&root, unit_folder(), NULL));
	UNIT_EQUAL_I64(-ENODEV, meter_open(&meter, "ipmi", &place, &error));
	UNIT_CONTAINS("no /dev/ipmi0", error.text);
	UNIT_EQUAL_I64(0, meter_ipmi.list(&place, &list));
	UNIT_EQUAL_U64(0, list.count);
	unit_write_file("dev/ipmi0", "");
	UNIT_EQUAL_I64(-ENODEV, meter_open(&meter, "ipmi", &place, &error));
	UNIT_CONTAINS("on its own machine only", error.text);
	UNIT_EQUAL_I64(-EINVAL, meter_open(&meter, "ipmi:bmc", &place, &error));
	UNIT_EQUAL_I64(0, meter_ipmi.list(&place, &list));
	UNIT_EQUAL_U64(1, list.count);
	UNIT_EQUAL_I64(SCOPE_WALL, list.items[0].scope);
	UNIT_EQUAL_DOUBLE(1, list.items[0].resolution_w, 0);
	UNIT_CONTAINS("on its own machine only", list.items[0].missing);
	meter_list_clear(&list);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("meter-ipmi", { "a reading is decoded", test_golden },
			{ "a controller that does not measure says so", test_not_measuring },
			{ "other answers are refused with a reason", test_refused },
			{ "without a controller's device there is no meter", test_device });
}
