/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets after "Watts up? Communications Protocol", 2009-08-24: the form of #d, #v and #h
 * and the scales are the document's; so is the reply to #V,R,0.
 */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "meter/ftdi.h"
#include "meter/wattsup-code.h"

/* 103.4 W at 120.1 V and 0.878 A, power factor 0.98. */
#define RECORD "#d,-,18,1034,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;\r\n"
#define VERSION "#v,-,8,1,65206,5,2,3,14,200612211910,0;\r\n"
#define HEADER                                                                                     \
	"#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,Vmin,Amin,PF,DC,PC,Hz,VA;\r\n"

enum { EVENTS_MAX = 32 };
struct heard {
	struct wattsup_event events[EVENTS_MAX];
	unsigned count;
};

/* In pieces of `piece` bytes. */
static struct heard hear_pieces(const char *text, size_t piece)
{
	struct wattsup_parser parser = { 0 };
	struct heard heard = { .count = 0 };
	size_t length = strlen(text);

	for (size_t at = 0; at < length; at += piece) {
		size_t end = at + piece < length ? at + piece : length;

		for (size_t i = at; i < end && heard.count < EVENTS_MAX;) {
			struct wattsup_event *event = &heard.events[heard.count];

			i += wattsup_feed(&parser, (const uint8_t *)text + i, end - i, event);
			heard.count += event->kind != WATTSUP_NONE;
		}
	}
	return heard;
}

static struct heard hear(const char *text)
{
	return hear_pieces(text, strlen(text));
}

static void expect_one(const char *text, enum wattsup_kind kind, double power_w)
{
	struct heard heard = hear(text);

	UNIT_EQUAL_U64(1, heard.count);
	UNIT_EQUAL_U64(kind, heard.events[0].kind);
	UNIT_EQUAL_DOUBLE(power_w, heard.events[0].power_w, 1e-12);
}

static void test_record(void)
{
	expect_one(RECORD, WATTSUP_RECORD, 103.4);
	/* Nothing is plugged in behind it. */
	expect_one("#d,-,18,0,1201,0,0,0,0,0,0,0,0,0,0,0,0,100,0,600,0;", WATTSUP_RECORD, 0);
}

static void test_version(void)
{
	struct heard heard = hear(VERSION);

	UNIT_EQUAL_U64(1, heard.count);
	UNIT_EQUAL_U64(WATTSUP_VERSION, heard.events[0].kind);
	UNIT_EQUAL_TEXT("PRO", heard.events[0].model);
	UNIT_EQUAL_U64(3, heard.events[0].firmware_major);
	UNIT_EQUAL_U64(14, heard.events[0].firmware_minor);
	UNIT_EQUAL_DOUBLE(NAN, heard.events[0].power_w, 0);
}

static void test_splits(void)
{
	for (size_t piece = 1; piece <= 80; piece++) {
		struct heard heard = hear_pieces(VERSION HEADER RECORD RECORD, piece);

		UNIT_EQUAL_U64(4, heard.count);
		UNIT_EQUAL_U64(WATTSUP_VERSION, heard.events[0].kind);
		UNIT_EQUAL_U64(WATTSUP_OTHER, heard.events[1].kind);
		UNIT_EQUAL_U64(WATTSUP_RECORD, heard.events[2].kind);
		UNIT_EQUAL_DOUBLE(103.4, heard.events[3].power_w, 1e-12);
	}
}

/* It was streaming already: the first record lost its head, which is nobody's damage. */
static void test_already_streaming(void)
{
	expect_one("1,878,12,_,_,_,98,100,0,600,1055;\r\n" RECORD, WATTSUP_RECORD, 103.4);
}

static void expect_damage_then_record(const char *damaged)
{
	char text[1024];
	struct heard heard;

	snprintf(text, sizeof text, "%s%s%s", VERSION, damaged, RECORD);
	heard = hear(text);
	UNIT_EQUAL_U64(3, heard.count);
	UNIT_EQUAL_U64(WATTSUP_DAMAGED, heard.events[1].kind);
	UNIT_EQUAL_DOUBLE(NAN, heard.events[1].power_w, 0);
	UNIT_EQUAL_U64(WATTSUP_RECORD, heard.events[2].kind);
	UNIT_EQUAL_DOUBLE(103.4, heard.events[2].power_w, 1e-12);
}

