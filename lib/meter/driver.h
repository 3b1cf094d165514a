/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * driver.h - what a kind of meter provides. One table in meter.c, one file per
 * driver; what turns bytes into watts is pure and apart from the transport
 * (*-code.c). For lib/meter alone.
 */
#ifndef VMENERGY_METER_DRIVER_H
#define VMENERGY_METER_DRIVER_H

#include "meter/meter.h"

/* In a driver's hands place->root is never NULL and place->speed never 0. */
struct meter_driver {
	const char *name;
	const char *sentence; /* for `calibrate meters` */
	const char *address;  /* what an address is: "SERIAL NUMBER"; NULL = takes none */
	/* Append what is attached; may be NULL. 0 or -ENOMEM: nothing found is no error. */
	int (*list)(const struct meter_place *place, struct meter_list *list);
	/* address NULL or "" = the first. Fills *about. 0 or -errno with text. */
	int (*open)(void **state, const char *address, const struct meter_place *place,
		    struct meter_about *about, struct error *error);
	/* As meter_read(), but a broken link is just told: who calls closes and opens again.
	 * -EINTR is taken for "none yet", -ENODATA for the end for good. */
	int (*read)(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		    struct error *error);
	void (*close)(void *state);
	bool by_choice_only; /* never taken by "auto" */
};

extern const struct meter_driver meter_wattsup, meter_usbtmc, meter_mcp39f511n, meter_fnb58,
	meter_pzem, meter_command, meter_rapl, meter_rapl_perf, meter_hwmon, meter_replay,
	meter_emulated;
/* Need large libraries (libsigrok, freeipmi) and so are in no table: a program that wants
 * them names them in meter_place.more. Built as stubs that say what is missing where the library
 * was not there (VMENERGY_SIGROK, VMENERGY_FREEIPMI). */
extern const struct meter_driver meter_sigrok, meter_ipmi;

/* A reading without a value, of now; and with one. */
struct meter_reading meter_reading_none(unsigned flags);
struct meter_reading meter_reading_of(double power_w);
/* One entry more, zeroed but for NaN figures and the driver's name; NULL = no memory. */
struct meter_about *meter_list_add(struct meter_list *list, const struct meter_driver *driver);
void meter_about_init(struct meter_about *about, const struct meter_driver *driver);

#endif
