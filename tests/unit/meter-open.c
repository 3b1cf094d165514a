/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rootfs.h"
#include "meter/driver.h"

/* Three made-up kinds on one shelf of up to four meters: what is on it now is what they find. */
enum { SHELF = 4 };
struct item {
	const char *driver, *serial, *missing;
	bool has_scope;
	enum scope scope;
	bool is_gone;
	int open_result;
};
static struct item shelf[SHELF];
static struct {
	int read_result; /* of the next read, once */
	unsigned opens, closes;
} fake;

static struct error broken = { "the line broke" };

static int list_kind(const struct meter_driver *driver, struct meter_list *list)
{
	for (unsigned i = 0; i < SHELF; i++) {
		struct meter_about *about;

		if (!shelf[i].driver || strcmp(shelf[i].driver, driver->name) != 0 ||
		    shelf[i].is_gone)
			continue;
		about = meter_list_add(list, driver);
		if (!about)
			return -ENOMEM;
		snprintf(about->address, sizeof about->address, "%s:%s", driver->name,
			 shelf[i].serial);
		snprintf(about->missing, sizeof about->missing, "%s",
			 shelf[i].missing ? shelf[i].missing : "");
		about->has_scope = shelf[i].has_scope;
		about->scope = shelf[i].scope;
	}
	return 0;
}

static int open_kind(const char *driver, void **state, const char *address,
		     struct meter_about *about, struct error *error)
{
	fake.opens++;
	for (unsigned i = 0; i < SHELF; i++) {
		if (!shelf[i].driver || strcmp(shelf[i].driver, driver) != 0 || shelf[i].is_gone ||
		    (address && *address && strcmp(address, shelf[i].serial) != 0 &&
		     strcmp(address, "port") != 0))
			continue;
		if (shelf[i].open_result)
			return error_setf(error, -shelf[i].open_result, "/dev/ttyUSB7: %s",
					  strerror(-shelf[i].open_result));
		/* As a driver that knows ports does: "port" stays the address. */
		snprintf(about->address, sizeof about->address, "%s:%s", driver,
			 address && strcmp(address, "port") == 0 ? "port" : shelf[i].serial);
		snprintf(about->serial, sizeof about->serial, "%s", shelf[i].serial);
		about->interval_s = 100;
		about->has_scope = true;
		*state = &shelf[i];
		return 0;
	}
	return error_setf(error, ENODEV, "none is attached");
}

static int fake_read(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		     struct error *error)
{
	int result = fake.read_result;
	struct item *item = state;

	(void)deadline_ns;
	fake.read_result = 0;
	if (result < 0) {
		if (error)
			*error = broken;
		return result;
	}
	*reading = meter_reading_of(item->scope == SCOPE_WALL ? 100 : 10);
	return 1;
}

static void fake_close(void *state)
{
	(void)state;
	fake.closes++;
}

#define KIND(word, choice)                                                                         \
	static const struct meter_driver driver_##word;                                            \
	static int list_##word(const struct meter_place *place, struct meter_list *list)           \
	{                                                                                          \
		(void)place;                                                                       \
		return list_kind(&driver_##word, list);                                            \
	}                                                                                          \
	static int open_##word(void **state, const char *address, const struct meter_place *place, \
			       struct meter_about *about, struct error *error)                     \
	{                                                                                          \
		UNIT_TRUE(place->root != NULL && place->speed > 0);                                \
		return open_kind(#word, state, address, about, error);                             \
	}                                                                                          \
	static const struct meter_driver driver_##word = {                                         \
		.name = #word,                                                                     \
		.sentence = "made up",                                                             \
		.address = "SERIAL",                                                               \
		.list = list_##word,                                                               \
		.open = open_##word,                                                               \
		.read = fake_read,                                                                 \
		.close = fake_close,                                                               \
		.by_choice_only = choice,                                                          \
	}
KIND(alpha, false);
KIND(beta, false);
KIND(chosen, true);

static const struct meter_driver *const more[] = { &driver_alpha, &driver_beta, &driver_chosen,
						   NULL };
static struct rootfs root;
static const struct meter_place place = { .root = &root, .more = more };

static void put(unsigned i, struct item item)
{
	if (i == 0) {
		memset(shelf, 0, sizeof shelf);
		memset(&fake, 0, sizeof fake);
	}
	shelf[i] = item;
}

/* The address of what was opened, or the error's text; the result behind it. */
static const char *try(const char *spec, int *result)
{
	static char text[ERROR_TEXT_BYTES];
	struct error error = { "" };
	struct meter *meter;

	*result = meter_open(&meter, spec, &place, &error);
	snprintf(text, sizeof text, "%s", *result ? error.text : meter_about(meter)->address);
	UNIT_TRUE((*result == 0) == (meter != NULL));
	meter_close(meter);
	UNIT_EQUAL_U64(*result ? 0 : 1, fake.closes > 0);
	return text;
}

