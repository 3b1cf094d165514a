/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ini.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/unit.h"

/* What the handler saw, "LINE[SECTION]KEY=VALUE|" each. */
static struct text seen;

static int note(void *context, const struct ini_entry *entry, struct error_list *errors)
{
	(void)context;
	text_addf(&seen, "%u[%s]%s=%s|", entry->line, entry->section, entry->key, entry->value);
	if (strcmp(entry->key, "refused") == 0)
		return ini_errorf(errors, entry, "%s: unknown key", entry->key);
	return strcmp(entry->key, "silent") == 0 ? -ENOMEM : 0;
}

static int parse_bytes(const char *bytes, size_t length, struct error_list *errors)
{
	text_reset(&seen);
	text_add(&seen, "");
	*errors = (struct error_list){ 0 };
	return ini_parse_text("x.conf", bytes, length, note, NULL, errors);
}

static void check_good(const char *text, const char *expected)
{
	struct error_list errors;

	UNIT_EQUAL_I64(0, parse_bytes(text, strlen(text), &errors));
	UNIT_EQUAL_TEXT(expected, seen.bytes);
	UNIT_EQUAL_U64(0, errors.count);
	if (errors.count)
		fprintf(stderr, "\n%s\n", errors.texts[0]);
	error_list_clear(&errors);
	text_free(&seen);
}

/* One error with that text, and only `expected` got through. */
static void check_bad_bytes(const char *bytes, size_t length, const char *error,
			    const char *expected)
{
	struct error_list errors;

	UNIT_EQUAL_I64(-EINVAL, parse_bytes(bytes, length, &errors));
	UNIT_EQUAL_U64(1, errors.count);
	UNIT_CONTAINS(error, errors.count ? errors.texts[0] : "(none)");
	UNIT_EQUAL_TEXT(expected, seen.bytes);
	error_list_clear(&errors);
	text_free(&seen);
}

static void check_bad(const char *text, const char *error, const char *expected)
{
	check_bad_bytes(text, strlen(text), error, expected);
}

static void test_pairs_come_in_order_with_their_lines(void)
{
	check_good("", "");
	check_good("\n\n", "");
	check_good("top = 1\n; comment\n# another = 1\n\n[a b]\nk=v\nk = v = w\n[c]\nk\t=\tv\n",
		   "1[]top=1|6[a b]k=v|7[a b]k=v = w|9[c]k=v|");
	check_good("empty =\n", "1[]empty=|");
	check_good("weight = 1.23nJ +-0.05nJ skl::INST_RETIRED:ANY_P\n",
		   "1[]weight=1.23nJ +-0.05nJ skl::INST_RETIRED:ANY_P|");
	check_good("a;b = c;d # e\n", "1[]a;b=c;d # e|");
	check_good("k = ü€\n", "1[]k=ü€|");
}

static void test_line_ends(void)
{
	check_good("a = 1", "1[]a=1|");
	check_good("a = 1\r\n[s]\r\nb = 2\r\n", "1[]a=1|3[s]b=2|");
	check_good("a = 1\n[s]", "1[]a=1|");
	check_good("\xef\xbb\xbf[s]\na = 1\n", "2[s]a=1|");
	check_good("\xef\xbb\xbf"
		   "a = 1\n",
		   "1[]a=1|");
	check_good("a = 1  \t\n[s]  \nb = 2\n", "1[]a=1|3[s]b=2|");
}

static void test_long_lines(void)
{
	char line[256] = "key = ";
	char expected[300];

	memset(line + 6, 'v', INI_LINE_MAX_BYTES - 6);
	snprintf(expected, sizeof expected, "1[]key=%s|", line + 6);
	check_good(line, expected);
	strcat(line, "\r\n");
	check_good(line, expected);
	strcpy(line + INI_LINE_MAX_BYTES, "w\nb = 1\n");
	check_bad(line, "x.conf:1: line is too long: at most 190 bytes", "2[]b=1|");
}

static void test_sections(void)
{
	char line[128] = "[", expected[128];

	memset(line + 1, 's', INI_SECTION_MAX_BYTES);
	strcpy(line + 1 + INI_SECTION_MAX_BYTES, "]\na = 1\n");
	snprintf(expected, sizeof expected, "2[%.*s]a=1|", INI_SECTION_MAX_BYTES, line + 1);
	check_good(line, expected);
	strcpy(line + 1 + INI_SECTION_MAX_BYTES, "t]\n");
	check_bad(line, "x.conf:1: section name is too long: at most 48 bytes", "");
	check_bad("[a]b]\n", "x.conf:1: text behind ']'", "");
	check_bad("[a] b\n", "x.conf:1: text behind ']'", "");
	check_bad("[a\n", "x.conf:1: no ']'", "");
	check_bad("[\n", "x.conf:1: no ']'", "");
	check_bad("[]\n", "x.conf:1: empty section name", "");
	check_bad("[ a]\n", "x.conf:1: blank at the edge", "");
	check_bad("[a ]\n", "x.conf:1: blank at the edge", "");
}

