/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/usbtmc-code.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/numbers.h"
#include "base/text.h"
#include "meter/meter.h"

enum { DEV_DEP_MSG_OUT = 1, DEV_DEP_MSG_IN = 2, END_OF_MESSAGE = 1, PADDING_MAX = 3 };
enum { IDN_MAX = 256 };

#define INFINITE 9.8e37 /* what is above stands for 9.9E37, infinity */
#define NO_NUMBER 9.905e37

/* --- messages ----------------------------------------------------------------------- */

uint8_t usbtmc_next_tag(uint8_t tag)
{
	return tag == 255 ? 1 : (uint8_t)(tag + 1);
}

static void pack_header(uint8_t id, uint8_t tag, size_t size, uint8_t *packed)
{
	memset(packed, 0, USBTMC_HEADER_BYTES);
	packed[0] = id;
	packed[1] = tag;
	packed[2] = tag ^ 0xff;
	for (unsigned i = 0; i < 4; i++)
		packed[4 + i] = (uint8_t)(size >> (8 * i));
}

size_t usbtmc_pack_message(const char *text, uint8_t tag, uint8_t packed[USBTMC_PACKED_MAX])
{
	size_t length = strnlen(text, USBTMC_MESSAGE_MAX);

	memset(packed, 0, USBTMC_PACKED_MAX);
	pack_header(DEV_DEP_MSG_OUT, tag, length, packed);
	packed[8] = END_OF_MESSAGE;
	memcpy(packed + USBTMC_HEADER_BYTES, text, length);
	return (USBTMC_HEADER_BYTES + length + 3) / 4 * 4;
}

void usbtmc_pack_request(uint8_t tag, uint8_t packed[USBTMC_HEADER_BYTES])
{
	pack_header(DEV_DEP_MSG_IN, tag, USBTMC_ANSWER_MAX, packed);
}

void usbtmc_start(struct usbtmc_answer *answer)
{
	answer->length = 0;
	answer->text[0] = '\0';
	answer->is_last = false;
}

void usbtmc_expect(struct usbtmc_answer *answer, uint8_t tag)
{
	answer->tag = tag;
	answer->is_begun = false;
	answer->remaining = 0;
}

static bool take_header(struct usbtmc_answer *answer, const uint8_t *bytes, size_t length)
{
	size_t size = 0;

	if (length < USBTMC_HEADER_BYTES || bytes[0] != DEV_DEP_MSG_IN || bytes[1] != answer->tag ||
	    (bytes[1] ^ bytes[2]) != 0xff)
		return false;
	for (unsigned i = 4; i-- > 0;)
		size = size << 8 | bytes[4 + i];
	if (size > USBTMC_ANSWER_MAX - answer->length)
		return false;
	answer->is_begun = true;
	answer->is_last = bytes[8] & END_OF_MESSAGE;
	answer->remaining = size;
	return true;
}

static bool take_text(struct usbtmc_answer *answer, const uint8_t *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && (isprint(bytes[i]) || isspace(bytes[i])))
		answer->text[answer->length++] = (char)bytes[i++];
	answer->text[answer->length] = '\0';
	answer->remaining -= i;
	return i == length;
}

enum usbtmc_kind usbtmc_feed(struct usbtmc_answer *answer, const uint8_t *bytes, size_t length)
{
	size_t text;

	if (!answer->is_begun) {
		if (!take_header(answer, bytes, length))
			return USBTMC_DAMAGED;
		bytes += USBTMC_HEADER_BYTES;
		length -= USBTMC_HEADER_BYTES;
	}
	text = length < answer->remaining ? length : answer->remaining;
	if (!take_text(answer, bytes, text) || length - text > PADDING_MAX)
		return USBTMC_DAMAGED;
	if (answer->remaining > 0)
		return USBTMC_MORE;
	return answer->is_last ? USBTMC_WHOLE : USBTMC_ASK_ON;
}

/* --- dialects ------------------------------------------------------------------------ */

/*
 * Yokogawa: IM WT310-17EN and IM WT310E-17EN, :NUMeric, :RATE, [:INPut]; its figures have
 * five digits, which is 0.1 W at 9999.9 W. Rohde & Schwarz: HMC8015 SCPI Programmers
 * Manual, CHANnel:MEASurement. ITECH: IT9120 Series Programming Guide, MEASure.
 * Chroma: 66200 Series User's Manual, FETCh, which explains the negative codes.
 * Ranges and averaging are left as they were set on the instrument.
 */
#define YOKOGAWA(pattern, name, element)                                                           \
	{                                                                                          \
		.idn = pattern, .product = name,                                                   \
		.setup = { ":COMM:HEAD OFF", ":NUM:FORM ASC", ":NUM:NORM:ITEM1 P," element,        \
			   ":NUM:NORM:NUM 1", ":RATE 100MS" },                                     \
		.query = ":NUM:NORM:VAL?", .fields = 1, .rate = ":RATE?",                          \
		.ranges = { ":VOLT:RANG?", ":CURR:RANG?" },                                        \
		.autos = { ":VOLT:AUTO?", ":CURR:AUTO?" }, .interval_s = 0.1,                      \
		.accuracy_percent = 0.1, .resolution_w = 0.1,                                      \
	}

