/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * meter.h - physical power meters: one way to list, open and read all kinds.
 *
 * A meter is named DRIVER[:ADDRESS] ("wattsup", "usbtmc:C2TA00001E",
 * "pzem:/dev/ttyUSB0", "command:snmp-watts pdu3 7", "rapl", "replay:FILE").
 * Watch what is read: a reading is flagged, or absent, never zero in place of a
 * figure that is not there.
 */
#ifndef VMENERGY_METER_METER_H
#define VMENERGY_METER_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/weights.h"

enum {
	METER_DAMAGED = 1 << 0, /* frames with a wrong sum, half a frame, no number: power_w is NaN
				 */
	METER_OVERRANGE =
		1 << 1,         /* the meter says that it cannot measure so much: power_w is NaN */
	METER_FROZEN = 1 << 2,  /* the same value for longer than noise allows: as it was read */
	METER_GAP = 1 << 3,     /* first after readings were lost (unplugged, late) */
	METER_WRAPPED = 1 << 4, /* an energy counter passed its end; the difference is right */
	METER_IMPLAUSIBLE = 1 << 5, /* negative, or beyond the meter's range: power_w is NaN */
};
enum { METER_FLAGS = 6 };
const char *meter_flag_name(unsigned index); /* "damaged" ...; 0 .. METER_FLAGS - 1 */

struct meter_reading {
	uint64_t time_ns; /* CLOCK_MONOTONIC when it had arrived */
	double power_w;   /* NaN = none: see flags */
	double energy_j;  /* since the reading before, where the meter counts energy; NaN */
	unsigned flags;
};

/* What is known of a meter. Texts are owned by whoever holds the struct; "" = unknown. */
enum { METER_TEXT_BYTES = 96 };
struct meter_about {
	char driver[24];
	char address[METER_TEXT_BYTES]; /* DRIVER:ADDRESS opens this one */
	char model[METER_TEXT_BYTES];   /* maker and model */
	char serial[METER_TEXT_BYTES];
	char measures[METER_TEXT_BYTES]; /* "wall, AC", "package-0", "USB-C, DC" */
	enum scope scope;
	bool has_scope; /* false: whoever wires it up knows */
	double range_w; /* NaN = unknown, as the next four */
	double resolution_w;
	double accuracy_percent; /* as the maker says */
	double interval_s;       /* between readings */
	double window_s;         /* that a reading is a mean over, as far as documented */
	bool emulated;           /* no physical meter: everything made with it says so */
	/* Of the meter's own clock, which interval_s and window_s are told in; 1 but for emulated
	 * and replayed ones. */
	double speed;
	/* Listed but not usable: what is missing, a sentence ("permission denied on
	 * /dev/bus/usb/001/004: a udev rule, see ..."); "" = usable. */
	char missing[256];
	char worth[256]; /* what figures from it are good for, a sentence */
};

struct meter_place {               /* zero: this machine; what it points to outlives the meter */
	const struct rootfs *root; /* for /sys and /dev; NULL = real. USB is always the real one */
	double speed; /* of the clock that a replayed meter runs on (a plant has its own); 0 = 1 */
	/* Drivers that this program links besides the table (driver.h), ends with NULL;
	 * NULL = none. */
	const struct meter_driver *const *more;
};

struct meter_list {
	struct meter_about *items; /* owned */
	size_t count, capacity;
};

/* Append what every driver finds; what cannot be used says why. 0 or -ENOMEM. */
int meter_list(const struct meter_place *place, struct meter_list *list);
void meter_list_clear(struct meter_list *list);
/* Which of them "auto" opens first; NULL = none. */
const struct meter_about *meter_list_best(const struct meter_list *list,
					  const struct meter_place *place);

/* The kinds of meters that there are, whether one is here or not; NULL name = no more. */
struct meter_kind {
	const char *name, *sentence;
	const char *address; /* what an address is; NULL = takes none */
	bool is_by_choice;   /* never found, must be named */
};
struct meter_kind meter_kind_at(const struct meter_place *place, unsigned index);

struct meter;

/*
 * "auto": the first usable one of meter_list() by worth: wall (or a meter that cannot know what
 * it is wired to) before dc before package; never a rail, never an emulated one. 0; -ENODEV (none,
 * or not this one), -EACCES, -EINVAL (no such driver, no such address: the text lists what there
 * is), another -errno.
 */
int meter_open(struct meter **meter, const char *spec, const struct meter_place *place,
	       struct error *error);
void meter_close(struct meter *meter);
const struct meter_about *meter_about(const struct meter *meter);

/*
 * The next reading, waiting for it until deadline_ns (CLOCK_MONOTONIC). 1 = a
 * reading; 0 = none yet; -errno with text = the link is broken: it is opened anew
 * (at most once a second, to the same serial number) by the next calls, which give
 * -ENODEV until it is back, not before the deadline or the next attempt. -ENODATA is the
 * end of a replay: nothing is opened anew. All drivers' readings are checked (health.h): range,
 * frozen values, gaps.
 */
int meter_read(struct meter *meter, uint64_t deadline_ns, struct meter_reading *reading,
	       struct error *error);

#endif
