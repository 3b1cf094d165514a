/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peacefair PZEM-004T v3: a module for the mains on a serial port, asked twice a second. */
#include "meter/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/text.h"
#include "meter/pace.h"
#include "meter/pzem-code.h"
#include "meter/tty.h"

enum { BAUD = 9600, TRIES = 3 };
/* At 9600 baud a request and its reply take 35 ms; the module thinks less than 100 ms. */
static const uint64_t reply_ns = 300 * 1000000ull;
static const double interval_s = 0.5;

#define BY_ID "/dev/serial/by-id"

struct pzem {
	int fd;
	uint8_t address;
	struct meter_pace pace;
	bool asked;
	uint64_t until_ns; /* for the reply */
	unsigned silent;   /* requests in a row without any answer */
	uint8_t bytes[PZEM_REQUEST_BYTES + PZEM_REPLY_BYTES + 1];
	size_t length;
};

/* --- listing: nothing is sent, as behind such an adapter there may be anything ----- */

static const struct {
	const char *vendor; /* idVendor */
	const char *chip;
} adapters[] = {
	{ "1a86", "CH340" },
	{ "067b", "PL2303" },
};

static DIR *open_folder(const struct rootfs *root, const char *path)
{
	int fd = rootfs_openf(root, O_RDONLY | O_DIRECTORY, "%s", path);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder && fd >= 0)
		close(fd);
	return folder;
}

/* udev's name for /dev/NAME, that stays when it is plugged in elsewhere; else /dev/NAME. */
static void find_stable_name(const struct rootfs *root, const char *name, char *path, size_t size)
{
	DIR *folder = open_folder(root, BY_ID);
	const struct dirent *entry;
	char target[256];

	snprintf(path, size, "/dev/%.40s", name);
	while (folder && (entry = readdir(folder)) != NULL) {
		const char *base;

		if (rootfs_linkf(root, target, sizeof target, BY_ID "/%s", entry->d_name) < 0)
			continue;
		base = strrchr(target, '/');
		/* A longer one would not fit an address. */
		if (text_equal(base ? base + 1 : target, name) && strlen(entry->d_name) <= 64)
			snprintf(path, size, BY_ID "/%.64s", entry->d_name);
	}
	if (folder)
		closedir(folder);
}

static void describe(struct meter_about *about)
{
	snprintf(about->model, sizeof about->model, "Peacefair PZEM-004T v3");
	snprintf(about->measures, sizeof about->measures, "wall, AC");
	about->scope = SCOPE_WALL;
	about->has_scope = true;
	about->range_w = 23000; /* the larger kind, 100 A; they cannot be told apart */
	about->resolution_w = 0.1;
	about->accuracy_percent = 0.5;
	about->interval_s = interval_s;
}

static int list_port(const struct rootfs *root, const char *name, const char *chip,
		     struct meter_list *list)
{
	struct meter_about *about = meter_list_add(list, &meter_pzem);
	char path[METER_TEXT_BYTES];
	int fd;

	if (!about)
		return -ENOMEM;
	describe(about);
	find_stable_name(root, name, path, sizeof path);
	snprintf(about->address, sizeof about->address, "pzem:%.*s",
		 (int)(sizeof about->address - sizeof "pzem:"), path);
	snprintf(about->model, sizeof about->model, "perhaps a Peacefair PZEM-004T v3 (%s)", chip);
	snprintf(about->worth, sizeof about->worth,
		 "the whole machine at the wall, twice a second in steps of 0.1 W");
	fd = rootfs_openf(root, O_RDWR | O_NOCTTY | O_NONBLOCK, "/dev/%s", name);
	if (fd >= 0) {
		close(fd);
		snprintf(about->missing, sizeof about->missing,
			 "not asked, as other devices have this chip too: name it to have it "
			 "asked, -m %s",
			 about->address);
	} else {
		snprintf(about->missing, sizeof about->missing, "/dev/%.40s: %.80s%s", name,
			 strerror(-fd), fd == -EACCES ? " (group dialout may)" : "");
	}
	return 0;
}

static int pzem_list(const struct meter_place *place, struct meter_list *list)
{
	DIR *folder = open_folder(place->root, "/sys/class/tty");
	const struct dirent *entry;
	int result = 0;

	while (folder && result == 0 && (entry = readdir(folder)) != NULL) {
		char vendor[16];

		if (!text_matches("ttyUSB*", entry->d_name) ||
		    rootfs_readf(place->root, vendor, sizeof vendor,
				 "/sys/class/tty/%s/device/../../idVendor", entry->d_name) < 0)
			continue;
		vendor[strcspn(vendor, "\n")] = '\0';
		for (size_t i = 0; i < sizeof adapters / sizeof adapters[0]; i++)
			if (text_equal(vendor, adapters[i].vendor))
				result = list_port(place->root, entry->d_name, adapters[i].chip,
						   list);
	}
	if (folder)
		closedir(folder);
	return result;
}

/* --- asking ---------------------------------------------------------------------- */

static int ask(struct pzem *meter)
{
	uint8_t request[PZEM_REQUEST_BYTES];

	pzem_request(meter->address, request);
	tty_flush(meter->fd);
	meter->asked = true;
	meter->length = 0;
	meter->until_ns = clock_now_ns() + reply_ns;
	return tty_write(meter->fd, request, sizeof request, meter->until_ns);
}

enum answer {
	ANSWER_NONE = PZEM_REFUSED + 1, /* until the deadline: the meter may still answer */
	ANSWER_SILENCE,                 /* and it will not any more */
};

