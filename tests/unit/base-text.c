/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/csv.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static void test_buffer_grows(void)
{
	struct text text = { 0 };

	for (int i = 0; i < 1000; i++)
		text_addf(&text, "%d,", i);
	UNIT_EQUAL_U64(10 * 2 + 90 * 3 + 900 * 4, text.length);
	UNIT_EQUAL_U64(text.length, strlen(text.bytes));
	UNIT_CONTAINS("998,999,", text.bytes);
	text_reset(&text);
	UNIT_EQUAL_TEXT("", text.bytes);
	text_add(&text, "");
	text_add_bytes(&text, "abc", 2);
	UNIT_EQUAL_TEXT("ab", text.bytes);
	UNIT_TRUE(!text.failed);
	text_free(&text);
	UNIT_TRUE(text.bytes == NULL);
}

/* As their makers give them (isthe.com/chongo/tech/comp/fnv). */
static void test_hash(void)
{
	UNIT_EQUAL_U64(UINT64_C(0xcbf29ce484222325), hash_text(""));
	UNIT_EQUAL_U64(UINT64_C(0xaf63dc4c8601ec8c), hash_text("a"));
	UNIT_EQUAL_U64(UINT64_C(0x85944171f73967e8), hash_text("foobar"));
	UNIT_EQUAL_U64(hash_text("foobar"), hash_bytes(hash_text("foo"), "bar", 3));
}

