/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PZEM-004T's frames, and the driver against a module played by a thread behind a pty. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/driver.h"
#include "meter/pzem-code.h"

/* Two replies that owners of modules published with the values that their displays showed:
 * 225.7 V 24.4 W (ESPHome's pzemac component) and 239.3 V 90.1 W. */
static const uint8_t reply_24w[PZEM_REPLY_BYTES] = {
	0x01, 0x04, 0x14, 0x08, 0xd1, 0x00, 0x6c, 0x00, 0x00, 0x00, 0xf4, 0x00, 0x00,
	0x00, 0x26, 0x00, 0x00, 0x01, 0xf4, 0x00, 0x64, 0x00, 0x00, 0x51, 0x34,
};
static const uint8_t reply_90w[PZEM_REPLY_BYTES] = {
	0x01, 0x04, 0x14, 0x09, 0x59, 0x02, 0x04, 0x00, 0x00, 0x03, 0x85, 0x00, 0x00,
	0x12, 0x29, 0x00, 0x00, 0x01, 0xf3, 0x00, 0x49, 0x00, 0x00, 0xd3, 0xea,
};

static enum pzem_result decode(const uint8_t *bytes, size_t length, struct pzem_values *values)
{
	uint8_t refusal;

	return pzem_decode(bytes, length, 1, values, &refusal);
}

static void test_request(void)
{
	static const uint8_t expected[] = { 0x01, 0x04, 0x00, 0x00, 0x00, 0x0a, 0x70, 0x0d };
	uint8_t request[PZEM_REQUEST_BYTES];

	pzem_request(1, request);
	UNIT_TRUE(memcmp(expected, request, sizeof request) == 0);
}

static void test_published_replies(void)
{
	struct pzem_values values;

	UNIT_EQUAL_I64(PZEM_VALUES, decode(reply_24w, sizeof reply_24w, &values));
	UNIT_EQUAL_DOUBLE(225.7, values.voltage_v, 1e-12);
	UNIT_EQUAL_DOUBLE(0.108, values.current_a, 1e-12);
	UNIT_EQUAL_DOUBLE(24.4, values.power_w, 1e-12);
	UNIT_EQUAL_U64(38, values.energy_wh);
	UNIT_EQUAL_DOUBLE(50.0, values.frequency_hz, 1e-12);
	UNIT_EQUAL_DOUBLE(1.0, values.power_factor, 1e-12);
	UNIT_TRUE(!values.alarm);

	UNIT_EQUAL_I64(PZEM_VALUES, decode(reply_90w, sizeof reply_90w, &values));
	UNIT_EQUAL_DOUBLE(239.3, values.voltage_v, 1e-12);
	UNIT_EQUAL_DOUBLE(90.1, values.power_w, 1e-12);
	UNIT_EQUAL_U64(4649, values.energy_wh);
	UNIT_EQUAL_DOUBLE(0.73, values.power_factor, 1e-12);
}

/* A frame of these watts: those of the manual's example (220.0 V, 1.000 A) but for the power. */
static void make_reply(uint8_t address, double power_w, uint8_t reply[PZEM_REPLY_BYTES])
{
	unsigned tenths = (unsigned)lround(power_w * 10);
	uint16_t crc;
	const uint8_t bytes[PZEM_REPLY_BYTES - 2] = {
		address,
		0x04,
		0x14,
		0x08,
		0x98,
		0x03,
		0xe8,
		0x00,
		0x00,
		(uint8_t)(tenths >> 8),
		(uint8_t)tenths,
		(uint8_t)(tenths >> 24),
		(uint8_t)(tenths >> 16),
		0,
		0,
		0,
		0,
		0x01,
		0xf4,
		0x00,
		0x64,
	};

	memcpy(reply, bytes, sizeof bytes);
	crc = pzem_crc(reply, sizeof bytes);
	reply[PZEM_REPLY_BYTES - 2] = (uint8_t)crc;
	reply[PZEM_REPLY_BYTES - 1] = (uint8_t)(crc >> 8);
}

static void test_low_word_first(void)
{
	uint8_t reply[PZEM_REPLY_BYTES];
	struct pzem_values values;

	make_reply(1, 12345.6, reply); /* 123456 = 0x0001e240 */
	UNIT_EQUAL_U64(0xe2, reply[9]);
	UNIT_EQUAL_I64(PZEM_VALUES, decode(reply, sizeof reply, &values));
	UNIT_EQUAL_DOUBLE(12345.6, values.power_w, 1e-12);
}

