/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * units.h - quantities with units, as configuration and weights files write
 * them ("20W", "500Wh/day", "75C", "250ms", "1.23nJ", "2.4GHz", "57MB/s",
 * "4KiB"), to and from the base unit that the code computes in.
 */
#ifndef VMENERGY_BASE_UNITS_H
#define VMENERGY_BASE_UNITS_H

#include <stddef.h>

#include "base/error.h"

enum quantity {
	QUANTITY_NUMBER,      /* no unit                                   */
	QUANTITY_POWER,       /* W     : uW mW W kW                        */
	QUANTITY_ENERGY,      /* J     : nJ uJ mJ J kJ MJ Wh kWh           */
	QUANTITY_ENERGY_RATE, /* W, of a budget: Wh/day kWh/day Wh/h J/s   */
	QUANTITY_TIME,        /* s     : ns us ms s min h d                */
	QUANTITY_FREQUENCY,   /* Hz    : Hz kHz MHz GHz                    */
	QUANTITY_RATE,        /* B/s   : B/s kB/s MB/s GB/s KiB/s MiB/s GiB/s */
	QUANTITY_SIZE,        /* bytes : B kB MB GB TB KiB MiB GiB TiB     */
	QUANTITY_TEMPERATURE, /* deg C : C                                 */
	QUANTITY_VOLTAGE,     /* V     : mV V                              */
	QUANTITY_PERCENT,     /* 1.0 = 100 % : %                           */
};

/*
 * Parse "NUMBER UNIT" (an optional single blank between them) into the base
 * unit and check min <= value <= max. The error text names the bounds in the
 * reader's units: "5ms: must be 10ms..60s". -EINVAL or -ERANGE.
 */
int unit_parse(enum quantity quantity, const char *text, double min, double max, double *value,
	       struct error *error);

/*
 * Print so that unit_parse() gives back the same double, in the largest unit
 * that keeps the number >= 1 and short ("250ms", "20W", "14.35nJ").
 * Returns text; size 64 always suffices.
 */
const char *unit_format(enum quantity quantity, double value, char *text, size_t size);

#endif
