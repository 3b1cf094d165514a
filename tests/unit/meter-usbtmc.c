/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Headers after the USBTMC specification 1.00, tables 1 to 9. Answers of instruments in
 * the forms that their manuals give: IM WT310-17EN (NR3, NAN, INF), SCPI-99 (9.9E37), the
 * 66200 series' manual (negative codes).
 */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "meter/meter.h"
#include "meter/usbtmc-code.h"

#define IDN "YOKOGAWA,WT310E-C1-D/C7,C2TA00001E,F1.04\n"

static void test_message(void)
{
	static const uint8_t expected[] = { 1, 0x2a, 0xd5, 0,   6,   0,   0,   0,    1, 0,
					    0, 0,    '*',  'I', 'D', 'N', '?', '\n', 0, 0 };
	uint8_t packed[USBTMC_PACKED_MAX];

	UNIT_EQUAL_U64(sizeof expected, usbtmc_pack_message("*IDN?\n", 0x2a, packed));
	UNIT_TRUE(memcmp(expected, packed, sizeof expected) == 0);
	UNIT_EQUAL_U64(16, usbtmc_pack_message("*CLS", 1, packed));
}

static void test_oversize_message(void)
{
	char text[USBTMC_MESSAGE_MAX * 2];
	uint8_t packed[USBTMC_PACKED_MAX];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	UNIT_EQUAL_U64(USBTMC_HEADER_BYTES + USBTMC_MESSAGE_MAX,
		       usbtmc_pack_message(text, 1, packed));
	UNIT_EQUAL_U64(USBTMC_MESSAGE_MAX, packed[4]);
}

static void test_request(void)
{
	static const uint8_t expected[] = { 2, 0xff, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0 };
	uint8_t packed[USBTMC_HEADER_BYTES];

	usbtmc_pack_request(0xff, packed);
	UNIT_TRUE(memcmp(expected, packed, sizeof expected) == 0);
	UNIT_EQUAL_U64(1, usbtmc_next_tag(255));
	UNIT_EQUAL_U64(1, usbtmc_next_tag(0));
	UNIT_EQUAL_U64(200, usbtmc_next_tag(199));
}

/* DEV_DEP_MSG_IN; returns its length. */
static size_t make(uint8_t *bytes, uint8_t tag, const char *text, bool last)
{
	size_t length = strlen(text);

	memset(bytes, 0, USBTMC_HEADER_BYTES);
	bytes[0] = 2;
	bytes[1] = tag;
	bytes[2] = tag ^ 0xff;
	bytes[4] = (uint8_t)length;
	bytes[5] = (uint8_t)(length >> 8);
	bytes[8] = last;
	for (size_t i = 0; i < length; i++)
		bytes[USBTMC_HEADER_BYTES + i] = (uint8_t)text[i];
	return USBTMC_HEADER_BYTES + length;
}

static enum usbtmc_kind feed(struct usbtmc_answer *answer, const uint8_t *bytes, size_t length)
{
	usbtmc_start(answer);
	usbtmc_expect(answer, 7);
	return usbtmc_feed(answer, bytes, length);
}

static void test_answer(void)
{
	uint8_t bytes[128] = { 0 };
	struct usbtmc_answer answer;
	size_t length = make(bytes, 7, IDN, true);

	UNIT_EQUAL_U64(USBTMC_WHOLE, feed(&answer, bytes, length));
	UNIT_EQUAL_TEXT(IDN, answer.text);
	/* With zeros up to a multiple of four. */
	UNIT_EQUAL_U64(USBTMC_WHOLE, feed(&answer, bytes, (length + 3) / 4 * 4));
	UNIT_EQUAL_TEXT(IDN, answer.text);
	UNIT_EQUAL_U64(USBTMC_DAMAGED, feed(&answer, bytes, length + 8));
}

