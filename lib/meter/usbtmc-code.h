/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usbtmc-code.h - messages of instruments on USB, and the power analysers among them. Pure.
 *
 * Messages after "USB Test and Measurement Class Specification" 1.00, 3.2 and 3.3: a header
 * of 12 bytes, MsgID bTag ~bTag 0 TransferSize (4, little-endian) bmTransferAttributes
 * 0 0 0, the text, zeros up to a multiple of 4.
 *
 * What a family of analysers wants to hear stands in one table, scpi_dialects: adding one is
 * a row. Values that mean "none" as in SCPI-99 7.2: 9.9E37 is infinity, 9.91E37 no number.
 */
#ifndef VMENERGY_METER_USBTMC_CODE_H
#define VMENERGY_METER_USBTMC_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USBTMC_HEADER_BYTES = 12, USBTMC_MESSAGE_MAX = 128, USBTMC_ANSWER_MAX = 1024 };
enum { USBTMC_PACKED_MAX = USBTMC_HEADER_BYTES + USBTMC_MESSAGE_MAX + 4 };

uint8_t usbtmc_next_tag(uint8_t tag); /* 1..255 */
/* A whole message; its text is cut at USBTMC_MESSAGE_MAX. Returns the bytes to send. */
size_t usbtmc_pack_message(const char *text, uint8_t tag, uint8_t packed[USBTMC_PACKED_MAX]);
/* REQUEST_DEV_DEP_MSG_IN: "send me up to USBTMC_ANSWER_MAX bytes". */
void usbtmc_pack_request(uint8_t tag, uint8_t packed[USBTMC_HEADER_BYTES]);

enum usbtmc_kind {
	USBTMC_MORE,   /* the transfer goes on */
	USBTMC_ASK_ON, /* it ended before the message did: the next request brings more */
	USBTMC_WHOLE,
	USBTMC_DAMAGED, /* not the answer to this request, or not text */
};

struct usbtmc_answer {
	uint8_t tag;
	bool is_begun; /* the header of this transfer was read */
	bool is_last;
	size_t remaining;
	char text[USBTMC_ANSWER_MAX + 1];
	size_t length;
};
void usbtmc_start(struct usbtmc_answer *answer);
/* Each request for more has a tag of its own. */
void usbtmc_expect(struct usbtmc_answer *answer, uint8_t tag);
/* What one read from the endpoint brought. */
enum usbtmc_kind usbtmc_feed(struct usbtmc_answer *answer, const uint8_t *bytes, size_t length);

enum { SCPI_SETUP_MAX = 6 };

struct scpi_dialect {
	const char *idn;     /* pattern of the answer to *IDN?, in capitals */
	const char *product; /* pattern of what it calls itself on USB, in capitals */
	const char *setup[SCPI_SETUP_MAX];
	const char *query;
	unsigned field, fields; /* which of how many values of the answer is the power */
	bool has_codes;         /* -1, -2: no value yet; -3: beyond the range */
	const char *rate;       /* asks for seconds between measurements; NULL */
	const char *ranges[2];  /* ask for volts and amperes; NULL */
	const char *autos[2];   /* ask whether those change by themselves; NULL */
	double interval_s;      /* unless `rate` says otherwise */
	double accuracy_percent;
	double resolution_w; /* no coarser than this for a computer; NaN = unknown */
};

extern const struct scpi_dialect scpi_dialects[]; /* ends with idn NULL */

/* NULL = no row for it. */
const struct scpi_dialect *scpi_dialect_of(const char *idn);
bool scpi_knows_product(const char *product);

/* One field of *IDN?: 0 maker, 1 model, 2 serial number, 3 firmware. */
void scpi_idn_field(const char *idn, unsigned field, char *text, size_t size);

/* A number that is alone in an answer, with or without a header before it; NaN = none. */
double scpi_number(const char *answer);
/* The power; NaN with *flags METER_DAMAGED or METER_OVERRANGE where there is none. */
double scpi_power_w(const struct scpi_dialect *dialect, const char *answer, unsigned *flags);

#endif