const struct scpi_dialect scpi_dialects[] = {
	YOKOGAWA("YOKOGAWA,WT31*", "*WT31*", "1"),
	YOKOGAWA("YOKOGAWA,WT33*", "*WT33*", "SIGMA"),
	{
		.idn = "ROHDE*SCHWARZ,HMC8015*",
		.product = "*HMC8015*",
		.setup = { "CHAN1:MEAS:FUNC P" },
		.query = "CHAN1:MEAS:DATA?",
		.fields = 1,
		.interval_s = 0.1,
		.accuracy_percent = NAN,
		.resolution_w = NAN,
	},
	{
		.idn = "ITECH*IT912*",
		.product = "*IT912*",
		.query = "MEAS:POW:ACT?",
		.fields = 1,
		.interval_s = 0.25,
		.accuracy_percent = NAN,
		.resolution_w = NAN,
	},
	{
		.idn = "CHROMA*,6620*",
		.product = "*6620*",
		.setup = { "SYST:HEAD OFF" },
		.query = "FETC? W",
		.fields = 1,
		.has_codes = true,
		.interval_s = 0.25,
		.accuracy_percent = NAN,
		.resolution_w = NAN,
	},
	{ .idn = NULL },
};

static void to_capitals(const char *source, char *target, size_t size)
{
	size_t i = 0;

	for (; source[i] && i + 1 < size; i++)
		target[i] = (char)toupper((unsigned char)source[i]);
	target[i] = '\0';
}

const struct scpi_dialect *scpi_dialect_of(const char *idn)
{
	char capitals[IDN_MAX];

	to_capitals(idn, capitals, sizeof capitals);
	for (const struct scpi_dialect *dialect = scpi_dialects; dialect->idn; dialect++)
		if (text_matches(dialect->idn, capitals))
			return dialect;
	return NULL;
}

bool scpi_knows_product(const char *product)
{
	char capitals[IDN_MAX];

	to_capitals(product, capitals, sizeof capitals);
	for (const struct scpi_dialect *dialect = scpi_dialects; dialect->idn; dialect++)
		if (text_matches(dialect->product, capitals))
			return true;
	return false;
}

/* --- values --------------------------------------------------------------------------- */

/* Field `index` of a list with commas, trimmed; returns how many fields there are. */
static unsigned cut_field(const char *list, unsigned index, char *text, size_t size)
{
	unsigned count = 0;
	char raw[IDN_MAX];

	text[0] = '\0';
	for (const char *at = list;; at++, count++) {
		size_t length = strcspn(at, ","), blanks = strspn(at, " \t\r\n");

		if (count == index) {
			blanks = blanks < length ? blanks : length;
			snprintf(raw, sizeof raw, "%.*s", (int)(length - blanks), at + blanks);
			for (length = strlen(raw);
			     length > 0 && strchr(" \t\r\n", raw[length - 1]);)
				raw[--length] = '\0';
			text_printable(raw, text, size);
		}
		at += strcspn(at, ",");
		if (!*at)
			return count + 1;
	}
}

void scpi_idn_field(const char *idn, unsigned field, char *text, size_t size)
{
	cut_field(idn, field, text, size);
}

/* What stands behind the header, if there is one: ":VOLT:RANG 150.0E+00". */
static const char *behind_header(const char *field)
{
	const char *blank = strrchr(field, ' ');

	return blank ? blank + 1 : field;
}

static bool is_infinite(const char *word)
{
	static const char *const words[] = { "INF", "+INF", "-INF", "NINF", "INFINITY" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcasecmp(word, words[i]) == 0)
			return true;
	return false;
}

/* NaN = no number; infinities as they are. */
static double parse_value(const char *field)
{
	const char *word = behind_header(field);
	double value;

	if (is_infinite(word))
		return INFINITY;
	if (*word == '+' && word[1] != '-')
		word++;
	if (number_parse_double(word, &value) != 0 || fabs(value) >= NO_NUMBER)
		return NAN;
	return fabs(value) >= INFINITE ? INFINITY : value;
}

double scpi_number(const char *answer)
{
	char field[64];
	double value = cut_field(answer, 0, field, sizeof field) == 1 ? parse_value(field) : NAN;

	return isfinite(value) ? value : NAN;
}

double scpi_power_w(const struct scpi_dialect *dialect, const char *answer, unsigned *flags)
{
	char field[64];
	unsigned count = cut_field(answer, dialect->field, field, sizeof field);
	double value = count == dialect->fields ? parse_value(field) : NAN;

	if (dialect->has_codes) {
		static const double codes[][2] = { { -1, NAN }, { -2, NAN }, { -3, INFINITY } };

		for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++)
			if (value == codes[i][0])
				value = codes[i][1];
	}
	*flags = isnan(value) ? METER_DAMAGED : isinf(value) ? METER_OVERRANGE : 0;
	return isfinite(value) ? value : NAN;
}