static void test_damaged(void)
{
	struct pzem_values values;
	uint8_t bytes[PZEM_REPLY_BYTES + 1];

	for (size_t bit = 0; bit < 8 * sizeof reply_90w; bit++) {
		memcpy(bytes, reply_90w, sizeof reply_90w);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (decode(bytes, sizeof reply_90w, &values) == PZEM_VALUES)
			CU_FAIL("a wrong bit was not seen");
	}
	for (size_t length = 0; length < sizeof reply_90w; length++)
		UNIT_EQUAL_I64(PZEM_MORE, decode(reply_90w, length, &values));
	memcpy(bytes, reply_90w, sizeof reply_90w);
	bytes[PZEM_REPLY_BYTES] = 0;
	UNIT_EQUAL_I64(PZEM_DAMAGED, decode(bytes, sizeof bytes, &values));
}

static void test_echo(void)
{
	uint8_t bytes[PZEM_REQUEST_BYTES + PZEM_REPLY_BYTES];
	struct pzem_values values;

	pzem_request(1, bytes);
	memcpy(bytes + PZEM_REQUEST_BYTES, reply_24w, sizeof reply_24w);
	for (size_t length = 0; length < sizeof bytes; length++)
		UNIT_EQUAL_I64(PZEM_MORE, decode(bytes, length, &values));
	UNIT_EQUAL_I64(PZEM_VALUES, decode(bytes, sizeof bytes, &values));
	UNIT_EQUAL_DOUBLE(24.4, values.power_w, 1e-12);
}

/* Modbus over Serial Line: function with its top bit set, code, sum. */
static const uint8_t refusal_reply[] = { 0x01, 0x84, 0x02, 0xc2, 0xc1 };

static void test_refusal(void)
{
	struct pzem_values values;
	uint8_t refusal = 0;

	UNIT_EQUAL_I64(PZEM_REFUSED,
		       pzem_decode(refusal_reply, sizeof refusal_reply, 1, &values, &refusal));
	UNIT_EQUAL_U64(2, refusal);
	UNIT_EQUAL_TEXT("illegal address", pzem_refusal_text(refusal));
	UNIT_EQUAL_TEXT("an unknown exception", pzem_refusal_text(0));
}

static void test_other_address(void)
{
	struct pzem_values values;
	uint8_t refusal;

	UNIT_EQUAL_I64(PZEM_DAMAGED,
		       pzem_decode(reply_24w, sizeof reply_24w, 2, &values, &refusal));
	/* Whoever is alone on the line may answer under its own number. */
	UNIT_EQUAL_I64(PZEM_VALUES,
		       pzem_decode(reply_24w, sizeof reply_24w, PZEM_ANY, &values, &refusal));
}

/* --- behind a pty ------------------------------------------------------------------ */

enum reply_kind {
	REPLY,
	REPLY_DAMAGED,
	REPLY_HALF,
	REPLY_REFUSAL,
	REPLY_ECHO,
	REPLY_NONE,
	HANG_UP
};

/* Answers the first requests so, the others as the last. */
struct module {
	const enum reply_kind *script;
	unsigned steps, step;
	int master, quit[2];
	char path[64];
	pthread_t thread;
};

static void answer(struct module *module, const uint8_t *request)
{
	unsigned last = module->steps - 1;
	enum reply_kind kind = module->script[module->step < last ? module->step : last];
	uint8_t reply[PZEM_REPLY_BYTES];
	size_t length = sizeof reply;

	module->step++;
	make_reply(request[0], 100 + module->step, reply);
	if (kind == REPLY_NONE)
		return;
	if (kind == REPLY_DAMAGED)
		reply[10] ^= 1;
	if (kind == REPLY_HALF)
		length /= 2;
	if (kind == REPLY_REFUSAL)
		memcpy(reply, refusal_reply, length = sizeof refusal_reply);
	if (kind == REPLY_ECHO && write(module->master, request, PZEM_REQUEST_BYTES) < 0)
		abort();
	if (write(module->master, reply, length) < 0)
		abort();
}

static void *run_module(void *data)
{
	struct module *module = data;
	struct pollfd waited[] = { { .fd = module->master, .events = POLLIN },
				   { .fd = module->quit[0], .events = POLLIN } };
	uint8_t bytes[PZEM_REQUEST_BYTES];
	size_t length = 0;

	while (poll(waited, 2, -1) > 0 && !waited[1].revents) {
		ssize_t got = read(module->master, bytes + length, sizeof bytes - length);

		if (got < 0) /* nobody has the other end open */
			continue;
		length += (size_t)got;
		if (length < sizeof bytes)
			continue;
		length = 0;
		if (module->script[module->step < module->steps ? module->step
								: module->steps - 1] == HANG_UP)
			break;
		if (pzem_crc(bytes, sizeof bytes) == 0)
			answer(module, bytes);
	}
	close(module->master);
	return NULL;
}