static void test_damage_is_told_once(void)
{
	char oversize[400] = "#d,-,18,";

	memset(oversize + 8, '1', sizeof oversize - 9);
	oversize[sizeof oversize - 1] = '\0';
	expect_damage_then_record("#d,-,18,1034,1201,8");             /* its end is missing */
	expect_damage_then_record("18,1034,1201,878,12,_,_,98;\r\n"); /* its head */
	expect_damage_then_record("#d,-,18,1034,1201,878;\r\n");      /* its middle */
	expect_damage_then_record("#d,-,17,1034,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600;\r\n");
	/* Another number of fields than it says. */
	expect_damage_then_record("#d,-,17,1034,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;");
	expect_damage_then_record("garbage\r\n");
	expect_damage_then_record("#d,-,18,10\x01\xff\x80,;;\r\n");
	expect_damage_then_record(oversize);
	expect_damage_then_record("#;\r\n");
	expect_damage_then_record("#d,-,18,1034,1201,878,12,_,_,_,x,_,_,_,_,_,98,100,0,600,1055;");
	expect_damage_then_record("#d,-,18,1034,,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;");
	expect_damage_then_record("#d,-,18,-1034,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;");
}

/* There is no sum: a digit lost or added makes power contradict the other fields. */
static void test_contradiction(void)
{
	expect_one("#d,-,18,103,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;", WATTSUP_DAMAGED,
		   NAN);
	expect_one("#d,-,18,10344,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;",
		   WATTSUP_DAMAGED, NAN);
	/* More than volts times amperes, where no power factor is logged. */
	expect_one("#d,-,18,5034,1201,878,_,_,_,_,_,_,_,_,_,_,_,_,_,_,_;", WATTSUP_DAMAGED, NAN);
	/* Power alone is taken as it is. */
	expect_one("#d,-,18,5034,_,_,_,_,_,_,_,_,_,_,_,_,_,_,_,_,_;", WATTSUP_RECORD, 503.4);
	/* A poor power factor is none. */
	expect_one("#d,-,18,402,1201,670,_,_,_,_,_,_,_,_,_,_,50,_,_,_,_;", WATTSUP_RECORD, 40.2);
}

static void test_not_logged(void)
{
	expect_one("#d,-,18,_,1201,878,12,_,_,_,_,_,_,_,_,_,98,100,0,600,1055;", WATTSUP_RECORD,
		   NAN);
}

static void test_overrange(void)
{
	expect_one("#d,-,18,25221,1201,21429,12,_,_,_,_,_,_,_,_,_,98,100,0,600,25736;",
		   WATTSUP_OVERRANGE, NAN);
}

static void expect_stripped(const char *expected, const char *packets, size_t length, size_t packet)
{
	uint8_t bytes[64];
	size_t kept;

	memcpy(bytes, packets, length);
	kept = ftdi_strip(bytes, length, packet);
	UNIT_EQUAL_U64(strlen(expected), kept);
	UNIT_TRUE(memcmp(expected, bytes, kept) == 0);
}

/* AN232B-04: each packet begins with modem and line status. */
static void test_status_bytes(void)
{
	expect_stripped("", "\x01\x60", 2, 8);
	expect_stripped("", "\x01", 1, 8);
	expect_stripped("", "", 0, 8);
	expect_stripped("ab",
			"\x01\x60"
			"ab",
			4, 8);
	expect_stripped("abcdefghijkl",
			"\x01\x60"
			"abcdef"
			"\x01\x60"
			"ghijkl"
			"\x01\x60",
			18, 8);
	expect_stripped("abcdefg",
			"\x01\x60"
			"abcdef"
			"\x01\x60"
			"g",
			11, 8);
}

int main(void)
{
	return UNIT_RUN(
		"meter-wattsup", { "a record gives watts", test_record },
		{ "the version names model and firmware", test_version },
		{ "packets are the same however they are split", test_splits },
		{ "joining a stream is no damage", test_already_streaming },
		{ "damage is told once, then it goes on", test_damage_is_told_once },
		{ "power that contradicts the other fields is damaged", test_contradiction },
		{ "power that is not logged is none, not zero", test_not_logged },
		{ "more current than the meter can take is over range", test_overrange },
		{ "status bytes are taken out of each packet", test_status_bytes });
}