/* The reply to the request that is under way: enum pzem_result but MORE, or enum answer;
 * -errno: the port is gone. */
static int answer(struct pzem *meter, uint64_t deadline_ns, struct pzem_values *values,
		  uint8_t *refusal)
{
	uint64_t end_ns = deadline_ns < meter->until_ns ? deadline_ns : meter->until_ns;
	int got, result;

	for (;;) {
		got = tty_read(meter->fd, meter->bytes + meter->length,
			       sizeof meter->bytes - meter->length, end_ns);
		if (got == -EINTR)
			return ANSWER_NONE;
		if (got < 0)
			return got;
		if (got == 0 && clock_now_ns() < meter->until_ns)
			return ANSWER_NONE;
		if (got == 0) {
			meter->asked = false;
			return meter->length ? PZEM_DAMAGED : ANSWER_SILENCE;
		}
		meter->length += (size_t)got;
		result = (int)pzem_decode(meter->bytes, meter->length, meter->address, values,
					  refusal);
		if (result == PZEM_MORE && meter->length < sizeof meter->bytes)
			continue;
		meter->asked = false;
		return result == PZEM_MORE ? PZEM_DAMAGED : result;
	}
}

static int pzem_read(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		     struct error *error)
{
	struct pzem *meter = state;
	struct pzem_values values = { .power_w = NAN };
	uint8_t refusal = 0;
	int result;

	for (;;) {
		if (!meter->asked && !meter_pace_wait(&meter->pace, deadline_ns))
			return 0;
		result = meter->asked ? 0 : ask(meter);
		if (result == 0)
			result = answer(meter, deadline_ns, &values, &refusal);
		if (result == ANSWER_NONE || result == -EINTR)
			return 0;
		if (result < 0)
			return error_setf(error, ENODEV, "pzem: the serial port is gone");
		if (result != ANSWER_SILENCE)
			break;
		if (++meter->silent >= TRIES)
			return error_setf(error, ENODEV, "pzem: no answer to %d requests", TRIES);
	}
	meter->silent = 0;
	*reading = meter_reading_none(result == PZEM_VALUES ? 0 : METER_DAMAGED);
	/* Its energy goes by whole watt-hours: no figure for the time between two readings. */
	if (result == PZEM_VALUES)
		reading->power_w = values.power_w;
	return 1;
}

static void pzem_close(void *state)
{
	struct pzem *meter = state;

	if (!meter)
		return;
	tty_close(meter->fd);
	free(meter);
}

/* --- opening --------------------------------------------------------------------- */

/* "PATH[@ADDRESS]" */
static int parse_address(const char *address, char *path, size_t size, uint8_t *number,
			 struct error *error)
{
	const char *at = strrchr(address, '@');
	uint64_t value = PZEM_ANY;

	snprintf(path, size, "%.*s", at ? (int)(at - address) : (int)strlen(address), address);
	if (at && (number_parse_u64(at + 1, &value) != 0 || value < 1 ||
		   (value > PZEM_ADDRESS_MAX && value != PZEM_ANY)))
		return error_setf(error, EINVAL, "pzem:%s: the address behind @ must be 1..%d",
				  address, PZEM_ADDRESS_MAX);
	if (path[0] != '/')
		return error_setf(error, EINVAL,
				  "pzem: which serial port? For example pzem:/dev/ttyUSB0");
	*number = (uint8_t)value;
	return 0;
}

/* Does a meter answer at all? */
static int try(struct pzem *meter, const char *path, struct error *error)
{
	struct pzem_values values;
	uint8_t refusal = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		int result = ask(meter);

		if (result == 0)
			do
				result = answer(meter, meter->until_ns, &values, &refusal);
			while (result == ANSWER_NONE);
		if (result == PZEM_VALUES)
			return 0;
		if (result == PZEM_REFUSED)
			return error_setf(error, EPROTO,
					  "%s: what is there answers as Modbus does but refuses: "
					  "%s. No PZEM-004T v3?",
					  path, pzem_refusal_text(refusal));
		if (result == -ENODEV)
			return error_setf(error, ENODEV, "%s: the port is gone", path);
	}
	return error_setf(error, ENODEV,
			  "%s: no PZEM-004T v3 answers there (it does not without mains voltage)",
			  path);
}

static int pzem_open(void **state, const char *address, const struct meter_place *place,
		     struct meter_about *about, struct error *error)
{
	struct pzem *meter = calloc(1, sizeof *meter);
	char path[METER_TEXT_BYTES];
	int result;

	if (!meter)
		return -ENOMEM;
	meter->fd = -1;
	result = parse_address(address ? address : "", path, sizeof path, &meter->address, error);
	if (result < 0)
		goto failed;
	result = meter->fd = tty_open(place->root, path, BAUD, error);
	if (result >= 0)
		result = try(meter, path, error);
	if (result < 0)
		goto failed;
	describe(about);
	snprintf(about->address, sizeof about->address, "pzem:%.*s",
		 (int)(sizeof about->address - sizeof "pzem:"), address);
	meter_pace_start(&meter->pace, interval_s / place->speed);
	*state = meter;
	return 0;
failed:
	pzem_close(meter);
	return result;
}

const struct meter_driver meter_pzem = {
	.name = "pzem",
	.sentence = "Peacefair PZEM-004T v3, a module for the mains on a serial port",
	.address = "PORT[@ADDRESS]",
	.list = pzem_list,
	.open = pzem_open,
	.read = pzem_read,
	.close = pzem_close,
	.by_choice_only = true,
};