static void test_unknown(void)
{
	int result;

	put(0, (struct item){ .driver = "alpha", .serial = "A1" });
	UNIT_CONTAINS("no kind of meter is called \"gamma\"", try("gamma:7", &result));
	UNIT_EQUAL_I64(-EINVAL, result);
	UNIT_CONTAINS("there are: auto, wattsup", try("alp", &result));
	UNIT_CONTAINS(", alpha, beta", try("", &result));
	UNIT_EQUAL_I64(-EINVAL, result);
}

static void test_not_there(void)
{
	int result;

	put(0, (struct item){ .driver = "alpha", .serial = "A1" });
	put(1, (struct item){ .driver = "alpha", .serial = "A2", .missing = "its lead is out" });
	UNIT_EQUAL_TEXT("alpha:A3: none is attached; there is: alpha:A1, alpha:A2 (its lead is "
			"out)",
			try("alpha:A3", &result));
	UNIT_EQUAL_I64(-ENODEV, result);
	UNIT_EQUAL_TEXT("alpha:A2", try("alpha:A2", &result));
	UNIT_EQUAL_I64(0, result);
}

static void test_denied(void)
{
	int result;

	put(0, (struct item){ .driver = "alpha", .serial = "A1", .open_result = -EACCES });
	UNIT_CONTAINS("contrib/60-vmenergy-meters.rules", try("alpha", &result));
	UNIT_EQUAL_I64(-EACCES, result);
	put(0, (struct item){ .driver = "alpha", .serial = "A1", .open_result = -EBUSY });
	UNIT_EQUAL_TEXT("alpha: /dev/ttyUSB7: Device or resource busy", try("alpha", &result));
}

static void test_auto(void)
{
	int result;

	put(0, (struct item){ "alpha", "R", NULL, true, SCOPE_RAIL, false, 0 });
	put(1, (struct item){ "alpha", "P", NULL, true, SCOPE_PACKAGE, false, 0 });
	put(2, (struct item){ "beta", "M", NULL, true, SCOPE_PACKAGE_DRAM, false, 0 });
	put(3, (struct item){ "chosen", "W", NULL, true, SCOPE_WALL, false, 0 });
	UNIT_EQUAL_TEXT("beta:M", try("auto", &result));
	shelf[0].scope = SCOPE_DC;
	UNIT_EQUAL_TEXT("alpha:R", try("auto", &result));
	shelf[2].scope = SCOPE_WALL;
	UNIT_EQUAL_TEXT("beta:M", try("auto", &result));
	/* Wired to nobody knows what, but somebody brought it; and it was found first. */
	shelf[1].has_scope = false;
	UNIT_EQUAL_TEXT("alpha:P", try("auto", &result));
	shelf[1].missing = "broken";
	UNIT_EQUAL_TEXT("beta:M", try("auto", &result));
	/* Another program has it: the next one. */
	shelf[2].open_result = -EBUSY;
	UNIT_EQUAL_TEXT("alpha:R", try("auto", &result));
}

static void test_auto_none(void)
{
	const char *text;
	int result;

	put(0, (struct item){ "alpha", "R", NULL, true, SCOPE_RAIL, false, 0 });
	put(1, (struct item){ "alpha", "P", "it sleeps", true, SCOPE_PACKAGE, false, 0 });
	put(2, (struct item){ "chosen", "W", NULL, true, SCOPE_WALL, false, 0 });
	text = try("auto", &result);
	UNIT_EQUAL_I64(-ENODEV, result);
	UNIT_CONTAINS("no meter was found; looked for: wattsup, ", text);
	UNIT_CONTAINS("alpha:P: it sleeps", text);
	UNIT_TRUE(!strstr(text, "replay"));
	shelf[1].missing = NULL;
	shelf[1].open_result = -EBUSY;
	text = try("auto", &result);
	UNIT_EQUAL_I64(-EBUSY, result);
	UNIT_CONTAINS("alpha:P: /dev/ttyUSB7", text);
}

