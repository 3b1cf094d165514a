/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "base/text.h"
#include "model/sample.h"

char figure_flag(unsigned quality)
{
	if (quality & QUALITY_STALE)
		return '*';
	if (quality & QUALITY_MISSING)
		return '>';
	return quality & (QUALITY_ESTIMATE | QUALITY_EXTRAPOLATED) ? '~' : '\0';
}

static void with_flag(char flag, const char *number, char text[FIGURE_BYTES])
{
	if (flag)
		snprintf(text, FIGURE_BYTES, "%c%.30s", flag, number);
	else
		snprintf(text, FIGURE_BYTES, "%s", number);
}

/* Decimals such that the *rounded* number obeys the rule: 999.996 is 1000.0. */
static int power_decimals(double watts)
{
	if (fabs(watts) >= 9999.95)
		return 0;
	return fabs(watts) >= 999.995 ? 1 : 2;
}

void figure_power(double watts, char flag, char text[FIGURE_BYTES])
{
	char number[FIGURE_BYTES];

	if (!isfinite(watts)) {
		strcpy(text, "-");
		return;
	}
	if (watts > 0 && watts < 0.005)
		strcpy(number, "<.01");
	else
		snprintf(number, sizeof number, "%.*f", power_decimals(watts),
			 fabs(watts) < 0.005 ? 0.0 : watts);
	with_flag(flag, number, text);
}

/* Four digits: the prefix is promoted after rounding (999.95 becomes 1.000k). */
static void with_prefix(double value, const char *unit, char number[FIGURE_BYTES])
{
	static const char *const prefixes[] = { "n", "u", "m", "", "k", "M", "G", "T", "P" };
	size_t step = 3;
	int decimals;

	while (value != 0 && fabs(value) < 0.09995 && step > 0) {
		value *= 1000;
		step--;
	}
	while (fabs(value) >= 999.95 && step + 1 < sizeof prefixes / sizeof *prefixes) {
		value /= 1000;
		step++;
	}
	decimals = fabs(value) < 9.9995 ? 3 : fabs(value) < 99.995 ? 2 : 1;
	snprintf(number, FIGURE_BYTES, "%.*f%s%s", decimals, value, prefixes[step], unit);
}

void figure_energy(double joules, enum energy_unit unit, char flag, char text[FIGURE_BYTES])
{
	char number[FIGURE_BYTES];

	if (!isfinite(joules)) {
		strcpy(text, "-");
		return;
	}
	if (unit == ENERGY_WATT_HOUR)
		with_prefix(joules / 3600, "Wh", number);
	else
		with_prefix(joules, "J", number);
	with_flag(flag, number, text);
}

static void with_decimals(double value, int decimals, char text[FIGURE_BYTES])
{
	if (isfinite(value))
		snprintf(text, FIGURE_BYTES, "%.*f", decimals, value);
	else
		strcpy(text, "-");
}

void figure_percent(double percent, char text[FIGURE_BYTES])
{
	with_decimals(percent, 1, text);
}

void figure_whole_percent(double percent, char text[FIGURE_BYTES])
{
	with_decimals(percent, 0, text);
}

void figure_frequency(double hz, char text[FIGURE_BYTES])
{
	with_decimals(hz / 1e9, 2, text);
	if (isfinite(hz))
		strcat(text, "GHz");
}

/* Up to four digits; suffixes[0] is shown unless it is a blank. */
static void with_suffix(double value, const char *suffixes, char text[FIGURE_BYTES])
{
	size_t step = 0;

	if (!isfinite(value)) {
		strcpy(text, "-");
		return;
	}
	while (value >= 999.95 && suffixes[step + 1]) {
		value /= 1000;
		step++;
	}
	snprintf(text, FIGURE_BYTES, "%.*f%c", step ? 1 : 0, value, suffixes[step]);
	if (suffixes[step] == ' ')
		text[strlen(text) - 1] = '\0';
}

void figure_bytes(double bytes_per_s, char text[FIGURE_BYTES])
{
	with_suffix(bytes_per_s, "BkMGTP", text);
}

void figure_count(double number, char text[FIGURE_BYTES])
{
	with_suffix(number, " kMGTP", text);
}

void figure_time(double unix_s, char text[FIGURE_BYTES])
{
	const double far_s = 1e11; /* in the year 5138 */
	time_t seconds = fabs(unix_s) < far_s ? (time_t)unix_s : 0;
	struct tm utc;

	if (seconds == 0 || !gmtime_r(&seconds, &utc) ||
	    !strftime(text, FIGURE_BYTES, "%Y-%m-%d %H:%M:%SZ", &utc))
		strcpy(text, "-");
}

/* --- names ------------------------------------------------------------------ */

/* One character: its bytes and its cells. What the locale cannot show is one '?'. */
static size_t next_character(const char *text, mbstate_t *state, int *cells)
{
	wchar_t character;
	size_t length = mbrtowc(&character, text, MB_CUR_MAX, state);

	if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
		*state = (mbstate_t){ 0 };
		*cells = -1;
		return 1;
	}
	*cells = wcwidth(character);
	return length;
}

int figure_cells(const char *text)
{
	mbstate_t state = { 0 };
	int total = 0;

	while (*text) {
		int cells;

		text += next_character(text, &state, &cells);
		total += cells < 0 ? 1 : cells;
	}
	return total;
}

/* Copy the characters that lie in cells [from, to), whole ones only; returns the cells copied. */
static int copy_cells(const char *source, int from, int to, struct text *out)
{
	mbstate_t state = { 0 };
	int at = 0, copied = 0;

	while (*source) {
		int cells;
		size_t length = next_character(source, &state, &cells);
		int width = cells < 0 ? 1 : cells;

		/* A combining mark belongs to the character before it. */
		if (at >= from && at + width <= to && (width > 0 || copied > 0)) {
			if (cells < 0)
				text_add(out, "?");
			else
				text_add_bytes(out, source, length);
			copied += width;
		}
		at += width;
		source += length;
	}
	return copied;
}

int figure_cut(const char *name, int columns, enum cut cut, char *text, size_t size)
{
	static const struct {
		const char *text;
		int cells;
	} marks[] = { { "..", 2 }, { "\xe2\x80\xa6", 1 }, { "", 0 } };
	size_t bytes = strlen(name) * 4 + 1;
	char *printable = malloc(bytes);
	struct text out = { 0 };
	int total, used;

	*text = '\0';
	if (!printable)
		return 0;
	total = figure_cells(text_printable(name, printable, bytes));
	if (total <= columns) {
		used = copy_cells(printable, 0, total, &out);
	} else if (columns <= marks[cut].cells || cut == CUT_END) {
		used = copy_cells(printable, 0, columns, &out);
	} else {
		int left = columns - marks[cut].cells, tail = left / 2;

		used = copy_cells(printable, 0, left - tail, &out);
		text_add(&out, marks[cut].text);
		used += marks[cut].cells + copy_cells(printable, total - tail, total, &out);
	}
	if (!out.failed && out.length < size)
		memcpy(text, out.bytes ? out.bytes : "", out.length + 1);
	else
		used = 0;
	text_free(&out);
	free(printable);
	return used;
}

int figure_name(const char *name, int columns, char *text, size_t size)
{
	return figure_cut(name, columns, CUT_MIDDLE, text, size);
}