static void test_patterns(void)
{
	static const struct {
		const char *pattern, *string;
		bool matches;
	} cases[] = {
		{ "", "", true },           { "", "a", false },          { "*", "", true },
		{ "*", "anything", true },  { "?", "", false },          { "?", "a", true },
		{ "a*c", "abbbc", true },   { "a*c", "abbb", false },    { "*b*", "abc", true },
		{ "a?c", "abc", true },     { "a?c", "ac", false },      { "**a**", "a", true },
		{ "*ab", "aab", true },     { "*ab*ab", "ab", false },   { "*ab*ab", "abab", true },
		{ "[a]", "a", false },      { "[a]", "[a]", true },      { "a\\*", "a\\x", true },
		{ "web-*", "web-1", true }, { "web-*", "Web-1", false }, { "a*", "ba", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool matches = text_matches(cases[i].pattern, cases[i].string);

		if (matches != cases[i].matches)
			fprintf(stderr, "\n\"%s\" on \"%s\"\n", cases[i].pattern, cases[i].string);
		UNIT_EQUAL_U64(cases[i].matches, matches);
	}
}

/* Exponential back-tracking would not end within anybody's life. */
static void test_hostile_pattern_ends(void)
{
	char pattern[201], string[2001];

	for (size_t i = 0; i < 199; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	memcpy(pattern + 199, "b", 2);
	memset(string, 'a', 2000);
	string[2000] = '\0';
	UNIT_TRUE(!text_matches(pattern, string));
}

static void check_printable(const char *source, const char *expected)
{
	char target[64];

	UNIT_EQUAL_TEXT(expected, text_printable(source, target, sizeof target));
}

static void test_printable_keeps_text(void)
{
	check_printable("", "");
	check_printable("vm 1 ~", "vm 1 ~");
	check_printable("Zürich €", "Zürich €");
	check_printable("e\xcc\x81", "e\xcc\x81"); /* e and a combining acute */
	check_printable("\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7");
	check_printable("\xc2\xa0", "\xc2\xa0");                 /* first behind C1 */
	check_printable("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"); /* U+10FFFF */
}

static void test_printable_replaces_what_drives_terminals(void)
{
	check_printable("a\x1b[2Jb", "a?[2Jb");
	check_printable("\x01\t\n\r\x1f\x7f", "??????");
	check_printable("x\xc2\x9b"
			"2J",
			"x?2J"); /* CSI of C1 as UTF-8 */
	check_printable("\xc2\x80\xc2\x9f", "??");
	check_printable("x\x9b"
			"2J",
			"x?2J"); /* and as a raw byte */
}

static void test_printable_replaces_ill_formed(void)
{
	check_printable("\xff\xfe", "??");
	check_printable("\xc0\x9b", "??");           /* overlong ESC */
	check_printable("\xe0\x80\x9b", "???");      /* overlong */
	check_printable("\xf0\x80\x80\x9b", "????"); /* overlong */
	check_printable("\xed\xa0\x80", "???");      /* surrogate */
	check_printable("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
	check_printable("a\xe2\x82", "a??");         /* cut short */
	check_printable("\xe2\x82\x1b", "???");      /* ESC behind a cut sequence */
	check_printable("\xc3", "?");
	check_printable("\xe2\x28\xa1", "?(?");
}

static void test_printable_cuts_between_characters(void)
{
	char target[8];

	UNIT_EQUAL_TEXT("abcd€", text_printable("abcd€x", target, sizeof target));
	UNIT_EQUAL_TEXT("abcde", text_printable("abcde€", target, sizeof target));
	UNIT_EQUAL_TEXT("", text_printable("abc", target, 1));
	strcpy(target, "kept");
	UNIT_EQUAL_TEXT("kept", text_printable("abc", target, 0));
}

static void test_csv_quotes_where_needed(void)
{
	struct text row = { 0 };

	csv_text(&row, "plain");
	csv_text(&row, "");
	csv_text(&row, "a,b");
	csv_text(&row, "say \"hi\"");
	csv_text(&row, "two\nlines");
	csv_text(&row, "\r");
	csv_double(&row, 0.1);
	csv_double(&row, NAN);
	csv_u64(&row, 18446744073709551615u);
	csv_end(&row);
	UNIT_EQUAL_TEXT("plain,,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"\r\",0.1,,"
			"18446744073709551615\n",
			row.bytes);
	text_free(&row);
}

static void test_csv_counts_an_empty_first_field(void)
{
	struct text row = { 0 };

	csv_double(&row, NAN);
	csv_text(&row, "b");
	csv_end(&row);
	csv_text(&row, "");
	csv_u64(&row, 2);
	csv_end(&row);
	csv_text(&row, "ends in\n");
	csv_u64(&row, 3);
	csv_end(&row);
	UNIT_EQUAL_TEXT("\"\",b\n\"\",2\n\"ends in\n\",3\n", row.bytes);
	text_free(&row);
}

static void test_error_texts(void)
{
	struct error error = { "" };
	char big[2 * ERROR_TEXT_BYTES];

	UNIT_EQUAL_I64(-ENOENT, error_setf(&error, ENOENT, "%s", "gone"));
	UNIT_EQUAL_TEXT("gone", error.text);
	UNIT_EQUAL_I64(-7, error_prefixf(&error, -7, "a %d", 1));
	UNIT_EQUAL_TEXT("a 1: gone", error.text);
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	error_prefixf(&error, 0, "%s", big);
	UNIT_EQUAL_U64(ERROR_TEXT_BYTES - 1, strlen(error.text));
	error_setf(&error, EINVAL, "%s", big);
	UNIT_EQUAL_U64(ERROR_TEXT_BYTES - 1, strlen(error.text));
	UNIT_EQUAL_I64(-EINVAL, error_setf(NULL, EINVAL, "nobody asked"));
	UNIT_EQUAL_I64(-EINVAL, error_prefixf(NULL, -EINVAL, "nobody asked"));
}

static void test_error_lists(void)
{
	struct error_list list = { 0 };

	for (int i = 0; i < ERROR_LIST_MAX + 5; i++)
		error_list_addf(&list, "f:%d: bad", i);
	UNIT_EQUAL_U64(ERROR_LIST_MAX, list.count);
	UNIT_EQUAL_U64(5, list.dropped);
	UNIT_EQUAL_TEXT("f:199: bad", list.texts[199]);
	error_list_clear(&list);
	UNIT_EQUAL_U64(0, list.count + list.dropped);
}

struct pairs {
	struct pair {
		int a, b;
	} * items;
	size_t count, capacity;
};

static void test_arrays_grow_zeroed(void)
{
	struct pairs pairs = { 0 };
	struct pair *again;

	for (int i = 0; i < 100; i++) {
		struct pair *pair = MEMORY_APPEND(&pairs);

		if (!pair)
			abort();
		UNIT_EQUAL_I64(0, pair->a + pair->b);
		pair->a = i + 1;
	}
	UNIT_EQUAL_U64(100, pairs.count);
	UNIT_EQUAL_I64(100, pairs.items[99].a);
	pairs.count = 0;
	again = MEMORY_APPEND(&pairs);
	UNIT_EQUAL_I64(0, again ? again->a : -1);
	UNIT_TRUE(memory_grow(pairs.items, &pairs.capacity, SIZE_MAX, 8) == NULL);
	UNIT_TRUE(memory_grow(pairs.items, &pairs.capacity, SIZE_MAX / 4, 8) == NULL);
	UNIT_EQUAL_I64(2, pairs.items[1].a);
	free(pairs.items);
}

int main(void)
{
	return UNIT_RUN(
		"base-text", { "a buffer grows", test_buffer_grows },
		{ "a hash is FNV-1a, in pieces, too", test_hash },
		{ "patterns match", test_patterns },
		{ "a hostile pattern ends", test_hostile_pattern_ends },
		{ "printable keeps text", test_printable_keeps_text },
		{ "printable replaces what drives terminals",
		  test_printable_replaces_what_drives_terminals },
		{ "printable replaces ill-formed UTF-8", test_printable_replaces_ill_formed },
		{ "printable cuts between characters", test_printable_cuts_between_characters },
		{ "csv quotes where needed", test_csv_quotes_where_needed },
		{ "csv counts an empty first field", test_csv_counts_an_empty_first_field },
		{ "error texts are cut, prefixed and optional", test_error_texts },
		{ "error lists are bounded and count the rest", test_error_lists },
		{ "arrays grow zeroed", test_arrays_grow_zeroed });
}