static void test_end(void)
{
	struct meter_reading reading;
	struct error error = { "" };
	struct meter *meter;

	put(0, (struct item){ "alpha", "A1", NULL, true, SCOPE_WALL, false, 0 });
	UNIT_EQUAL_I64(0, meter_open(&meter, "alpha", &place, &error));
	fake.read_result = -EINTR;
	UNIT_EQUAL_I64(0, meter_read(meter, 0, &reading, &error));
	UNIT_EQUAL_I64(1, meter_read(meter, 0, &reading, &error));
	fake.read_result = -ENODATA;
	for (unsigned i = 0; i < 3; i++)
		UNIT_EQUAL_I64(-ENODATA, meter_read(meter, 0, &reading, &error));
	UNIT_EQUAL_TEXT("alpha:A1: the line broke", error.text);
	UNIT_EQUAL_U64(1, fake.opens);
	UNIT_EQUAL_U64(1, fake.closes);
	meter_close(meter);
	UNIT_EQUAL_U64(1, fake.closes);
}

static void test_back(void)
{
	struct meter_reading reading;
	struct error error = { "" };
	uint64_t far, opened_ns = clock_now_ns();
	struct meter *same, *other;
	unsigned attempts;

	put(0, (struct item){ "alpha", "A1", NULL, true, SCOPE_WALL, false, 0 });
	put(1, (struct item){ "beta", "B1", NULL, true, SCOPE_WALL, false, 0 });
	UNIT_EQUAL_I64(0, meter_open(&same, "alpha", &place, &error));
	UNIT_EQUAL_I64(0, meter_open(&other, "beta:port", &place, &error));
	UNIT_EQUAL_I64(1, meter_read(same, 0, &reading, &error));
	UNIT_EQUAL_U64(0, reading.flags);
	fake.read_result = -EPROTO;
	UNIT_EQUAL_I64(-EPROTO, meter_read(same, 0, &reading, &error));
	UNIT_EQUAL_TEXT("alpha:A1: the line broke", error.text);
	fake.read_result = -ENODEV;
	UNIT_EQUAL_I64(-ENODEV, meter_read(other, 0, &reading, &error));

	/* Within a second of the last attempt there is no other one, however often one asks. */
	shelf[0].is_gone = shelf[1].is_gone = true;
	UNIT_EQUAL_I64(-ENODEV, meter_read(same, 0, &reading, &error));
	UNIT_EQUAL_I64(-ENODEV, meter_read(same, 0, &reading, &error));
	attempts = fake.opens - 2;
	/* Unless this test itself was held up for so long. */
	if (clock_now_ns() < opened_ns + UINT64_C(1000000000))
		UNIT_EQUAL_U64(0, attempts);
	/* In the place of beta's there is another one now; alpha's is where it was, and one more.
	 */
	shelf[0].is_gone = shelf[1].is_gone = false;
	shelf[1].serial = "B2";
	put(2, shelf[0]);
	shelf[0].serial = "A0";
	far = clock_now_ns() + UINT64_C(20000000000);
	UNIT_EQUAL_I64(-ENODEV, meter_read(other, far, &reading, &error));
	UNIT_EQUAL_TEXT("beta:port: another meter is there: , serial number \"B2\"", error.text);
	UNIT_EQUAL_I64(1, meter_read(same, far, &reading, &error));
	UNIT_EQUAL_U64(METER_GAP, reading.flags);
	UNIT_EQUAL_DOUBLE(100, reading.power_w, 0);
	UNIT_EQUAL_I64(1, meter_read(same, far, &reading, &error));
	UNIT_EQUAL_U64(0, reading.flags);
	UNIT_EQUAL_U64(4 + attempts, fake.opens);
	meter_close(same);
	meter_close(other);
	UNIT_EQUAL_U64(4, fake.closes);
}

static void test_null(void)
{
	struct meter_reading reading;
	struct meter *meter;

	put(0, (struct item){ "alpha", "A1", NULL, true, SCOPE_WALL, false, 0 });
	UNIT_EQUAL_I64(-EINVAL, meter_open(&meter, "alpha", NULL, NULL));
	UNIT_EQUAL_I64(0, meter_open(&meter, "alpha:A1", &place, NULL));
	UNIT_EQUAL_I64(1, meter_read(meter, 0, &reading, NULL));
	UNIT_EQUAL_DOUBLE(100, reading.power_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, reading.energy_j, 0);
	meter_close(meter);
	meter_close(NULL);
}

int main(void)
{
	if (rootfs_open(&root, unit_folder(), NULL))
		return 1;
	int failed =
		UNIT_RUN("meter-open", { "an unknown kind gets the list of kinds", test_unknown },
			 { "a meter that is not there gets those that are", test_not_there },
			 { "a denied device gets the udev rules", test_denied },
			 { "auto takes wall before DC before package", test_auto },
			 { "auto says what it looked for", test_auto_none },
			 { "an end is an end, a signal is none", test_end },
			 { "a broken link comes back to the same meter alone", test_back },
			 { "errors and places may be NULL", test_null });

	rootfs_close(&root);
	return failed;
}
