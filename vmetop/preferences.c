/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/preferences.h"

#include <errno.h>
#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ini.h"
#include "base/units.h"
#include "vmetop/delay.h"

/* One key of the file. Texts of parse() begin with the value: "5ms: must be 10ms..60s". */
struct setting {
	const char *key;
	int (*parse)(const struct setting *setting, const char *value, struct ui *ui,
		     struct error *error);
	void (*print)(const struct setting *setting, const struct ui *ui, struct text *out);
	size_t offset; /* in struct ui, of kinds that stand for one field */
	const char *const *words;
	int word_count;
};

static void *field(const struct setting *setting, struct ui *ui)
{
	return (char *)ui + setting->offset;
}

static const void *const_field(const struct setting *setting, const struct ui *ui)
{
	return (const char *)ui + setting->offset;
}

/* --- words ---------------------------------------------------------------------------------- */

/* "a, b or c", as a bound. */
static int word_error(const char *value, const char *const *words, int count, struct error *error)
{
	struct text list = { 0 };
	int result;

	for (int i = 0; i < count; i++)
		text_addf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
	result = error_setf(error, EINVAL, "%s: must be %s", value, list.bytes ? list.bytes : "?");
	text_free(&list);
	return result;
}

static int find_word(const struct setting *setting, const char *value, struct error *error)
{
	for (int i = 0; i < setting->word_count; i++)
		if (strcmp(setting->words[i], value) == 0)
			return i;
	return word_error(value, setting->words, setting->word_count, error);
}

/* A field of an enum, whose values are indexes of the words. */
static int parse_word(const struct setting *setting, const char *value, struct ui *ui,
		      struct error *error)
{
	int word = find_word(setting, value, error);

	if (word < 0)
		return word;
	memcpy(field(setting, ui), &word, sizeof word);
	return 0;
}

static void print_word(const struct setting *setting, const struct ui *ui, struct text *out)
{
	int word;

	memcpy(&word, const_field(setting, ui), sizeof word);
	text_addf(out, "%s = %s\n", setting->key, setting->words[word]);
}

static const char *const switch_words[] = { "no", "yes", "auto" };
enum { SWITCH_NO, SWITCH_YES, SWITCH_AUTO };

static int parse_switch(const struct setting *setting, const char *value, struct ui *ui,
			struct error *error)
{
	int word = find_word(setting, value, error);

	if (word < 0)
		return word;
	*(bool *)field(setting, ui) = word != SWITCH_NO;
	return 0;
}

static void print_switch(const struct setting *setting, const struct ui *ui, struct text *out)
{
	const bool *on = const_field(setting, ui);

	text_addf(out, "%s = %s\n", setting->key, switch_words[*on ? SWITCH_YES : SWITCH_NO]);
}

/* What is off because this terminal has none of it may be on in the next one. */
static void print_automatic(const struct setting *setting, const struct ui *ui, struct text *out,
			    bool can)
{
	const bool *on = const_field(setting, ui);

	text_addf(out, "%s = %s\n", setting->key,
		  switch_words[can && !*on ? SWITCH_NO : SWITCH_AUTO]);
}