static void test_parts(void)
{
	uint8_t bytes[128];
	struct usbtmc_answer answer;
	size_t length = make(bytes, 7, "103.79", false);

	UNIT_EQUAL_U64(USBTMC_MORE, feed(&answer, bytes, length - 2));
	UNIT_EQUAL_U64(USBTMC_ASK_ON, usbtmc_feed(&answer, bytes + length - 2, 2));
	usbtmc_expect(&answer, 8);
	length = make(bytes, 8, "E+00\n", true);
	UNIT_EQUAL_U64(USBTMC_WHOLE, usbtmc_feed(&answer, bytes, length));
	UNIT_EQUAL_TEXT("103.79E+00\n", answer.text);
}

static void expect_damaged(unsigned at, uint8_t byte)
{
	uint8_t bytes[128];
	struct usbtmc_answer answer;
	size_t length = make(bytes, 7, "1.5\n", true);

	bytes[at] = byte;
	UNIT_EQUAL_U64(USBTMC_DAMAGED, feed(&answer, bytes, length));
}

static void test_damaged(void)
{
	uint8_t bytes[128];
	struct usbtmc_answer answer;

	expect_damaged(0, 1);  /* not a message in */
	expect_damaged(1, 6);  /* the answer to another request */
	expect_damaged(2, 7);  /* not the inverse of the tag */
	expect_damaged(6, 1);  /* 65540 bytes */
	expect_damaged(13, 0); /* not text */
	expect_damaged(13, 255);
	make(bytes, 7, "1.5\n", true);
	for (size_t length = 0; length < USBTMC_HEADER_BYTES; length++)
		UNIT_EQUAL_U64(USBTMC_DAMAGED, feed(&answer, bytes, length));
	UNIT_EQUAL_U64(USBTMC_MORE, feed(&answer, bytes, USBTMC_HEADER_BYTES + 2));
}

/* What comes in parts is not more than one answer may hold. */
static void test_oversize_answer(void)
{
	uint8_t bytes[USBTMC_HEADER_BYTES + USBTMC_ANSWER_MAX + 1];
	char text[USBTMC_ANSWER_MAX + 1];
	struct usbtmc_answer answer;

	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	UNIT_EQUAL_U64(USBTMC_ASK_ON, feed(&answer, bytes, make(bytes, 7, text, false)));
	usbtmc_expect(&answer, 7);
	UNIT_EQUAL_U64(USBTMC_DAMAGED, usbtmc_feed(&answer, bytes, make(bytes, 7, "2", true)));
}

static void expect_query(const char *query, const char *idn)
{
	const struct scpi_dialect *dialect = scpi_dialect_of(idn);

	UNIT_EQUAL_TEXT(query, dialect ? dialect->query : "none");
}

static void test_dialects(void)
{
	expect_query(":NUM:NORM:VAL?", IDN);
	expect_query(":NUM:NORM:VAL?", "YOKOGAWA,WT333E,91XX,F1.01\n");
	expect_query("CHAN1:MEAS:DATA?", "Rohde&Schwarz,HMC8015,012345678,00.011\n");
	expect_query("MEAS:POW:ACT?", "ITECH Ltd., IT9121, 0123, 1.22\n");
	expect_query("FETC? W", "CHROMA ATE,66202,66202M000066,1.00\n");
	expect_query("none", "KEITHLEY INSTRUMENTS INC.,MODEL 2000,1234567,A20\n");
	expect_query("none", "");
	UNIT_EQUAL_TEXT(":NUM:NORM:ITEM1 P,1", scpi_dialect_of(IDN)->setup[2]);
	UNIT_EQUAL_TEXT(":NUM:NORM:ITEM1 P,SIGMA",
			scpi_dialect_of("YOKOGAWA,WT332,1,F1")->setup[2]);
	UNIT_TRUE(scpi_knows_product("WT310E"));
	UNIT_TRUE(!scpi_knows_product("DS1054Z oscilloscope"));
	UNIT_TRUE(!scpi_knows_product(""));
}