static void test_pairs_below_a_bad_section_are_not_judged(void)
{
	check_bad("[a]\nk = 1\n[b\nrefused = 2\n[c]\nk = 3\n", "x.conf:3: no ']'",
		  "2[a]k=1|6[c]k=3|");
}

static void test_what_libinih_would_misread(void)
{
	check_bad("a = 1\n b = 2\nc = 3\n", "x.conf:2: leading blank", "1[]a=1|3[]c=3|");
	check_bad("\ta = 1\n", "x.conf:1: leading blank", "");
	check_bad("a = 20W ; twenty\n", "x.conf:1: ' ;' would cut the line", "");
	check_bad("a =\t;\n", "x.conf:1: ' ;' would cut the line", "");
	check_bad("[a ;b]\n", "x.conf:1: ' ;' would cut the line", "");
	check_bad("a: 1\n", "x.conf:1: must be 'key = value'", "");
	check_bad("skl::X = 1\n", "x.conf:1: ':' before '='", "");
	check_bad("word\n", "x.conf:1: must be 'key = value'", "");
	check_bad("= 1\n", "x.conf:1: no key before '='", "");
	check_bad("a = 1\rb = 2\n", "x.conf:1: control character", "");
	check_bad("a = \x1b[2J\n", "x.conf:1: control character", "");
	check_bad("a = 1\x0b\n", "x.conf:1: control character", "");
	check_bad("a\x7f = 1\n", "x.conf:1: control character", "");
	check_bad("ok = 1\n\xef\xbb\xbf[s]\n", "x.conf:2: byte order mark inside", "1[]ok=1|");
}

static void test_nul_bytes(void)
{
	static const char text[] = "a = 1\nb = 2\0; rm\nc = 3\n\0";

	check_bad_bytes(text, 23, "x.conf:2: NUL byte", "1[]a=1|3[]c=3|");
	check_bad_bytes("\0", 1, "x.conf:1: NUL byte", "");
}

static void test_every_error_is_listed(void)
{
	static const char text[] = "refused = 1\n lead = 2\n[x\n[y]\nrefused = 5\nword\nok = 7\n"
				   "silent = 8\nk : v";
	static const char *const expected[] = {
		"x.conf:1: refused: unknown key",
		"x.conf:2: leading blank",
		"x.conf:3: no ']'",
		"x.conf:5: refused: unknown key",
		"x.conf:6: must be",
		"x.conf:8: silent: Cannot allocate memory",
		"x.conf:9: must be",
	};
	struct error_list errors;

	UNIT_EQUAL_I64(-EINVAL, parse_bytes(text, strlen(text), &errors));
	UNIT_EQUAL_U64(7, errors.count);
	for (size_t i = 0; i < errors.count && i < 7; i++)
		UNIT_CONTAINS(expected[i], errors.texts[i]);
	UNIT_EQUAL_TEXT("1[]refused=1|5[y]refused=5|7[y]ok=7|8[y]silent=8|", seen.bytes);
	error_list_clear(&errors);
	text_free(&seen);
}

static void test_errors_of_other_files_do_not_count(void)
{
	struct error_list errors = { 0 };

	error_list_addf(&errors, "y.conf:1: bad");
	UNIT_EQUAL_I64(0, ini_parse_text("x.conf", "a = 1\n", 6, note, NULL, &errors));
	UNIT_EQUAL_U64(1, errors.count);
	error_list_clear(&errors);
	text_free(&seen);
}

int main(void)
{
	return UNIT_RUN(
		"base-ini",
		{ "pairs come in order with their lines",
		  test_pairs_come_in_order_with_their_lines },
		{ "CRLF, BOM and a missing last newline are taken", test_line_ends },
		{ "lines over 190 bytes are refused", test_long_lines },
		{ "section names are judged", test_sections },
		{ "pairs below a bad section are not judged",
		  test_pairs_below_a_bad_section_are_not_judged },
		{ "what libinih would misread is refused", test_what_libinih_would_misread },
		{ "NUL bytes are refused", test_nul_bytes },
		{ "every error is listed with its line", test_every_error_is_listed },
		{ "errors of other files do not count", test_errors_of_other_files_do_not_count });
}