static void start_module(struct module *module, const enum reply_kind *script, unsigned steps)
{
	int slave;

	*module = (struct module){ .script = script, .steps = steps };
	if (openpty(&module->master, &slave, module->path, NULL, NULL) != 0 ||
	    pipe(module->quit) != 0)
		abort();
	/* So that the line is raw before the driver comes; it stays so when it is closed. */
	close(slave);
	if (pthread_create(&module->thread, NULL, run_module, module) != 0)
		abort();
}

static void stop_module(struct module *module)
{
	close(module->quit[1]);
	pthread_join(module->thread, NULL);
	close(module->quit[0]);
}

static const struct rootfs real = { .prefix = (char[]){ "" } };
static const struct meter_place place = { .root = &real, .speed = 100 };

static int open_module(void **state, const struct module *module, struct meter_about *about,
		       struct error *error)
{
	char address[80];

	snprintf(address, sizeof address, "%s@1", module->path);
	*state = NULL;
	return meter_pzem.open(state, address, &place, about, error);
}

static int read_one(void *state, struct meter_reading *reading, struct error *error)
{
	return meter_pzem.read(state, clock_now_ns() + 5000000000u, reading, error);
}

static void test_reads_a_module(void)
{
	static const enum reply_kind script[] = { REPLY,      REPLY,         REPLY_DAMAGED,
						  REPLY_ECHO, REPLY_REFUSAL, REPLY };
	static const double expected_w[] = { 102, NAN, 104, NAN, 106 };
	struct meter_about about;
	struct meter_reading reading;
	struct error error = { "" };
	struct module module;
	void *state;

	meter_about_init(&about, &meter_pzem);
	start_module(&module, script, 6);
	UNIT_EQUAL_I64(0, open_module(&state, &module, &about, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_TRUE(about.has_scope && about.scope == SCOPE_WALL && !about.emulated);
	UNIT_CONTAINS("pzem:/dev/pts/", about.address);
	UNIT_CONTAINS("@1", about.address);
	for (size_t i = 0; state && i < sizeof expected_w / sizeof expected_w[0]; i++) {
		UNIT_EQUAL_I64(1, read_one(state, &reading, &error));
		UNIT_EQUAL_DOUBLE(expected_w[i], reading.power_w, 1e-12);
		UNIT_EQUAL_U64(isnan(expected_w[i]) ? METER_DAMAGED : 0, reading.flags);
		UNIT_TRUE(isnan(reading.energy_j));
	}
	meter_pzem.close(state);
	stop_module(&module);
}

static void test_half_frame_and_silence(void)
{
	static const enum reply_kind script[] = { REPLY, REPLY_HALF, REPLY, REPLY_NONE };
	struct meter_about about;
	struct meter_reading reading;
	struct error error = { "" };
	struct module module;
	void *state;

	meter_about_init(&about, &meter_pzem);
	start_module(&module, script, 4);
	UNIT_EQUAL_I64(0, open_module(&state, &module, &about, &error));
	UNIT_EQUAL_I64(1, read_one(state, &reading, &error));
	UNIT_TRUE(isnan(reading.power_w));
	UNIT_EQUAL_U64(METER_DAMAGED, reading.flags);
	UNIT_EQUAL_I64(1, read_one(state, &reading, &error));
	UNIT_EQUAL_DOUBLE(103, reading.power_w, 1e-12);
	UNIT_EQUAL_I64(-ENODEV, read_one(state, &reading, &error));
	UNIT_CONTAINS("no answer", error.text);
	meter_pzem.close(state);
	stop_module(&module);
}

static void test_hang_up(void)
{
	static const enum reply_kind script[] = { REPLY, HANG_UP };
	struct meter_about about;
	struct meter_reading reading;
	struct error error = { "" };
	struct module module;
	void *state;

	meter_about_init(&about, &meter_pzem);
	start_module(&module, script, 2);
	UNIT_EQUAL_I64(0, open_module(&state, &module, &about, &error));
	/* A deadline that is over asks for nothing more than what is there. */
	UNIT_EQUAL_I64(-ENODEV, read_one(state, &reading, &error));
	UNIT_CONTAINS("gone", error.text);
	meter_pzem.close(state);
	stop_module(&module);
}

static void expect_refused(const char *address, int errnum, const char *why)
{
	struct meter_about about;
	struct error error = { "" };
	void *state = NULL;

	meter_about_init(&about, &meter_pzem);
	UNIT_EQUAL_I64(-errnum, meter_pzem.open(&state, address, &place, &about, &error));
	UNIT_CONTAINS(why, error.text);
	UNIT_TRUE(state == NULL);
}

static void test_deadline(void)
{
	static const enum reply_kind script[] = { REPLY };
	struct meter_place slow = { .root = &real, .speed = 0.001 };
	struct meter_about about;
	struct meter_reading reading = { .flags = 77 };
	struct error error = { "" };
	struct module module;
	void *state = NULL;

	meter_about_init(&about, &meter_pzem);
	start_module(&module, script, 1);
	UNIT_EQUAL_I64(0, meter_pzem.open(&state, module.path, &slow, &about, &error));
	UNIT_EQUAL_I64(0, meter_pzem.read(state, clock_now_ns() + 1000000, &reading, &error));
	UNIT_EQUAL_U64(77, reading.flags);
	/* Nor has anybody else the port meanwhile. */
	expect_refused(module.path, EBUSY, "busy");
	meter_pzem.close(state);
	stop_module(&module);
}

static void test_no_such_meter(void)
{
	unsigned before = unit_count_descriptors();
	static const enum reply_kind script[] = { REPLY_REFUSAL };
	struct module module;

	expect_refused("", EINVAL, "which serial port");
	expect_refused("/dev/null", EINVAL, "not a serial port");
	expect_refused("/dev/no-such-port", ENOENT, "/dev/no-such-port");
	expect_refused("/dev/null@0", EINVAL, "1..247");
	expect_refused("/dev/null@x", EINVAL, "1..247");
	start_module(&module, script, 1);
	expect_refused(module.path, EPROTO, "illegal address");
	stop_module(&module);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

/* --- listing ----------------------------------------------------------------------- */

static void link_in_folder(const char *target, const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	if (symlink(target, path) != 0)
		abort();
}

static void test_list_names_adapters_and_opens_none(void)
{
	struct rootfs root;
	struct meter_place fake = { .root = &root, .speed = 1 };
	struct meter_list list = { 0 };

	rootfs_open(&root, unit_folder(), NULL);
	/* As the kernel has it: class/tty/ttyUSB0 -> .../1-1:1.0/ttyUSB0/tty/ttyUSB0. */
	unit_write_file("sys/devices/1-1/idVendor", "1a86\n");
	unit_write_file("sys/devices/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0/dev", "188:0\n");
	unit_write_file("sys/devices/1-2/idVendor", "0403\n");
	unit_write_file("sys/devices/1-2/1-2:1.0/ttyUSB1/tty/ttyUSB1/dev", "188:1\n");
	unit_write_file("sys/class/tty/tty0/dev", "4:0\n");
	unit_write_file("dev/ttyUSB0", "");
	unit_write_file("dev/serial/by-id/README", "");
	link_in_folder("../../../ttyUSB0", "sys/devices/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0/device");
	link_in_folder("../../devices/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0", "sys/class/tty/ttyUSB0");
	link_in_folder("../../../ttyUSB1", "sys/devices/1-2/1-2:1.0/ttyUSB1/tty/ttyUSB1/device");
	link_in_folder("../../devices/1-2/1-2:1.0/ttyUSB1/tty/ttyUSB1", "sys/class/tty/ttyUSB1");

	UNIT_EQUAL_I64(0, meter_pzem.list(&fake, &list));
	UNIT_EQUAL_U64(1, list.count);
	if (list.count == 1) {
		UNIT_EQUAL_TEXT("pzem:/dev/ttyUSB0", list.items[0].address);
		UNIT_CONTAINS("perhaps", list.items[0].model);
		UNIT_CONTAINS("CH340", list.items[0].model);
		UNIT_CONTAINS("not asked", list.items[0].missing);
	}
	meter_list_clear(&list);

	/* udev's name is better: it stays. */
	link_in_folder("../../ttyUSB0", "dev/serial/by-id/usb-1a86_USB_Serial-if00-port0");
	UNIT_EQUAL_I64(0, meter_pzem.list(&fake, &list));
	if (list.count == 1)
		UNIT_EQUAL_TEXT("pzem:/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0",
				list.items[0].address);
	meter_list_clear(&list);
	rootfs_close(&root);
	UNIT_TRUE(meter_pzem.by_choice_only);
}

int main(void)
{
	return UNIT_RUN(
		"meter-pzem", { "the request is the published one", test_request },
		{ "published replies give their owners' figures", test_published_replies },
		{ "of two registers the low word comes first", test_low_word_first },
		{ "any wrong bit, half and longer frames are no values", test_damaged },
		{ "an adapter that hears itself does no harm", test_echo },
		{ "an exception reply is a refusal with its reason", test_refusal },
		{ "another module's reply is not ours", test_other_address },
		{ "a module is read; damage is flagged, never zero", test_reads_a_module },
		{ "half a frame is damage, silence a broken link", test_half_frame_and_silence },
		{ "a port that hangs up is a broken link", test_hang_up },
		{ "before it is due there is no reading, and the port is ours", test_deadline },
		{ "wrong addresses and other devices are refused", test_no_such_meter },
		{ "listing names adapters and sends nothing",
		  test_list_names_adapters_and_opens_none });
}