static void test_idn_fields(void)
{
	char text[32];

	scpi_idn_field(IDN, 0, text, sizeof text);
	UNIT_EQUAL_TEXT("YOKOGAWA", text);
	scpi_idn_field(IDN, 2, text, sizeof text);
	UNIT_EQUAL_TEXT("C2TA00001E", text);
	scpi_idn_field("ITECH Ltd., IT9121 , 0123\n", 1, text, sizeof text);
	UNIT_EQUAL_TEXT("IT9121", text);
	scpi_idn_field("one\n", 3, text, sizeof text);
	UNIT_EQUAL_TEXT("", text);
}

static void expect_power(const char *idn, const char *answer, double power_w, unsigned flags)
{
	unsigned got = 0xff;

	UNIT_EQUAL_DOUBLE(power_w, scpi_power_w(scpi_dialect_of(idn), answer, &got), 1e-12);
	UNIT_EQUAL_U64(flags, got);
}

static void test_power(void)
{
	expect_power(IDN, "103.79E+00\n", 103.79, 0);
	expect_power(IDN, "1.0379E+03\n", 1037.9, 0);
	expect_power(IDN, "-12.00E-03\n", -0.012, 0);
	expect_power(IDN, "+1.5\r\n", 1.5, 0);
	expect_power(IDN, ":NUMERIC:NORMAL:VALUE 103.79E+00\n", 103.79, 0);
}

static void test_no_power(void)
{
	expect_power(IDN, "NAN\n", NAN, METER_DAMAGED);
	expect_power(IDN, "INF\n", NAN, METER_OVERRANGE);
	expect_power(IDN, "-INF\n", NAN, METER_OVERRANGE);
	expect_power(IDN, "9.9E+37\n", NAN, METER_OVERRANGE);
	expect_power(IDN, "-9.90000E+37\n", NAN, METER_OVERRANGE);
	expect_power(IDN, "9.91E+37\n", NAN, METER_DAMAGED);
	expect_power(IDN, "\n", NAN, METER_DAMAGED);
	expect_power(IDN, "", NAN, METER_DAMAGED);
	expect_power(IDN, "------\n", NAN, METER_DAMAGED);
	expect_power(IDN, "103.79E+00,230.1E+00\n", NAN, METER_DAMAGED);
	expect_power(IDN, "103.7", 103.7, 0);
	expect_power(IDN, "1e999\n", NAN, METER_DAMAGED);
	expect_power(IDN, "0x10\n", NAN, METER_DAMAGED);
	expect_power(IDN, "+-1\n", NAN, METER_DAMAGED);
}

static void test_codes(void)
{
	static const char chroma[] = "CHROMA ATE,66202,1,1.00\n";

	expect_power(chroma, "1.034E+02\n", 103.4, 0);
	expect_power(chroma, "-1\n", NAN, METER_DAMAGED);
	expect_power(chroma, "-2\n", NAN, METER_DAMAGED);
	expect_power(chroma, "-3\n", NAN, METER_OVERRANGE);
	expect_power(IDN, "-3\n", -3, 0);
}

static void test_number(void)
{
	UNIT_EQUAL_DOUBLE(150, scpi_number(":INPUT:VOLTAGE:RANGE 150.0E+00\n"), 1e-12);
	UNIT_EQUAL_DOUBLE(0.1, scpi_number("100.0E-03"), 1e-12);
	UNIT_EQUAL_DOUBLE(NAN, scpi_number("1,2"), 0);
	UNIT_EQUAL_DOUBLE(NAN, scpi_number("INF"), 0);
}

int main(void)
{
	return UNIT_RUN("meter-usbtmc", { "a message is packed as specified", test_message },
			{ "a message that is too long is cut", test_oversize_message },
			{ "a request names its tag and size", test_request },
			{ "an answer is taken with and without padding", test_answer },
			{ "an answer may come in parts", test_parts },
			{ "a wrong header or no text is damage", test_damaged },
			{ "an answer has a greatest size", test_oversize_answer },
			{ "the table knows analysers by *IDN?", test_dialects },
			{ "fields of *IDN? are told apart", test_idn_fields },
			{ "power is read in all forms of numbers", test_power },
			{ "what means no power is never a number", test_no_power },
			{ "negative codes of one family are no watts", test_codes },
			{ "settings are read with and without header", test_number });
}