static void print_unicode(const struct setting *setting, const struct ui *ui, struct text *out)
{
	print_automatic(setting, ui, out, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
}

static void print_color(const struct setting *setting, const struct ui *ui, struct text *out)
{
	const char *no_color = getenv("NO_COLOR");

	print_automatic(setting, ui, out, !no_color || !*no_color);
}

/* --- columns ---------------------------------------------------------------------------------- */

static int column_index(const char *key, size_t length)
{
	for (size_t i = 0; i < column_count; i++)
		if (strlen(columns[i].key) == length && memcmp(columns[i].key, key, length) == 0)
			return (int)i;
	return -1;
}

/* Columns without a title are for sorting alone. */
static int column_error(const char *value, bool titled, struct error *error)
{
	const char *keys[64];
	int count = 0;

	for (size_t i = 0; i < column_count && count < 64; i++)
		if (columns[i].title || !titled)
			keys[count++] = columns[i].key;
	return word_error(value, keys, count, error);
}

static int parse_sort(const struct setting *setting, const char *value, struct ui *ui,
		      struct error *error)
{
	const struct column *column = column_find(value);

	(void)setting;
	if (!column)
		return column_error(value, false, error);
	ui->view.sort = column->key;
	return 0;
}

static void print_sort(const struct setting *setting, const struct ui *ui, struct text *out)
{
	if (ui->view.sort)
		text_addf(out, "%s = %s\n", setting->key, ui->view.sort);
}

static const char all_that_fit[] = "auto";

static int parse_columns(const struct setting *setting, const char *value, struct ui *ui,
			 struct error *error)
{
	unsigned long shown = 1; /* the name always */
	const char *next = value;

	(void)setting;
	if (strcmp(value, all_that_fit) == 0) {
		ui->view.shown_columns = 0;
		return 0;
	}
	for (bool more = true; more;) {
		size_t length = strcspn(next, ","), end = length;
		int index;

		while (end > 0 && next[end - 1] == ' ')
			end--;
		index = column_index(next, end);
		if (index < 0 || !columns[index].title)
			return column_error(value, true, error);
		shown |= 1UL << index;
		more = next[length] == ',';
		next += length + more;
		next += strspn(next, " ");
	}
	ui->view.shown_columns = shown;
	return 0;
}

static void print_columns(const struct setting *setting, const struct ui *ui, struct text *out)
{
	const char *separator = "";

	text_addf(out, "%s = ", setting->key);
	if (!ui->view.shown_columns)
		text_add(out, all_that_fit);
	for (size_t i = 0; i < column_count; i++) {
		if (!(ui->view.shown_columns & 1UL << i) || !columns[i].title)
			continue;
		text_addf(out, "%s%s", separator, columns[i].key);
		separator = ",";
	}
	text_add(out, "\n");
}

/* --- times ---------------------------------------------------------------------------------- */

enum { TIME_BYTES = 64, SPANS_MAX = 16 };

static int parse_window(const struct setting *setting, const char *value, struct ui *ui,
			struct error *error)
{
	char texts[SPANS_MAX][TIME_BYTES];
	const char *words[SPANS_MAX];
	double span_s;
	int count = 0;

	(void)setting;
	if (unit_parse(QUANTITY_TIME, value, 0, 1e9, &span_s, NULL))
		span_s = -1;
	for (size_t i = 0; i < ui_graph_span_count && i < SPANS_MAX; i++) {
		if (ui_graph_spans_s[i] >= span_s && ui_graph_spans_s[i] <= span_s) {
			ui->graph_span = i;
			return 0;
		}
		words[count++] =
			unit_format(QUANTITY_TIME, ui_graph_spans_s[i], texts[i], sizeof texts[i]);
	}
	return word_error(value, words, count, error);
}

static void print_time(const char *key, double seconds, struct text *out)
{
	char text[TIME_BYTES];

	text_addf(out, "%s = %s\n", key, unit_format(QUANTITY_TIME, seconds, text, sizeof text));
}

static void print_window(const struct setting *setting, const struct ui *ui, struct text *out)
{
	print_time(setting->key, ui_graph_spans_s[ui->graph_span], out);
}

static int parse_delay(const struct setting *setting, const char *value, struct ui *ui,
		       struct error *error)
{
	(void)setting;
	return delay_parse(value, &ui->interval_s, error);
}

static void print_delay(const struct setting *setting, const struct ui *ui, struct text *out)
{
	print_time(setting->key, ui->interval_s, out);
}

/* --- the file ----------------------------------------------------------------------------------
 */

static int parse_format(const struct setting *setting, const char *value, struct ui *ui,
			struct error *error)
{
	(void)ui;
	return find_word(setting, value, error) < 0 ? -EINVAL : 0;
}

static void print_format(const struct setting *setting, const struct ui *ui, struct text *out)
{
	(void)ui;
	text_addf(out, "%s = %d\n", setting->key, PREFERENCES_FORMAT);
}

static const char *const format_words[] = { "1" };
static const char *const unit_words[] = { [ENERGY_JOULE] = "j", [ENERGY_WATT_HOUR] = "wh" };
static const char *const page_words[] = {
	[PAGE_DOMAINS] = "domains", [PAGE_HOST] = "host",   [PAGE_SERVICES] = "services",
	[PAGE_DISKS] = "disks",     [PAGE_GRAPH] = "graph",
};
static const char *const graph_words[] = {
	[GRAPH_ASCII] = "ascii",
	[GRAPH_BLOCK] = "block",
	[GRAPH_BRAILLE] = "braille",
};
_Static_assert(sizeof(enum energy_unit) == sizeof(int) && sizeof(enum page_number) == sizeof(int) &&
		       sizeof(enum graph_style) == sizeof(int),
	       "words are written as int");

#define COUNT(words) (int)(sizeof(words) / sizeof *(words))
#define WORD(key, member, words)                                                                   \
	{                                                                                          \
		key, parse_word, print_word, offsetof(struct ui, member), words, COUNT(words)      \
	}
#define SWITCH(key, member)                                                                        \
	{                                                                                          \
		key, parse_switch, print_switch, offsetof(struct ui, member), switch_words,        \
			SWITCH_AUTO                                                                \
	}
#define AUTOMATIC(key, member, print)                                                              \
	{                                                                                          \
		key, parse_switch, print, offsetof(struct ui, member), switch_words,               \
			COUNT(switch_words)                                                        \
	}

static const struct setting settings[] = {
	{ "format", parse_format, print_format, 0, format_words, COUNT(format_words) },
	WORD("page", page, page_words),
	{ "sort", parse_sort, print_sort, 0, NULL, 0 },
	SWITCH("invert", view.invert),
	{ "columns", parse_columns, print_columns, 0, NULL, 0 },
	SWITCH("tree", view.tree),
	SWITCH("hide-idle", view.hide_idle),
	WORD("unit", view.unit, unit_words),
	SWITCH("one-scale", view.one_scale),
	SWITCH("pane", pane),
	WORD("graph", graph_style, graph_words),
	{ "window", parse_window, print_window, 0, NULL, 0 },
	{ "delay", parse_delay, print_delay, 0, NULL, 0 },
	AUTOMATIC("color", color, print_color),
	AUTOMATIC("unicode", unicode, print_unicode),
	SWITCH("mouse", mouse),
};
enum { SETTING_COUNT = sizeof settings / sizeof *settings };

struct reading {
	struct ui ui;
	unsigned lines[SETTING_COUNT]; /* where each key stood; 0 = not yet */
};

static int take(void *context, const struct ini_entry *entry, struct error_list *errors)
{
	struct reading *reading = context;
	struct error error = { "" };
	size_t i = 0;

	while (i < SETTING_COUNT && strcmp(settings[i].key, entry->key) != 0)
		i++;
	if (*entry->section)
		return ini_errorf(errors, entry, "[%s]: this file has no sections", entry->section);
	if (i == SETTING_COUNT)
		return ini_errorf(errors, entry, "%s: no such key", entry->key);
	if (reading->lines[i])
		return ini_errorf(errors, entry, "%s: stands in line %u, too", entry->key,
				  reading->lines[i]);
	reading->lines[i] = entry->line;
	if (settings[i].parse(&settings[i], entry->value, &reading->ui, &error))
		return ini_errorf(errors, entry, "%s %s", entry->key, error.text);
	return 0;
}

int preferences_parse(const char *path, const char *text, size_t length, struct ui *ui,
		      struct error_list *errors)
{
	struct reading reading = { .ui = *ui };
	int result = ini_parse_text(path, text, length, take, &reading, errors);

	if (!result)
		*ui = reading.ui;
	return result;
}

void preferences_print(const struct ui *ui, struct text *out)
{
	text_add(out, "# Settings of vmetop: see vmetop.conf(5). W writes them anew.\n");
	for (size_t i = 0; i < SETTING_COUNT; i++)
		settings[i].print(&settings[i], ui, out);
}
