/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wattsup-code.h - what a Watts up? PRO / .Net meter says on its serial line. Pure.
 *
 * After "Watts up? Communications Protocol" of 2009-08-24 (and Serial Data Format 4.41):
 * packets "#C,S,N,argument,...;" with N arguments, characters between packets ignored.
 * A record of external logging has 18: W V A WH Cost WH/Mo Cost/Mo Wmax Vmax Amax Wmin
 * Vmin Amin PF DC PC Hz VA; W and V in tenths, A in thousandths, PF in hundredths;
 * "_" = not logged.
 *
 * There is no checksum. A record counts as damaged unless it has the number of fields
 * that it announces, each of digits or "_", and its power fits its voltage, current and
 * power factor as far as those are logged: a lost digit changes one of them tenfold.
 */
#ifndef VMENERGY_METER_WATTSUP_CODE_H
#define VMENERGY_METER_WATTSUP_CODE_H

#include <stddef.h>
#include <stdint.h>

/* Every second, to the computer and not into the meter's memory. */
#define WATTSUP_START "#L,W,3,E,1,1;"
#define WATTSUP_STOP "#L,W,0;"
#define WATTSUP_ASK_VERSION "#V,R,0;"

enum wattsup_kind {
	WATTSUP_NONE,      /* more bytes are needed */
	WATTSUP_RECORD,    /* power_w, NaN = the meter does not log it */
	WATTSUP_OVERRANGE, /* a record of more current than any of them is made for */
	WATTSUP_VERSION,   /* model, firmware */
	WATTSUP_OTHER,     /* a packet of no interest */
	WATTSUP_DAMAGED,
};

struct wattsup_event {
	enum wattsup_kind kind;
	double power_w;
	const char *model; /* "PRO", "" = unknown */
	unsigned firmware_major, firmware_minor;
};

enum { WATTSUP_PACKET_MAX = 250 };

struct wattsup_parser { /* start from {0}: what comes before the first '#' is no damage */
	enum { WATTSUP_LOST, WATTSUP_OUTSIDE, WATTSUP_INSIDE } place;
	char packet[WATTSUP_PACKET_MAX + 1];
	size_t length;
};

/* Take bytes until something is complete: returns how many, and fills *event. */
size_t wattsup_feed(struct wattsup_parser *parser, const uint8_t *bytes, size_t length,
		    struct wattsup_event *event);

#endif
