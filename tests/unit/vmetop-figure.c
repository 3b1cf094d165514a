/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/figure.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "model/sample.h"
#include "tests/unit/unit.h"

static const char *power(double watts, char flag)
{
	static char text[FIGURE_BYTES];

	figure_power(watts, flag, text);
	return text;
}

static const char *energy(double joules, enum energy_unit unit)
{
	static char text[FIGURE_BYTES];

	figure_energy(joules, unit, '\0', text);
	return text;
}

static void test_power(void)
{
	UNIT_EQUAL_TEXT("0.00", power(0, '\0'));
	UNIT_EQUAL_TEXT("<.01", power(0.0049, '\0'));
	UNIT_EQUAL_TEXT("0.01", power(0.005, '\0'));
	UNIT_EQUAL_TEXT("-1.50", power(-1.5, '\0'));
	UNIT_EQUAL_TEXT("0.00", power(-0.001, '\0'));
	UNIT_EQUAL_TEXT("999.99", power(999.994, '\0'));
	UNIT_EQUAL_TEXT("1000.0", power(999.996, '\0'));
	UNIT_EQUAL_TEXT("9999.9", power(9999.94, '\0'));
	UNIT_EQUAL_TEXT("10000", power(9999.96, '\0'));
	UNIT_EQUAL_TEXT("~58.42", power(58.42, '~'));
}

static void test_unknown_is_never_zero(void)
{
	char text[FIGURE_BYTES];

	UNIT_EQUAL_TEXT("-", power(NAN, '~'));
	UNIT_EQUAL_TEXT("-", energy(NAN, ENERGY_JOULE));
	figure_percent(NAN, text);
	UNIT_EQUAL_TEXT("-", text);
	figure_bytes(NAN, text);
	UNIT_EQUAL_TEXT("-", text);
}

static void test_energy_is_promoted_after_rounding(void)
{
	UNIT_EQUAL_TEXT("0.250J", energy(0.25, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("0.000J", energy(0, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("50.00mJ", energy(0.05, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("0.100J", energy(0.09996, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("10.00uWh", energy(0.036, ENERGY_WATT_HOUR));
	UNIT_EQUAL_TEXT("999.9J", energy(999.94, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("1.000kJ", energy(999.95, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("10.00kJ", energy(9999.6, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("812.4kJ", energy(812400, ENERGY_JOULE));
	UNIT_EQUAL_TEXT("1.000Wh", energy(3600, ENERGY_WATT_HOUR));
}

static void test_flags(void)
{
	UNIT_EQUAL_I64('\0', figure_flag(0));
	UNIT_EQUAL_I64('~', figure_flag(QUALITY_ESTIMATE));
	UNIT_EQUAL_I64('>', figure_flag(QUALITY_ESTIMATE | QUALITY_MISSING));
	UNIT_EQUAL_I64('*', figure_flag(QUALITY_ESTIMATE | QUALITY_STALE | QUALITY_MISSING));
}

static void expect_name(const char *expected, int cells, const char *name, int columns)
{
	char text[256];

	UNIT_EQUAL_I64(cells, figure_name(name, columns, text, sizeof text));
	UNIT_EQUAL_TEXT(expected, text);
}

static void test_names_are_cut_in_the_middle(void)
{
	expect_name("web1", 4, "web1", 16);
	expect_name("instanc..-kvm02", 15, "instance-00000042-migrating-to-kvm02", 15);
	expect_name("exactly-sixteen!", 16, "exactly-sixteen!", 16);
}

static void test_names_cannot_reach_the_terminal(void)
{
	expect_name("a?[31mb?c", 9, "a\033[31mb\nc", 16);
	expect_name("x?y", 3, "x\xffy", 16);
}

/* Wide characters count two cells and are never cut in half; marks stay with their letter. */
static void test_names_are_measured_in_cells(void)
{
	expect_name("\xe4\xbb\xae\xe6\x83\xb3", 4, "\xe4\xbb\xae\xe6\x83\xb3", 16);
	expect_name("e\xcc\x81t\xc3\xa9", 3, "e\xcc\x81t\xc3\xa9", 16);
	/* Four wide characters in seven cells: 3 + ".." + 2 has room for one on each side. */
	expect_name("\xe4\xbb\xae..\xe6\x9c\xba", 6,
		    "\xe4\xbb\xae\xe6\x83\xb3\xe4\xb8\xbb\xe6\x9c\xba", 7);
}

static void expect_cut(const char *expected, enum cut cut, const char *name, int columns)
{
	char text[256];

	UNIT_EQUAL_I64(figure_cells(expected), figure_cut(name, columns, cut, text, sizeof text));
	UNIT_EQUAL_TEXT(expected, text);
}

static void test_cuts(void)
{
	expect_cut("abc\xe2\x80\xa6hi", CUT_MIDDLE_UNICODE, "abcdefghi", 6);
	expect_cut("abcdef", CUT_END, "abcdefghi", 6);
	expect_cut("abcdefghi", CUT_END, "abcdefghi", 9);
	/* Where the mark has no room, the name's beginning says more. */
	expect_cut("ab", CUT_MIDDLE, "abcdefghi", 2);
	expect_cut("a", CUT_MIDDLE_UNICODE, "abcdefghi", 1);
	expect_cut("", CUT_MIDDLE, "abcdefghi", 0);
}

static void test_other_figures(void)
{
	char text[FIGURE_BYTES];

	figure_whole_percent(17.5, text);
	UNIT_EQUAL_TEXT("18", text);
	figure_frequency(2.394e9, text);
	UNIT_EQUAL_TEXT("2.39GHz", text);
	figure_frequency(NAN, text);
	UNIT_EQUAL_TEXT("-", text);
	figure_time(1700000002.9, text);
	UNIT_EQUAL_TEXT("2023-11-14 22:13:22Z", text);
	figure_time(1e300, text);
	UNIT_EQUAL_TEXT("-", text);
	figure_count(950, text);
	UNIT_EQUAL_TEXT("950", text);
	figure_count(12400, text);
	UNIT_EQUAL_TEXT("12.4k", text);
	figure_count(NAN, text);
	UNIT_EQUAL_TEXT("-", text);
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1; /* part of glibc since 2.35 */
	return UNIT_RUN(
		"vmetop figure", { "power has its decimals by size", test_power },
		{ "unknown is never zero", test_unknown_is_never_zero },
		{ "energy is promoted after rounding", test_energy_is_promoted_after_rounding },
		{ "flags say how far a figure is known", test_flags },
		{ "names are cut in the middle", test_names_are_cut_in_the_middle },
		{ "names cannot reach the terminal", test_names_cannot_reach_the_terminal },
		{ "names are measured in cells", test_names_are_measured_in_cells },
		{ "names are cut as one likes", test_cuts },
		{ "counts, percents and frequencies", test_other_figures });
}
