/* SPDX-License-Identifier: GPL-3.0-or-later */
/* meters.h - the meters that calibrate knows: lib/meter's table, and what needs large libraries. */
#ifndef VMENERGY_CALIBRATE_METERS_H
#define VMENERGY_CALIBRATE_METERS_H

#include "base/text.h"
#include "meter/meter.h"

/* For meter_place.more; ends with NULL. */
extern const struct meter_driver *const calibrate_meters[];

/* A kind of meter of which nothing is here, and why. */
struct meter_absence {
	struct meter_kind kind;
	struct error reason;
};
struct meter_absences {
	struct meter_absence *items; /* owned */
	size_t count, capacity;
};

/* What `calibrate meters` shows; `best`: what -m auto takes, NULL = none. */
struct meters_found {
	struct meter_list list;
	const struct meter_about *best;
	struct meter_absences absences;
};

void meters_print_text(const struct meters_found *found, struct text *out);
/* One line with one object. 0 or -ENOMEM. */
int meters_print_json(const struct meters_found *found, struct text *out);

#endif
